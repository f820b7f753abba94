import Foundation
import JSON
import Testing

@testable import Manifest

/// Python with jsonschema.
private enum Validator {
    static let isThere = run("import jsonschema; jsonschema.Draft202012Validator", "").status == 0

    static func run(_ program: String, _ input: String) -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-W", "ignore", "-c", program]
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return (127, "\(error)") }
        // The program reads everything before it writes.
        stdin.fileHandleForWriting.write(Data(input.utf8))
        try? stdin.fileHandleForWriting.close()
        let text = String(decoding: stdout.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}

/// The schemas, judged by somebody else's validator: they accept what is right, and reject what they can.
@Suite(.enabled(if: Validator.isThere, "python3 with jsonschema is missing: install python3-jsonschema"))
struct SchemaTests {
    /// Prints a line for each named list of documents: the name and whether one schema for all takes all of them.
    private static let program = """
        import json, sys, jsonschema
        data = json.load(sys.stdin)
        any_kind = jsonschema.Draft202012Validator(data['schema'])
        for schema in [data['schema'], *data['kinds'].values()]:
            jsonschema.Draft202012Validator.check_schema(schema)
        kinds = {kind: jsonschema.Draft202012Validator(schema) for kind, schema in data['kinds'].items()}
        for name, documents in sorted(data['inputs'].items()):
            fine = all(any_kind.is_valid(document) for document in documents)
            each = all(kinds[d['kind']].is_valid(d) for d in documents if isinstance(d, dict) and d.get('kind') in kinds.keys()) \\
                if all(isinstance(d, dict) and isinstance(d.get('kind'), str) and d['kind'] in kinds for d in documents) else False
            print(name, 'accepted' if fine else 'rejected', 'accepted' if each else 'rejected')
        """

    private func verdicts(_ inputs: [(name: String, bytes: [UInt8])]) throws -> [String: String] {
        var documents: JSONObject = [:]
        for (name, bytes) in inputs { documents[name] = try Self.documents(bytes) }
        var kinds: JSONObject = [:]
        for kind in JSONSchema.kinds { kinds[kind] = JSONSchema.of(kind: kind) }
        let input: JSON = ["schema": JSONSchema.ofAnyKind(), "kinds": .object(kinds), "inputs": .object(documents)]
        let (status, text) = Validator.run(Self.program, input.text())
        try #require(status == 0, "\(text)")
        var result: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            result[String(parts[0])] =
                parts[1] == parts[2] ? String(parts[1]) : "\(parts[1]) by one, \(parts[2]) by the other"
        }
        return result
    }

    /// What an editor sees: the documents as values.
    private static func documents(_ bytes: [UInt8]) throws -> JSON {
        var composer = YAMLComposer(bytes)
        var all: [JSON] = []
        while let root = try composer.nextDocument() { all.append(value(root)) }
        return .array(all)
    }

    private static func value(_ node: YAMLNode) -> JSON {
        switch node.content {
        case .sequence(let items): return .array(items.map(value))
        case .mapping(let entries):
            return .object(JSONObject(entries.map { .init(key: $0.key, value: value($0.value)) }))
        case .scalar(let text, _):
            if node.isNull { return .null }
            if let bool = node.bool { return .bool(bool) }
            if let int = node.int { return .int(Int64(int)) }
            if node.isFloat, let number = Double(text) { return .double(number) }
            return .string(text)
        }
    }

    @Test func acceptsWhatIsRight() throws {
        let good = try Fixture.all("good").map { (name: $0.name, bytes: try $0.source().bytes) }
        let verdicts = try verdicts(good)
        #expect(verdicts.count == good.count)
        for (name, verdict) in verdicts { #expect(verdict == "accepted", "\(name)") }
    }

    @Test func acceptsEveryExample() throws {
        let root = Fixture.root.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("examples")
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".yaml") }
        try #require(paths.count >= 10)
        let verdicts = try verdicts(
            paths.map { ($0, Array(try Data(contentsOf: root.appendingPathComponent($0)))) })
        for (name, verdict) in verdicts { #expect(verdict == "accepted", "\(name)") }
    }

    /// `schema-rejects.txt` lists the bad fixtures that a schema can reject; the rest needs more than one document, or
    /// is about text that is no YAML.
    @Test func rejectsWhatItCan() throws {
        let bad = try Fixture.all("bad").compactMap { fixture -> (name: String, bytes: [UInt8])? in
            let bytes = try fixture.source().bytes
            return (try? Self.documents(bytes)) == nil ? nil : (fixture.name, bytes)
        }
        let rejected = try verdicts(bad).filter { $0.value != "accepted" }.keys.sorted()
        let text = rejected.joined(separator: "\n") + "\n"
        let list = Fixture(folder: Fixture.root)
        #expect(try list.agrees(text, with: "schema-rejects.txt"), "\(text)")
        #expect(rejected.count >= 40)
    }
}
