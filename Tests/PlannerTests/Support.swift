import Addressing
import Firewall
import JSON
import Manifest
import Model
import Planner

/// Manifests that are wrong where a test needs right ones.
struct BadManifests: Error, CustomStringConvertible {
    let description: String
}

/// The desired state of manifests, of this host.
func resolve(_ text: String, file: String = "manifest.yaml") throws -> DesiredState {
    let source = SourceText(name: file, bytes: Array(text.utf8))
    var decoder = Decoder()
    decoder.decode(source)
    guard decoder.diagnostics.isEmpty, let scope = ObjectName("default") else {
        throw BadManifests(description: DiagnosticText.render(decoder.diagnostics, sources: [source]))
    }
    let outcome = Resolver.resolve(decoder.documents, scope: scope, host: "here")
    guard let state = outcome.state else {
        throw BadManifests(description: DiagnosticText.render(outcome.diagnostics, sources: [source]))
    }
    return state
}

extension SimulatedHost {
    func plan(_ desired: DesiredState, _ options: PlanOptions = PlanOptions()) throws -> Plan {
        try Planner.plan(desired: desired, observed: state, firewall: firewall.ruleset, options: options)
    }

    /// Carries a whole plan out.
    mutating func apply(_ plan: Plan) throws {
        for step in plan.steps { for operation in step.operations { try run(operation, in: step) } }
        finish()
    }

    mutating func apply(_ manifests: String) throws { try apply(try plan(try resolve(manifests))) }

    /// An operation, with the step in the error.
    mutating func run(_ operation: Operation, in step: Step) throws {
        do {
            try run(operation)
        } catch {
            throw BadPlan(description: "\(step.id): \("\(operation)".prefix(80)): \(error)")
        }
    }

    /// Undoes what was done of a step, as the executor does: what is not there to be removed, or is there already, is
    /// no failure.
    mutating func undo(_ step: Step, done: Set<Int>) throws {
        for (_, operation) in step.undo(ofDone: done) {
            do {
                try run(operation)
            } catch Failure.absent {
                continue
            } catch Failure.present where operation.direction == .makes {
                continue
            } catch {
                throw BadPlan(description: "undoing \(step.id): \("\(operation)".prefix(80)): \(error)")
            }
        }
    }
}

/// A plan that does not do on the simulated host.
struct BadPlan: Error, CustomStringConvertible {
    let description: String
}

extension SimulatedHost {
    /// What separates it from another host, as lines.
    func difference(from other: SimulatedHost) -> [String] {
        let isSame = firewall.ruleset.canonical == other.firewall.ruleset.canonical
        let own = isSame ? plainSnapshot : snapshot
        return Set(own).symmetricDifference(isSame ? other.plainSnapshot : other.snapshot).sorted()
    }

    /// All that a plan could see, by names instead of numbers, in one order.
    var snapshot: [String] { (plainSnapshot + firewallSnapshot).sorted() }

    private var plainSnapshot: [String] {
        let spaces = [state.host] + state.namespaces
        var lines = spaces.flatMap { space in
            space.snapshot + space.links.map { "\(space.reference) \($0.words(in: space, self))" }
        }
        lines += state.usedNamespaceIDs.map { "id \($0)" } + state.files.map { "file \($0)" }
        lines += state.originals.map { "original \($0)" } + ["features \(state.features)"]
        return lines
    }

    private var firewallSnapshot: [String] {
        var lines: [String] = []
        for table in firewall.ruleset.canonical.tables {
            lines.append("table \(table.family) \(table.name)")
            lines += table.sets.flatMap { set in
                ["set \(set.name) \(set.keyTypes) \(set.dataType ?? "") \(set.isInterval)"]
                    + set.elements.map { "\(table.family) \(set.name) \($0)" }
            }
            for chain in table.chains {
                lines.append("chain \(table.family) \(chain.name) \(chain.base.map { "\($0)" } ?? "")")
                lines += chain.rules.enumerated().map { place, rule in
                    "\(table.family) \(chain.name) \(place) \(rule.comment ?? "") \(rule.expressions.map { $0.text() })"
                }
            }
        }
        return lines
    }
}

extension ObservedNamespace {
    fileprivate var snapshot: [String] {
        func name(_ index: UInt32?) -> String { index.flatMap { link(index: $0)?.name } ?? "?" }
        let marks = ["\(reference) id \(namespaceID.map { "\($0)" } ?? "none")"]
        let list =
            addresses.map {
                "address \($0.address) on \(name($0.link)) \($0.isPermanent) \($0.isTentative) \($0.origin)"
            }
            + routes.map {
                "route \($0.destination) \($0.gateway.map { "\($0)" } ?? "") on \(name($0.link)) \($0.metric) \($0.table) \($0.origin)"
            }
            + neighbours.map {
                "neighbour \($0.address.map { "\($0)" } ?? "") \($0.mac.map { "\($0)" } ?? "") \($0.tunnelEnd.map { "to \($0) " } ?? "")on \(name($0.link))"
            }
            + settings.map { "setting \($0.key) = \($0.value)" }
        return marks + list.map { "\(reference) \($0)" }
    }
}

extension ObservedLink {
    fileprivate func words(in space: ObservedNamespace, _ host: SimulatedHost) -> String {
        var copy = self
        copy.index = 0
        copy.master = nil
        copy.peerIndex = nil
        let master = master.flatMap { space.link(index: $0)?.name } ?? "none"
        let other = space.reference == .host ? host.state.namespaces.first { $0.namespaceID == peerNamespaceID } : nil
        let peer = peerIndex.flatMap { other?.link(index: $0)?.name } ?? ""
        return "link \(copy) master \(master) peer \(peer) in \(other.map { "\($0.reference)" } ?? "")"
    }
}
