internal import Addressing
internal import Model
internal import Reachability
internal import Reconciler

/// Questions tried for real, and what became of them.
struct Verification {
    struct Item {
        var question: ProbeQuestion
        var outcome: ProbeOutcome
    }

    /// Milliseconds that are enough for what passes on a quiet machine.
    private static let patience: Int32 = 400
    /// Milliseconds before something that should pass is said not to.
    private static let longPatience: Int32 = 4000

    let items: [Item]
    let available: Int

    init(_ state: DesiredState, _ selection: ProbeSelection, _ prober: Prober) throws {
        available = selection.available
        let map = ProbeMap(state)
        let questions = selection.questions
        let reasons = questions.map { question in
            map.machine(question).map { "\($0) is a virtual machine's, and nothing of ours runs in it" }
                ?? question.answer.tunnel.map { "Network/\($0) is l2tunnel: the physical switch decides" }
        }
        var outcomes = reasons.map { ProbeOutcome.skipped($0 ?? "") }
        let tried = questions.indices.filter { reasons[$0] == nil }
        let first = try prober.run(tried.map { map.probe(questions[$0]) }, patience: Self.patience)
        for (place, outcome) in zip(tried, first) { outcomes[place] = outcome }
        // A busy machine is no disagreement: what should have passed gets a second chance, with more time.
        let late = questions.indices.filter { place in
            questions[place].answer.allows && Self.failed(outcomes[place])
        }
        let again = try prober.run(late.map { map.probe(questions[$0]) }, patience: Self.longPatience)
        for (place, outcome) in zip(late, again) { outcomes[place] = outcome }
        items = zip(questions, outcomes).map { Item(question: $0, outcome: $1) }
    }

    private static func failed(_ outcome: ProbeOutcome) -> Bool {
        switch outcome {
        case .refused, .silent: true
        case .passed, .skipped: false
        }
    }

    /// Those that did what the model says they do not.
    var disagreements: [Item] {
        items.filter { item in
            switch item.outcome {
            case .passed: !item.question.answer.allows
            case .refused, .silent: item.question.answer.allows
            case .skipped: false
            }
        }
    }

    /// Those that were not tried.
    var skipped: [(item: Item, reason: String)] {
        items.compactMap { item in
            guard case .skipped(let reason) = item.outcome else { return nil }
            return (item, reason)
        }
    }

    var passed: Int { items.count { $0.outcome == .passed } }
}

/// From questions by name to probes by namespace.
private struct ProbeMap {
    private let namespaces: [ObjectName: NamespaceRef]
    private let machines: Set<ObjectName>

    init(_ state: DesiredState) {
        let compartments = Dictionary(
            state.compartments.map { ($0.metadata.name, $0.reference) }, uniquingKeysWith: { first, _ in first })
        var namespaces: [ObjectName: NamespaceRef] = [:]
        for endpoint in state.endpoints {
            namespaces[endpoint.metadata.name] = endpoint.compartment.flatMap { compartments[$0] }
        }
        self.namespaces = namespaces
        machines = Set(state.endpoints.filter(\.isOfHypervisor).map(\.metadata.name))
    }

    /// An endpoint of the question in which nothing can be asked or answered.
    func machine(_ question: ProbeQuestion) -> ObjectID? {
        [question.pair.source.party, question.pair.destination.party, question.listener?.party].lazy
            .compactMap { party -> ObjectName? in
                guard case .endpoint(let name) = party, machines.contains(name) else { return nil }
                return name
            }.first.map { ObjectID(.endpoint, $0) }
    }

    private func namespace(_ party: Party) -> NamespaceRef {
        switch party {
        case .endpoint(let name): namespaces[name] ?? .host
        case .host, .outside: .host
        }
    }

    func probe(_ question: ProbeQuestion) -> Probe {
        let kind: Probe.Kind =
            switch question.service {
            case .transport(.udp, let port): .udp(port)
            case .transport(_, let port): .tcp(port)
            case .icmp, .other: .ping
            }
        return Probe(
            kind, from: namespace(question.pair.source.party), question.pair.source.address,
            to: question.pair.destination.address,
            listener: question.listener.map {
                Probe.Listener(namespace: namespace($0.party), address: $0.address, port: $0.port)
            }, isForHost: question.pair.destination.party == .host)
    }
}

/// What `verify` prints for people.
enum VerifyText {
    static func render(_ result: Verification, seed: UInt64) -> String {
        var text = ""
        for item in result.disagreements {
            let (from, to) = (item.question.pair.source, item.question.pair.destination)
            let should =
                item.question.answer.allows ? "should pass, and \(words(item.outcome))" : "must not pass, and does"
            text +=
                "\(from.party.words) (\(from.address)) → \(to.party.words) (\(to.address)), \(service(item.question)): \(should)\n"
            for clause in TraceText.clauses(item.question.answer, item.question.pair) { text += "  \(clause)\n" }
        }
        for (reason, count) in reasons(result) {
            text += "not tried: \(reason.terminalSafe)\(count > 1 ? " (\(count) connections)" : "")\n"
        }
        let tried = result.items.count - result.skipped.count
        let more = result.available > result.items.count ? " of \(result.available) (seed \(seed))" : ""
        text += "\(tried) connections tried\(more): \(result.passed) passed, \(tried - result.passed) did not. "
        let wrong = result.disagreements.count
        return text
            + (wrong == 0
                ? "All as the manifests say.\n" : "\(wrong) not as the manifests say.\n")
    }

    static func service(_ question: ProbeQuestion) -> String {
        switch question.service {
        case .transport(let transport, let port): "\(transport.rawValue) \(port)"
        case .icmp, .other: "ping"
        }
    }

    static func words(_ outcome: ProbeOutcome) -> String {
        switch outcome {
        case .passed: "passes"
        case .refused(let error): "is refused (\(error))"
        case .silent: "gets no answer"
        case .skipped(let reason): "was not tried: \(reason)"
        }
    }

    private static func reasons(_ result: Verification) -> [(String, Int)] {
        Dictionary(grouping: result.skipped, by: \.reason).mapValues(\.count).sorted { $0.key < $1.key }
            .map { ($0.key, $0.value) }
    }
}
