internal import Model

extension Validator {
    /// What the contract has and this version cannot do yet. Everything else knows only what is done.
    mutating func checkVersion() {
        for network in documents.networks where !Self.types.contains(network.type.value) {
            fail(
                "Network type '\(network.type.value.rawValue)' is not in this version yet; it has nat, internal, private, transparent, l2tunnel and overlay",
                at: network.type.at)
        }
        for endpoint in documents.endpoints where networks[endpoint.network.value]?.isMacvlan != true {
            if let device = endpoint.device, device.value == "macvtap" {
                fail("device 'macvtap' is not in this version yet; it has nic and tap", at: device.at)
            }
        }
    }

    static let types: Set<NetworkType> = [.nat, .internal, .private, .transparent, .l2tunnel, .overlay]
}
