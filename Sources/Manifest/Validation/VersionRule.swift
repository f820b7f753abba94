internal import Model

extension Validator {
    /// What the contract has and this version cannot do yet. Everything else knows only what is done.
    mutating func checkVersion() {
        for network in documents.networks where network.type.value == .l2bridge {
            guard let vlan = network.vlan else { continue }
            fail(
                "'vlan' on networks of type l2bridge is not in this version yet; make the VLAN on the host, with an address of "
                    + "it, and name it as the uplink", at: vlan.at)
        }
        for endpoint in documents.endpoints where endpoint.isMacvtap {
            guard let place = endpoint.head.place("tap") else { continue }
            fail(
                "'tap' is not used by device macvtap in this version yet: its file /dev/tapN belongs to root, and may be opened any "
                    + "number of times; who starts the machine opens it and hands it on", at: place)
        }
    }
}
