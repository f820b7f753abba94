internal import JSON
public import Model

/// A change that is undone unless somebody confirms it, as `STATE/pending/change.json` has it (`bulkhead.pending/v1`).
public struct PendingChange: Hashable, Codable, Sendable {
    /// How far it is.
    public enum Phase: String, Hashable, Codable, Sendable {
        /// Its steps are being carried out.
        case running
        /// Done and verified; waiting for its confirmation.
        case waiting
        /// Somebody asked for it to be undone now.
        case reverting
    }

    /// `bulkhead.pending/v1`.
    public private(set) var format = PendingChange.format
    /// Random; another change has another one.
    public let id: String
    /// `/proc/sys/kernel/random/boot_id`: after a reboot the kernel has nothing of it.
    public let boot: String
    /// How far it is.
    public internal(set) var phase = Phase.running
    /// Whose objects it is about.
    public let scope: ObjectName
    /// The Host it is for.
    public let host: String
    /// Who asked for it.
    public let user: String
    /// Time for the confirmation once it waits, seconds.
    public let seconds: Int
    /// `CLOCK_BOOTTIME` of the deadline, nanoseconds; nil before it waits.
    public internal(set) var deadline: UInt64?
    /// The deadline for people, UTC; nil before it waits.
    public internal(set) var until: String?
    /// Its number in the history; nil where it could not be written there.
    public let number: Int?
    /// Names of the manifests, whose texts lie beside it.
    public let manifests: [String]

    static let format = "bulkhead.pending/v1"

    /// A change about to begin.
    public init(
        id: String, boot: String, scope: ObjectName, host: String, user: String, seconds: Int, number: Int?,
        manifests: [String]
    ) {
        self.id = id
        self.boot = boot
        self.scope = scope
        self.host = host
        self.user = user
        self.seconds = seconds
        self.number = number
        self.manifests = manifests
    }
}

/// What became of a change that was undone; `STATE/pending/outcome.json`.
public struct PendingOutcome: Hashable, Codable, Sendable {
    /// Which change.
    public let id: String
    /// What could not be put back; empty where the host is as it was.
    public let left: [String]

    /// An outcome.
    public init(id: String, left: [String]) {
        self.id = id
        self.left = left
    }
}
