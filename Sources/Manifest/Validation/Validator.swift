internal import Addressing
internal import Model

/// Checks documents against each other; knows no machine.
struct Validator {
    let documents: Documents
    let networks: [String: NetworkDocument]
    let compartments: [String: CompartmentDocument]
    let hosts: [String: HostDocument]
    /// Endpoints by the compartment they are in.
    let cards: [String: [EndpointDocument]]
    var diagnostics: [Diagnostic] = []
    private var dangling = 0

    init(_ documents: Documents) {
        self.documents = documents
        networks = Self.index(documents.networks) { $0.head.name.text }
        compartments = Self.index(documents.compartments) { $0.head.name.text }
        hosts = Self.index(documents.hosts) { $0.head.name.text }
        cards = documents.endpoints.inCompartments
            .mapValues { $0.sorted { $0.head.name < $1.head.name } }
    }

    private static func index<Value>(_ values: [Value], _ key: (Value) -> String) -> [String: Value] {
        Dictionary(values.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func fail(_ message: String, at location: SourceLocation?, about subject: Diagnostic.Subject? = nil) {
        diagnostics.append(Diagnostic(.error, message, at: location, about: subject))
    }

    mutating func warn(_ message: String, at location: SourceLocation?) {
        diagnostics.append(Diagnostic(.warning, message, at: location))
    }

    /// All rules.
    mutating func run() {
        checkNames()
        checkVersion()
        checkHosts()
        for network in documents.networks { checkNetwork(network) }
        checkOverlaps()
        checkIdentifiers()
        checkEVPN()
        checkSegments()
        for compartment in documents.compartments { checkCompartment(compartment) }
        checkNamespaces()
        checkRouterNames()
        for endpoint in documents.endpoints { checkEndpoint(endpoint) }
        checkCompartmentCards()
        checkAddresses()
        checkInterfaceNames()
        checkPortMappings()
        checkPortCount()
        for policy in documents.policies { checkPolicy(policy) }
    }

    /// A reference to something that is not declared, unless a document that cannot be read may declare it.
    mutating func missing(_ kind: ObjectKind, _ name: Located<String>, among names: [String]) {
        guard !documents.isIncomplete else { return }
        if let id = ObjectName(name.value), documents.unread.contains(ObjectID(kind, id)) { return }
        // Looking through all names for each of very many mistakes would take longer than anybody waits.
        dangling += 1
        let hint = dangling > 100 ? "" : Suggestion.phrase(name.value, among: names.sorted())
        fail("\(kind.rawValue) '\(name.value)' is not declared\(hint)", at: name.at)
    }

    /// Names are unique per kind.
    private mutating func checkNames() {
        var seen: [ObjectID: SourceLocation] = [:]
        let all =
            documents.hosts.map { (ObjectKind.host, $0.head) } + documents.networks.map { (.network, $0.head) }
            + documents.compartments.map { (.compartment, $0.head) }
            + documents.endpoints.map { (.endpoint, $0.head) } + documents.policies.map { (.policy, $0.head) }
        for (kind, head) in all {
            let id = ObjectID(kind, head.name)
            if let first = seen[id] {
                fail("\(id) is declared twice; the other is at \(first)", at: head.at)
            } else {
                seen[id] = head.at
            }
        }
    }

    mutating func checkOnePerFamily(_ addresses: [Located<IPAddress>], what: String) {
        var seen: Set<AddressFamily> = []
        for address in addresses where !seen.insert(address.value.family).inserted {
            fail(
                "\(what): one address a family; \(address.value) is the second of \(address.value.family.rawValue)",
                at: address.at)
        }
    }

    /// The VXLAN device of an overlay is a port, too, and so are the cards of its router and its peers'.
    private static func portLimit(_ network: NetworkDocument) -> Int {
        guard network.type.value == .overlay else { return 1023 }
        return 1022 - (network.hasGateway ? 1 + network.peers.count : 0)
    }

    /// More ports than a bridge takes (`BR_MAX_PORTS`).
    private mutating func checkPortCount() {
        var count: [String: Int] = [:]
        for endpoint in documents.endpoints {
            if networks[endpoint.network.value]?.isMacvlan ?? false { continue }
            let key = "\(endpoint.network.value)/\(endpoint.host?.value ?? "")"
            count[key, default: 0] += 1
            let limit = networks[endpoint.network.value].map(Self.portLimit) ?? 1023
            if count[key] == limit + 1 {
                fail(
                    "Network/\(endpoint.network.value) has more than \(limit) endpoints on one host, which is all a bridge takes; split it",
                    at: endpoint.head.at)
            }
        }
    }
}
