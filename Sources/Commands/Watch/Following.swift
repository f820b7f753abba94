internal import Model
internal import Reconciler

/// Follows what people and rounds put in force beside `watch`: the last change that succeeded is what is kept, so that
/// nobody's apply or rollback is taken back.
struct Following {
    /// What has become of what is kept.
    enum News {
        /// Nothing.
        case none
        /// Somebody is at work, or a change waits for its confirmation: nothing is repaired meanwhile.
        case busy(String)
        /// Other manifests are in force now.
        case other(Standing, String)
        /// Somebody took things away, or what is in force cannot be read: nothing is kept.
        case nothing(String)
    }

    private let global: GlobalOptions
    private let history: History
    private let scope: ObjectName
    /// Number of the last record that was looked at.
    private var seen: Int

    /// From here on.
    init(_ global: GlobalOptions) throws {
        self.global = global
        history = History(try global.folders())
        scope = try global.scopeName()
        seen = try history.numbers().last ?? 0
    }

    /// All records so far are known.
    mutating func catchUp() throws { seen = try history.numbers().last ?? seen }

    /// A record that `watch` itself made, while it held the lock.
    mutating func pass(_ number: Int?) { seen = max(seen, number ?? 0) }

    /// Whether there are records that were not looked at. While the lock is held, there will be none.
    var hasNews: Bool { get throws { (try history.numbers().last ?? 0) > seen } }

    /// What happened since.
    mutating func news(_ current: Standing?) throws -> News {
        var news = News.none
        for number in try history.numbers() where number > seen {
            guard let record = history.entry(number).record, isOurs(record) else {
                seen = number
                continue
            }
            let who = "number \(number), by \(record.user.terminalSafe)"
            switch record.result {
            case .pending, .running:
                // What came before is told first.
                if case .none = news {
                    return .busy(
                        "a change (\(who)) \(record.result == .pending ? "waits for its confirmation" : "is under way")"
                    )
                }
                return news
            case .undone, .broken, .reverted, .interrupted: break
            case .applied, .unchanged, .confirmed: news = take(record, current)
            }
            seen = number
        }
        return news
    }

    private func isOurs(_ record: HistoryRecord) -> Bool { record.scope == scope && record.host == global.hostName() }

    private func take(_ record: HistoryRecord, _ current: Standing?) -> News {
        let what = "number \(record.number) of the history (\(record.verb.rawValue) by \(record.user.terminalSafe))"
        guard !record.manifests.isEmpty else {
            return .nothing(
                "\(what) took away what was in force; nothing is repaired until the next apply, or a reload")
        }
        if let current, current.key == Standing.Key(record) { return .none }
        do {
            return .other(try Standing(record, in: history, global), "\(what) is kept in force from now on")
        } catch let rejected as Rejected {
            let reason = rejected.diagnostics.first?.headline ?? "its manifests are not valid"
            return .nothing("\(what) cannot be kept in force: \(reason); nothing is repaired until a reload")
        } catch {
            return .nothing(
                "\(what) cannot be kept in force: \(Failures.text(error)); nothing is repaired until a reload")
        }
    }

    /// What is to be in force in place of manifests from which somebody went back: they are not put in force again by
    /// themselves. Nil where nobody did.
    func replacement(of wanted: Standing) throws -> News? {
        let records = try history.entries().compactMap(\.record).filter(isOurs)
        guard let place = records.lastIndex(where: { Standing.Key($0) == wanted.key && !$0.manifests.isEmpty }) else {
            return nil
        }
        let isRolledBack = records[place...].contains {
            $0.verb == .rollback && $0.result.isSuccess && !isSame($0, wanted)
        }
        guard records[place].result == .reverted || isRolledBack else { return nil }
        return inForce(records) ?? .nothing("these manifests were reverted, and nothing was in force before them")
    }

    private func isSame(_ record: HistoryRecord, _ standing: Standing) -> Bool { Standing.Key(record) == standing.key }

    /// What was applied last; nil where nothing was.
    func inForce() throws -> News? { inForce(try history.entries().compactMap(\.record).filter(isOurs)) }

    private func inForce(_ records: [HistoryRecord]) -> News? {
        records.last { $0.result.isSuccess && $0.result != .pending }.map { take($0, nil) }
    }
}
