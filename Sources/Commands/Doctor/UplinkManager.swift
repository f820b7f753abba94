internal import Model
internal import SystemCalls

extension UplinkCheck {
    /// What NetworkManager would do: it manages what its configuration does not take from it, and a profile for the card is
    /// used as soon as it may.
    var networkManager: [Finding] {
        guard (try? Files.status("/run/NetworkManager")) != nil, !isUnmanaged else { return [] }
        let folder = "NetworkManager/system-connections"
        let profiles = ConfigurationFile.all(
            in: ["/etc/\(folder)", "/run/\(folder)", "/usr/lib/\(folder)"], ending: ".nmconnection")
        let profile = profiles.first { file in
            file.values("interface-name", in: "connection").contains(name)
                || ["ethernet", "802-3-ethernet"].contains {
                    file.values("mac-address", in: $0).contains { $0.lowercased() == mac }
                }
        }
        let reason = profile.map { "the profile \($0.path) is for it" } ?? "nothing tells it to leave it alone"
        // The bridge has the same MAC, and is not NetworkManager's either.
        let isPlain = name.shellWord == name && !name.contains { "=,".contains($0) }
        let device = isPlain ? "interface-name:\(name)" : "mac:\(mac)"
        return [
            warning(
                "NetworkManager", reason,
                [
                    write(
                        ["[keyfile]", "unmanaged-devices+=\(device)"],
                        to: "/etc/NetworkManager/conf.d/91-bulkhead-\(name).conf"), "nmcli general reload",
                ])
        ]
    }

    private var mac: String { uplink.mac.map { "\($0)" } ?? "" }

    /// Later files go before earlier ones, and those of `/etc` before the one above their folder.
    private var isUnmanaged: Bool {
        let base = "/etc/NetworkManager/NetworkManager.conf"
        let folders = ["/etc/NetworkManager/conf.d", "/run/NetworkManager/conf.d", "/usr/lib/NetworkManager/conf.d"]
        let all = ConfigurationFile.all(in: folders, ending: ".conf")
        let isOwn: (ConfigurationFile) -> Bool = { $0.path.hasPrefix("/etc/") }
        let files = all.filter { !isOwn($0) } + [ConfigurationFile(base)].compactMap(\.self) + all.filter(isOwn)
        var devices: [String] = []
        var sections: [String: (devices: [String], isManaged: Bool)] = [:]
        for line in files.flatMap(\.lines) {
            let values = line.value.split { ";, ".contains($0) }.map(String.init)
            switch line.key {
            case "unmanaged-devices" where line.section == "keyfile":
                switch line.sign {
                case "+": devices += values
                case "-": devices.removeAll { values.contains($0) }
                case _: devices = values
                }
            case "match-device" where line.section.hasPrefix("device"):
                sections[line.section, default: ([], true)].devices = values
            case "managed" where line.section.hasPrefix("device"):
                sections[line.section, default: ([], true)].isManaged = !["0", "no", "false", "off"].contains(
                    line.value.lowercased())
            case _: continue
            }
        }
        return isMeant(devices)
            || sections.values.contains { !$0.isManaged && ($0.devices.isEmpty || isMeant($0.devices)) }
    }

    /// Whether a list of devices is for the card. What it says of types and drivers is not known here.
    private func isMeant(_ devices: [String]) -> Bool {
        func holds(_ device: some StringProtocol) -> Bool {
            guard device != "*" else { return true }
            guard let colon = device.firstIndex(of: ":") else { return device == name || device.lowercased() == mac }
            let value = device[device.index(after: colon)...]
            switch device[..<colon] {
            case "interface-name":
                return value.hasPrefix("=") ? value.dropFirst() == name : NamePattern(value).matches(name)
            case "mac": return value.lowercased() == mac
            case _: return false
            }
        }
        let (exceptions, meant) = (
            devices.filter { $0.hasPrefix("except:") }, devices.filter { !$0.hasPrefix("except:") }
        )
        return meant.contains(where: holds) && !exceptions.contains { holds($0.dropFirst("except:".count)) }
    }
}
