internal import Addressing
internal import JSON
internal import Model

/// How a process, a container or a virtual machine comes to its network card.
enum AttachHints {
    /// nil where the namespace of a card is not known.
    static func document(_ endpoint: Inventory.Endpoint) -> JSON {
        if let tap = endpoint.outer.tap { return machine(endpoint, tap) }
        if endpoint.machineKind != nil { return macvtapMachine(endpoint) }
        guard let path = endpoint.namespacePath, let name = endpoint.compartment else { return nil }
        return [
            "namespace": .string(path), "oci": ["type": "network", "path": .string(path)],
            "exec": .string("bulkhead exec \(name) -- COMMAND"), "nsenter": .string("nsenter --net=\(path) COMMAND"),
            "podman": ["--network", .string("ns:\(path)")], "systemd": .string("NetworkNamespacePath=\(path)"),
            "nspawn": [.string("--network-namespace-path=\(path)")],
        ]
    }

    /// Its file has the number of the interface, which is another one each time it is made. It is opened by the shell, for
    /// reading and writing, and QEMU gets the descriptor.
    private static func macvtapMachine(_ endpoint: Inventory.Endpoint) -> JSON {
        let (name, id, file) = (endpoint.outer.name, endpoint.name, "/dev/tap\(endpoint.outer.index)")
        let mac = endpoint.guest.map { ",mac=\($0.mac)" } ?? ""
        return [
            "macvtap": .string(name), "file": .string(file),
            "gateways": .array((endpoint.guest?.gateways ?? []).map { .string($0.description) }),
            "qemu": [
                "-netdev", .string("tap,id=\(id),fd=3"), "-device",
                .string("virtio-net-pci,netdev=\(id)\(mac),host_mtu=\(endpoint.outer.mtu)"),
            ],
            "redirection": .string("3<>\(file)"),
        ]
    }

    private static func machine(_ endpoint: Inventory.Endpoint, _ tap: ObservedTap) -> JSON {
        let name = endpoint.outer.name
        let mac = endpoint.guest?.mac.description
        let mtu = String(endpoint.outer.mtu)
        let id = endpoint.name
        let queues = tap.options.multiQueue ? (",queues=2", ",mq=on") : ("", "")
        // QEMU takes two commas for one.
        let netdev =
            "tap,id=\(id),ifname=\(name.replacing(",", with: ",,")),script=no,downscript=no\(queues.0)"
        let device = "virtio-net-pci,netdev=\(id)\(mac.map { ",mac=\($0)" } ?? "")\(queues.1),host_mtu=\(mtu)"
        var firecracker: JSONObject = ["iface_id": .string(id), "host_dev_name": .string(name)]
        if let mac { firecracker["guest_mac"] = .string(mac) }
        return [
            "tap": .string(name), "gateways": .array((endpoint.guest?.gateways ?? []).map { .string($0.description) }),
            "qemu": ["-netdev", .string(netdev), "-device", .string(device)],
            "firecracker": .object(firecracker),
            "cloudHypervisor": ["--net", .string("tap=\(name)\(mac.map { ",mac=\($0)" } ?? ""),mtu=\(mtu)")],
        ]
    }
}
