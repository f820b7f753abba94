/// What the process says when it ends.
enum ExitStatus: Int32 {
    /// Done; in sync; the question was answered with no.
    case done = 0
    /// An error; the host is as it was before.
    case failed = 1
    /// Differences.
    case differs = 2
    /// An error, and the host could not be put back completely.
    case broken = 3
    /// Wrong usage.
    case usage = 64
    /// Another bulkhead holds the lock.
    case locked = 75
}

/// Ends a verb with a status; everything there is to say has been said.
struct Finish: Error {
    let status: ExitStatus
    init(_ status: ExitStatus) { self.status = status }
}

/// Ends a verb with one message.
struct Complaint: Error {
    let status: ExitStatus
    let message: String
    init(_ message: String, _ status: ExitStatus = .failed) {
        self.message = message
        self.status = status
    }
}
