internal import Addressing
internal import JSON
internal import Model
internal import Reachability

/// Answers as a document, `bulkhead.trace/v1`.
enum TraceDocument {
    static func make(_ result: TraceResult, host: String) -> JSON {
        [
            "format": "bulkhead.trace/v1", "host": .string(host), "from": .string(result.from.words),
            "to": .string(result.to.words), "protocol": .string(protocolName(result.question)),
            "allowed": .bool(result.allows),
            "answers": .array(
                result.items.flatMap { item in
                    item.answers.map { answer(item.pair, $0.ports, $0.answer, result.question) }
                }),
        ]
    }

    private static func protocolName(_ question: ServiceQuestion) -> String {
        switch question {
        case .transport(let transport, _): transport.rawValue
        case .icmp(let family, _): family == .ipv4 ? "icmp" : "icmpv6"
        case .other(let number): "\(number)"
        }
    }

    private static func answer(
        _ pair: AddressPair, _ ports: PortRange?, _ answer: Answer, _ question: ServiceQuestion
    ) -> JSON {
        var members: JSONObject = ["source": side(pair.source), "destination": side(pair.destination)]
        if let ports {
            members["ports"] = ["first": .int(Int64(ports.first)), "last": .int(Int64(ports.last))]
        }
        if case .icmp(_, let type) = question { members["type"] = .int(Int64(type)) }
        members["allowed"] = .bool(answer.allows)
        members["bound"] = answer.bound.map { .string($0.description) } ?? .null
        if let tunnel = answer.tunnel { members["byPhysicalSwitch"] = .string(tunnel.text) }
        members["insideCompartment"] = answer.inside.map { .string($0.text) } ?? .null
        members["published"] = answer.publication.map(publication) ?? .null
        members["egress"] = answer.egress.map(ruling) ?? .null
        members["ingress"] = answer.ingress.map(ruling) ?? .null
        return .object(members)
    }

    static func side(_ side: (party: Party, address: IPAddress)) -> JSON {
        ["name": .string(side.party.words), "address": .string(side.address.description)]
    }

    private static func publication(_ value: Publication) -> JSON {
        [
            "endpoint": .string(value.endpoint.text), "address": .string(value.address.description),
            "hostPorts": .string(value.mapping.hostPorts.description),
            "ports": .string(value.mapping.ports.description),
            "source": PlanDocument.location(value.mapping.source),
        ]
    }

    static func ruling(_ ruling: Ruling) -> JSON {
        var members: JSONObject = ["action": .string(ruling.action.rawValue)]
        switch ruling.cause {
        case .rule(let rule):
            members["by"] = "rule"
            members["policy"] = .string(rule.policy.text)
            members["rule"] = .string(rule.rule.text)
            members["source"] = PlanDocument.location(rule.source)
        case .policyDefault(let name, let source):
            members["by"] = "default"
            members["policy"] = .string(name.text)
            members["source"] = PlanDocument.location(source)
        case .isolation(let name, let source):
            members["by"] = "isolation"
            members["network"] = .string(name.text)
            members["source"] = PlanDocument.location(source)
        case .nothing: members["by"] = "nothing"
        }
        if let rule = ruling.passedBy {
            members["passedBy"] = [
                "policy": .string(rule.policy.text), "rule": .string(rule.rule.text),
                "source": PlanDocument.location(rule.source),
            ]
        }
        return .object(members)
    }
}
