internal import Foundation

/// Pings of tests.
extension ScratchHost {
    /// Whether somebody answers a ping of this host, or of a namespace on it.
    ///
    /// Where an answer is expected it is asked for again and again: what is sent while a card comes up, or before a neighbour
    /// is known, may be lost, and a busy machine may be slow. Where none is, once is enough.
    public func ping(
        _ address: String, from namespace: String? = nil, _ options: [String] = [], isExpected: Bool = true
    ) throws -> Bool {
        let inside = namespace.map { ["ip", "netns", "exec", $0] } ?? []
        let command = inside + ["ping", "-n", "-q", "-c1"]
        guard isExpected else { return try run(command + ["-W2"] + options + [address]).status == 0 }
        return try (0..<20).contains { _ in
            if try run(command + ["-W5"] + options + [address]).status == 0 { return true }
            usleep(200_000)
            return false
        }
    }
}
