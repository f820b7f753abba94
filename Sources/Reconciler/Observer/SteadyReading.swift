internal import Firewall

/// Reads what others may change meanwhile.
enum SteadyReading {
    /// How often it is begun anew at most.
    static let attempts = 10

    /// Begins anew where something cannot be read because tables came or went meanwhile, or where `read` says by nil that it
    /// would be parts of two states, which it must not do for ever; it gets the number of the attempt, from 1, and the
    /// generation of before. What fails while nothing changes is an error, and so is what others change faster than it can be
    /// read.
    static func read<Found>(
        generation: () -> UInt32?, _ read: (_ attempt: Int, _ generation: UInt32?) throws -> Found?
    ) throws -> Found {
        var attempt = 1
        while true {
            let before = generation()
            do {
                if let found = try read(attempt, before) { return found }
            } catch let error as FirewallError {
                guard attempt < attempts, before != nil, generation() != before else { throw error }
            }
            attempt += 1
        }
    }
}
