internal import Addressing
internal import Model
internal import Reachability

/// `endpoint/NAME`, NAME, `host`, `world` or an address.
enum PlaceArgument {
    static func parse(_ text: String, _ reachability: Reachability, _ state: DesiredState) throws -> Place {
        if text == "host" { return .host }
        if text == "world" { return .world }
        if let address = IPAddress(text) {
            guard !address.isMulticast, !address.isUnspecified else {
                throw Complaint("\(address) is no address that a connection is made from or to", .usage)
            }
            return .address(address)
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
