internal import Addressing
internal import Model

extension DocumentReader {
    func policy() -> PolicyDocument? {
        guard let head = head(), let target = spec["appliesTo"] else { return nil }
        return PolicyDocument(
            head: head,
            target: .init(
                endpoints: selector(target["endpoints"]), networks: target["networks"].map { list($0) { $0 } },
                at: at(target)),
            priority: spec["priority"]?.int ?? 1000, isAudit: spec["mode"]?.text == "audit",
            ingress: direction(.ingress), egress: direction(.egress),
            keepsConnections: spec["onRevoke"]?.text == "keep")
    }

    private func direction(_ direction: TrafficDirection) -> PolicyDocument.Direction? {
        guard let node = spec[direction.rawValue] else { return nil }
        let rules = (node["rules"]?.items ?? []).enumerated().compactMap { place, item in
            rule(item, direction, place: place)
        }
        return .init(deniesByDefault: node["default"]?.text == "deny", rules: rules, at: at(node))
    }

    private func rule(_ node: YAMLNode, _ direction: TrafficDirection, place: Int) -> PolicyDocument.Rule? {
        let given = located(node["name"]) { ObjectName($0) }
        guard let name = given?.value ?? ObjectName("\(direction.rawValue)-\(place + 1)"),
            let action = node["action"]?.text.flatMap({ RuleAction(rawValue: $0) })
        else { return nil }
        let peers = direction == .ingress ? node["from"] : node["to"]
        return .init(
            givenName: given, name: name, action: action, peers: peers.map { $0.items.map(peer) },
            services: node["protocols"].map { $0.items.compactMap(service) }, log: node["log"].map(log), at: at(node))
    }

    private func peer(_ node: YAMLNode) -> PolicyDocument.Peer {
        .init(
            endpoints: selector(node["endpoints"]), network: located(node["network"]) { $0 },
            cidr: located(node["cidr"]) { IPPrefix($0) }, except: list(node["except"]) { IPPrefix($0) },
            entity: located(node["entity"]) { PeerEntity(rawValue: $0) }, exceptAt: node["except"].map(at),
            at: at(node))
    }

    private func service(_ node: YAMLNode) -> PolicyDocument.Service? {
        guard let kind = node["protocol"]?.text.flatMap({ PolicyDocument.ServiceKind($0) }) else { return nil }
        return .init(
            kind: kind, ports: node["ports"].map { list($0) { PortRange($0) } },
            types: node["types"].map { list($0) { $0 } }, at: at(node), portsAt: node["ports"].map(at),
            typesAt: node["types"].map(at))
    }

    private func log(_ node: YAMLNode) -> PolicyDocument.Log {
        .init(
            isKernel: node["to"]?.text == "kernel",
            group: number(node["group"]).flatMap { group in
                UInt16(exactly: group.value).map { Located(value: $0, at: group.at) }
            }, at: at(node))
    }
}
