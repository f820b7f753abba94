import Foundation
import TestSupport
import Testing

/// Two repositories on one host.
@Suite struct ScopeTests {
    /// `one/` and `two/` beside the manifests folder.
    private func write(_ host: ScratchHost, _ folder: String, _ documents: [String]) throws {
        try host.sh("mkdir -p \(folder)")
        try documents.joined().write(
            to: host.folder.appendingPathComponent("\(folder)/all.yaml"), atomically: true, encoding: .utf8)
    }

    private func run(_ host: ScratchHost, _ verb: String, _ scope: String) throws -> ScratchHost.Result {
        let write = ["apply", "destroy"].contains(verb) ? ["--yes"] : []
        return try host.run([ScratchHost.binary, verb, "--scope", scope, scope] + write)
    }

    @Test func eachLeavesTheOtherAlone() throws {
        let site = try PolicyHost(documents: [])
        let host = site.host
        let lan = try site.neighbour()
        try write(
            host, "one",
            [
                Document.network("web", 88),
                Document.endpoint("a", "web", 88, 10, "portMappings: [{hostPort: 8080, port: 80}]"),
            ])
        try write(host, "two", [Document.network("db", 89), Document.endpoint("c", "db", 89, 10)])
        #expect(try run(host, "apply", "one").status == 0)
        let alone = try HostDump(host)
        let second = try run(host, "apply", "two")
        #expect(second.status == 0, "\(second.errors)")
        for scope in ["one", "two"] { #expect(try run(host, "drift", scope).status == 0, "\(scope)") }
        // Both work side by side, and do not reach one another.
        try site.serve("a", "serve-tcp", "10.88.0.10", "80")
        #expect(try lan.probe("tcp", "192.0.2.1", "8080", "2") == "192.0.2.9")
        expectNobody(try site.probe("c", "tcp", "10.88.0.10", "80", "0.5"), "the other scope")
        // What somebody does to the one is no drift of the other.
        try host.sh("ip address delete 10.89.0.1/24 dev bh-db")
        #expect(try run(host, "drift", "one").status == 0)
        #expect(try run(host, "drift", "two").status == 2)
        #expect(try run(host, "apply", "two").status == 0)
        #expect(try run(host, "destroy", "two").status == 0)
        let after = try HostDump(host)
        #expect(after.differences(from: alone) == [])
        #expect(after.changedIdentities(from: alone) == [])
        #expect(try lan.probe("tcp", "192.0.2.1", "8080", "2") == "192.0.2.9")
    }

    @Test func aNameOfTheOtherIsAnErrorThatNamesIt() throws {
        let host = try PolicyHost(documents: []).host
        try write(host, "one", [Document.network("web", 88), Document.endpoint("a", "web", 88, 10)])
        #expect(try run(host, "apply", "one").status == 0)
        let before = try HostDump(host)
        try write(host, "two", [Document.network("db", 89), Document.endpoint("a", "db", 89, 10)])
        let result = try run(host, "apply", "two")
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "error: Endpoint/a needs the interface name ep-a, which Endpoint/a of scope one has; rename one of the two"
            ), "\(result.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try HostDump(host).changedIdentities(from: before) == [])
        try write(host, "two", [Document.network("db", 88), Document.endpoint("c", "db", 88, 10)])
        let overlap = try run(host, "apply", "two")
        #expect(overlap.status == 1)
        #expect(
            overlap.errors.contains(
                "error: prefix 10.88.0.0/24 of Network/db overlaps the host's address 10.88.0.1/24 on bh-web; choose "
                    + "another prefix"), "\(overlap.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
    }
}
