internal import Model
internal import SystemCalls

extension UplinkCheck {
    /// What `sysctl.d` sets of the card at boot, where the bridge stands for it.
    var settings: [Finding] {
        let own = "/etc/sysctl.d"
        let folders = [own, "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"]
        let files = ConfigurationFile.all(in: folders, ending: ".conf")
        // Debian reads it by a link in the folder, and others by itself.
        let main = "/etc/sysctl.conf"
        let isLinked = files.contains { (try? Files.realPath($0.path)) == main }
        return (files + (isLinked ? [] : [ConfigurationFile(main)].compactMap(\.self))).compactMap { file in
            let found = file.lines.filter { isOfCard($0.key) }.map(\.text)
            guard !found.isEmpty else { return nil }
            // A file of a package comes back with the package; one of the same name in /etc goes before it.
            let isOurs = file.path == main || file.path.hasPrefix("\(own)/")
            let target = isOurs ? file.path : "\(own)/\(file.name)"
            return warning(
                "sysctl",
                "\(file.path) sets \(found.joined(separator: ", ")), and \(bridge) \(isHeld ? "has its addresses now" : "gets its addresses")",
                (isOurs ? [] : ["mkdir -p \(own)", "cp \(file.path.shellWord) \(target.shellWord)"]) + [
                    "sed -i --follow-symlinks \(expression.shellWord) \(target.shellWord)"
                ])
        }
    }

    /// `net.ipv4.conf.NAME.KEY` or `net/ipv4/conf/NAME/KEY`; dots of a name are slashes where slashes are dots.
    private func isOfCard(_ key: String) -> Bool {
        let key = key.drop { $0 == "-" || $0 == " " }
        guard let separator = key.first(where: { $0 == "." || $0 == "/" }) else { return false }
        let swapped: (Character) -> Character = { separator != "." ? $0 : $0 == "." ? "/" : $0 == "/" ? "." : $0 }
        let path = String(key.map(swapped))
        return ["ipv4", "ipv6"].contains { path.hasPrefix("net/\($0)/conf/\(name)/") }
    }

    /// What makes it a setting of the bridge (`sed`).
    private var expression: String {
        let pattern = name.map { character in
            character == "." ? "[./]" : "\\[]*^$|".contains(character) ? "\\\(character)" : "\(character)"
        }.joined()
        return "s|conf\\([./]\\)\(pattern)\\([./]\\)|conf\\1\(bridge)\\2|"
    }
}
