internal import Addressing
public import Model

extension Context {
    /// Settings of an owned namespace as a whole: what it would otherwise inherit from the host, then the manifest's
    /// own, which win. Settings of single cards are not among them.
    func namespaceSettings(_ compartment: Compartment) -> [(path: String, value: String, source: SourceLocation)] {
        Self.namespaceSettings(compartment, ipv6: observed.features.ipv6)
    }

    private static func namespaceSettings(_ compartment: Compartment, ipv6: Bool)
        -> [(path: String, value: String, source: SourceLocation)]
    {
        let own = compartment.sysctls.filter { !isCardSetting($0.path) }
        var result: [(path: String, value: String, source: SourceLocation)] = []
        if case .owned = compartment.namespace {
            let paths = Set(own.map(\.path))
            let forwards = paths.contains("net/ipv4/ip_forward") || paths.contains("net/ipv4/conf/all/forwarding")
            let forwards6 = paths.contains("net/ipv6/conf/all/forwarding")
            let isIPv6Off = paths.contains("net/ipv6/conf/all/disable_ipv6")
            for (path, value) in ipv6 ? baseSettings : baseSettingsOfIPv4 where !paths.contains(path) {
                // Writing `all` writes every interface and the default: one of them in the manifest speaks for all.
                if forwards && path.hasPrefix("net/ipv4/") && path.hasSuffix("/forwarding") { continue }
                if forwards6 && path.hasPrefix("net/ipv6/") && path.hasSuffix("/forwarding") { continue }
                if isIPv6Off && path.hasSuffix("/disable_ipv6") { continue }
                result.append((path, value, compartment.metadata.source))
            }
        }
        result += own.map { ($0.path, $0.value, $0.source) }
        return result
    }

    /// Settings in the manifest that belong to one card and can be written only when it is there.
    func cardSettings(of compartment: Compartment) -> [(path: String, value: String, source: SourceLocation)] {
        compartment.sysctls.filter { Self.isCardSetting($0.path) }.map { ($0.path, $0.value, $0.source) }
    }

    static func isCardSetting(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard parts.count == 5, parts[2] == "conf" || parts[2] == "neigh" else { return false }
        return parts[3] != "all" && parts[3] != "default" && parts[3] != "lo"
    }

    /// Put together once: every compartment has them.
    private static let baseSettings = makeBaseSettings(ipv6: true)
    private static let baseSettingsOfIPv4 = makeBaseSettings(ipv6: false)

    private static func makeBaseSettings(ipv6: Bool) -> [(String, String)] {
        var settings: [(String, String)] = []
        for place in ["all", "default"] {
            for key in ["forwarding", "accept_redirects", "accept_source_route"] {
                settings.append(("net/ipv4/conf/\(place)/\(key)", "0"))
            }
            settings.append(("net/ipv4/conf/\(place)/promote_secondaries", "1"))
            guard ipv6 else { continue }
            // Switched off for all, IPv6 is off on every card and on those to come.
            for key in ["disable_ipv6", "forwarding", "accept_ra", "accept_redirects", "accept_source_route"] {
                settings.append(("net/ipv6/conf/\(place)/\(key)", "0"))
            }
            // Link-local addresses are usable at once too.
            settings.append(("net/ipv6/conf/\(place)/accept_dad", "0"))
        }
        if ipv6 { settings.append((loopbackIPv6, "0")) }
        return settings
    }

    /// The loopback's, which comes with the links.
    static let loopbackIPv6 = "net/ipv6/conf/lo/disable_ipv6"

    /// Paths below `/proc/sys` that must be read in each namespace so that differences can be seen.
    static func settingsToRead(_ compartment: Compartment, ipv6: Bool) -> [String] {
        namespaceSettings(compartment, ipv6: ipv6).map(\.path).filter { $0 != loopbackIPv6 }
            + compartment.sysctls.map(\.path).filter(isCardSetting)
    }

    /// The files of an owned compartment: name servers where there are any, names, and its mark where the id of the
    /// namespace tells another, or the manifest gives settings.
    func files(_ compartment: Compartment) -> [(path: String, content: String)] {
        guard case .owned(let name) = compartment.namespace else { return [] }
        let mark = mark(compartment.metadata, of: compartment.id)
        let id = namespaces[compartment.reference].flatMap(owner(of:)) ?? namespaceMark(compartment)
        let folder = "\(options.netnsEtcDirectory)/\(name)"
        let head = "# \(mark.text)\n# Written by bulkhead from the manifests; edits are undone by the next apply.\n"
        let hosts =
            head + "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" + compartment.hostsText
        // Nothing runs in a router.
        var files = compartment.router == nil ? [("\(folder)/hosts", hosts)] : []
        if let dns = compartment.dns, !dns.isEmpty {
            var text = head
            for server in dns.servers { text += "nameserver \(server)\n" }
            if !dns.search.isEmpty { text += "search \(dns.search.joined(separator: " "))\n" }
            if !dns.options.isEmpty { text += "options \(dns.options.joined(separator: " "))\n" }
            files.append(("\(folder)/resolv.conf", text))
        }
        let place = markFile(ofNamespace: name)
        let notes = compartment.router == nil ? SettingNotes.text(notedSettings(of: compartment)) : ""
        if id != mark || !notes.isEmpty || filesByPath[place] != nil {
            let head = "# \(mark.text)\n# Written by bulkhead beside what the namespace's id tells.\n"
            files.append((place, head + notes))
        }
        return files
    }
}

/// What the observer has to read beside the standard dumps, worked out from the desired state.
public enum Reads {
    /// Settings below `/proc/sys` to read in each wanted namespace.
    public static func settings(_ desired: DesiredState, ipv6: Bool) -> [NamespaceReads] {
        // Most compartments have the same, in one list.
        var common: [String]?
        return desired.withRouters.compartments.map { compartment in
            guard compartment.sysctls.isEmpty, case .owned = compartment.namespace else {
                let paths = Context.settingsToRead(compartment, ipv6: ipv6)
                return NamespaceReads(namespace: compartment.reference, paths: paths)
            }
            let paths = common ?? Context.settingsToRead(compartment, ipv6: ipv6)
            common = paths
            return NamespaceReads(namespace: compartment.reference, paths: paths)
        }
    }
}

/// Settings to read in one namespace.
public struct NamespaceReads: Hashable, Sendable {
    /// Where.
    public var namespace: NamespaceRef
    /// Which, by path below `/proc/sys`.
    public var paths: [String]
}
