internal import SystemCalls

/// How far a change has come, for whoever has to undo it: one byte a step, written before the step is begun.
public struct Journal: Sendable {
    private let file: SharedDescriptor
    private let path: String

    /// Begins one.
    init(_ path: String) throws(SystemError) {
        try Files.create(path, [], mode: 0o600)
        file = SharedDescriptor(try FileDescriptor.appending(path))
        self.path = path
    }

    /// Notes that a step is about to be begun. Only a process that dies is guarded against, not a machine: after a
    /// reboot there is nothing to undo. So nothing is flushed to disk.
    func begin(step: Int) throws(SystemError) { try file.append([Self.mark], path) }

    private static let mark: UInt8 = 0x2e

    /// How many steps a journal says were begun; nil where that is none.
    static func stepsBegun(_ journal: [UInt8]) -> Int? { journal.allSatisfy { $0 == mark } ? journal.count : nil }
}
