import Foundation
import Model
import Testing

@testable import Reconciler

@Suite struct StorageTests {
    private func item(_ number: Int, _ bytes: Int, _ texts: [String: Int] = [:]) -> HistoryBounds.Item {
        HistoryBounds.Item(number: number, bytes: bytes, texts: texts)
    }

    @Test func theOldestGoFirst() {
        let items = [item(3, 1), item(1, 1), item(2, 1)]
        #expect(HistoryBounds.surplus(items, records: 3, bytes: 3) == [])
        #expect(HistoryBounds.surplus(items, records: 2, bytes: 3) == [1])
        #expect(HistoryBounds.surplus(items, records: 3, bytes: 2) == [1])
        #expect(HistoryBounds.surplus(items, records: 1, bytes: 9) == [1, 2])
        #expect(HistoryBounds.surplus([], records: 1, bytes: 1) == [])
    }

    @Test func theNewestStaysWhateverItsSize() {
        #expect(HistoryBounds.surplus([item(1, 5), item(2, 500)], records: 9, bytes: 10) == [1])
        #expect(HistoryBounds.surplus([item(7, 500)], records: 0, bytes: 0) == [])
    }

    /// A text costs once, and is free only when the last record that names it goes.
    @Test func sharedTextsCountOnce() {
        let shared = [item(1, 1, ["x": 10]), item(2, 1, ["x": 10]), item(3, 1, ["x": 10])]
        #expect(HistoryBounds.surplus(shared, records: 9, bytes: 13) == [])
        #expect(HistoryBounds.surplus(shared, records: 9, bytes: 12) == [1])
        let own = [item(1, 1, ["x": 10]), item(2, 1, ["x": 10]), item(3, 1, ["y": 10])]
        #expect(HistoryBounds.surplus(own, records: 9, bytes: 22) == [1])
        #expect(HistoryBounds.surplus(own, records: 9, bytes: 21) == [1, 2])
    }

    @Test func whatIsPromisedIsKept() {
        #expect(HistoryBounds.records == 200)
        #expect(HistoryBounds.bytes == 64 << 20)
        #expect(HistoryBounds.plan == 4 << 20)
    }

    private func withState(_ body: (StateFolder, String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/history-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard case .acquired(let state) = try StateFolder.acquire(Folders(state: path)) else {
            Issue.record("the lock of a new folder is held")
            return
        }
        try body(state, path)
    }

    private func record(_ result: HistoryRecord.Result = .applied) throws -> HistoryRecord {
        HistoryRecord(
            started: 1_764_115_200, milliseconds: 5, user: "ann", verb: .apply, scope: try #require(ObjectName("lab")),
            host: "node-a", paths: ["/m"], revision: nil, options: .init(prune: true, adopt: []),
            summary: .init(create: 1, update: 0, replace: 0, delete: 0), result: result)
    }

    @Test func atMost200AreKeptAndNumbersGoOn() throws {
        try withState { state, _ in
            for number in 1...203 {
                let text = Array("text \(number)".utf8)
                #expect(try state.add(try record(), manifests: [("a.yaml", text)], plan: []) == number)
            }
            #expect(try state.history.numbers() == Array(4...203))
            let first = try #require(state.history.entry(4).record)
            #expect(first.started == "2025-11-26T00:00:00Z")
            #expect(try state.history.contents(of: first.manifests[0]) == Array("text 4".utf8))
        }
    }

    @Test func aPlanTooLargeIsLeftOutWithANote() throws {
        try withState { state, _ in
            let large = [UInt8](repeating: 0x20, count: HistoryBounds.plan + 1)
            try state.add(try record(), manifests: [], plan: Array(large.dropLast()))
            try state.add(try record(), manifests: [], plan: large)
            #expect(state.history.entry(1).record?.plan?.bytes == HistoryBounds.plan)
            let second = try #require(state.history.entry(2).record)
            #expect(second.plan == nil)
            #expect(second.notes == ["the plan is left out: its document has 4194305 bytes"])
        }
    }

    @Test func aResultMayBecomeAnother() throws {
        try withState { state, _ in
            try state.add(try record(.pending), manifests: [("a.yaml", [0x61])], plan: [0x7b])
            var expected = try #require(state.history.entry(1).record)
            for result in [HistoryRecord.Result.confirmed, .reverted] {
                try state.rewriteResult(of: 1, to: result)
                let now = try #require(state.history.entry(1).record)
                #expect(now.result == result)
                #expect(now.manifests == expected.manifests && now.plan == expected.plan)
                expected = now
            }
            let error = try #require(throws: StateError.self) { try state.rewriteResult(of: 2, to: .confirmed) }
            #expect(error.description == "number 2 of the history cannot be read: it is not there")
        }
    }

    /// One that ends after its record was read, and before somebody looks whether anybody is at work, has not died: `watch`
    /// would take for undone what it did.
    @Test(arguments: [("applied", HistoryRecord.Result.applied), ("running", .interrupted)])
    func aRunThatEndsMeanwhileIsNoneThatDied(_ written: String, _ result: HistoryRecord.Result) throws {
        try withState { state, folder in
            try state.add(try record(.running), manifests: [], plan: [])
            let file = folder + "/history/1.json"
            let running = try String(contentsOfFile: file, encoding: .utf8)
            #expect(running.contains("\"running\""))
            var history = state.history
            #expect(history.entry(1).record?.result == .running)
            history.isAnybodyAtWork = {
                let ended = running.replacing("\"running\"", with: "\"\(written)\"")
                return (try? ended.write(toFile: file, atomically: true, encoding: .utf8)) == nil
            }
            #expect(history.entry(1).record?.result == result)
        }
    }

    /// There was no room to write into the history what became of a change: the file that it ended by says so.
    @Test(arguments: [("reverted", HistoryRecord.Result.reverted), ("broken", .broken), ("confirmed", .confirmed)])
    func whatAChangeEndedByIsKnown(_ ending: String, _ result: HistoryRecord.Result) throws {
        try withState { state, folder in
            for _ in 1...2 { try state.add(try record(.pending), manifests: [], plan: []) }
            let change = """
                {"format": "bulkhead.pending/v1", "id": "ab12", "boot": "b", "phase": "waiting", "scope": "lab",
                 "host": "node-a", "user": "ann", "seconds": 5, "number": 1, "manifests": []}
                """
            try FileManager.default.createDirectory(atPath: folder + "/pending", withIntermediateDirectories: true)
            let mark = folder + "/pending/\(ending)-ab12"
            try change.write(toFile: mark, atomically: true, encoding: .utf8)
            #expect(state.history.entry(1).record?.result == result)
            #expect(state.history.entry(2).record?.result == .pending)
            try state.noteEndings()
            #expect(try Data(contentsOf: URL(fileURLWithPath: mark)).isEmpty)
            #expect(state.history.entry(1).record?.result == result)
            // Nothing is pending, and nobody confirmed it.
            try state.noteInterruption()
            #expect(state.history.entry(2).record?.result == .reverted)
            #expect(state.history.entry(1).record?.result == result)
        }
    }

    @Test func theLastNumberIsNotUsedTwice() throws {
        try withState { state, folder in
            try state.add(try record(), manifests: [], plan: [])
            let last = folder + "/history/1000000000.json"
            try FileManager.default.moveItem(atPath: folder + "/history/1.json", toPath: last)
            let error = try #require(throws: StateError.self) { try state.add(try record(), manifests: [], plan: []) }
            #expect(error.description == "\(last) has the last number that there is; look at it, then move it away")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder + "/history").sorted() == [
                    "1000000000.json", "texts",
                ])
        }
    }

    /// A digest becomes the name of a file.
    @Test func aRecordCannotNameOtherFiles() throws {
        try withState { state, folder in
            try state.add(try record(), manifests: [("a.yaml", [0x61])], plan: [0x7b])
            let digest = try #require(state.history.entry(1).record?.manifests.first?.sha256)
            let file = folder + "/history/1.json"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacingOccurrences(of: digest, with: "../../lock").write(
                toFile: file, atomically: true, encoding: .utf8)
            #expect(
                state.history.entry(1)
                    == .damaged(number: 1, reason: "it names a text by something that is no digest"))
        }
    }
}
