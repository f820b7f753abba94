internal import Addressing
internal import Model

extension Context {
    /// Links of the host that are not ours, by their alternative names: the kernel gives no other link such a name.
    static func foreignNames(_ links: [ObservedLink], _ scope: ObjectName) -> [String: String] {
        var names: [String: String] = [:]
        for link in links where !link.alternativeNames.isEmpty && link.mark?.scope != scope {
            for name in link.alternativeNames { names[name] = link.name }
        }
        return names
    }
}

extension Builder {
    /// Whether the host has no link that is called so by an alternative name.
    mutating func isUntaken(_ name: String, for owner: ObjectID, cure: String?, at source: SourceLocation) -> Bool {
        guard let link = context.foreignNames[name] else { return true }
        fail(
            "\(owner) needs the interface name \(name), which is an alternative name of \(link.terminalSafe), which is not "
                + "this scope's; take it off (`ip link property del dev \(link.shellWord) altname \(name.shellWord)`)"
                + (cure.map { ", or \($0)" } ?? ""), at: source)
        return false
    }
}
