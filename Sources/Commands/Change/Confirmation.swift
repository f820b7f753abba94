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
        seconds = try within.map { try TimeArgument.seconds($0, "--confirm-within") } ?? 60
        self.probe = probe
    }
}

/// Times on the command line.
enum TimeArgument {
    /// `90`, `60s`, `5m`, `1h`; from a second to a day.
    static func seconds(_ text: String, _ option: String) throws -> Int {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits),
            number <= 86_400, (1...86_400).contains(number * (unit ?? 1))
        else {
            throw Complaint(
                "\(option) '\(text.terminalSafe)' must be a time from 1s to 24h, such as 60s or 5m", .usage)
        }
        return number * (unit ?? 1)
    }
}

/// Options of verbs that apply manifests.
struct ChangeOptions: ParsableArguments {
    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Allow deleting more than half, and more than five, of the scope's objects.")
    var allowMassDelete = false

    @Option(help: ArgumentHelp("Take over an existing object that bears no mark.", valueName: "KIND/NAME"))
    var adopt: [String] = []

    @Option(
        help: ArgumentHelp(
            "Undo the change unless it is confirmed in time (`bulkhead confirm`, or Enter).", valueName: "time"))
    var confirmWithin: String?

    @Option(
        help: ArgumentHelp("Keep the change if this shell command succeeds, undo it if not.", valueName: "command"))
    var confirmIf: String?

    /// How the change is to be confirmed; nil where that was not asked for.
    func confirmation() throws -> Confirmation? { try Confirmation(within: confirmWithin, probe: confirmIf) }
}
