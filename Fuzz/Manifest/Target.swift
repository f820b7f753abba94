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
    guard let scope = ObjectName("default") else { return 0 }
    let outcome = Resolver.resolve(decoder.documents, scope: scope, host: "node-a")
    precondition(outcome.state == nil || !found.contains { $0.severity == .error })
    return 0
}
