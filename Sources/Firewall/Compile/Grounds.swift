internal import Addressing
internal import JSON
internal import Model

/// Links of the host on which it has no place, though no bridge takes their frames.
extension Compiler {
    /// One element a link. VLANs that macvlans stand on: the kernel gives what is for all on a segment to macvlans and to the
    /// host, whose addresses on other interfaces would answer. And macvtaps: what nobody has opened is the host's.
    static func deafLinks(_ desired: DesiredState, _ facts: HostFacts) -> [Element] {
        let grounds = facts.macvlanUplinks.filter(\.value.isEndpointsAlone).sorted { $0.key < $1.key }
            .map { network, uplink in
                Element(key: .string(uplink.name), comment: ObjectID(.network, network).description)
            }
        return grounds
            + desired.endpoints.filter(\.isMacvtap).map {
                Element(key: .string($0.hostInterface.text), comment: $0.id.description)
            }
    }

    /// What keeps the host off where it has no switches, whose tables do it too; none where there are no such links.
    static func groundTables(_ input: CompilerInput) -> [Table] {
        guard !input.deaf.isEmpty else { return [] }
        let inet = Table(
            family: .inet, name: input.tableName,
            sets: [NamedSet(name: "ports", keyTypes: ["ifname"], elements: input.deaf)],
            chains: [
                Chain(
                    name: "prerouting", base: .init(type: "filter", hook: "prerouting", priority: -300),
                    rules: portRules())
            ])
        return [inet, arpTable(input)]
    }
}
