internal import Firewall
internal import JSON
internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// What this kernel can do, tried in a scratch network namespace that ends with the question; a version number tells
/// little about a kernel that somebody else configured. Modules that the kernel loads for it stay loaded.
public struct KernelSurvey: Hashable, Sendable {
    /// One thing that may be there.
    public struct Feature: Hashable, Sendable {
        /// `link/vxlan`, `nftables/bridge conntrack`, `setting/force_forwarding`.
        public let name: String
        /// Nil where it is there, else what the kernel said.
        public let refusal: String?
    }

    /// In the order in which they are asked.
    public let features: [Feature]

    private static let linkKinds = ["bridge", "veth", "vlan", "macvlan", "macvtap", "vxlan", "ifb"]

    /// Asks.
    public init() throws {
        let worker = try NamespaceWorker()
        let space = try worker.createNamespace()
        features =
            try worker.run(in: space.rawValue) { try Self.links() + Self.firewall() } + [Self.taps] + Self.settings()
    }

    /// The refusal of a feature; nil where it is there.
    public func refusal(_ name: String) -> String? { features.first { $0.name == name }?.refusal }

    /// Whether there are links of a kind.
    static func hasLinks(of kind: String) throws -> Bool {
        let worker = try NamespaceWorker()
        let space = try worker.createNamespace()
        return try worker.run(in: space.rawValue) { try links([kind]).allSatisfy { $0.refusal == nil } }
    }

    /// Taps come of a file, and never of a request by netlink.
    private static var taps: Feature {
        Feature(name: "link/tun", refusal: TapDevice.isSupported() ? nil : "/dev/net/tun cannot be opened")
    }

    private static func links(_ kinds: [String] = linkKinds) throws -> [Feature] {
        let connection = NetlinkConnection(try NetlinkSocket(.route))
        return try kinds.map { kind in
            var refusal: String?
            do {
                try connection.perform(LinkRequest.probe(kind: kind))
                try? connection.perform(LinkRequest.delete(name: LinkRequest.probeName))
            } catch let error as NetlinkError {
                // Whoever has the kind complains of what the request lacks.
                if error.code == .notSupported { refusal = error.text ?? error.code.text }
            }
            return Feature(name: "link/\(kind)", refusal: refusal)
        }
    }

    private static func firewall() throws -> [Feature] {
        let library = try Library.open()
        let questions: [(name: String, family: String, chain: JSON, rule: JSON)] = [
            ("inet", "inet", chain("inet", "filter", "forward", 0), [established, accept]),
            ("connection labels", "inet", chain("inet", "filter", "forward", 0), [label]),
            ("NAT", "inet", chain("inet", "nat", "postrouting", 100), [["masquerade": nil]]),
            ("bridge", "bridge", chain("bridge", "filter", "prerouting", -300), [accept]),
            ("bridge conntrack", "bridge", chain("bridge", "filter", "forward", 0), [established, accept]),
        ]
        return questions.map { question in
            let table: JSON = ["table": ["family": .string(question.family), "name": "probe"]]
            let rule: JSON = [
                "rule": [
                    "family": .string(question.family), "table": "probe", "chain": "probe", "expr": question.rule,
                ]
            ]
            do throws(FirewallError) {
                try library.commit([["add": table], ["add": question.chain], ["add": rule], ["delete": table]])
                return Feature(name: "nftables/\(question.name)", refusal: nil)
            } catch {
                return Feature(name: "nftables/\(question.name)", refusal: error.reason)
            }
        }
    }

    private static let accept: JSON = ["accept": nil]
    private static let established: JSON = [
        "match": ["op": "in", "left": ["ct": ["key": "state"]], "right": "established"]
    ]
    private static let label: JSON = ["mangle": ["key": ["ct": ["key": "label"]], "value": 121]]

    private static func chain(_ family: String, _ type: String, _ hook: String, _ priority: Int64) -> JSON {
        [
            "chain": [
                "family": .string(family), "table": "probe", "name": "probe", "type": .string(type),
                "hook": .string(hook), "prio": .int(priority), "policy": "accept",
            ]
        ]
    }

    private static func settings() -> [Feature] {
        let paths = [
            ("br_netfilter", "net/bridge/bridge-nf-call-iptables"), ("IPv6", "net/ipv6/conf/all/forwarding"),
            ("force_forwarding", "net/ipv6/conf/all/force_forwarding"),
        ]
        return paths.map { name, path in
            let isThere = (try? Files.status("/proc/sys/\(path)")) != nil
            return Feature(name: "setting/\(name)", refusal: isThere ? nil : "there is no /proc/sys/\(path)")
        }
    }
}
