internal import ArgumentParser
internal import Model

/// How a change is to be confirmed.
struct Confirmation {
    /// Time for it, seconds.
    let seconds: Int
    /// A command that decides, where one was given.
    let probe: String?

    /// From `--confirm-within` and `--confirm-if`; nil where neither was given.
    init?(within: String?, probe: String?) throws {
        guard within != nil || probe != nil else { return nil }
        seconds = try within.map(Self.seconds) ?? 60
        self.probe = probe
    }

    /// `90`, `60s`, `5m`, `1h`; from a second to a day.
    private static func seconds(_ text: String) throws -> Int {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits),
            number <= 86_400, (1...86_400).contains(number * (unit ?? 1))
        else {
            throw Complaint(
                "--confirm-within '\(text.terminalSafe)' must be a time from 1s to 24h, such as 60s or 5m", .usage)
        }
        return number * (unit ?? 1)
    }
}

/// Options of verbs whose change may be made to depend on a confirmation.
struct ConfirmationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Undo the change unless it is confirmed in time (`bulkhead confirm`, or Enter).", valueName: "time"))
    var confirmWithin: String?

    @Option(
        help: ArgumentHelp("Keep the change if this shell command succeeds, undo it if not.", valueName: "command"))
    var confirmIf: String?

    func chosen() throws -> Confirmation? { try Confirmation(within: confirmWithin, probe: confirmIf) }
}
