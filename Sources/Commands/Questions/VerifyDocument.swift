internal import Addressing
internal import JSON
internal import Model
internal import Reachability
internal import Reconciler

/// What `verify` prints for programs, `bulkhead.verify/v1`.
enum VerifyDocument {
    static func make(_ result: Verification, host: String, seed: UInt64) -> JSON {
        func number(_ value: Int) -> JSON { .int(Int64(value)) }
        return [
            "format": "bulkhead.verify/v1", "host": .string(host), "seed": .string("\(seed)"),
            "agrees": .bool(result.disagreements.isEmpty), "available": number(result.available),
            "tried": number(result.items.count - result.skipped.count), "passed": number(result.passed),
            "disagreements": .array(result.disagreements.map(item)),
            "skipped": .array(
                result.skipped.map { entry in
                    var members = question(entry.item.question)
                    members["reason"] = .string(entry.reason)
                    return .object(members)
                }),
        ]
    }

    private static func item(_ item: Verification.Item) -> JSON {
        var members = question(item.question)
        members["expected"] = item.question.answer.allows ? "allowed" : "denied"
        members["outcome"] = .string(VerifyText.words(item.outcome))
        members["because"] = .array(
            TraceText.clauses(item.question.answer, item.question.pair).map { .string($0) })
        return .object(members)
    }

    private static func question(_ question: ProbeQuestion) -> JSONObject {
        var members: JSONObject = [
            "source": TraceDocument.side(question.pair.source),
            "destination": TraceDocument.side(question.pair.destination),
        ]
        switch question.service {
        case .transport(let transport, let port):
            members["protocol"] = .string(transport.rawValue)
            members["port"] = .int(Int64(port))
        case .icmp, .other: members["protocol"] = "ping"
        }
        return members
    }
}
