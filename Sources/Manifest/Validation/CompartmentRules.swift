internal import Addressing
internal import Model

extension Validator {
    mutating func checkCompartment(_ compartment: CompartmentDocument) {
        if let name = compartment.namespaceName, let path = compartment.namespacePath {
            fail("namespace: 'name' and 'path' exclude one another; '\(name.value)' or '\(path.value)'", at: path.at)
        }
        if let path = compartment.namespacePath {
            let parts = path.value.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            if parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) {
                fail("namespace: path '\(path.value)' must be clean: no '.', '..' or double slashes", at: path.at)
            }
        }
        if let host = compartment.host, hosts[host.value] == nil {
            missing(.host, host, among: Array(hosts.keys))
        }
        if let place = compartment.head.place("namespace"), compartment.namespaceName == nil,
            compartment.namespacePath == nil
        {
            fail("namespace: give 'name' or 'path', or leave 'namespace' out", at: place)
        }
        var seen: [String: String] = [:]
        for (key, value, place) in compartment.sysctls {
            if let path = Self.sysctlPath(key) {
                // The kernel has two names for one.
                let one = path == "net/ipv4/ip_forward" ? "net/ipv4/conf/all/forwarding" : path
                if let other = seen.updateValue(key, forKey: one) {
                    fail("sysctls: '\(key)' is the same setting as '\(other)'", at: place)
                }
                if path.hasSuffix("/stable_secret") {
                    fail(
                        "sysctls: '\(key)' is not for manifests: the kernel shows none before it has one, and never takes it back",
                        at: place)
                }
                checkInterface(ofSetting: path, key, compartment.head.name, at: place)
            } else {
                fail("sysctls: '\(key)' is not a setting below net", at: place)
            }
            if value.isEmpty { fail("sysctls: '\(key)' has no value", at: place) }
        }
        for option in compartment.dns?.options ?? [] where option.contains(where: \.isWhitespace) {
            fail("dns: option '\(option)' must not contain white space", at: compartment.head.place("dns"))
        }
    }

    /// A setting of a card is written when the card is there: one that no endpoint has never comes.
    private mutating func checkInterface(
        ofSetting path: String, _ key: String, _ compartment: ObjectName, at place: SourceLocation
    ) {
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count == 5, ["conf", "neigh"].contains(parts[2]), !["all", "default", "lo"].contains(parts[3]),
            !documents.isIncomplete
        else { return }
        let own = cards[compartment.text] ?? []
        let interfaces = own.map { $0.interface?.value.text ?? "eth0" }
        if let card = zip(own, interfaces).first(where: { $1 == parts[3] })?.0 {
            let mtu = card.mtu ?? networks[card.network.value]?.mtu
            guard parts[1] == "ipv6", let mtu, mtu.value < 1280 else { return }
            fail(
                "sysctls: '\(key)': an interface with mtu \(mtu.value) has no IPv6, which needs at least 1280; raise 'mtu' "
                    + "or leave the setting out", at: place)
            return
        }
        fail(
            "sysctls: '\(key)': no endpoint of Compartment/\(compartment) has the interface \(parts[3])"
                + Suggestion.phrase(parts[3], among: interfaces.sorted()), at: place)
    }

    /// Path below `/proc/sys` of a key, as sysctl(8) reads it: the first separator says which one parts the path, and
    /// the other one stands for itself in interface names. nil unless it lies below `net` and holds no `..`.
    static func sysctlPath(_ key: String) -> String? {
        guard let first = key.first(where: { $0 == "." || $0 == "/" }), key.utf8.count <= 255 else { return nil }
        let path = first == "/" ? key : String(key.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let plain = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        guard parts.count >= 2, parts.first == "net", plain,
            !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." })
        else { return nil }
        return path
    }

    /// No two compartments of a host share a namespace, and none takes a name that another has by default.
    mutating func checkNamespaces() {
        var names: [String: ObjectName] = [:]
        var paths: [String: ObjectName] = [:]
        for name in cards.keys where compartments[name] == nil {
            guard let card = cards[name]?.first, let id = ObjectName(name) else { continue }
            names["\(card.host?.value ?? "") \(name)"] = id
        }
        for compartment in documents.compartments.sorted(by: { $0.head.name < $1.head.name }) {
            let name = compartment.head.name
            let host = compartment.host?.value ?? cards[name.text]?.first?.host?.value ?? ""
            if let path = compartment.namespacePath {
                if let other = paths.updateValue(name, forKey: "\(host) \(path.value)") {
                    fail(
                        "Compartment/\(name) and Compartment/\(other) share the namespace \(path.value); one compartment each",
                        at: path.at)
                }
                continue
            }
            let chosen = compartment.namespaceName ?? Located(value: name.text, at: compartment.head.at)
            if let other = names.updateValue(name, forKey: "\(host) \(chosen.value)") {
                fail(
                    "Compartment/\(name) and Compartment/\(other) share the namespace \(chosen.value); one compartment each",
                    at: chosen.at)
            }
        }
    }
}
