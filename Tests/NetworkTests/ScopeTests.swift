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
        #expect(try lan.probe("tcp", "192.0.2.1", "8080", "60") == "192.0.2.9")
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
        #expect(try lan.probe("tcp", "192.0.2.1", "8080", "60") == "192.0.2.9")
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
                "error: prefix 10.88.0.0/24 of Network/db overlaps 10.88.0.0/24 of Network/web of scope one; choose "
                    + "another prefix"), "\(overlap.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    /// A published port of the other, and what of it is free.
    @Test func aPortOfTheOtherIsAnErrorThatNamesBoth() throws {
        let site = try PolicyHost(documents: [])
        let host = site.host
        let lan = try site.neighbour()
        func publish(_ mappings: String) throws {
            try write(
                host, "two",
                [Document.network("db", 89), Document.endpoint("c", "db", 89, 10, "portMappings: [{\(mappings)}]")])
        }
        let mappings =
            "{hostPort: 8080, port: 80}, {hostPort: 9000-9009, port: 9000-9009}, "
            + "{hostPort: 7070, port: 70, hostAddress: 192.0.2.1}, {hostPort: 53, port: 53, protocol: udp, hostAddress: \"::\"}"
        try write(
            host, "one",
            [Document.network("web", 88), Document.endpoint("a", "web", 88, 10, "portMappings: [\(mappings)]")])
        #expect(try run(host, "apply", "one").status == 0)
        let before = try HostDump(host)
        for (mapping, port) in [
            ("hostPort: 8080, port: 80", "8080/tcp"), ("hostPort: 8080, port: 80, hostAddress: 192.0.2.1", "8080/tcp"),
            ("hostPort: 8080, port: 80, hostAddress: \"2001:db8::1\"", "8080/tcp"),
            ("hostPort: 8000-8100, port: 8000-8100", "8080/tcp"), ("hostPort: 9009-9010, port: 80-81", "9009/tcp"),
            ("hostPort: 7070, port: 80", "7070/tcp"), ("hostPort: 7070, port: 80, hostAddress: 192.0.2.1", "7070/tcp"),
            ("hostPort: 53, port: 53, protocol: udp", "53/udp"),
        ] {
            try publish(mapping)
            let result = try run(host, "apply", "two")
            #expect(result.status == 1, "\(mapping)")
            #expect(
                result.errors.hasPrefix(
                    "two/all.yaml:10:76: error: host port \(port) of Endpoint/c is published by Endpoint/a of scope one; "
                        + "choose another hostPort, or a hostAddress of its own for each of the two\n"),
                "\(mapping): \(result.errors)")
            #expect(result.errors.components(separatedBy: "error:").count == 2, "\(mapping): \(result.errors)")
        }
        #expect(try HostDump(host).differences(from: before) == [])
        // The first scope is in sync whatever the other wants, and what is free can be had.
        #expect(try run(host, "drift", "one").status == 0)
        for mapping in [
            "hostPort: 8080, port: 80, protocol: udp", "hostPort: 7070, port: 80, hostAddress: \"::\"",
            "hostPort: 53, port: 53, protocol: udp, hostAddress: 0.0.0.0", "hostPort: 9010, port: 80",
        ] {
            try publish(mapping)
            let result = try run(host, "apply", "two")
            #expect(result.status == 0, "\(mapping): \(result.errors)")
            for scope in ["one", "two"] { #expect(try run(host, "drift", scope).status == 0, "\(mapping)") }
        }
        try site.serve("a", "serve-tcp", "10.88.0.10", "80")
        try site.serve("c", "serve-tcp", "10.89.0.10", "80")
        #expect(try lan.probe("tcp", "192.0.2.1", "8080", "60") == "192.0.2.9")
        #expect(try lan.probe("tcp", "192.0.2.1", "9010", "60") == "192.0.2.9")
        // A port that the other gives up is free at once.
        #expect(try run(host, "destroy", "one").status == 0)
        try publish("hostPort: 8080, port: 80")
        #expect(try run(host, "apply", "two").status == 0)
        #expect(try lan.probe("tcp", "192.0.2.1", "8080", "60") == "192.0.2.9")
    }

    /// The host has no address in a `private` network, whose prefix only the rules know.
    @Test func aPrefixOfAPrivateNetworkOfTheOtherIsAnError() throws {
        let host = try PolicyHost(documents: []).host
        try write(host, "one", [Document.network("pp", 55, "type: private"), Document.endpoint("a", "pp", 55, 10)])
        #expect(try run(host, "apply", "one").status == 0)
        let before = try HostDump(host)
        for type in ["private", "internal", "nat"] {
            try write(
                host, "two", [Document.network("db", 55, "type: \(type)"), Document.endpoint("c", "db", 55, 11)])
            let result = try run(host, "apply", "two")
            #expect(result.status == 1, "\(type)")
            for prefix in ["10.55.0.0/24", "fd00:55::/64"] {
                #expect(
                    result.errors.contains(
                        "error: prefix \(prefix) of Network/db overlaps \(prefix) of Network/pp of scope one; choose "
                            + "another prefix"), "\(type): \(result.errors)")
            }
        }
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try run(host, "drift", "one").status == 0)
    }
}
