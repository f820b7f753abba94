import Foundation
import TestSupport
import Testing

/// Targets of libFuzzer are built only by `make fuzz`, which nobody runs each day: here they are held against the modules
/// of this build.
@Suite struct FuzzTargetTests {
    @Test(arguments: ["Manifest", "Netlink"])
    func itCompiles(_ target: String) throws {
        let modules = URL(fileURLWithPath: ScratchHost.binary).deletingLastPathComponent()
            .appendingPathComponent("Modules").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.currentDirectoryURL = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        process.arguments = ["swiftc", "-typecheck", "-parse-as-library", "-swift-version", "6", "-I", modules]
        for folder in ["CLinuxShims/include", "CYAML", "CJansson", "CNftables"] {
            process.arguments?.append(contentsOf: ["-I", "Sources/\(folder)"])
        }
        process.arguments?.append("Fuzz/\(target)/Target.swift")
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && text.isEmpty, "\(text)")
    }
}
