internal import Addressing
internal import JSON
internal import Manifest
internal import Model
internal import Reachability

/// Who reaches whom, before a change of the manifests and after it.
struct BeforeAndAfter {
    /// Connections that open and close, between what is there before and after.
    let changes: ReachabilityChanges
    /// Endpoints that come, and that go; sorted.
    let added: [ObjectName]
    let removed: [ObjectName]
    /// What it was compared with.
    let base: String

    init(from old: DesiredState, to new: DesiredState, base: String) {
        changes = ReachabilityChanges(from: old, to: new)
        let (before, after) = (Set(old.endpoints.map(\.metadata.name)), Set(new.endpoints.map(\.metadata.name)))
        added = after.subtracting(before).sorted()
        removed = before.subtracting(after).sorted()
        self.base = base
    }

    /// For programs.
    var document: JSON {
        [
            "base": .string(base), "complete": .bool(changes.isComplete),
            "changes": .array(changes.changes.map(Self.document)),
            "publications": .array(changes.publications.map(Self.document)),
            "added": .array(added.map { .string($0.text) }), "removed": .array(removed.map { .string($0.text) }),
        ]
    }

    private static func document(_ change: ReachabilityChange) -> JSON {
        [
            "from": .string("\(change.from)"), "to": .string("\(change.to)"),
            "families": .array(change.families.map { .string($0.rawValue) }), "service": .string("\(change.service)"),
            "now": change.isOpened ? "allowed" : "denied",
        ]
    }

    private static func document(_ change: PublicationChange) -> JSON {
        let now =
            switch change.kind {
            case .opened, .openedBut: "open"
            case .closed: "closed"
            case .published: "published"
            case .withdrawn: "withdrawn"
            }
        return [
            "endpoint": .string(change.endpoint.text), "protocol": .string(change.transport.rawValue),
            "hostAddress": change.hostAddress.map { .string("\($0)") } ?? nil,
            "hostPorts": .string("\(change.hostPorts)"), "ports": .string("\(change.ports)"),
            "families": .array(change.families.map { .string($0.rawValue) }), "now": .string(now),
            "to": .array(change.sides.map { .string("\($0)") }),
            "except": .array(change.exceptions.map { .string("\($0)") }),
        ]
    }

    /// For people, one line each, signs in front.
    var lines: [String] {
        changes.publications.map { "\($0.isOpened ? "+" : "-") \($0)" }
            + changes.changes.map { "\($0.isOpened ? "+" : "-") \($0)" } + added.map { "+ \($0) is new" }
            + removed.map { "- \($0) goes" }
    }
}
