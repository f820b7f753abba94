internal import Addressing
internal import Model

extension Context {
    /// The device by which what an endpoint sends is limited; nil where it is not.
    ///
    /// A queue holds back what leaves a device, and what an endpoint sends comes in on its port. So it leaves by this one
    /// first. A queue on the card itself would be in the hands of whoever is root in the compartment.
    func shaperSpec(_ endpoint: Endpoint) -> LinkSpec? {
        guard let name = endpoint.shaper else { return nil }
        return LinkSpec(
            reference: LinkReference(.host, name.interface.text), kind: .ifb,
            mac: Naming.shaperMAC(endpoint: endpoint.metadata.name, host: desired.host), mtu: endpoint.mtu,
            addressGeneration: 1, isUp: true, alias: mark(endpoint.metadata, .endpoint).text,
            alternativeName: name.alternative)
    }

    /// What is on the device.
    func shaperDisciplines(_ endpoint: Endpoint) -> [QdiscSpec] {
        endpoint.bandwidth.egress.map { [.bucket(endpoint.bandwidth.bucket($0, mtu: endpoint.mtu))] } ?? []
    }

    /// What is on the endpoint's port.
    func portDisciplines(_ endpoint: Endpoint) -> [QdiscSpec] {
        let shaper = endpoint.shaper.map { QdiscSpec.redirect(to: LinkReference(.host, $0.interface.text)) }
        let bucket = endpoint.bandwidth.ingress.map {
            QdiscSpec.bucket(endpoint.bandwidth.bucket($0, mtu: endpoint.mtu))
        }
        return [bucket, shaper].compactMap(\.self)
    }
}
