import Addressing
import Model

/// A desired state as text, one fact a line; places in files left out.
enum StateText {
    static func of(_ state: DesiredState) -> String {
        let lines =
            state.networks.flatMap(network) + state.routers.flatMap(router) + state.compartments.flatMap(compartment)
            + state.endpoints.flatMap(endpoint) + state.policies.flatMap(policy) + state.remotes.map(remote)
            + (state.evpn.map { ["evpn \($0.asn) from \($0.local) with \(list($0.peers))"] } ?? [])
            + (state.remotePolicies.isEmpty ? [] : ["elsewhere"] + state.remotePolicies.flatMap(policy))
        return lines.joined(separator: "\n") + "\n"
    }

    private static func list(_ values: [some Any]) -> String {
        values.isEmpty ? "-" : values.map { "\($0)" }.joined(separator: " ")
    }

    private static func text(_ value: (some Any)?) -> String { value.map { "\($0)" } ?? "-" }

    private static func metadata(_ metadata: ObjectMetadata) -> [String] {
        let labels = metadata.labels.map { "\($0.key)=\($0.value)" }
        return (labels.isEmpty ? [] : ["  labels \(list(labels))"]) + (metadata.preventDestroy ? ["  protected"] : [])
    }

    private static func network(_ network: Network) -> [String] {
        let nat = network.outboundNAT.map { nat in
            "\(list(nat.families)) from \(list(nat.addresses)) except \(list(nat.exceptions)) only \(list(nat.destinations)) ports \(text(nat.ports))"
        }
        return ["\(network.id) \(network.type.rawValue)"] + metadata(network.metadata) + [
            "  bridge \(network.bridge) also \(text(network.alternativeName)) mac \(network.mac) mtu \(network.mtu)",
            "  isolation \(network.deniesIntraNetwork ? "apart" : "together") \(network.deniesHostAccess ? "no-host" : "host") inbound \(network.inbound.rawValue)",
            "  peers \(list(network.peers)) nat \(text(nat))",
        ] + (network.attachment.map { ["  attached \($0.words)"] } ?? []) + (network.overlay.map(overlay) ?? [])
            + network.subnets.map { "  subnet \($0.prefix) gateway \(text($0.gateway))" } + network.routes.map(route)
    }

    private static func overlay(_ overlay: Overlay) -> [String] {
        [
            "  overlay \(overlay.vni) port \(overlay.port) by \(overlay.tunnel) also \(text(overlay.alternativeName)) mac \(overlay.mac) from \(overlay.local)"
        ] + overlay.peers.map { "  to \($0.host) at \($0.underlay)" }
    }

    private static func router(_ router: Router) -> [String] {
        [
            "router of \(router.network) in \(router.compartment.namespace) as \(router.compartment.metadata.name)",
            "  settings \(list(router.compartment.sysctls.map { "\($0.path)=\($0.value)" }))",
        ]
            + router.cards.map { card in
                "  card \(text(card.seat?.interface)) on \(card.network) by \(card.hostInterface) also \(text(card.alternativeName)) mac \(card.mac) addresses \(list(card.addresses)) mtu \(card.mtu)"
            }
    }

    private static func remote(_ remote: RemoteEndpoint) -> String {
        let endpoint = remote.endpoint
        return
            "remote \(endpoint.id) on \(endpoint.network) of \(remote.host) at \(remote.underlay) mac \(endpoint.mac) addresses \(list(endpoint.addresses)) also \(list(endpoint.allowedAddresses))"
    }

    private static func route(_ route: RouteSpec) -> String {
        "  route \(route.destination) via \(route.via) metric \(text(route.metric))"
    }

    private static func compartment(_ compartment: Compartment) -> [String] {
        let space =
            switch compartment.namespace {
            case .owned(let name): "owned \(name)"
            case .adopted(let path): "adopted \(path)"
            }
        return ["\(compartment.id) \(space)"] + metadata(compartment.metadata)
            + compartment.sysctls.map { "  sysctl \($0.path) = \($0.value)" }
            + (compartment.dns.map {
                ["  dns servers \(list($0.servers)) search \(list($0.search)) options \(list($0.options))"]
            } ?? [])
            + compartment.hostsText.split(separator: "\n").map { "  hosts \($0)" }
    }

    private static func device(_ device: Device) -> String {
        switch device {
        case .nic(let seat): return "\(seat.interface) in \(seat.compartment)"
        case .macvlan(let seat): return "macvlan \(seat.interface) in \(seat.compartment)"
        case .macvtap: return "macvtap"
        case .tap(let options):
            let owner = options.owner?.description ?? "-", group = options.group?.description ?? "-"
            return "tap of \(owner) \(group)\(options.multiQueue ? " in queues" : "")"
        }
    }

    private static func endpoint(_ endpoint: Endpoint) -> [String] {
        [
            "\(endpoint.id) \(device(endpoint.device)) on \(endpoint.network)\(endpoint.enabled ? "" : " disabled")"
        ] + metadata(endpoint.metadata) + [
            "  port \(endpoint.hostInterface) also \(text(endpoint.alternativeName)) mac \(endpoint.mac) port mac \(endpoint.hostMAC) mtu \(endpoint.mtu)",
            "  addresses \(list(endpoint.addresses))\(endpoint.hasAutomaticAddresses ? " automatic" : "")",
            "  spoofing \(endpoint.antiSpoof ? "checked" : "unchecked") also \(list(endpoint.allowedAddresses)) \(list(endpoint.allowedMACs))",
            "  default via \(list(endpoint.defaultGateways))",
        ] + endpoint.routes.map(route)
            + endpoint.portMappings.map {
                "  publish \($0.transport.rawValue) \(text($0.hostAddress)):\($0.hostPorts) to \($0.ports) \(list($0.families))\($0.allowShadow ? " shadowing" : "")"
            }
    }

    private static func policy(_ policy: Policy) -> [String] {
        [
            "\(policy.id) priority \(policy.priority)\(policy.isAudit ? " audit" : "")\(policy.keepsConnections ? " keeps" : "")"
        ]
            + metadata(policy.metadata) + ["  for \(list(policy.selected))"]
            + TrafficDirection.allCases.flatMap { direction -> [String] in
                guard let half = policy[direction] else { return [] }
                return ["  \(direction.rawValue) else \(half.deniesByDefault ? "deny" : "allow")"]
                    + half.rules.map(rule)
            }
    }

    private static func rule(_ rule: PolicyRule) -> String {
        let peers = rule.peers.map { list($0.map(peer)) } ?? "anyone"
        let services = rule.services.map { $0.map(\.description).joined(separator: "; ") } ?? "all"
        let log =
            switch rule.log {
            case nil: ""
            case .kernel: " log kernel"
            case .nflog(let group): " log \(group)"
            }
        return "    \(rule.name) \(rule.action.rawValue) \(peers) on \(services)\(log)"
    }

    private static func peer(_ peer: PolicyPeer) -> String {
        let group = peer.group.map { "\($0.key)=[\(list($0.members))]" }
        let block = peer.block.map { "\($0.prefix)\($0.except.isEmpty ? "" : " except \(list($0.except))")" }
        return "{" + [group, block, peer.entity?.rawValue].compactMap(\.self).joined(separator: " & ") + "}"
    }
}
