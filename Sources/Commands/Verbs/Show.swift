internal import Addressing
internal import ArgumentParser
internal import Firewall
internal import JSON
internal import Model

/// `bulkhead show`.
struct Show: Verb {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what bulkhead owns right now, as the kernel has it.",
        discussion: "With --full --output json: everything that a plan needs, for `plan --against` elsewhere.")
    static let outputs: [GlobalOptions.Output] = [.text, .json, .prometheus]

    @Argument(
        help: ArgumentHelp("KIND or KIND/NAME: network, compartment, endpoint or policy.", valueName: "kind[/name]"))
    var what: String?

    @Flag(help: "Everything that a plan needs (with --output json).")
    var full = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        if full {
            guard what == nil, global.wantedOutput == .json else {
                throw Complaint("--full goes with --output json, and without KIND", .usage)
            }
            return Terminal.out(try StateFile.live(global).text())
        }
        if global.wantedOutput == .prometheus {
            guard what == nil else { throw Complaint("--output prometheus shows all; leave out KIND", .usage) }
            return Terminal.out(try Metrics.read(global))
        }
        let selection = try Selection(what)
        let inventory = try Inventory.read(global)
        if let name = selection.name { return try showOne(selection, name, inventory) }
        switch global.output {
        case .json: Terminal.out(ShowDocument.all(inventory, selection.kind).text(pretty: true))
        case .text: Terminal.out(ShowText.all(inventory, selection.kind))
        }
    }

    private func showOne(_ selection: Selection, _ name: String, _ inventory: Inventory) throws {
        let document: JSON?
        if selection.kind == .policy, global.output == .text,
            let policy = inventory.policies.first(where: { $0.name == name })
        {
            return Terminal.out(ShowPolicy.text(policy))
        }
        switch selection.kind {
        case .network: document = inventory.networks.first { $0.name == name }.map(ShowDocument.network)
        case .compartment: document = inventory.compartments.first { $0.name == name }.map(ShowDocument.compartment)
        case .endpoint:
            document = inventory.endpoints.first { $0.name == name }.map {
                ShowDocument.endpoint($0, host: inventory.host)
            }
        case .policy: document = inventory.policies.first { $0.name == name }.map(ShowPolicy.document)
        case .host, nil: document = nil
        }
        guard let document else {
            throw Complaint(
                "scope \(global.scope.terminalSafe) owns no \((selection.kind?.rawValue ?? "").lowercased()) '\(name.terminalSafe)' on this machine"
            )
        }
        switch global.output {
        case .json: Terminal.out(document.text(pretty: true))
        case .text: Terminal.out(ShowText.one(document))
        }
    }

    /// `KIND` or `KIND/NAME`, the kind in any case and in the plural too.
    private struct Selection {
        var kind: ObjectKind?
        var name: String?

        init(_ text: String?) throws {
            guard let text else { return }
            let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
            let word = (parts.first ?? "").lowercased()
            let known: [ObjectKind] = [.network, .compartment, .endpoint, .policy]
            kind = known.first { word == $0.rawValue.lowercased() || word == $0.rawValue.lowercased() + "s" }
            if word == "policies" { kind = .policy }
            guard kind != nil else {
                throw Complaint(
                    "'\(text.terminalSafe)' must be network, compartment, endpoint or policy, or one of them with /NAME",
                    .usage
                )
            }
            if parts.count > 1 { name = parts[1] }
        }
    }
}

/// What `show` prints for programs.
enum ShowDocument {
    static func all(_ inventory: Inventory, _ kind: ObjectKind?) -> JSON {
        var members: JSONObject = [
            "format": "bulkhead.show/v1", "host": .string(inventory.host), "scope": .string(inventory.scope.text),
        ]
        if kind == nil || kind == .network { members["networks"] = .array(inventory.networks.map(network)) }
        if kind == nil || kind == .compartment {
            members["compartments"] = .array(inventory.compartments.map(compartment))
        }
        if kind == nil || kind == .endpoint {
            members["endpoints"] = .array(inventory.endpoints.map { endpoint($0, host: inventory.host) })
        }
        if kind == nil || kind == .policy { members["policies"] = .array(inventory.policies.map(ShowPolicy.document)) }
        return .object(members)
    }

    static func network(_ network: Inventory.Network) -> JSON {
        var members: JSONObject = [
            "name": .string(network.name), "attachment": network.isMacvlan ? "macvlan" : "bridge",
            "interface": .string(network.link.name), "mac": text(network.link.mac),
            "mtu": .int(Int64(network.link.mtu)), "addresses": list(network.addresses),
            "ports": .int(Int64(network.ports)), "tracking": .string(network.tracking),
            "state": .string(network.link.isUp ? "up" : "down"),
            "health": .string(network.health), "counters": counters(network.link.counters),
        ]
        for member in network.routing.map(ShowRouting.members) ?? [] { members[member.key] = member.value }
        return .object(members)
    }

    static func compartment(_ compartment: Inventory.Compartment) -> JSON {
        [
            "name": .string(compartment.name), "namespace": .string(compartment.namespace),
            "path": .string(compartment.path), "endpoints": .array(compartment.cards.map { .string($0) }),
            "health": .string(compartment.health),
        ]
    }

    static func endpoint(_ endpoint: Inventory.Endpoint, host: String) -> JSON {
        [
            "name": .string(endpoint.name), "network": optional(endpoint.network), "host": .string(host),
            "compartment": optional(endpoint.compartment), "device": .string(endpoint.machineKind ?? "nic"),
            "interface": optional(endpoint.inner?.name),
            "hostInterface": endpoint.outer.kind == "macvlan" ? nil : .string(endpoint.outer.name),
            "mac": text(endpoint.guest?.mac ?? endpoint.inner?.mac),
            "addresses": list(endpoint.addresses), "state": .string(endpoint.state), "health": .string(endpoint.health),
            "counters": counters(endpoint.cardCounters), "attach": AttachHints.document(endpoint),
        ]
    }

    private static func optional(_ value: String?) -> JSON { value.map { .string($0) } ?? nil }
    private static func text(_ mac: MACAddress?) -> JSON { mac.map { .string($0.description) } ?? nil }
    private static func list(_ addresses: [InterfaceAddress]) -> JSON {
        .array(addresses.map { .string($0.description) })
    }

    private static func counters(_ counters: LinkCounters?) -> JSON {
        guard let counters else { return nil }
        func number(_ value: UInt64) -> JSON { .int(Int64(clamping: value)) }
        return [
            "receivedPackets": number(counters.receivedPackets), "receivedBytes": number(counters.receivedBytes),
            "receivedDropped": number(counters.receivedDropped), "sentPackets": number(counters.sentPackets),
            "sentBytes": number(counters.sentBytes), "sentDropped": number(counters.sentDropped),
        ]
    }
}

/// What `show` prints for people.
enum ShowText {
    static func all(_ inventory: Inventory, _ kind: ObjectKind?) -> String {
        var parts: [String] = []
        if kind == nil || kind == .network {
            parts.append(
                table(
                    ["NETWORK", "BRIDGE", "STATE", "MTU", "PORTS", "ADDRESSES", "HEALTH"],
                    inventory.networks.map {
                        [
                            $0.name, $0.link.name, $0.link.isUp ? "up" : "down", "\($0.link.mtu)", "\($0.ports)",
                            join($0.addresses), $0.health,
                        ]
                    }))
        }
        if kind == nil || kind == .compartment {
            parts.append(
                table(
                    ["COMPARTMENT", "NAMESPACE", "ENDPOINTS", "HEALTH"],
                    inventory.compartments.map { [$0.name, $0.path, $0.cards.joined(separator: " "), $0.health] }))
        }
        if kind == nil || kind == .endpoint {
            parts.append(
                table(
                    ["ENDPOINT", "NETWORK", "COMPARTMENT", "CARD", "STATE", "ADDRESSES", "HEALTH"],
                    inventory.endpoints.map {
                        [
                            $0.name, $0.network ?? "-", $0.compartment ?? "-", $0.cardName ?? "-", $0.state,
                            join($0.addresses), $0.health,
                        ]
                    }))
        }
        if kind == .policy || (kind == nil && !inventory.policies.isEmpty) {
            parts.append(ShowPolicy.table(inventory.policies))
        }
        return parts.joined(separator: "\n")
    }

    /// `name  value` lines of a document, nested ones as `name.name`.
    static func one(_ document: JSON) -> String {
        var lines: [(String, String)] = []
        collect(document, "", &lines)
        let width = lines.map(\.0.count).max() ?? 0
        return lines.map { "\($0)\(String(repeating: " ", count: width - $0.count))  \($1.terminalSafe)\n" }.joined()
    }

    private static func collect(_ value: JSON, _ name: String, _ lines: inout [(String, String)]) {
        switch value {
        case .object(let object):
            for member in object.members {
                collect(member.value, name.isEmpty ? member.key : "\(name).\(member.key)", &lines)
            }
        // Each on a line of its own, by its values.
        case .array(let values) where !values.isEmpty && values.allSatisfy { $0.object != nil }:
            for value in values {
                let texts = (value.object?.members ?? []).map { member in
                    var inner: [(String, String)] = []
                    collect(member.value, "", &inner)
                    return inner.map(\.1).joined(separator: " ")
                }
                lines.append((name, texts.filter { !$0.isEmpty }.joined(separator: " ")))
            }
        case .array(let values): lines.append((name, values.map { $0.string ?? $0.text() }.joined(separator: " ")))
        case .string(let text): lines.append((name, text))
        case .null: lines.append((name, "-"))
        case .bool, .int, .double: lines.append((name, value.text()))
        }
    }

    private static func join(_ addresses: [InterfaceAddress]) -> String {
        addresses.isEmpty ? "-" : addresses.map(\.description).joined(separator: " ")
    }

    static func table(_ head: [String], _ rows: [[String]]) -> String {
        let all = [head] + rows.map { $0.map { $0.isEmpty ? "-" : $0.terminalSafe } }
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return line + "\n"
        }.joined()
    }
}
