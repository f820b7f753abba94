internal import Addressing
internal import Model

/// Reads values out of a document that fits its declaration.
struct DocumentReader {
    let root: YAMLNode
    let source: SourceText

    var spec: YAMLNode { root["spec"] ?? YAMLNode(content: .mapping([]), position: root.position) }

    func at(_ node: YAMLNode) -> SourceLocation { source.location(node.position) }

    func located<Value: Sendable>(_ node: YAMLNode?, _ parse: (String) -> Value?) -> Located<Value>? {
        guard let node, let text = node.text, let value = parse(text) else { return nil }
        return Located(value: value, at: at(node))
    }

    func number(_ node: YAMLNode?) -> Located<Int>? {
        node?.int.flatMap { value in node.map { Located(value: value, at: at($0)) } }
    }

    func list<Value: Sendable>(_ node: YAMLNode?, _ parse: (String) -> Value?) -> [Located<Value>] {
        (node?.items ?? []).compactMap { located($0, parse) }
    }

    func labels(_ node: YAMLNode?) -> [Label] {
        (node?.entries ?? []).map { Label(key: $0.key, value: $0.value.text ?? "") }
            .sorted { ($0.key, $0.value) < ($1.key, $1.value) }
    }

    func head() -> DocumentHead? {
        guard let metadata = root["metadata"], let node = metadata["name"], let name = ObjectName(node.text ?? "")
        else { return nil }
        let protect = metadata["annotations"]?[Self.preventDestroy]?.text == "true"
        return DocumentHead(
            name: name, at: at(node), labels: labels(metadata["labels"]), preventDestroy: protect,
            specAt: at(spec),
            given: spec.entries.map { Located(value: $0.key, at: source.location($0.keyPosition)) })
    }

    static let preventDestroy = "bulkhead.dev/prevent-destroy"
    private static let ownPrefix = "bulkhead.dev/"

    /// Labels and annotations must be as Kubernetes has them.
    func metadataProblems() -> [Diagnostic] {
        var problems: [Diagnostic] = []
        for entry in root["metadata"]?["labels"]?.entries ?? [] {
            if !Self.isLabelKey(entry.key) {
                problems.append(
                    Diagnostic(
                        .error, "label key '\(entry.key)' is not one that Kubernetes takes",
                        at: source.location(entry.keyPosition)))
            }
            if let text = entry.value.text, !(text.isEmpty || Self.isLabelPart(text)) {
                problems.append(
                    Diagnostic(.error, "label value '\(text)' is not one that Kubernetes takes", at: at(entry.value)))
            }
        }
        for entry in root["metadata"]?["annotations"]?.entries ?? [] where entry.key.hasPrefix(Self.ownPrefix) {
            guard entry.key == Self.preventDestroy else {
                let hint = Suggestion.phrase(entry.key, among: [Self.preventDestroy])
                problems.append(
                    Diagnostic(
                        .error,
                        "annotation '\(entry.key)' is not known; '\(Self.preventDestroy)' is the only one below "
                            + "'\(Self.ownPrefix)'\(hint)", at: source.location(entry.keyPosition)))
                continue
            }
            if let text = entry.value.text, text != "true", text != "false" {
                problems.append(
                    Diagnostic(.error, "\(entry.key) is \"true\" or \"false\", not '\(text)'", at: at(entry.value)))
            }
        }
        return problems
    }

    static func isLabelKey(_ key: String) -> Bool {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.last, isLabelPart(String(name)) else { return false }
        return parts.count == 1 || TextFormat.domain.accepts(String(parts[0]))
    }

    static func isLabelPart(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func plain(_ byte: UInt8) -> Bool {
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
        }
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 63, plain(first), plain(last)
        else { return false }
        return bytes.allSatisfy { plain($0) || $0 == 0x2d || $0 == 0x5f || $0 == 0x2e }
    }

    func selector(_ node: YAMLNode?) -> SelectorDocument? {
        guard let node else { return nil }
        let expressions = (node["matchExpressions"]?.items ?? []).map { item in
            SelectorDocument.Expression(
                key: item["key"]?.text ?? "", comparison: item["operator"]?.text ?? "",
                values: (item["values"]?.items ?? []).compactMap(\.text))
        }
        return SelectorDocument(labels: labels(node["matchLabels"]), expressions: expressions, at: at(node))
    }

    func routes(_ node: YAMLNode?) -> [RouteDocument] {
        (node?.items ?? []).compactMap { item in
            guard let to = located(item["to"], { IPPrefix($0) }), let via = located(item["via"], { IPAddress($0) })
            else { return nil }
            return RouteDocument(to: to, via: via, metric: item["metric"]?.int.flatMap { UInt32(exactly: $0) })
        }
    }

    func dns(_ node: YAMLNode?) -> DNSSettings? {
        guard let node else { return nil }
        return DNSSettings(
            servers: list(node["servers"]) { IPAddress($0) }.map(\.value),
            search: (node["search"]?.items ?? []).compactMap(\.text),
            options: (node["options"]?.items ?? []).compactMap(\.text))
    }
}

extension DocumentReader {
    func host() -> HostDocument? {
        guard let head = head() else { return nil }
        let outbound = (spec["networks"]?.entries ?? []).map { entry in
            (
                network: Located(value: entry.key, at: source.location(entry.keyPosition)),
                addresses: list(entry.value["outboundAddresses"]) { IPAddress($0) }
            )
        }
        let uplinks = (spec["uplinks"]?.entries ?? []).map { entry in
            HostDocument.Uplink(
                name: entry.key, given: entry.value.entries.map(\.key), selector: uplink(entry.value),
                at: source.location(entry.keyPosition))
        }
        return HostDocument(
            head: head, outboundAddresses: outbound, uplinks: uplinks,
            underlay: located(spec["underlay"]?["address"]) { IPAddress($0) }, evpn: evpn(spec["evpn"]))
    }

    /// One of `interface`, `mac` and `defaultRoute: true`; nil where it is none of them, or several.
    func uplink(_ node: YAMLNode) -> UplinkSelector? {
        let selectors: [UplinkSelector] = [
            located(node["interface"]) { InterfaceName($0) }.map { .interface($0.value) },
            located(node["mac"]) { MACAddress($0) }.map { .mac($0.value) },
            node["defaultRoute"]?.bool == true ? .defaultRoute : nil,
        ].compactMap(\.self)
        return selectors.count == 1 && node.entries.count == 1 ? selectors[0] : nil
    }

    private func evpn(_ node: YAMLNode?) -> HostDocument.EVPN? {
        guard let node, let asn = node["asn"]?.int.flatMap({ UInt32(exactly: $0) }) else { return nil }
        return HostDocument.EVPN(asn: asn, peers: list(node["peers"]) { IPAddress($0) })
    }

    func network() -> NetworkDocument? {
        guard let head = head(), let type = located(spec["type"], { NetworkType(rawValue: $0) }) else { return nil }
        let subnets = (spec["subnets"]?.items ?? []).compactMap { item -> SubnetDocument? in
            guard let prefix = located(item["prefix"], { IPPrefix($0) }) else { return nil }
            return SubnetDocument(
                prefix: prefix, gateway: located(item["gateway"]) { IPAddress($0) },
                pool: list(item["pool"]) { IPRange($0) }, reserved: list(item["reserved"]) { IPRange($0) })
        }
        let isolation = spec["isolation"]
        return NetworkDocument(
            head: head, type: type, hostSelector: selector(spec["hostSelector"]), subnets: subnets,
            mtu: number(spec["mtu"]), dns: dns(spec["dns"]), routes: routes(spec["routes"]),
            peers: (spec["peerNetworks"]?.items ?? []).compactMap { located($0["network"]) { $0 } },
            deniesIntraNetwork: isolation?["intraNetwork"]?.text == "deny",
            deniesHostAccess: isolation?["hostAccess"]?.text == "deny",
            intraNetworkAt: isolation?.entries.first { $0.key == "intraNetwork" }
                .map { source.location($0.keyPosition) },
            hostAccessAt: isolation?.entries.first { $0.key == "hostAccess" }.map { source.location($0.keyPosition) },
            antiSpoof: spec["antiSpoof"]?.bool ?? true,
            inbound: spec["inbound"]?.text == "routed" ? .routed : .published,
            outboundNAT: outboundNAT(spec["outboundNAT"]), vxlan: vxlan(spec["vxlan"]),
            uplink: spec["uplink"].map(uplinkReference), vlan: number(spec["vlan"]?["id"]),
            attachment: located(spec["attachment"]) { $0 },
            existingBridge: located(spec["bridge"]?["existing"]) { InterfaceName($0) })
    }

    private func uplinkReference(_ node: YAMLNode) -> UplinkDocument {
        UplinkDocument(
            name: node.entries.count == 1 ? located(node["name"]) { $0 } : nil, selector: uplink(node), at: at(node))
    }

    private func vxlan(_ node: YAMLNode?) -> VXLANDocument? {
        guard let node, let number = number(node["vni"]), let vni = VNI(number.value) else { return nil }
        let plane = located(node["controlPlane"]) { $0 }
        return VXLANDocument(
            vni: Located(value: vni, at: number.at), port: node["port"]?.int.flatMap { UInt16(exactly: $0) } ?? 4789,
            evpnAt: plane.flatMap { $0.value == "evpn" ? $0.at : nil })
    }

    private func outboundNAT(_ node: YAMLNode?) -> OutboundNATDocument? {
        guard let node else { return nil }
        return OutboundNATDocument(
            enabled: node["enabled"]?.bool ?? true,
            families: node["families"].map { list($0) { AddressFamily(rawValue: $0) }.map(\.value).sorted() },
            addresses: list(node["addresses"]) { IPAddress($0) },
            exceptions: list(node["exceptions"]) { IPPrefix($0) },
            destinations: list(node["destinations"]) { IPPrefix($0) },
            ports: node["ports"]?.text.flatMap { PortRange($0) }, at: at(node))
    }

    func compartment() -> CompartmentDocument? {
        guard let head = head() else { return nil }
        let namespace = spec["namespace"]
        let aliases = (spec["hostAliases"]?.items ?? []).compactMap { item -> HostsEntry? in
            guard let address = located(item["ip"], { IPAddress($0) }) else { return nil }
            return HostsEntry(address: address.value, names: (item["hostnames"]?.items ?? []).compactMap(\.text))
        }
        return CompartmentDocument(
            head: head, host: located(spec["host"]) { $0 }, namespaceName: located(namespace?["name"]) { $0 },
            namespacePath: located(namespace?["path"]) { $0 },
            sysctls: (spec["sysctls"]?.entries ?? []).map {
                ($0.key, $0.value.text ?? "", source.location($0.keyPosition))
            }, dns: dns(spec["dns"]), aliases: aliases)
    }

    func endpoint() -> EndpointDocument? {
        guard let head = head(), let network = located(spec["network"], { $0 }) else { return nil }
        return EndpointDocument(
            head: head, network: network, host: located(spec["host"]) { $0 }, device: located(spec["device"]) { $0 },
            compartment: located(spec["compartment"]) { $0 },
            interface: located(spec["interface"]) { InterfaceName($0) },
            hostInterface: located(spec["hostInterface"]) { InterfaceName($0) },
            mac: located(spec["mac"]) { MACAddress($0) },
            addresses: spec["addresses"].map { list($0) { IPAddress($0) } },
            allowedAddresses: list(spec["allowedAddresses"]) { IPPrefix($0) }.map(\.value).sorted(),
            allowedMACs: list(spec["allowedMACs"]) { MACAddress($0) }.map(\.value).sorted(),
            antiSpoof: spec["antiSpoof"]?.bool,
            defaultRoute: spec["defaultRoute"].flatMap { node in node.bool.map { Located(value: $0, at: at(node)) } },
            routes: routes(spec["routes"]), mtu: number(spec["mtu"]),
            enabled: spec["enabled"]?.bool ?? true, portMappings: portMappings(spec["portMappings"]),
            bandwidth: spec["bandwidth"].map { node in
                BandwidthDocument(
                    egress: located(node["egress"]) { BitRate($0) }, ingress: located(node["ingress"]) { BitRate($0) },
                    burst: located(node["burst"]) { ByteSize($0) }, at: at(node))
            },
            tap: spec["tap"].map { node in
                TapDocument(
                    owner: located(node["owner"]) { $0 }, group: located(node["group"]) { $0 },
                    multiQueue: node["multiQueue"]?.bool ?? false)
            })
    }

    private func portMappings(_ node: YAMLNode?) -> [PortMappingDocument] {
        (node?.items ?? []).compactMap { item in
            guard let hostPorts = located(item["hostPort"], { PortRange($0) }),
                let ports = located(item["port"], { PortRange($0) })
            else { return nil }
            return PortMappingDocument(
                transport: item["protocol"]?.text.flatMap { PortProtocol(rawValue: $0) } ?? .tcp,
                hostPorts: hostPorts, ports: ports, hostAddress: located(item["hostAddress"]) { IPAddress($0) },
                allowShadow: item["allowShadow"]?.bool ?? false, at: at(item))
        }
    }
}
