/// Files below the netns-etc folder.
///
/// `FOLDER/NAME/hosts` and `FOLDER/NAME/resolv.conf` are what `ip netns exec` and container runtimes mount over those of
/// `/etc` in the namespace NAME. Whoever is in there writes them, so beside an owned namespace they are the
/// compartment's whatever they say. `FOLDER/.bulkhead/NAME` lies where no runtime looks. It is there where the id of the
/// namespace does not say all of its mark: an id cannot be given anew, so protection that came or went later stands in
/// it, and the name of a compartment whose namespace is called otherwise. It also notes which settings the manifest
/// gives (`SettingNotes`).
public enum CompartmentFiles {
    /// What lies in the folder of a compartment.
    public static let names = ["hosts", "resolv.conf"]
    /// The folder of marks; no namespace of ours has such a name.
    public static let markFolder = ".bulkhead"

    /// Name of the namespace whose file this is, and whether it is its mark; nil for a path that is none of these.
    ///
    /// - Parameter folder: the netns-etc folder, without a slash behind.
    public static func namespace(of path: String, below folder: String) -> (name: String, isMark: Bool)? {
        guard path.hasPrefix(folder + "/") else { return nil }
        let parts = path.dropFirst(folder.utf8.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let isMark = parts[0] == markFolder
        return (String(isMark ? parts[1] : parts[0]), isMark)
    }
}
