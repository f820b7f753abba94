internal import Model
internal import Reconciler
internal import SystemCalls

/// Waits until the kernel says that something changed, or a signal comes, or it is time to look anyhow; and looks.
final class WatchLoop {
    private let paths: [String]
    private let interval: Int64
    private let service = ServiceManager()
    private let post: ListeningPost
    private let keeper: Keeper
    private let log: WatchLog
    private let compartments = NamespaceMemory()
    /// When compartments were all read last, whatever was heard.
    private var complete: Int64 = .min

    private var pace = Pace()
    /// What was heard since the last look.
    private var heard = Notices()
    private var since: Int64?
    /// When to look because something was heard; where that was, nothing more is listened to until then, for it is one look
    /// anyhow.
    private var due: Int64?
    /// When to look without having heard anything.
    private var again: Int64 = 0
    private var beat: Int64 = 0
    private var (isReady, wasReady) = (false, false)

    /// With signals that wait already. No PATHs stands for what is in force.
    init(_ global: GlobalOptions, paths: [String], interval seconds: Int, _ signals: SignalQueue) throws {
        self.paths = paths
        interval = Int64(seconds) * 1000
        log = WatchLog(global: global)
        keeper = try Keeper(global, log, compartments)
        post = try ListeningPost(try global.folders(), signals, compartments)
    }

    private static var now: Int64 { Int64(clamping: Detachment.bootTime() / 1_000_000) }

    /// Runs until it is told to stop.
    func run() throws {
        try keeper.begin(paths)
        while true {
            sendBeat()
            let now = Self.now
            let next = min(due ?? .max, again, beat)
            let wakening = post.wait(milliseconds: next - now, deafTo: due == nil ? [] : heard.places)
            switch wakening.order {
            case .stop: return stop()
            case .reload: reload()
            case nil: break
            }
            if wakening.hasNotices { listen() }
            if min(due ?? .max, again) <= Self.now { try look() }
        }
    }

    /// Signs of life, twice as often as they are wanted at least.
    private func sendBeat() {
        guard let patience = service.patience else { return beat = .max }
        guard beat <= Self.now else { return }
        service.beat()
        beat = Self.now + max(1, patience / 3)
    }

    private func listen() {
        let known = due == nil ? [] : heard.places
        heard.add(post.hear())
        let places = heard.places.subtracting(known)
        guard !places.isEmpty else { return }
        let now = Self.now
        since = since ?? now
        due = min(due ?? .max, pace.due(at: now, from: places))
    }

    private func look() throws {
        heard.add(post.hear())
        let start = Self.now
        if !heard.areNews || complete < start - interval {
            compartments.forget()
            complete = start
        }
        let hearing = Hearing(since: since ?? start, listen: listenAgain) { [unowned self] in heard.authors }
        let result = try keeper.look(hearing, at: start) { try post.follow($0) }
        let end = Self.now
        due = nil
        log.trace(
            "\(heard.count) notices\(heard.wereLost ? ", some were lost" : ""); \(result) after \(end - start) ms")
        switch result {
        case .inSync:
            calm(start, end, foundAny: false)
            again = end + interval
        case .changed:
            calm(start, end, foundAny: true)
            again = end
        case .later(let wait):
            pace.looked(from: start, to: end, because: heard.places, foundAny: false)
            // Who did it is worth saying when it is repaired at last; what is waited for now does not count as time.
            (heard.places, heard.wereLost, heard.count) = ([], false, 0)
            since = nil
            again = end + min(wait, interval)
        }
        if !isReady, result != .changed {
            isReady = true
            service.ready(keeper.words)
            if !wasReady || keeper.takesEffect {
                log.say(
                    wasReady ? .reloaded : .ready, "\(keeper.words); listening in \(post.count) namespaces",
                    WatchLog.Details(warnings: keeper.takeWarnings()))
            }
            wasReady = true
        }
        service.say(keeper.words)
    }

    /// Whether anything was heard since the look began. What is heard now is part of what is repaired.
    private func listenAgain() -> Bool {
        let notices = post.hear()
        heard.add(notices)
        return notices.areNews
    }

    private func calm(_ start: Int64, _ end: Int64, foundAny: Bool) {
        pace.looked(from: start, to: end, because: heard.places, foundAny: foundAny)
        heard = Notices()
        since = nil
    }

    private func reload() {
        service.reloading()
        keeper.reload(paths)
        again = Self.now
        isReady = false
    }

    private func stop() {
        service.stopping()
        log.say(.stopped, "stopped; what is in force stays in force")
    }
}

/// What is heard before and during a look.
struct Hearing {
    /// When the first word came, on the clock of the look.
    let since: Int64
    /// Takes in what was said since; whether anything was.
    let listen: () -> Bool
    /// Who made changes, as far as the kernel told.
    let authors: () -> [String]
}
