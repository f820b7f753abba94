internal import Addressing
internal import Model
internal import Reachability

/// Answers as people read them.
enum TraceText {
    static func render(_ result: TraceResult) -> String {
        result.items.map { item in
            let (from, to) = (item.pair.source, item.pair.destination)
            let head = "\(side(from.party, from.address)) → \(side(to.party, to.address)), \(result.question.words)"
            guard item.answers.count > 1 else {
                let answer = item.answers.first
                let port = answer?.ports.map { $0.count == 65535 ? ", all ports" : " \($0)" } ?? ""
                return "\(head)\(port): " + (answer.map { verdict($0.answer) + reasons($0.answer, item, "  ") } ?? "\n")
            }
            return "\(head):\n"
                + item.answers.map { ports, answer in
                    "  \(ports.map(\.description) ?? ""): \(verdict(answer))\(reasons(answer, item, "    "))"
                }.joined()
        }.joined()
    }

    private static func side(_ party: Party, _ address: IPAddress) -> String { "\(party.words) (\(address))" }

    private static func verdict(_ answer: Answer) -> String {
        answer.allows ? Terminal.paint("allowed", .green) + "\n" : Terminal.paint("denied", .red) + "\n"
    }

    private static func reasons(_ answer: Answer, _ item: TraceResult.Item, _ indent: String) -> String {
        clauses(answer, item.pair).map { "\(indent)\($0)\n" }.joined()
    }

    /// What decided, one clause each.
    static func clauses(_ answer: Answer, _ pair: AddressPair) -> [String] {
        var lines: [String] = []
        if let compartment = answer.inside {
            lines.append("both are in Compartment/\(compartment): the connection stays inside it")
        }
        if let publication = answer.publication {
            let ports = "\(publication.mapping.hostPorts) to \(publication.mapping.ports)"
            lines.append(
                "published: \(publication.mapping.transport.rawValue) \(ports) of Endpoint/\(publication.endpoint) \(place(publication.mapping.source))"
            )
        }
        if let bound = answer.bound { lines.append("closed: \(bound)") }
        if answer.isForeign { lines.append("no endpoint takes part: bulkhead does not filter it") }
        if let egress = answer.egress { lines.append("egress of \(pair.source.party.words): \(words(egress))") }
        if let ingress = answer.ingress {
            let target = answer.publication.map(\.endpoint.text) ?? pair.destination.party.words
            lines.append("ingress of \(target): \(words(ingress))")
        }
        if let tunnel = answer.tunnel {
            lines.append(
                "Network/\(tunnel) is l2tunnel: it passes if the physical switch sends frames back where they came from"
            )
        }
        return lines
    }

    static func words(_ ruling: Ruling) -> String {
        let action =
            switch ruling.action {
            case .allow, .pass: "allowed"
            case .deny: "denied"
            case .reject: "rejected"
            }
        let passed = ruling.passedBy.map { ", passed on by rule \($0.policy)/\($0.rule) \(place($0.source))" } ?? ""
        switch ruling.cause {
        case .rule(let rule): return "\(action) by rule \(rule.policy)/\(rule.rule) \(place(rule.source))"
        case .policyDefault(let name, let source):
            return "\(action) by the default of Policy/\(name) \(place(source)); no rule matches"
        case .isolation(let name, let source):
            return "\(action) by the isolation of Network/\(name) \(place(source))\(passed)"
        case .nothing: return "\(action), nothing denies it\(passed)"
        }
    }

    private static func place(_ source: SourceLocation) -> String { "(\(source.file.terminalSafe):\(source.line))" }
}
