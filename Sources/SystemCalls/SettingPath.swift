/// The path of a setting below `/proc/sys`, parted once for all namespaces in which it is read.
public struct SettingPath: Hashable, Sendable {
    /// All of it: `net/ipv4/conf/all/forwarding`.
    public let text: String
    /// What is looked up once a visit: `net/ipv4/conf`.
    let folder: String
    /// The rest: `all/forwarding`.
    let name: String

    /// Parts the path behind its third name, or before its last one where it has fewer.
    public init(_ text: String) {
        self.text = text
        let slashes = text.utf8.indices.filter { text.utf8[$0] == 0x2f }
        guard let end = slashes.prefix(3).last else {
            (folder, name) = ("", text)
            return
        }
        folder = String(text[..<end])
        name = String(text[text.utf8.index(after: end)...])
    }
}
