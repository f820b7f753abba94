/// The mark that bulkhead leaves in what it makes: `bulkhead:SCOPE/KIND/NAME`, with ` [protect]` behind it where the
/// object has `prevent-destroy`, so that the guard outlives the deletion of the document.
///
/// On links it is the alias (`IFLA_IFALIAS`, `ip link set dev X alias …`), in files the first line.
public struct OwnershipMark: Hashable, Sendable {
    /// Which set of manifests owns the object.
    public let scope: ObjectName
    /// The manifest object it was made for.
    public let owner: ObjectID
    /// Whether deleting it is refused.
    public let protected: Bool

    /// A mark.
    public init(scope: ObjectName, owner: ObjectID, protected: Bool) {
        self.scope = scope
        self.owner = owner
        self.protected = protected
    }

    /// Reads a mark; nil where the text is none of ours.
    public init?(_ text: some StringProtocol) {
        let prefix = "bulkhead:"
        let suffix = " [protect]"
        guard text.hasPrefix(prefix) else { return nil }
        var rest = text.dropFirst(prefix.count)
        let protected = rest.hasSuffix(suffix)
        if protected { rest = rest.dropLast(suffix.count) }
        guard let slash = rest.firstIndex(of: "/"), let scope = ObjectName(rest[..<slash]),
            let owner = ObjectID(rest[rest.index(after: slash)...])
        else { return nil }
        self.init(scope: scope, owner: owner, protected: protected)
    }

    /// The mark as it stands in the kernel object.
    public var text: String { "bulkhead:\(scope)/\(owner)\(protected ? " [protect]" : "")" }

    /// The network namespace ids that mark an owned namespace (`ip netns set`), the preferred one first:
    /// `0x60000000` or-ed with a 29-bit hash of the mark.
    ///
    /// The id is given by the host before anything else is put into the namespace and cannot be changed from inside it.
    /// There are several because an id stays taken as long as any process keeps a namespace alive that was deleted by
    /// name, and because two marks may share a hash.
    public var namespaceIDs: [Int32] {
        let text = text
        return Self.generations.map { Self.namespaceID(text, $0) }
    }

    private static let generations = 0..<4

    private static func namespaceID(_ text: String, _ generation: Int) -> Int32 {
        let hash = StableHash.hash(text, generation == 0 ? "" : String(generation))
        return Int32(bitPattern: namespaceIDBase | UInt32(truncatingIfNeeded: hash) & 0x1fff_ffff)
    }

    /// Whose a named namespace is: the mark of that scope whose ids hold the one the host gave it. The name in the
    /// mark is that of the file, so that it can be found without any manifest; that of a network's router has more before it.
    public static func owner(ofNamespace name: String, id: Int32, scope: ObjectName) -> OwnershipMark? {
        let network = name.hasPrefix(Router.prefix) ? ObjectName(name.dropFirst(Router.prefix.count)) : nil
        let owners = [ObjectName(name).map { ObjectID(.compartment, $0) }, network.map { ObjectID(.network, $0) }]
        for owner in owners.compactMap(\.self) {
            for protected in [false, true] {
                let mark = OwnershipMark(scope: scope, owner: owner, protected: protected)
                let text = mark.text
                if generations.contains(where: { namespaceID(text, $0) == id }) { return mark }
            }
        }
        return nil
    }

    /// First of the range of ids that bulkhead gives to namespaces; it ends at `0x7fffffff`.
    public static let namespaceIDBase: UInt32 = 0x6000_0000
}
