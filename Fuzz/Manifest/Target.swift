import Manifest
import Model

/// One input of libFuzzer through everything that manifests go through before a kernel is asked: decoding, validation,
/// resolution and the printing of what is wrong.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzManifest(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let source = SourceText(name: "input.yaml", bytes: Array(UnsafeBufferPointer(start: start, count: count)))
    var decoder = Decoder()
    decoder.decode(source)
    let found = decoder.diagnostics + Resolver.validate(decoder.documents)
    let text = DiagnosticText.render(found, sources: [source])
    precondition(
        text.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value)) })
    // Nothing is resolved of manifests that cannot be read.
    guard !decoder.diagnostics.contains(where: { $0.severity == .error }), let scope = ObjectName("default")
    else { return 0 }
    let outcome = Resolver.resolve(decoder.documents, scope: scope, host: "node-a")
    precondition(outcome.state == nil || !found.contains { $0.severity == .error })
    return 0
}

/// libFuzzer's own loop (`FuzzerDriver`). The package manager gives the program's `main` the target's name, so that
/// libFuzzer's is not taken.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The program.
@_cdecl("FuzzManifest_main")
public func start(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { fuzzManifest($0, $1) }
}
