import Foundation
import Testing

/// What the compiler and swift-format do not check. `docs/architecture.md` says why.
@Suite struct HouseRulesTests {
    private static let product = SourceFile.all(below: "Sources").filter { !$0.isIn(["Sources/TestSupport"]) }
    private static let everything = SourceFile.all(below: "Sources", "Tests")

    /// Where C is called and memory is handled by hand.
    private static let systemPlaces = [
        "Sources/SystemCalls", "Sources/Manifest/YAML", "Sources/Firewall/Client", "Sources/JSON/JSONParser.swift",
    ]

    @Test func filesAreFound() {
        #expect(Self.product.count > 100)
        #expect(Self.everything.count > Self.product.count)
    }

    @Test func filesHaveAtMost600Lines() {
        let long = Self.everything.filter { $0.code.count > 601 }.map { "\($0.path): \($0.code.count - 1) lines" }
        #expect(long == [])
    }

    @Test func functionsHaveAtMost60Lines() {
        let long = Self.everything.flatMap { file in
            file.functions.filter { $0.length > 60 }.map { "\(file.path):\($0.line): \($0.length) lines: \($0.title)" }
        }
        #expect(long == [])
        #expect(Self.everything.map(\.functions.count).reduce(0, +) > 500)
    }

    @Test func unsafeCodeStaysInItsPlaces() {
        let pattern = #"\bunsafe\b|\bUnsafe(Mutable)?(Raw)?(Buffer)?Pointer|\bwithUnsafe|@unchecked"#
        let found = Self.product.filter { !$0.isIn(Self.systemPlaces) }.flatMap { $0.lines(matching: pattern) }
        #expect(found == [])
    }

    @Test func systemModulesAreImportedInTheirPlacesOnly() {
        let pattern = #"^\s*(@\w+ )*((public|internal|private|fileprivate|package) )?import (Glibc|C[A-Z]\w*)\b"#
        let found = Self.product.filter { !$0.isIn(Self.systemPlaces) }.flatMap { $0.lines(matching: pattern) }
        #expect(found == [])
    }

    @Test func theProductStartsWithoutFoundation() {
        let pattern = #"^\s*(@\w+ )*((public|internal|private|fileprivate|package) )?import (Foundation\w*|Dispatch)\b"#
        #expect(Self.product.flatMap { $0.lines(matching: pattern) } == [])
    }

    /// From a verb that says none the argument parser makes it of its type's name, by reflection, whichever verb is called.
    @Test func verbsSayTheirNames() {
        let commands = Self.product.filter { $0.isIn(["Sources/Commands"]) }
        let verbs = commands.flatMap { $0.lines(matching: #"\bCommandConfiguration\("#) }
        #expect(verbs.count > 20)
        #expect(commands.flatMap { $0.lines(matching: #"\bcommandName:"#) }.count == verbs.count)
    }

    @Test func switchesNameEveryCase() {
        let found = Self.product.flatMap(\.defaultCases)
        #expect(found == [], "a new case must be seen by the compiler in every switch")
    }

    @Test func nothingTrapsOnPurpose() {
        let pattern = #"\bfatalError\b|\bpreconditionFailure\b|\btry!|\bas!|\bprecondition\(|\bassert(ionFailure)?\("#
        #expect(Self.product.flatMap { $0.lines(matching: pattern) } == [])
    }

    @Test func nothingIsLeftForLater() {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
        let found = Self.everything.filter { file in words.contains { file.text.contains($0) } }.map(\.path)
        #expect(found == [])
    }

    @Test func thereIsNoGlobalMutableState() {
        let pattern = #"^\s*((public|internal|private|fileprivate|package)\s+)?static\s+var\s+\w+(\s*:[^{=]+)?\s*="#
        let atTop = #"^((public|internal|private|fileprivate|package)\s+)?var\s"#
        #expect(Self.product.flatMap { $0.lines(matching: pattern) + $0.lines(matching: atTop) } == [])
    }

    /// The rules are only worth something if they see what they look for.
    @Test func theRulesSee() {
        let body = String(repeating: "    work()\n", count: 59)
        let file = SourceFile(
            path: "x", text: "func long(\n) {\n\(body)}\nlet a = \"unsafe \\(b(\"}\")) {\" // unsafe {\nunsafe c()\n")
        #expect(file.functions.map(\.length) == [62])
        #expect(file.lines(matching: #"\bunsafe\b"#) == ["x:64: unsafe c()"])
        let required = SourceFile(
            path: "x", text: "protocol P {\n    func a()\n    func b() -> Int\n}\nfunc c() {\n}\n")
        #expect(required.functions.map(\.line) == [5])
        let switching = SourceFile(path: "x", text: "f(\n  default: 1)\nswitch a {\ncase b: c\ndefault: d\n}\n")
        #expect(switching.defaultCases == ["x:5: default: d"])
    }
}
