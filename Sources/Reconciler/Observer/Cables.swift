internal import Model

/// The host's ends of veth pairs, which tell the id of the namespace that the other end is in.
///
/// To ask for the id (`RTM_GETNSID`) is dear: the kernel goes through all namespaces that have one, so that a thousand
/// questions take a million steps. The dump of the host's links has the answer for each that a cable leads into.
struct Cables {
    private let ends: [UInt32: ObservedLink]

    /// Those among the host's links.
    init(_ hostLinks: [ObservedLink]) {
        let veths = hostLinks.filter { $0.kind == "veth" }
        ends = Dictionary(veths.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The id that the host has for the namespace with these links, which has `hostID` for the host; nil where no cable
    /// tells.
    ///
    /// The two ends must name each other, by index and namespace. All of it is the kernel's word: whoever is inside can
    /// neither make an end whose other one is in the host, nor give out another namespace for the host, because
    /// `hostID` was asked for by descriptor.
    func namespaceID(links: [ObservedLink], hostID: Int32?) -> Int32? {
        guard let hostID else { return nil }
        for link in links where link.kind == "veth" && link.peerNamespaceID == hostID {
            guard let peer = link.peerIndex, let end = ends[peer], end.peerIndex == link.index else { continue }
            return end.peerNamespaceID
        }
        return nil
    }
}
