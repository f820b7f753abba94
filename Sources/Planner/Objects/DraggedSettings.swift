internal import Model

/// Kernel settings that are written along when another one is.
///
/// Writing `forwarding` of `all` writes it to the default and to every interface, and turns `accept_redirects` of `all`
/// about (`inet_forward_change`, `addrconf_fixup_forwarding`); `disable_ipv6` and two others of `all` do the like
/// (`addrconf_disable_ipv6`, `addrconf_sysctl_addr_gen_mode`, `addrconf_fixup_linkdown`). What is wanted of those has to be written behind it, and what they were before is part of
/// what undoes it.
enum DraggedSettings {
    /// What writing a setting drags along; nil for those that stand alone.
    struct Drag: Hashable {
        /// `net/ipv4/conf`, without the slash behind.
        let folder: String
        /// What it is called in the folder of an interface.
        let key: String
        /// A setting that becomes the opposite.
        let opposite: String?
        /// Other names of the setting itself.
        let names: Set<String>

        /// Whether another setting is written along.
        func takes(_ path: String) -> Bool {
            if path == opposite { return true }
            guard path.hasPrefix(folder + "/"), path.hasSuffix("/" + key) else { return false }
            return path.split(separator: "/").count == 5 && !names.contains(path)
        }

        /// The value that another setting has afterwards; nil for one that it leaves alone.
        func value(of path: String, after value: String) -> String? {
            guard takes(path) else { return nil }
            return path == opposite ? (value == "0" ? "1" : "0") : value
        }

        /// Everything that it writes along in a namespace with these interfaces.
        func paths(_ interfaces: [String]) -> [String] {
            (opposite.map { [$0] } ?? []) + (["default"] + interfaces).map { "\(folder)/\($0)/\(key)" }
        }
    }

    /// What a setting drags along.
    static func drag(of path: String) -> Drag? { drags.first { $0.names.contains(path) } }

    private static let drags =
        [
            Drag(
                folder: "net/ipv4/conf", key: "forwarding", opposite: "net/ipv4/conf/all/accept_redirects",
                names: ["net/ipv4/conf/all/forwarding", "net/ipv4/ip_forward"]),
            Drag(
                folder: "net/ipv6/conf", key: "forwarding", opposite: nil, names: ["net/ipv6/conf/all/forwarding"]),
        ]
        + ["disable_ipv6", "ignore_routes_with_linkdown", "addr_gen_mode"].map { key in
            Drag(folder: "net/ipv6/conf", key: key, opposite: nil, names: ["net/ipv6/conf/all/\(key)"])
        }
}

/// In which order settings of one place are written: those that drag others along first, then the others, with those
/// that were right before and are not any more.
struct SettingsOrder {
    typealias Setting = (path: String, value: String, source: SourceLocation)

    /// Those that drag others along.
    let first: [Setting]
    /// All others.
    let behind: [Setting]

    init(_ changed: [Setting], _ wanted: [Setting]) {
        let paths = Set(changed.map(\.path))
        first = changed.filter { DraggedSettings.drag(of: $0.path) != nil }
        let drags = first.compactMap { DraggedSettings.drag(of: $0.path) }
        behind = wanted.filter { setting in
            guard DraggedSettings.drag(of: setting.path) == nil else { return false }
            return paths.contains(setting.path) || drags.contains { $0.takes(setting.path) }
        }
    }

    /// Everything that is written, in the order in which what it was is written again: what drags along before what it
    /// drags.
    func paths(_ interfaces: [String]) -> [String] {
        let drags = first.reversed().compactMap { DraggedSettings.drag(of: $0.path) }
        var seen: Set<String> = []
        let all = first.reversed().map(\.path) + drags.flatMap { $0.paths(interfaces) } + behind.reversed().map(\.path)
        return all.filter { seen.insert($0).inserted }
    }
}
