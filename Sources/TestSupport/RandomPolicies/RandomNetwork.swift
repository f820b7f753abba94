/// A network of random manifests.
struct RandomNetwork {
    var name: String
    var number: Int
    var type: String
    var hasIPv4: Bool
    var hasIPv6: Bool
    var peers: [String]
    var hasGateway = false
    var text = ""

    /// Whether others than this host's own endpoints are on it.
    var isJoined: Bool { type == "transparent" || type == "overlay" }

    var prefixes: [String] {
        (hasIPv4 ? ["10.\(60 + number).0.0/24"] : []) + (hasIPv6 ? ["fd00:\(60 + number)::/64"] : [])
    }
    /// The first address of a prefix.
    func gateway(of prefix: String) -> String {
        prefix.contains(":") ? "fd00:\(60 + number)::1" : "10.\(60 + number).0.1"
    }
    func addresses(_ host: Int) -> [String] {
        (hasIPv4 ? ["10.\(60 + number).0.\(host)"] : []) + (hasIPv6 ? ["fd00:\(60 + number)::\(host)"] : [])
    }
}
