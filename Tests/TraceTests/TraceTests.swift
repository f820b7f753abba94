import Foundation
import TestSupport
import Testing

/// `bulkhead trace` word by word: every file of `Fixtures/trace` is a command line, what it prints, and its status.
@Suite struct TraceTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let cases: [String] = {
        let folder = root.appendingPathComponent("Tests/Fixtures/trace").path
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }()

    @Test func thereAreCases() { #expect(Self.cases.count >= 22) }

    @Test(arguments: cases) func prints(name: String) throws {
        let file = Self.root.appendingPathComponent("Tests/Fixtures/trace/\(name)")
        let wanted = try String(contentsOf: file, encoding: .utf8)
        let line = try #require(wanted.split(separator: "\n").first)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: ScratchHost.binary)
        process.arguments = line.split(separator: " ").dropFirst(2).map(String.init)
        process.currentDirectoryURL = Self.root
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect("\(line)\n\(text)status \(process.terminationStatus)\n" == wanted)
    }
}
