import Foundation
import TestSupport
import Testing

/// A folder of `examples/`.
struct Example: Sendable, CustomTestStringConvertible {
    let name: String
    /// Names of its Host documents; one nil where it has none.
    let hosts: [String?]
    /// Underlay addresses by Host.
    let underlays: [String: String]

    /// Whether a network of it is on a VLAN, which not every kernel has.
    let wantsVLAN: Bool

    /// Whether an overlay of it learns by BGP, for which FRR has to run.
    let wantsRouting: Bool

    /// Whether this one has.
    static let hasVLANs: Bool = {
        let making = "ip link add probe type veth && ip link add link probe name probe.1 type vlan id 1"
        return (try? ScratchHost().run(["sh", "-c", making]).status) == 0
    }()

    var testDescription: String { name }
    var path: String { Self.folder.appendingPathComponent(name).path }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples")

    /// All of them; nobody has to list them here.
    static let all: [Example] = {
        let manager = FileManager.default
        let names = (try? manager.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted().map { name in
            let files = manager.enumerator(atPath: folder.appendingPathComponent(name).path)?.allObjects ?? []
            let texts = files.compactMap { $0 as? String }.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
                .compactMap {
                    try? String(contentsOfFile: folder.path + "/" + name + "/" + $0, encoding: .utf8)
                }
            let documents = texts.flatMap { $0.components(separatedBy: "\n---") }
            let machines = documents.filter { $0.contains(#/(?m)^kind: Host\s*(#.*)?$/#) }
            let named = machines.compactMap { text in
                text.firstMatch(of: #/name: ([a-z0-9-]+)/#).map { (String($0.1), text) }
            }
            let underlays = named.compactMap { host, text in
                text.firstMatch(of: #/underlay: \{address: "?([0-9a-f.:]+)/#).map { (host, String($0.1)) }
            }
            let hosts = named.map(\.0).sorted()
            return Example(
                name: name, hosts: hosts.isEmpty ? [nil] : hosts,
                underlays: Dictionary(underlays, uniquingKeysWith: { first, _ in first }),
                wantsVLAN: texts.contains { $0.contains(#/(?m)^ *vlan:/#) },
                wantsRouting: texts.contains { $0.contains("controlPlane: evpn") })
        }
    }()
}
