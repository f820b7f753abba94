internal import Model
internal import Reconciler
internal import SystemCalls

/// Files by which others configure an interface that a network has taken for its uplink: at the next boot or reload they
/// would give it addresses that are on the bridge now, or take it back.
struct UplinkCheck {
    private let uplink: ObservedLink
    /// The bridge that it is a port of.
    private let bridge: String

    /// The uplinks that bulkhead holds: ports without a mark, of a bridge with one, whose MAC the bridge has.
    static func all(_ host: ObservedNamespace) -> [UplinkCheck] {
        host.links.compactMap { link in
            guard link.mark == nil, let index = link.master, let bridge = host.link(index: index), bridge.mark != nil,
                bridge.mac == link.mac
            else { return nil }
            return UplinkCheck(uplink: link, bridge: bridge.name)
        }
    }

    var findings: [Finding] { networkd + networkManager + settings }

    private var name: String { uplink.name }

    // MARK: - systemd-networkd

    /// The first file that matches a link, in the order of their names, is the one that counts.
    private var networkd: [Finding] {
        guard (try? Files.status("/run/systemd/netif")) != nil else { return [] }
        let folders = ["/etc/systemd/network", "/run/systemd/network", "/usr/lib/systemd/network"]
        guard let file = Self.files(in: folders, ending: ".network").first(where: { matches($0.text) }),
            !Self.lines(file.text).contains("Unmanaged=yes")
        else { return [] }
        let own = "/etc/systemd/network/04-bulkhead-\(name).network"
        return [
            warning(
                "systemd-networkd", "\(file.path) configures it",
                [
                    "printf '[Match]\\nName=\(name)\\n[Link]\\nUnmanaged=yes\\n' > \(own)", "networkctl reload",
                ])
        ]
    }

    /// Whether `[Match]` is for it, by name or MAC; what matches by other things is taken for a match of others.
    private func matches(_ text: String) -> Bool {
        var isMatch = false
        for line in Self.lines(text) {
            if line.hasPrefix("[") { isMatch = line == "[Match]" }
            guard isMatch, let equals = line.firstIndex(of: "=") else { continue }
            let values = line[line.index(after: equals)...].split(separator: " ").map(String.init)
            switch line[..<equals] {
            case "Name" where values.contains { Self.fits(name, $0) }: return true
            case "MACAddress" where values.contains { $0.lowercased() == uplink.mac.map { "\($0)" } }: return true
            case _: continue
            }
        }
        return false
    }

    /// As `fnmatch(3)` with `*` and `?`.
    private static func fits(_ name: some StringProtocol, _ pattern: some StringProtocol) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        let rest = pattern.dropFirst()
        if first == "*" {
            return fits(name, rest) || (!name.isEmpty && fits(name.dropFirst(), pattern))
        }
        return !name.isEmpty && (first == "?" || first == name.first) && fits(name.dropFirst(), rest)
    }

    // MARK: - NetworkManager

    /// It manages what no file of its configuration takes from it; a profile for the card is used as soon as it may.
    private var networkManager: [Finding] {
        guard (try? Files.status("/run/NetworkManager")) != nil else { return [] }
        let folders = ["/etc/NetworkManager/conf.d", "/usr/lib/NetworkManager/conf.d"]
        let isUnmanaged = Self.files(in: folders, ending: ".conf").contains { file in
            Self.lines(file.text).contains { line in
                line.hasPrefix("unmanaged-devices")
                    && line.split { "=;,".contains($0) }.contains("interface-name:\(name)")
            }
        }
        guard !isUnmanaged else { return [] }
        let profiles = Self.files(in: ["/etc/NetworkManager/system-connections"], ending: ".nmconnection")
        let profile = profiles.first { Self.lines($0.text).contains("interface-name=\(name)") }
        let reason = profile.map { "the profile \($0.path) is for it" } ?? "nothing tells it to leave it alone"
        let own = "/etc/NetworkManager/conf.d/91-bulkhead-\(name).conf"
        return [
            warning(
                "NetworkManager", reason,
                [
                    "printf '[keyfile]\\nunmanaged-devices+=interface-name:\(name)\\n' > \(own)",
                    "nmcli general reload",
                ])
        ]
    }

    // MARK: - Settings

    /// What `sysctl.d` sets of the card at boot; the bridge stands for it now.
    private var settings: [Finding] {
        let folders = ["/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"]
        let files = Self.files(in: folders, ending: ".conf") + Self.read("/etc/sysctl.conf")
        let families = ["ipv4", "ipv6"]
        let keys = families.flatMap { ["net.\($0).conf.\(name).", "net/\($0)/conf/\(name)/"] }
        return files.compactMap { file in
            let found = Self.lines(file.text).filter { line in
                let key = line.drop { $0 == "-" || $0 == " " }
                return keys.contains { key.hasPrefix($0) }
            }
            guard !found.isEmpty else { return nil }
            return warning(
                "sysctl", "\(file.path) sets \(found.joined(separator: ", ")), and \(bridge) has its addresses now",
                ["sed -i 's|conf\\([./]\\)\(name)\\([./]\\)|conf\\1\(bridge)\\2|' \(file.path)"])
        }
    }

    // MARK: - Reading

    private func warning(_ subject: String, _ reason: String, _ remedy: [String]) -> Finding {
        Finding(
            level: .warning, subject: subject,
            message: "may change \(name), which is the uplink of \(bridge): \(reason)", remedy: remedy)
    }

    /// Files of these folders, of which one in an earlier folder hides those of the same name in later ones, by name.
    private static func files(in folders: [String], ending suffix: String) -> [(path: String, text: String)] {
        var found: [String: String] = [:]
        for folder in folders {
            for name in (try? Files.list(folder)) ?? [] where name.hasSuffix(suffix) && found[name] == nil {
                found[name] = "\(folder)/\(name)"
            }
        }
        return found.sorted { $0.key < $1.key }.flatMap { read($0.value) }
    }

    private static func read(_ path: String) -> [(path: String, text: String)] {
        (try? Files.readText(path, limit: 1 << 20)).map { [(path, $0)] } ?? []
    }

    /// Without comments and spaces at either end.
    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            let start = line.drop { $0 == " " || $0 == "\t" }
            let end = start.reversed().prefix { $0 == " " || $0 == "\t" || $0 == "\r" }.count
            return String(start.dropLast(end))
        }.filter { !$0.isEmpty && !$0.hasPrefix("#") && !$0.hasPrefix(";") }
    }
}
