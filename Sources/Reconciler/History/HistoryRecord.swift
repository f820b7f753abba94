internal import JSON
public import Model

/// One apply, destroy, rollback, round of `reconcile` or repair of `watch`, as `STATE/history/N.json` has it (`bulkhead.history/v1`).
///
/// Manifests and the plan lie beside it under their digests, so that records are small and equal texts lie there once.
public struct HistoryRecord: Hashable, Codable, Sendable {
    /// What was asked for.
    public enum Verb: String, Hashable, Codable, Sendable {
        /// `bulkhead apply`.
        case apply
        /// `bulkhead destroy`.
        case destroy
        /// `bulkhead rollback`.
        case rollback
        /// `bulkhead reconcile`.
        case reconcile
        /// `bulkhead watch`.
        case watch
    }

    /// What came of it.
    public enum Result: String, Hashable, Codable, CaseIterable, Sendable {
        /// Done, read back and verified.
        case applied
        /// In sync already.
        case unchanged
        /// Failed; the host was put back.
        case undone
        /// Failed, and not everything could be put back.
        case broken
        /// Done, and waiting for its confirmation.
        case pending
        /// Done and confirmed.
        case confirmed
        /// Done, and taken back because nobody confirmed it.
        case reverted
        /// Begun, and at work now.
        case running
        /// Begun, and its process died.
        case interrupted

        /// Whether the run is not at its end, as far as the record goes.
        var isOpen: Bool {
            switch self {
            case .pending, .running: true
            case .applied, .unchanged, .undone, .broken, .confirmed, .reverted, .interrupted: false
            }
        }

        /// Whether the manifests were in force afterwards.
        public var isSuccess: Bool {
            switch self {
            case .applied, .unchanged, .pending, .confirmed: true
            case .undone, .broken, .reverted, .running, .interrupted: false
            }
        }
    }

    /// A text that lies beside the records under its digest.
    public struct Text: Hashable, Codable, Sendable {
        /// The file's name as the user gave it; `plan` for the plan.
        public var name: String
        /// SHA-256, 64 hexadecimal digits.
        public var sha256: String
        /// Its length.
        public var bytes: Int
    }

    /// Options that change what is planned.
    public struct Options: Hashable, Codable, Sendable {
        /// Whether what no manifest declares was deleted.
        public var prune: Bool
        /// What was taken over (`--adopt`), sorted.
        public var adopt: [ObjectID]

        /// Options.
        public init(prune: Bool, adopt: [ObjectID]) {
            self.prune = prune
            self.adopt = adopt
        }
    }

    /// How many steps of each kind the plan had.
    public struct Summary: Hashable, Codable, Sendable {
        /// `+`.
        public var create: Int
        /// `~`.
        public var update: Int
        /// `±`.
        public var replace: Int
        /// `-`.
        public var delete: Int

        /// Counts.
        public init(create: Int, update: Int, replace: Int, delete: Int) {
            self.create = create
            self.update = update
            self.replace = replace
            self.delete = delete
        }
    }

    /// `bulkhead.history/v1`.
    public private(set) var format = HistoryRecord.format
    /// From 1, never used twice; given when it is added.
    public internal(set) var number = 0
    /// UTC, `2026-11-24T12:00:00Z`.
    public let started: String
    /// How long it took.
    public internal(set) var milliseconds: Int64
    /// Who asked for it.
    public let user: String
    /// What was asked for.
    public let verb: Verb
    /// The record that a rollback went back to.
    public let rollbackOf: Int?
    /// The scope.
    public let scope: ObjectName
    /// Name of the Host whose share was meant.
    public let host: String
    /// Where the manifests were read from, absolute.
    public let paths: [String]
    /// The Git commit of the PATHs.
    public let revision: String?
    /// The manifests as they were read; none for a destroy.
    public internal(set) var manifests: [Text] = []
    /// Options that change what is planned.
    public let options: Options
    /// Steps by kind.
    public let summary: Summary
    /// The plan's document; nil where it was too large.
    public internal(set) var plan: Text?
    /// What came of it.
    public internal(set) var result: Result
    /// Why it failed.
    public internal(set) var errors: [Diagnostic]
    /// What could not be put back.
    public internal(set) var left: [String]
    /// What the record lacks, and why.
    public internal(set) var notes: [String] = []

    static let format = "bulkhead.history/v1"

    /// A record without its number and its texts, which it gets when it is added; `started` in seconds since 1970.
    public init(
        started: Int64, milliseconds: Int64, user: String, verb: Verb, rollbackOf: Int? = nil, scope: ObjectName,
        host: String, paths: [String], revision: String?, options: Options, summary: Summary, result: Result,
        errors: [Diagnostic] = [], left: [String] = []
    ) {
        self.started = Timestamp.text(started)
        self.milliseconds = milliseconds
        self.user = user
        self.verb = verb
        self.rollbackOf = rollbackOf
        self.scope = scope
        self.host = host
        self.paths = paths
        self.revision = revision
        self.options = options
        self.summary = summary
        self.result = result
        self.errors = errors
        self.left = left
    }
}

extension HistoryRecord.Text {
    init(_ name: String, _ contents: [UInt8]) {
        self.init(name: name, sha256: SHA256.hex(contents), bytes: contents.count)
    }

    /// Whether the digest is one. It becomes a file's name, so it must not lead anywhere else.
    var isValid: Bool { sha256.utf8.count == 64 && sha256.utf8.allSatisfy(Self.digits.contains) && bytes >= 0 }

    private static let digits = Set("0123456789abcdef".utf8)
}
