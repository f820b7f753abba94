internal import Manifest
internal import Model
internal import Planner
internal import Reconciler

/// The desired state of the last change that stayed in force, from the manifests that the history has of it.
struct RecordedState {
    let global: GlobalOptions
    /// Number of the change that comes after it; nil where that is not in the history.
    let number: Int?

    /// As what a change goes back to.
    var precedent: Precedent {
        Precedent { () throws(UnknownPrecedent) in
            do {
                return try load()
            } catch let rejected as Rejected {
                throw UnknownPrecedent(rejected.diagnostics.first?.headline ?? "its manifests are not valid")
            } catch {
                throw UnknownPrecedent(Failures.text(error))
            }
        }
    }

    /// What a destroy of a part left is in no record: what was applied before it comes nearest. A change that waits for its
    /// confirmation is no precedent, and one of a part that deleted nothing says nothing of the rest.
    private func load() throws -> DesiredState {
        let history = History(try global.folders())
        let (scope, host) = (try global.scopeName(), global.hostName())
        for number in try history.numbers().sorted(by: >) where self.number.map({ number < $0 }) ?? true {
            let record = try HistoryAccess.record(number, in: history)
            guard record.scope == scope, record.host == host, record.result.isSuccess, record.result != .pending,
                !record.manifests.isEmpty
            else { continue }
            guard record.options.prune else {
                throw UnknownPrecedent(
                    "number \(number) of the history was applied with --no-prune, to more than it declares")
            }
            let sources = try HistoryAccess.sources(of: record, in: history)
            return try Preparation.attempt(sources, named: ["number \(number) of the history"], global).state
        }
        throw UnknownPrecedent("the history has no earlier apply of scope \(scope) for host \(host.terminalSafe)")
    }
}
