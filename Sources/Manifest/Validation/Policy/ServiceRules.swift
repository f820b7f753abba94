internal import Addressing
internal import Model

extension Validator {
    /// Ports belong to transport protocols, types to ICMP.
    mutating func checkService(_ service: PolicyDocument.Service) {
        switch service.kind {
        case .transport:
            if let place = service.typesAt {
                fail("'types' are not used by \(service.kind.word); it has 'ports'", at: place)
            }
        case .icmp(let family):
            if let place = service.portsAt {
                fail("'ports' are not used by \(service.kind.word); it has 'types'", at: place)
            }
            for type in service.types ?? [] { checkType(type, family, service.kind.word) }
        }
    }

    private mutating func checkType(_ type: Located<String>, _ family: AddressFamily, _ word: String) {
        guard ICMPTypes.number(type.value, family) == nil else { return }
        let hint = Suggestion.phrase(type.value, among: ICMPTypes.table(family).map(\.name))
        fail("types: \(word) has no type '\(type.value)'\(hint)", at: type.at)
    }

    /// A group is needed for nflog and means nothing to the kernel log.
    mutating func checkLog(_ log: PolicyDocument.Log) {
        if log.isKernel, let group = log.group {
            fail("log: 'group' is not used by 'to: kernel'", at: group.at)
        } else if !log.isKernel, log.group == nil {
            fail("log: 'to: nflog' needs the 'group' that a program listens on", at: log.at)
        }
    }
}
