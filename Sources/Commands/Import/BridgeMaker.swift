/// Programs that make bridges, and delete them, by themselves; known by the names that they give.
enum BridgeMaker: String {
    case docker = "Docker"
    case podman = "Podman"
    case libvirt = "libvirt"
    case kubernetes = "a Kubernetes CNI plugin"
    case lxc = "LXC, LXD or Incus"

    /// Whose bridge this is; nil for one that somebody may have made by hand.
    init?(bridge name: String) {
        let beginnings: [(String, BridgeMaker)] = [
            ("docker", .docker), ("podman", .podman), ("cni-podman", .podman), ("virbr", .libvirt),
            ("cni", .kubernetes),
            ("cbr", .kubernetes), ("nerdctl", .kubernetes), ("kube-bridge", .kubernetes), ("weave", .kubernetes),
            ("lxcbr", .lxc), ("lxdbr", .lxc), ("incusbr", .lxc),
        ]
        if let found = beginnings.first(where: { name.hasPrefix($0.0) }) {
            self = found.1
            return
        }
        // `br-` and the first twelve digits of the network's id.
        let digits = name.utf8.dropFirst(3)
        guard name.hasPrefix("br-"), digits.count == 12,
            digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        self = .docker
    }
}
