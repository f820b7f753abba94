import Foundation
import Testing

/// Imports go one way: what `Package.swift` allows is what `docs/architecture.md` says and what the files do.
@Suite struct LayerTests {
    /// From the bottom to the top; a target may use those before it only.
    private static let order = [
        "CLinuxShims", "CYAML", "CJansson", "CNftables", "SystemCalls", "Addressing", "JSON", "Model", "Manifest",
        "NetlinkCodec", "NetlinkClient", "Reachability", "Firewall", "Planner", "Reconciler", "Git", "Commands",
        "bulkhead",
    ]
    /// Deciding is pure: these neither know the kernel nor who talks to it.
    private static let pure = ["Addressing", "Model", "NetlinkCodec", "Reachability", "Planner"]
    private static let impure = [
        "CLinuxShims", "CYAML", "CNftables", "SystemCalls", "NetlinkClient", "Reconciler", "Git", "Commands",
    ]

    /// Dependencies of every product target on others of the package, from the text of `Package.swift`.
    private static func declared() throws -> [String: [String]] {
        let text = try String(contentsOf: SourceFile.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let pattern =
            #/(?:layer\(|\.(?:executableT|t)arget\(name:)\s*"(\w+)"(?:,\s*(?:dependencies:\s*)?\[([^\]]*)\])?/#
        var result: [String: [String]] = [:]
        for match in text.matches(of: pattern) {
            let names = (match.2 ?? "").matches(of: #/"(\w+)"/#).map { String($0.1) }
            result[String(match.1)] = names.sorted()
        }
        result["TestSupport"] = nil
        return result
    }

    @Test func dependenciesPointDown() throws {
        let declared = try Self.declared()
        #expect(declared.count > 10)
        for (target, dependencies) in declared.sorted(by: { $0.key < $1.key }) {
            let own = try #require(Self.order.firstIndex(of: target), "\(target) has no place in LayerTests.order")
            for dependency in dependencies {
                let other = try #require(Self.order.firstIndex(of: dependency), "\(dependency) has no place")
                #expect(other < own, "\(target) may not use \(dependency)")
            }
        }
    }

    @Test func pureTargetsStayPure() throws {
        for (target, dependencies) in try Self.declared() where Self.pure.contains(target) {
            #expect(dependencies.filter(Self.impure.contains) == [], "\(target) only decides")
        }
    }

    @Test func filesImportWhatTheirTargetDeclares() throws {
        let declared = try Self.declared()
        var wrong: [String] = []
        for file in SourceFile.all(below: "Sources") {
            let target = String(file.path.split(separator: "/")[1])
            for line in file.lines(
                matching: #"^\s*(@\w+ )*((public|internal|private|fileprivate|package) )?import \w+"#)
            {
                guard let name = line.split(separator: " ").last.map(String.init), Self.order.contains(name) else {
                    continue
                }
                if declared[target]?.contains(name) != true { wrong.append(line) }
            }
        }
        #expect(wrong == [])
    }

    @Test func theTableInTheDocumentationIsRight() throws {
        let url = SourceFile.root.appendingPathComponent("docs/architecture.md")
        let text = try String(contentsOf: url, encoding: .utf8)
        var documented: [String: [String]] = [:]
        for match in text.matches(of: #/(?m)^\| `(\w+)` \|[^|]*\|([^|]*)\|$/#) {
            documented[String(match.1)] = match.2.matches(of: #/`(\w+)`/#).map { String($0.1) }.sorted()
        }
        for (target, dependencies) in try Self.declared().sorted(by: { $0.key < $1.key }) {
            #expect(documented[target] == dependencies, "row of \(target) in docs/architecture.md")
        }
    }
}
