internal import JSON
internal import Model
internal import Planner

/// The plan as a document, `bulkhead.plan/v1`.
enum PlanDocument {
    static func make(_ plan: Plan) -> JSON {
        [
            "format": "bulkhead.plan/v1", "bulkhead": .string(Version.number), "host": .string(plan.host),
            "scope": .string(plan.scope.text), "inSync": .bool(plan.isKnownInSync),
            "fingerprint": [
                "manifests": .string(plan.manifestFingerprint), "live": .string(plan.liveFingerprint),
            ],
            "summary": summary(plan), "steps": .array(plan.steps.map(step)),
            "warnings": .array(plan.warnings.map(diagnostic)),
        ]
    }

    static func summary(_ plan: Plan) -> JSON {
        .object(
            JSONObject(
                Step.Action.allCases.map { .init(key: $0.rawValue, value: .int(Int64(plan.count($0)))) }))
    }

    static func diagnostic(_ diagnostic: Diagnostic) -> JSON {
        [
            "severity": .string(diagnostic.severity.rawValue), "message": .string(diagnostic.message),
            "source": location(diagnostic.location),
        ]
    }

    static func location(_ location: SourceLocation?) -> JSON {
        guard let location else { return nil }
        return [
            "file": .string(location.file), "line": .int(Int64(location.line)), "column": .int(Int64(location.column)),
        ]
    }

    private static func step(_ step: Step) -> JSON {
        [
            "id": .string(step.id), "action": .string(step.action.rawValue),
            "owner": step.owner.map { .string($0.description) } ?? nil, "kind": .string(step.kind.rawValue),
            "compartment": step.namespace == .host ? nil : .string(step.namespace.text),
            "summary": .string(step.summary), "reason": .string(step.reason),
            "disruption": [
                "level": .string(step.disruption.level),
                "endpoints": .array(step.disruption.endpoints.map { .string($0.text) }),
            ], "source": location(step.source), "before": properties(step.before), "after": properties(step.after),
            "irreversible": .bool(step.isIrreversible), "requires": .array(step.requires.map { .string($0) }),
        ]
    }

    /// Properties of one name (changes of the firewall) become a list.
    private static func properties(_ properties: [Property]) -> JSON {
        guard !properties.isEmpty else { return nil }
        var names: [String] = []
        var values: [String: [JSON]] = [:]
        for property in properties {
            if values[property.name] == nil { names.append(property.name) }
            values[property.name, default: []].append(.string(property.value))
        }
        return .object(
            JSONObject(
                names.map { name in
                    let list = values[name] ?? []
                    return .init(key: name, value: list.count == 1 ? list[0] : .array(list))
                }))
    }
}
