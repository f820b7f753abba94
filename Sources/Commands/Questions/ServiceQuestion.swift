internal import Addressing
internal import Model
internal import Reachability

/// What `trace` is asked about: a protocol, and what of it.
enum ServiceQuestion {
    case transport(PortProtocol, PortRange?)
    case icmp(AddressFamily, UInt8)
    case other(UInt8)

    init(protocol text: String, port: String?, type: String?) throws {
        let word = text.lowercased()
        switch word {
        case "tcp", "udp", "sctp":
            guard let transport = PortProtocol(rawValue: word) else { throw Complaint("unknown protocol", .usage) }
            if type != nil { throw Complaint("--type is for icmp and icmpv6; \(word) has --port", .usage) }
            var ports: PortRange?
            if let port {
                guard let range = PortRange(port) else {
                    throw Complaint("--port '\(port.terminalSafe)' must be a port from 1 to 65535, or a range", .usage)
                }
                ports = range
            }
            self = .transport(transport, ports)
        case "icmp", "icmpv6":
            let family: AddressFamily = word == "icmp" ? .ipv4 : .ipv6
            if port != nil { throw Complaint("--port is for tcp, udp and sctp; \(word) has --type", .usage) }
            guard let number = ICMPTypes.number(type ?? "echo-request", family) else {
                throw Complaint(
                    "--type '\((type ?? "").terminalSafe)' is no type of \(word), such as echo-request", .usage)
            }
            guard ICMPTypes.startsConnection(number, family) else {
                throw Complaint(
                    "\(word) \(ICMPTypes.name(number, family)) begins no connection: it passes as part of, or as an error of, one that is allowed; ask about that one",
                    .usage)
            }
            self = .icmp(family, number)
        case _:
            guard let number = UInt8(word), port == nil, type == nil else {
                throw Complaint(
                    "--protocol '\(text.terminalSafe)' must be tcp, udp, sctp, icmp, icmpv6 or a protocol number without --port and --type",
                    .usage)
            }
            self = .other(number)
        }
    }

    /// Families that have it.
    var families: [AddressFamily] {
        switch self {
        case .transport, .other: AddressFamily.allCases
        case .icmp(let family, _): [family]
        }
    }

    /// `tcp`, `icmp echo-request`, `protocol 47`.
    var words: String {
        switch self {
        case .transport(let transport, _): transport.rawValue
        case .icmp(let family, let type): PolicyService.icmp(family, [type]).description
        case .other(let number): "protocol \(number)"
        }
    }

    /// The answers for one pair of addresses; by range of ports for transport protocols.
    func answers(_ pair: AddressPair, _ reachability: Reachability) -> [(ports: PortRange?, answer: Answer)] {
        switch self {
        case .icmp(_, let type): return [(nil, reachability.answer(pair.connection(.icmp(type: type))))]
        case .other(let number): return [(nil, reachability.answer(pair.connection(.other(number))))]
        case .transport(let transport, let asked):
            let all = reachability.answers(pair.connection(.transport(transport, port: 1)), transport)
            guard let asked else { return all.map { ($0.ports, $0.answer) } }
            return all.compactMap { item in
                guard item.ports.overlaps(asked) else { return nil }
                let (first, last) = (max(item.ports.first, asked.first), min(item.ports.last, asked.last))
                return PortRange(Int(first), Int(last)).map { ($0, item.answer) }
            }
        }
    }
}
