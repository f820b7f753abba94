import Foundation
import JSON
import Model
import Planner
import Testing

@Suite struct SavedPlanTests {
    private func file(_ saved: SavedPlan) throws -> [UInt8] {
        Array(try saved.document(readable: ["format": "bulkhead.plan/v1", "host": "a"]).text(pretty: true).utf8)
    }

    @Test func everyPlanSurvivesTheFile() throws {
        var random = RandomPlan(seed: 11)
        for _ in 0..<200 {
            let saved = random.saved()
            #expect(try SavedPlan(reading: try file(saved)) == saved)
        }
    }

    /// A format that changes must be noticed: a saved plan, and the guard's undo plan, outlive the process.
    @Test func theFormatIsTheOneThatWasAgreed() throws {
        let operations = (0..<RandomPlan.kinds).map { kind in
            var random = RandomPlan(seed: kind)
            return random.operation(kind)
        }
        let text = try JSON(encoding: operations).text(pretty: true)
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/plans/operations.json")
        if ProcessInfo.processInfo.environment["BULKHEAD_UPDATE_GOLDEN"] != nil {
            try text.write(to: golden, atomically: true, encoding: .utf8)
        }
        #expect(text == (try String(contentsOf: golden, encoding: .utf8)))
    }

    @Test func anEditOfAnyByteIsRefusedOrMeansTheSame() throws {
        var random = RandomPlan(seed: 5)
        let saved = random.saved()
        let bytes = try file(saved)
        for _ in 0..<2000 {
            var changed = bytes
            changed[Int(random.next(UInt64(bytes.count)))] = UInt8(random.next(256))
            // White space between the values may change: the document is the same then.
            if let read = try? SavedPlan(reading: changed) { #expect(read == saved) }
        }
    }

    @Test func aTruncatedFileIsRefused() throws {
        var random = RandomPlan(seed: 6)
        let bytes = try file(random.saved())
        for length in stride(from: 0, to: bytes.count - 2, by: 97) {
            #expect(throws: SavedPlanError.self) { try SavedPlan(reading: Array(bytes[..<length])) }
        }
    }

    private func refusal(_ edit: (inout JSONObject) throws -> Void) throws -> String? {
        var random = RandomPlan(seed: 8)
        guard case .object(var document) = try JSON(parsing: try file(random.saved())) else { return nil }
        try edit(&document)
        let error = #expect(throws: SavedPlanError.self) {
            try SavedPlan(reading: Array(JSON.object(document).text().utf8))
        }
        return error?.description
    }

    @Test func saysWhatIsWrong() throws {
        #expect(
            try refusal { $0["host"] = "b" } == "it was changed after it was saved: its digest does not match")
        #expect(try refusal { $0["digest"] = nil } == "it was changed after it was saved: its digest does not match")
        #expect(
            try refusal { $0["format"] = "bulkhead.plan/v2" }
                == "its format is 'bulkhead.plan/v2', and this bulkhead reads 'bulkhead.plan/v1'")
        #expect(
            try refusal { $0["apply"] = nil }
                == "it is what `plan --output json` prints, which shows a plan but cannot be applied")
        #expect(try refusal { $0["format"] = nil } == "it is no saved plan")
    }

    /// A digest can be made by anybody, so what lies behind it is read strictly, too.
    @Test(arguments: [
        (#"{"loadModule":{"_0":"x"},"more":1}"#, "steps[0].operations[0]: 'more' is unknown here"),
        (#"{"loadModule":{"_0":"x","_1":2}}"#, "steps[0].operations[0].loadModule: '_1' is unknown here"),
        (#"{"loadModule":{"_0":5}}"#, "steps[0].operations[0].loadModule._0: a text is needed"),
        (#"{"conquer":{}}"#, "Invalid number of keys found, expected one."),
        (
            #"{"createNamespace":{"name":"x","mark":"bulkhead:default/Compartment/x","id":2147483648}}"#,
            "steps[0].operations[0].createNamespace.id: 2147483648 is not within -2147483648…2147483647"
        ),
        (
            #"{"removeAddress":{"_0":{"namespace":{"host":{}},"name":"x"},"_1":"10.0.0.1/33"}}"#,
            "steps[0].operations[0].removeAddress._1: '10.0.0.1/33' is no InterfaceAddress"
        ),
    ]) func strictness(operation: String, message: String) throws {
        var random = RandomPlan(seed: 9)
        var step = random.step()
        step.operations = [.cutConnections]
        let plan = Plan(scope: random.name(), host: "a", steps: [step])
        let text = try JSON(encoding: plan).text()
        let edited = text.replacingOccurrences(
            of: #""operations":[{"cutConnections":{}}]"#, with: #""operations":[\#(operation)]"#)
        try #require(edited != text)
        let document = try JSON(parsing: edited)
        let error = #expect(throws: DocumentError.self) { try document.decode(Plan.self) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("{\"format\": \"bulkhead.plan/v1\"", true), (" \n{ \"format\": \"bulkhead.plan/v9", true),
        ("apiVersion: bulkhead.dev/v1alpha1", false), ("{\"apiVersion\": \"bulkhead.dev/v1alpha1\"}", false),
        ("", false),
    ]) func knowsASavedPlanByItsBeginning(text: String, isPlan: Bool) {
        #expect(SavedPlan.isMeant(Array(text.utf8)) == isPlan)
    }

    /// FIPS 180-4 examples, and the lengths around the padding.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
        (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
        (String(repeating: "a", count: 119), "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"),
        (String(repeating: "a", count: 120), "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c"),
    ]) func sha256(text: String, digest: String) { #expect(SHA256.hex(text.utf8) == digest) }
}
