internal import Addressing
internal import Model
internal import Reachability

/// `endpoint/NAME`, NAME, `host`, `world` or an address.
enum PlaceArgument {
    static func parse(_ text: String, _ reachability: Reachability, _ state: DesiredState) throws -> Place {
        if text == "host" { return .host }
        if text == "world" { return .world }
        if let address = IPAddress(text) {
            return .address(try single(address, reachability, state))
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let isQualified = parts.count == 2
        guard !isQualified || parts[0].lowercased() == "endpoint", let name = parts.last.flatMap({ ObjectName($0) })
        else {
            throw Complaint(
                "'\(text.terminalSafe)' must be endpoint/NAME, NAME, host, world or an address", .usage)
        }
        guard reachability.endpoint(name) != nil else {
            throw Complaint(
                "no Endpoint '\(name)' on host \(state.host.terminalSafe) in these manifests; endpoints of other Hosts are asked for with --host"
            )
        }
        return .endpoint(name)
    }

    /// An address of one, and of somebody whom the manifests know by it.
    private static func single(
        _ address: IPAddress, _ reachability: Reachability, _ state: DesiredState
    ) throws -> IPAddress {
        let isGroup =
            address == IPAddress("255.255.255.255")
            || state.networks.contains { $0.subnets.contains { $0.isGroup(address) } }
        guard !address.isMulticast, !address.isUnspecified, !isGroup else {
            throw Complaint("\(address) is no address that a connection is made from or to", .usage)
        }
        if address.family == .ipv6, address.isLinkLocal, reachability.party(of: address) == .outside {
            throw Complaint(
                "\(address) follows from the MAC of no card in these manifests: policies take it for that of the endpoint whose card sends it; ask about that endpoint by name"
            )
        }
        return address
    }
}

extension Place {
    /// As it was asked for.
    var words: String {
        switch self {
        case .endpoint(let name): name.text
        case .host: "host"
        case .world: "world"
        case .address(let address): address.description
        }
    }
}

extension Party {
    /// Its name.
    var words: String {
        switch self {
        case .endpoint(let name): name.text
        case .host: "host"
        case .outside: "world"
        }
    }
}
