import Addressing
import Manifest
import Model
import Reachability

/// Manifests that are wrong where a test needs right ones.
struct BadManifests: Error, CustomStringConvertible {
    let description: String
}

/// The desired state of a host; without Host documents its name is of no meaning.
func resolve(_ text: String, host: String = "here") throws -> DesiredState {
    let source = SourceText(name: "test.yaml", bytes: Array(text.utf8))
    var decoder = Decoder()
    decoder.decode(source)
    guard decoder.diagnostics.isEmpty, let scope = ObjectName("default") else {
        throw BadManifests(description: DiagnosticText.render(decoder.diagnostics, sources: [source]))
    }
    let outcome = Resolver.resolve(decoder.documents, scope: scope, host: host)
    guard let state = outcome.state else {
        throw BadManifests(description: DiagnosticText.render(outcome.diagnostics, sources: [source]))
    }
    return state
}

/// What was said about manifests, without line and caret.
func diagnostics(_ text: String) -> [String] {
    let source = SourceText(name: "test.yaml", bytes: Array(text.utf8))
    var decoder = Decoder()
    decoder.decode(source)
    var all = decoder.diagnostics
    if all.isEmpty { all = Resolver.validate(decoder.documents) }
    return DiagnosticText.sort(all).map(\.headline)
}

/// A document of this kind.
func document(_ kind: String, _ name: String, _ labels: String = "", _ spec: String) -> String {
    "apiVersion: bulkhead.dev/v1alpha1\nkind: \(kind)\nmetadata: {name: \(name), labels: {\(labels)}}\nspec: {\(spec)}\n---\n"
}

func network(_ name: String, _ spec: String) -> String { document("Network", name, spec) }
func network(_ name: String, _ labels: String, _ spec: String) -> String { document("Network", name, labels, spec) }
func document(_ kind: String, _ name: String, _ spec: String) -> String { document(kind, name, "", spec) }

/// A question by names.
func place(_ text: String) throws -> Place {
    if text == "host" { return .host }
    if text == "world" { return .world }
    if let address = IPAddress(text) { return .address(address) }
    guard let name = ObjectName(text) else { throw BadManifests(description: "no place: \(text)") }
    return .endpoint(name)
}

/// `tcp/80`, `icmp/8`, `47`.
func service(_ text: String) throws -> ConnectionService {
    let parts = text.split(separator: "/").map(String.init)
    if let transport = PortProtocol(rawValue: parts[0]), parts.count == 2, let port = UInt16(parts[1]) {
        return .transport(transport, port: port)
    }
    if parts[0] == "icmp", parts.count == 2, let type = UInt8(parts[1]) { return .icmp(type: type) }
    guard let number = UInt8(parts[0]) else { throw BadManifests(description: "no service: \(text)") }
    return .other(number)
}

extension Reachability {
    /// The answer for the first address pair of a family.
    func ask(_ from: String, _ to: String, _ what: String, _ family: AddressFamily = .ipv4) throws -> Answer {
        guard let pair = pairs(try place(from), try place(to), family).first else {
            throw BadManifests(description: "no \(family.rawValue) addresses from \(from) to \(to)")
        }
        return answer(pair.connection(try service(what)))
    }
}

extension Answer {
    /// One line for tables: `allowed`, `denied`, and by what.
    var summary: String {
        if inside != nil { return "inside" }
        if let bound { return "closed: \(bound)" }
        let parts = [("egress", egress), ("ingress", ingress)].compactMap { name, ruling in
            ruling.map { "\(name) \($0.summary)" }
        }
        return parts.isEmpty ? "foreign" : parts.joined(separator: ", ")
    }
}

extension Ruling {
    var summary: String {
        let passed = passedBy.map { " (passed by \($0.policy)/\($0.rule))" } ?? ""
        switch cause {
        case .rule(let rule): return "\(action.rawValue) by \(rule.policy)/\(rule.rule)"
        case .policyDefault(let name, _): return "\(action.rawValue) by default of \(name)"
        case .isolation(let name, _): return "\(action.rawValue) by isolation of \(name)\(passed)"
        case .nothing: return "\(action.rawValue)\(passed)"
        }
    }
}
