/// Which settings the manifests gave a compartment, as its mark file notes them (`CompartmentFiles.markFolder`).
///
/// The kernel does not tell what a setting was before. Those of an owned namespace were what a new one has: so it is
/// enough to know which ones to look at when a manifest gives them no more.
public enum SettingNotes {
    private static let word = "setting "

    /// Lines for the settings at these paths below `/proc/sys`, in order.
    public static func text(_ paths: some Sequence<String>) -> String {
        Set(paths).sorted().map { "\(word)\($0)\n" }.joined()
    }

    /// The paths that a mark file notes, in order. What names anything but a network setting is passed over: nobody
    /// who can write the file shall be able to have other things written.
    public static func paths(in content: String) -> [String] {
        content.split(separator: "\n").compactMap { line in
            guard line.hasPrefix(word) else { return nil }
            let path = line.dropFirst(word.count)
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            let isSetting =
                parts.count > 2 && parts[0] == "net" && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            return isSetting ? String(path) : nil
        }
    }
}
