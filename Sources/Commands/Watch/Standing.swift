internal import Manifest
internal import Model
internal import Planner
internal import Reconciler

/// Manifests that `watch` keeps in force.
struct Standing {
    let prepared: Preparation
    /// Absolute.
    let paths: [String]
    let revision: String?
    let prunes: Bool
    /// Where they come from, in words.
    let origin: String
    /// Whether nothing but their rules is to be kept in force for now.
    private(set) var isRulesAlone = false

    /// The same, of which something stands against all but the rules.
    var rulesAlone: Standing {
        var standing = self
        standing.isRulesAlone = true
        return standing
    }

    /// Those at the PATHs, as they are now; what is wrong with them is thrown (`Rejected`).
    init(paths: [String], _ global: GlobalOptions) throws {
        let resolved = Comparison.resolved(paths)
        let prepared = try Preparation.attempt(paths, global)
        self.prepared = prepared.warning(of: try Comparison.pathWarning(paths, global, .watch))
        self.paths = resolved
        revision = Revision.of(resolved)
        prunes = true
        origin = paths.map(\.terminalSafe).joined(separator: ", ")
    }

    /// Those that somebody applied.
    init(_ record: HistoryRecord, in history: History, _ global: GlobalOptions) throws {
        let origin = "number \(record.number) of the history"
        let sources = try HistoryAccess.sources(of: record, in: history)
        prepared = try Preparation.attempt(sources, named: [origin], global)
        paths = record.paths
        revision = record.revision
        prunes = record.options.prune
        self.origin = origin
    }

    /// What makes two of them the same: the texts, whatever their files are called, and what becomes of the rest.
    var key: Key { Key(texts: prepared.sources.map { SHA256.hex($0.bytes) }.sorted(), prunes: prunes) }

    /// What makes manifests those of a record.
    struct Key: Hashable {
        let texts: [String]
        let prunes: Bool

        init(texts: [String], prunes: Bool) {
            self.texts = texts
            self.prunes = prunes
        }

        init(_ record: HistoryRecord) {
            self.init(texts: record.manifests.map(\.sha256).sorted(), prunes: record.options.prune)
        }
    }

    /// A change by which they are put in force, or kept in force.
    var occasion: Occasion {
        Occasion(.watch, paths: paths, manifests: prepared.sources, revision: revision)
    }

    /// Options of its plans.
    func options(_ global: GlobalOptions) throws -> PlanOptions {
        var options = try Comparison.unattendedOptions(global)
        options.prunes = prunes
        options.comparesRulesAlone = isRulesAlone
        return options
    }
}
