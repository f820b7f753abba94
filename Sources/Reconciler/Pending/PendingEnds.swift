internal import JSON
internal import SystemCalls

/// How a change under guard ended.
///
/// `STATE/pending/change.json` is given a name that says so, `reverted-ID` for instance: that takes no room on a full
/// disk, and a change is never gone without a word of what became of it.
public enum PendingEnding: String, Hashable, CaseIterable, Sendable {
    /// Confirmed: it stays.
    case confirmed
    /// Undone.
    case reverted
    /// Undone, but for what could not be put back.
    case broken
    /// It never came to wait: its apply ended by itself.
    case withdrawn

    /// What the history says of it; nil where the apply itself says that.
    var result: HistoryRecord.Result? {
        switch self {
        case .confirmed: .confirmed
        case .reverted: .reverted
        case .broken: .broken
        case .withdrawn: nil
        }
    }
}

extension PendingFolder {
    /// The file that says how a change ended.
    struct Mark: Hashable {
        let ending: PendingEnding
        /// Of the change.
        let id: String
        let file: String
    }

    /// What became of a change that is not pending any more.
    public enum End: Hashable, Sendable {
        /// It stays.
        case confirmed
        /// Undone, but for this.
        case undone(left: [String])
    }

    /// What became of a change; nil where it is pending, or nobody knows.
    public func end(of change: PendingChange) throws -> End? {
        switch marks().first(where: { $0.id == change.id })?.ending {
        case .confirmed: return .confirmed
        case .reverted, .withdrawn: return .undone(left: [])
        case .broken: return .undone(left: left(of: change))
        case nil: break
        }
        // Its traces are gone, as when the next change began, or it ended since the folder was listed.
        switch change.number.flatMap({ History(state: state).entry($0).record })?.result {
        case .confirmed: return .confirmed
        // Undone by its own apply, it never came to wait.
        case .reverted, .undone: return .undone(left: [])
        case .broken: return .undone(left: left(of: change))
        case .applied, .unchanged, .pending, .running, .interrupted, nil: return nil
        }
    }

    /// What could not be put back.
    private func left(of change: PendingChange) -> [String] {
        let outcome = (try? document(Self.outcomeFile, PendingOutcome.self)).flatMap(\.self)
        return outcome.flatMap { $0.id == change.id ? $0.left : nil } ?? [Self.unwritten]
    }

    private static let unwritten = "what that is could not be written down; `bulkhead plan` shows what differs"

    /// All that are there.
    func marks() -> [Mark] {
        ((try? Files.list(path)) ?? []).compactMap { file in
            let parts = file.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let ending = PendingEnding(rawValue: String(parts[0])) else { return nil }
            return Mark(ending: ending, id: String(parts[1]), file: file)
        }
    }

    /// The record of the change in the history; nil where it has none, or where the history knows what became of it.
    func number(of mark: Mark) throws -> Int? {
        guard let bytes = try read(mark.file), !bytes.isEmpty else { return nil }
        return (try? JSON(parsing: bytes).decode(PendingChange.self))?.number
    }

    /// What became of the change with a record in the history that is older than its end.
    func ending(ofRecord number: Int) -> PendingEnding? {
        marks().first { (try? self.number(of: $0)) == number }?.ending
    }

    /// The history knows what a mark says.
    func settle(_ mark: Mark) throws { try Files.writeInPlace("\(path)/\(mark.file)", []) }

    /// Ends a change: nothing is pending from now on.
    public func end(_ change: PendingChange, as ending: PendingEnding) throws {
        try checkFolder()
        let mark = "\(path)/\(ending.rawValue)-\(change.id)"
        do throws(SystemError) {
            try Files.rename("\(path)/\(Self.changeFile)", to: mark)
        } catch {
            guard error.code == .noEntry else { throw error }
            // Somebody removed it.
            switch ending {
            case .withdrawn: break
            case .confirmed, .reverted, .broken: try Files.writeAtomically(mark, [], mode: 0o600)
            }
        }
        tidy()
    }

    /// Ends a change that was undone. On a full disk only what is left cannot be written down.
    func end(_ change: PendingChange, _ outcome: PendingOutcome) throws {
        try? write(try JSON(encoding: outcome), to: Self.outcomeFile)
        try end(change, as: outcome.ending)
    }
}

extension PendingOutcome {
    var ending: PendingEnding { left.isEmpty ? .reverted : .broken }
}

extension StateFolder {
    /// Writes into the history what became of changes under guard, where there was no room for that when they ended.
    public func noteEndings() throws {
        let folder = PendingFolder(state: path)
        for mark in folder.marks() {
            guard let number = try folder.number(of: mark) else { continue }
            if let result = mark.ending.result, case .record(let record) = history.stored(number), record.result.isOpen
            {
                try rewriteResult(of: number, to: result)
            }
            try folder.settle(mark)
            // Who ended it may have died before that.
            if try folder.change() == nil { folder.tidy() }
        }
    }
}
