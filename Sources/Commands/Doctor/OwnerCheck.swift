internal import Firewall
internal import Reconciler
internal import SystemCalls

/// Who else has a hand in this host's networks, and what is to be done so that neither hurts the other.
struct OwnerCheck {
    private let survey: HostSurvey

    /// Links of bulkhead that are not named as it names them.
    private let others: [String]

    init(_ survey: HostSurvey, others: [String]) {
        self.survey = survey
        self.others = others
    }

    var findings: [Finding] {
        let owners = [docker, podman, firewalld, ufw, networkManager, networkd, udev, libvirt, kubernetes]
            .compactMap(\.self)
        let calm = Finding(level: .ok, subject: "owners", message: "nobody else was found to manage networks here")
        return (owners.isEmpty ? [calm] : owners) + ForwardDrops(survey).findings
    }

    private func has(_ path: String) -> Bool { (try? Files.status(path)) != nil }
    private func links(_ prefixes: String...) -> [String] {
        survey.links.filter { link in prefixes.contains { link.hasPrefix($0) } }
    }
    private func hasTable(_ name: String) -> Bool { survey.chains.contains { $0.table == name } }

    // MARK: - Firewalls

    private var docker: Finding? {
        guard survey.hasDocker else { return nil }
        return Finding(
            level: .note, subject: "Docker",
            message:
                "manages docker0, br-*, veth* and chains of iptables; its firewall drops what it did not forward itself, unless DOCKER-USER lets it through; `bulkhead-boot.service` starts before it"
        )
    }

    private var podman: Finding? {
        guard hasTable("netavark") || !links("podman").isEmpty else { return nil }
        return Finding(
            level: .note, subject: "Podman",
            message:
                "manages podman* and the table inet netavark, which accepts what is not its own: nothing is to be done")
    }

    private var firewalld: Finding? {
        guard has("/run/firewalld") || hasTable("firewalld") else { return nil }
        return Finding(
            level: .warning, subject: "firewalld",
            message:
                "rejects forwarded packets of interfaces that are in no zone; put bulkhead's bridges into one, and reload",
            remedy: ["firewall-cmd --permanent --zone=trusted --add-interface=bh-+", "firewall-cmd --reload"])
    }

    private var ufw: Finding? {
        guard survey.isUFWOn else { return nil }
        let isDropping = ((try? Files.readText("/etc/default/ufw")) ?? "").contains("DEFAULT_FORWARD_POLICY=\"DROP\"")
        return Finding(
            level: isDropping ? .warning : .note, subject: "ufw",
            message: isDropping
                ? "is on and drops forwarded packets; for each network NETWORK"
                : "is on and lets forwarded packets through",
            remedy: isDropping ? ["ufw route allow in on bh-NETWORK", "ufw route allow out on bh-NETWORK"] : [])
    }

    // MARK: - Who configures links

    private static let systemdFolders = ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map { "\($0)/systemd/network" }

    private var networkManager: Finding? {
        guard has("/run/NetworkManager") else { return nil }
        return unmanaged(
            "NetworkManager", .networkManager, in: ["/etc", "/run", "/usr/lib"].map { "\($0)/NetworkManager/conf.d" },
            then: "nmcli general reload")
    }

    private var networkd: Finding? {
        guard has("/run/systemd/netif") else { return nil }
        return unmanaged(
            "systemd-networkd", .networkd, in: Self.systemdFolders, then: "networkctl reload")
    }

    private var udev: Finding? {
        guard has("/run/udev/control") else { return nil }
        return unmanaged("udev", .udev, in: Self.systemdFolders, then: "udevadm control --reload")
    }

    private func unmanaged(_ name: String, _ rules: UnmanagedRules, in folders: [String], then reload: String)
        -> Finding
    {
        let isThere = folders.contains { folder in
            ((try? Files.list(folder)) ?? []).contains { file in
                guard file.hasSuffix(rules.suffix) else { return false }
                let text = (try? Files.readText("\(folder)/\(file)", limit: 1 << 20)) ?? ""
                let words = text.split { ";=: \n".contains($0) }
                return (["bh-*"] + others).allSatisfy { words.contains(Substring($0)) }
            }
        }
        guard !isThere else {
            return Finding(level: .ok, subject: name, message: "was told to leave bulkhead's links alone")
        }
        return Finding(
            level: .warning, subject: name, message: rules.danger,
            remedy: ["bulkhead doctor --rules \(rules.rawValue) > \(rules.path)", reload])
    }

    // MARK: - Others with bridges

    private var libvirt: Finding? {
        let found = links("virbr")
        guard !found.isEmpty || has("/run/libvirt/libvirt-sock") else { return nil }
        return Finding(
            level: .note, subject: "libvirt",
            message:
                "manages virbr* (\(found.isEmpty ? "none now" : found.joined(separator: ", "))) and rules for them alone; keep its prefixes out of the manifests"
        )
    }

    private var kubernetes: Finding? {
        let found = links("cni", "flannel", "cali", "cilium", "weave", "kube-")
        let configurations = ((try? Files.list("/etc/cni/net.d")) ?? []).filter { !$0.hasPrefix(".") }
        guard !found.isEmpty || !configurations.isEmpty else { return nil }
        return Finding(
            level: .note, subject: "Kubernetes CNI",
            message:
                "manages \((found + configurations.map { "/etc/cni/net.d/\($0)" }).prefix(6).joined(separator: ", ")); keep the prefixes of pods and services out of the manifests, and its namespaces too"
        )
    }
}
