internal import Addressing
internal import JSON
internal import Model

/// VLANs that macvlans stand on. The kernel gives what is for all on a segment to macvlans and to the host, whose
/// addresses on other interfaces would answer: the host hears nothing by them.
extension Compiler {
    /// One element a VLAN.
    static func grounds(_ input: CompilerInput) -> [Element] {
        input.facts.macvlanUplinks.filter(\.value.isEndpointsAlone).sorted { $0.key < $1.key }.map { network, uplink in
            Element(key: .string(uplink.name), comment: ObjectID(.network, network).description)
        }
    }

    /// What keeps the host off where it has no switches, whose tables do it too; none where there are no such VLANs.
    static func groundTables(_ input: CompilerInput) -> [Table] {
        guard !grounds(input).isEmpty else { return [] }
        let inet = Table(
            family: .inet, name: input.tableName,
            sets: [NamedSet(name: "ports", keyTypes: ["ifname"], elements: grounds(input))],
            chains: [
                Chain(
                    name: "prerouting", base: .init(type: "filter", hook: "prerouting", priority: -300),
                    rules: portRules())
            ])
        return [inet, arpTable(input)]
    }
}
