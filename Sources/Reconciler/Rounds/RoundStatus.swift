internal import JSON
public import Model

/// What the rounds of `bulkhead reconcile` know from one to the next (`bulkhead.round/v1`). Nothing in it says what is to
/// be on the host: that is in the commits.
public struct RoundStatus: Hashable, Codable, Sendable {
    /// The commit that is in force.
    public struct Good: Hashable, Codable, Sendable {
        /// Its name.
        public var commit: String
        /// The annotated tag by which it came.
        public var tag: String?
        /// What it was judged by (`Bad.key`).
        public var key: String
        /// Since when, UTC.
        public var since: String
        /// When it was committed, in seconds since 1970; nil where no signature was asked for.
        public var committed: Int64?

        /// A commit that is in force from now on.
        public init(commit: String, tag: String?, key: String, since: String) {
            self.commit = commit
            self.tag = tag
            self.key = key
            self.since = since
        }
    }

    /// A commit that is not to be.
    public struct Bad: Hashable, Codable, Sendable {
        /// Where it failed.
        public enum Stage: String, Hashable, Codable, Sendable {
            /// The commit itself: its signature, its size, its files.
            case commit
            /// What its manifests say.
            case manifests
            /// It does not go with what is on this host now.
            case plan
            /// It was applied, failed, and was undone.
            case apply
            /// Somebody went back to what was before it.
            case withdrawn
        }

        /// Its name.
        public var commit: String
        /// What it was judged by: options and files that could make another judgement of it.
        public var key: String
        /// Where it failed.
        public var stage: Stage
        /// Why.
        public var errors: [Diagnostic]
        /// Since when, UTC.
        public var since: String

        /// A commit that is bad from now on.
        public init(commit: String, key: String, stage: Stage, errors: [Diagnostic], since: String) {
            self.commit = commit
            self.key = key
            self.stage = stage
            self.errors = errors
            self.since = since
        }
    }

    /// How a round ended.
    public enum Result: String, Hashable, Codable, CaseIterable, Sendable {
        /// A new commit is in force.
        case applied
        /// The same commit is in force again after somebody had changed something.
        case repaired
        /// Nothing was to be done.
        case inSync
        /// The newest commit is bad; the last good one is in force.
        case bad
        /// The repository did not answer; the last good commit is in force.
        case unreachable
        /// What is to be in force could not be brought about.
        case failed
        /// The host could not be put back completely.
        case broken

        /// Whether the newest commit is in force.
        public var isSuccess: Bool {
            switch self {
            case .applied, .repaired, .inSync: true
            case .bad, .unreachable, .failed, .broken: false
            }
        }
    }

    /// One round.
    public struct Round: Hashable, Codable, Sendable {
        /// When it ended, in seconds since 1970.
        public var ended: Int64
        /// How long it took.
        public var milliseconds: Int64
        /// How it ended.
        public var result: Result
        /// The newest commit, where it could be asked for.
        public var commit: String?

        /// A round that is over.
        public init(ended: Int64, milliseconds: Int64, result: Result, commit: String?) {
            self.ended = ended
            self.milliseconds = milliseconds
            self.result = result
            self.commit = commit
        }
    }

    /// `bulkhead.round/v1`.
    public private(set) var format = RoundStatus.format
    /// The repository's address and the reference, as they were last given.
    public var repository = ""
    /// The reference.
    public var reference = ""
    /// The folder of the repository.
    public var path = ""
    /// The commit in force; nil before the first.
    public var good: Good?
    /// The newest commit, where it is bad.
    public var bad: Bad?
    /// The last round.
    public var last: Round?
    /// The last round after which the newest commit was in force.
    public var success: Round?

    static let format = "bulkhead.round/v1"

    /// Before the first round.
    public init() {}
}

/// Why and since when rounds do nothing.
public struct Suspension: Hashable, Codable, Sendable {
    /// UTC.
    public let since: String
    /// Who said so.
    public let user: String
    /// Why.
    public let reason: String?
}
