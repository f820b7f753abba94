internal import Addressing
internal import ArgumentParser
internal import JSON
internal import Model
internal import Reachability
internal import Reconciler

/// `bulkhead trace`.
struct Trace: Verb {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Say from the manifests alone whether a connection passes, and which rule decides.",
        discussion:
            "FROM and TO are endpoint/NAME, NAME, host, world or an address. Without --port the answer is by range of ports. "
            + "The status is 0 where all that was asked for is allowed, 2 where something is denied.")

    @Argument(help: ArgumentHelp("Who makes the connection.", valueName: "from"))
    var from: String

    @Argument(help: ArgumentHelp("Whom it is for.", valueName: "to"))
    var to: String

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Option(name: .customLong("protocol"), help: "tcp, udp, sctp, icmp, icmpv6 or a protocol number.")
    var transport = "tcp"

    @Option(help: ArgumentHelp("Destination port, or a range of them.", valueName: "port"))
    var port: String?

    @Option(help: ArgumentHelp("ICMP type by name or number; default echo-request.", valueName: "type"))
    var type: String?

    func run() throws {
        let question = try ServiceQuestion(protocol: transport, port: port, type: type)
        let prepared = try Preparation.load(paths.chosen, global)
        let reachability = Reachability(prepared.state, hostAddresses: localAddresses(prepared.state))
        let (source, destination) = (
            try PlaceArgument.parse(from, reachability, prepared.state),
            try PlaceArgument.parse(to, reachability, prepared.state)
        )
        let result = TraceResult(reachability, source, destination, question)
        guard !result.items.isEmpty else {
            throw Complaint(
                "\(source.words) and \(destination.words) have no address of a common family for \(question.words)")
        }
        switch global.output {
        case .text: Terminal.out(TraceText.render(result))
        case .json: Terminal.out(TraceDocument.make(result, host: prepared.state.host).text(pretty: true))
        }
        if !result.allows { throw Finish(.differs) }
    }

    /// Addresses of the host that no manifest says, where this machine is that host: it has the bridge of one of its
    /// networks. Anywhere else, and where the machine cannot be asked, the manifests are all there is.
    private func localAddresses(_ state: DesiredState) -> Set<IPAddress> {
        guard global.isThisMachine else { return [] }
        return (try? LocalAddresses.read(whereOneIs: Set(state.networks.map(\.bridge.text)))) ?? []
    }
}

/// What was asked and what came of it.
struct TraceResult {
    /// One pair of addresses, and the answers for it.
    struct Item {
        var pair: AddressPair
        var answers: [(ports: PortRange?, answer: Answer)]
    }

    var from: Place
    var to: Place
    var question: ServiceQuestion
    var items: [Item]

    init(_ reachability: Reachability, _ from: Place, _ to: Place, _ question: ServiceQuestion) {
        self.from = from
        self.to = to
        self.question = question
        items = question.families.flatMap { reachability.pairs(from, to, $0) }.map {
            Item(pair: $0, answers: question.answers($0, reachability))
        }
    }

    /// Whether everything that was asked for is allowed.
    var allows: Bool { items.allSatisfy { $0.answers.allSatisfy(\.answer.allows) } }
}
