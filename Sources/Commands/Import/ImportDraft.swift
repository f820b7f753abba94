internal import Addressing
internal import JSON
internal import Model

/// What an import writes.
struct ImportDraft {
    /// What a document was made from.
    enum Origin: Hashable {
        /// A bridge of the host, by name.
        case bridge(String)
        /// A card, by the name of its host side.
        case card(String)
        /// A namespace with cards.
        case namespace(NamespaceRef)
    }

    /// One manifest document.
    struct Document {
        var id: ObjectID
        var origin: Origin
        var spec: JSONObject
        var comments: [String]
        /// Whether `--adopt` has to name it.
        var isAdopted = false
    }

    /// Networks, then compartments, each with its endpoints before the next.
    var documents: [Document] = []
    /// What is to be said of all of it.
    var notes: [String] = []
    /// What is left out, in the order in which it was found.
    var remarks: [Remark] = []

    /// What has to be taken over by name.
    var adopts: [ObjectID] { documents.filter(\.isAdopted).map(\.id).sorted() }
}

/// What must not be in a draft, or not as it would be otherwise, with the reason; found by planning it.
struct ImportLimits {
    /// Bridges and cards that are left out, by name.
    var bridges: [String: String] = [:]
    var cards: [String: String] = [:]
    /// Bridges that bulkhead cannot take over, and only puts cards on.
    var foreign: [String: String] = [:]
    /// Cards that have ports published on which something listens, as by hand.
    var shadowing: [String: String] = [:]
    /// Cards whose published ports stay as they are.
    var unpublished: [String: String] = [:]

    /// How much is left out, for seeing that there is an end.
    var count: Int { bridges.count + cards.count + foreign.count + shadowing.count + unpublished.count }
}

/// How a bridge becomes a network.
struct ImportedNetwork {
    /// A prefix, and the way out of it.
    struct Subnet {
        var prefix: IPPrefix
        var gateway: IPAddress?
    }

    var name: ObjectName
    var bridge: ObservedLink
    var type: NetworkType
    /// Whether bulkhead takes the bridge itself over.
    var isOwn: Bool
    var subnets: [Subnet]

    /// The subnet that gives an address its length.
    func subnet(of address: InterfaceAddress) -> Subnet? { subnets.first { $0.prefix == address.prefix } }

    /// Default gateways that endpoints with these addresses get, as resolution chooses them.
    func gateways(_ addresses: [InterfaceAddress]) -> Set<IPAddress> {
        guard type == .nat || type == .transparent else { return [] }
        return Set(
            AddressFamily.allCases.compactMap { family in
                subnets.lazy.filter { subnet in
                    subnet.prefix.family == family && addresses.contains { subnet.prefix.contains($0.address) }
                }.compactMap(\.gateway).first
            })
    }
}
