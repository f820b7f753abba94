/// Whether mounts made by this process are seen by the rest of the machine.
public enum MountView {
    /// Whether this process sees the same folder as process 1, but in a mount namespace of its own from which new mounts
    /// do not spread. Where the folder itself is another, somebody meant it, and where process 1 cannot be asked, nothing
    /// is known: false.
    public static func isPrivate(_ folder: String) -> Bool {
        guard let own = try? Files.linkTarget("/proc/self/ns/mnt"), let other = try? Files.linkTarget("/proc/1/ns/mnt"),
            own != other, let place = existing(folder)
        else { return false }
        guard let here = try? Files.status(place), let there = try? Files.status("/proc/1/root\(place)"),
            here.device == there.device, here.inode == there.inode
        else { return false }
        guard let mine = peerGroup(place, "self"), let theirs = peerGroup(place, "1") else { return true }
        return mine != theirs
    }

    /// The folder, or the nearest above it that is there.
    private static func existing(_ folder: String) -> String? {
        var parts = folder.split(separator: "/")
        while true {
            let path = "/" + parts.joined(separator: "/")
            if let real = try? Files.realPath(path) { return real }
            if parts.popLast() == nil { return nil }
        }
    }

    /// The group of mounts that share what is mounted below a place (`shared:N` in `proc_pid_mountinfo(5)`); nil where
    /// it is private.
    private static func peerGroup(_ place: String, _ process: String) -> String? {
        guard let text = try? Files.readText("/proc/\(process)/mountinfo", limit: 64 << 20) else { return nil }
        var best: (length: Int, group: String?) = (-1, nil)
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6 else { continue }
            let point = fields[4]
            guard point == "/" || place == point || place.hasPrefix(point + "/") else { continue }
            // Of several at one place the last is on top.
            guard point.utf8.count >= best.length else { continue }
            let options = fields[6...].prefix { $0 != "-" }
            best = (point.utf8.count, options.first { $0.hasPrefix("shared:") }.map(String.init))
        }
        return best.group
    }
}
