import Foundation
import TestSupport
import Testing

/// Published ports that something else has.
@Suite struct ConflictTests {
    private func documents(_ mapping: String, _ other: String = "") -> [String] {
        [
            Document.network("web", 88),
            Document.endpoint("a", "web", 88, 20, mapping.isEmpty ? "" : "portMappings: [\(mapping)]"),
            Document.endpoint("b", "web", 88, 10, other.isEmpty ? "" : "portMappings: [\(other)]"),
        ]
    }

    /// The one error of `plan` and of `apply`, word by word, and nothing done.
    private func expectError(
        _ host: ScratchHost, _ message: String, environment: [String: String] = [:],
        location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try HostDump(host)
        for verb in [["plan", "manifests"], ["apply", "--yes", "manifests"]] {
            let result = try host.run([ScratchHost.binary] + verb, environment: environment)
            #expect(result.status == 1, sourceLocation: location)
            let errors = Self.messages("error", result)
            #expect(errors == [message], "\(result.errors)", sourceLocation: location)
        }
        #expect(try HostDump(host).differences(from: before) == [], sourceLocation: location)
    }

    /// A warning of `plan` with these words.
    private func expectWarning(_ host: ScratchHost, _ message: String, location: SourceLocation = #_sourceLocation)
        throws
    {
        let result = try host.bulkhead("plan", "manifests")
        #expect(result.status == 0, "\(result.errors)", sourceLocation: location)
        #expect(Self.messages("warning", result).first == message, sourceLocation: location)
    }

    /// What was told, without places in files and numbers of processes.
    private static func messages(_ level: String, _ result: ScratchHost.Result) -> [String] {
        (result.output + result.errors).split(separator: "\n").compactMap { line in
            let parts = line.components(separatedBy: "\(level): ")
            guard parts.count == 2 else { return nil }
            return parts[1].replacingOccurrences(of: #" \(pid \d+\)"#, with: "", options: .regularExpression)
        }
    }

    @Test func twoMappingsOnOnePortNameOneAnother() throws {
        let site = try PolicyHost(
            documents: documents("{hostPort: 8080, port: 80}", "{hostPort: 8000-8100, port: 9000-9100}"))
        try expectError(
            site.host,
            "host port 8080/tcp of Endpoint/a is also published by Endpoint/b (manifests/base.yaml:15:77); choose another "
                + "hostPort or hostAddress")
        // Another protocol, or another address, is another port.
        try site.declare(documents("{hostPort: 8080, port: 80}", "{protocol: udp, hostPort: 8080, port: 80}"))
        try site.apply()
        try site.declare(
            documents(
                "{hostPort: 8080, port: 80, hostAddress: 192.0.2.1}",
                "{hostPort: 8080, port: 80, hostAddress: 127.0.0.1}"
            ))
        try site.apply()
    }

    private static let shadows = "host port 8080/tcp of Endpoint/a shadows python3 listening on"
    private static let advice = "; choose another hostPort, or set `allowShadow: true`"

    @Test(arguments: ["0.0.0.0", "::", "192.0.2.1", "127.0.0.1"])
    func aNewMappingOnAPortOnWhichSomethingListens(_ address: String) throws {
        let site = try PolicyHost(documents: documents("{hostPort: 8080, port: 80}"))
        try site.host.sh("ip link add lan0 type bridge; ip address add 192.0.2.1/24 dev lan0; ip link set lan0 up")
        let daemon = try site.host.serve("serve-tcp", address, "8080")
        defer { daemon.signal(SIGKILL) }
        try expectError(site.host, "\(Self.shadows) \(address)\(Self.advice)")
        try site.declare(documents("{hostPort: 8080, port: 80, allowShadow: true}"))
        try expectWarning(site.host, "\(Self.shadows) \(address)")
        // UDP is another port, and so is another address.
        for free in ["{protocol: udp, hostPort: 8080, port: 80}", "{hostPort: 8081, port: 80}"] {
            try site.declare(documents(free))
            try site.apply()
        }
        // Neither does it help that the endpoint is there, and publishes another port.
        try site.declare(documents("{hostPort: 8080, port: 80}"))
        try expectError(site.host, "\(Self.shadows) \(address)\(Self.advice)")
    }

    /// Programs that know IPv6 only serve an IPv4 address by the mapped one, or by all, as Java's do.
    @Test(arguments: ["::ffff:192.0.2.1", "::"]) func aSocketOfIPv6ListensForIPv4(_ address: String) throws {
        let site = try PolicyHost(documents: documents("{hostPort: 8080, port: 80, hostAddress: 192.0.2.1}"))
        try site.host.sh("ip link add lan0 type bridge; ip address add 192.0.2.1/24 dev lan0; ip link set lan0 up")
        let daemon = try site.host.serve("serve-dual", address, "8080")
        defer { daemon.signal(SIGKILL) }
        try expectError(site.host, "\(Self.shadows) \(address)\(Self.advice)")
        try site.declare(documents("{hostPort: 8081, port: 80, hostAddress: 192.0.2.1}"))
        try site.apply()
    }

    @Test(arguments: ["serve-tcp", "serve-udp-6"]) func aSocketForIPv6AloneLeavesIPv4(_ kind: String) throws {
        let transport = kind == "serve-tcp" ? "tcp" : "udp"
        func mapping(_ more: String) -> [String] {
            documents("{protocol: \(transport), hostPort: 8080, port: 80\(more)}")
        }
        let site = try PolicyHost(documents: mapping(", hostAddress: 192.0.2.1"))
        try site.host.sh("ip link add lan0 type bridge; ip address add 192.0.2.1/24 dev lan0; ip link set lan0 up")
        let daemon = try site.host.serve(kind, "::", "8080")
        defer { daemon.signal(SIGKILL) }
        try site.apply()
        try site.declare(mapping(""))
        try expectError(
            site.host, "host port 8080/\(transport) of Endpoint/a shadows python3 listening on ::\(Self.advice)")
    }

    @Test func whatIsPublishedAlreadyWarnsOnly() throws {
        let site = try PolicyHost(documents: documents("{hostPort: 8000-8100, port: 8000-8100}"))
        try site.apply()
        let daemon = try site.host.serve("serve-tcp", "0.0.0.0", "8080")
        defer { daemon.signal(SIGKILL) }
        try expectWarning(site.host, "\(Self.shadows) 0.0.0.0")
        try site.apply()
        // A range that grows onto a socket is new there.
        let other = try site.host.serve("serve-tcp", "0.0.0.0", "8101")
        defer { other.signal(SIGKILL) }
        try site.declare(documents("{hostPort: 8000-8101, port: 8000-8101}"))
        try expectError(
            site.host,
            "host port 8101/tcp of Endpoint/a shadows python3 listening on 0.0.0.0\(Self.advice)")
    }

    @Test(arguments: ["", ", allowShadow: true"], ["0.0.0.0", "192.0.2.1"])
    func thePortOfTheSessionIsNeverTaken(_ more: String, _ address: String) throws {
        let site = try PolicyHost(documents: documents("{hostPort: 2222, port: 22\(more)}"))
        try site.host.sh("ip link add lan0 type bridge; ip address add 192.0.2.1/24 dev lan0; ip link set lan0 up")
        let daemon = try site.host.serve("serve-tcp", address, "2222")
        defer { daemon.signal(SIGKILL) }
        try expectError(
            site.host,
            "host port 2222/tcp of Endpoint/a shadows python3 listening on \(address), which is the port of your SSH session; "
                + "choose another hostPort", environment: ["SSH_CONNECTION": "192.0.2.9 50000 192.0.2.1 2222"])
    }
}
