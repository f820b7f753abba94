internal import Addressing
internal import Model

extension Validator {
    /// Rules match by address: the endpoints that a policy selects must have some, and must be held to them.
    mutating func checkIdentities(_ policy: PolicyDocument) {
        for endpoint in documents.endpoints where policy.selects(endpoint) {
            guard let network = networks[endpoint.network.value] else { continue }
            if !(endpoint.antiSpoof ?? network.antiSpoof) {
                fail(
                    "Policy/\(policy.head.name) selects Endpoint/\(endpoint.head.name) (\(endpoint.head.at)), which has no antiSpoof; "
                        + "rules match by address, which it could forge", at: policy.target.at)
            }
            if Self.families(endpoint, network).isEmpty, endpoint.allowedAddresses.isEmpty {
                fail(
                    "Policy/\(policy.head.name) selects Endpoint/\(endpoint.head.name) (\(endpoint.head.at)), which has no address; "
                        + "rules match by address: give it 'addresses' or 'allowedAddresses'", at: policy.target.at)
            }
        }
    }
}
