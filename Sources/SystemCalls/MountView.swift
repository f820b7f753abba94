/// Whether mounts made by this process are seen by the rest of the machine.
public enum MountView {
    /// The mount on which a folder lies.
    private struct Mount {
        /// Of all mounts of the machine this is the only one with it.
        let number: Substring
        /// The folder itself, by its file system and its path in there.
        let folder: [String]
        /// The mounts that share what is mounted below (`shared:N`); nil where it is private.
        let group: Substring?
    }

    /// Whether this process sees the same folder as process 1, but by a mount of its own from which new mounts do not
    /// spread. Where the folder itself is another, somebody meant it, and where process 1 cannot be asked, nothing is
    /// known: false. Asked is `/proc/1/mountinfo`, which needs no right to trace, as the links of `/proc/1/ns` do.
    public static func isPrivate(_ folder: String) -> Bool {
        guard let place = existing(folder), let own = mount(of: place, "self"), let other = mount(of: place, "1"),
            own.number != other.number, own.folder == other.folder
        else { return false }
        guard let mine = own.group, let theirs = other.group else { return true }
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

    /// As a process sees it (`proc_pid_mountinfo(5)`): number, parent, file system, root in there, place, options, groups.
    private static func mount(of place: String, _ process: String) -> Mount? {
        guard let text = try? Files.readText("/proc/\(process)/mountinfo", limit: 64 << 20) else { return nil }
        return mount(of: place, in: text)
    }

    /// The mount that a path leads to by way of the mounts on the folders above it. Not the one with the longest path: that
    /// may lie hidden below a mount that came later.
    private static func mount(of place: String, in table: String) -> Mount? {
        var points: [Substring: [[Substring]]] = [:]
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, isAbove(fields[4], place) else { continue }
            points[fields[4], default: []].append(fields)
        }
        // The root's parent is in no table.
        guard var current = points["/"]?.first else { return nil }
        for point in points.keys.sorted(by: { $0.utf8.count < $1.utf8.count }) {
            // Several may lie on one another.
            while let next = points[point]?.first(where: { $0[1] == current[0] && $0[0] != current[0] }) {
                current = next
            }
        }
        let path = current[3].split(separator: "/") + place.dropFirst(current[4].count).split(separator: "/")
        let group = current[6...].prefix { $0 != "-" }.first { $0.hasPrefix("shared:") }
        return Mount(number: current[0], folder: ([current[2]] + path).map(String.init), group: group)
    }

    private static func isAbove(_ point: Substring, _ place: String) -> Bool {
        point == "/" || place == point || place.hasPrefix(point + "/")
    }
}
