import Foundation
import TestSupport
import Testing

/// What bulkhead will not do, word by word.
@Suite struct RefusalTests {
    private func site() throws -> PolicyHost {
        try PolicyHost(documents: [Document.network("web", 88), Document.endpoint("a", "web", 88, 10)])
    }

    /// Errors without the lines of the file below them.
    private func expect(
        _ site: PolicyHost, _ errors: [String], prefix: [String] = [], location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try HostDump(site.host)
        let result = try site.host.run(prefix + [ScratchHost.binary, "apply", "--yes", "manifests"])
        #expect(result.status == 1, sourceLocation: location)
        let told = result.errors.split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("manifests/") || $0.hasPrefix("bulkhead: ") }
        #expect(told == errors, sourceLocation: location)
        let after = try HostDump(site.host)
        #expect(after.differences(from: before) == [], sourceLocation: location)
        #expect(after.changedIdentities(from: before) == [], sourceLocation: location)
    }

    @Test func withoutRootNothingIsTried() throws {
        let site = try site()
        try site.host.sh("chmod -R a+rwX .")
        try expect(
            site,
            [
                "bulkhead: bulkhead needs CAP_NET_ADMIN and CAP_SYS_ADMIN to read and change network namespaces; run it "
                    + "as root (`sudo`)"
            ], prefix: ["setpriv", "--reuid", "65534", "--clear-groups"])
    }

    @Test func aForeignInterfaceWithTheNameOfTheHostsSide() throws {
        let site = try site()
        try site.host.sh("ip link add ep-a type veth peer name other")
        try expect(
            site,
            [
                "manifests/base.yaml:9:18: error: Endpoint/a needs the interface name ep-a, which a foreign veth interface has; "
                    + "take it over with `--adopt Endpoint/a`, delete it with `ip link delete ep-a`, or set `spec.hostInterface`"
            ])
    }

    @Test func aForeignNamespaceWithTheName() throws {
        let site = try site()
        try site.host.sh("ip netns add a")
        try expect(
            site,
            [
                "manifests/base.yaml:9:18: error: Compartment/a: namespace a exists and bulkhead did not make it; choose another "
                    + "`spec.namespace.name`, or use it as it is with `spec.namespace.path`"
            ])
    }

    @Test(arguments: [
        ("ip address add 10.88.0.7/24 dev lan0", "10.88.0.0/24", "address 10.88.0.7/24 on lan0"),
        ("ip address add fd00:88::7/64 dev lan0 nodad", "fd00:88::/64", "address fd00:88::7/64 on lan0"),
        ("ip address add 10.0.0.7/8 dev lan0", "10.88.0.0/24", "address 10.0.0.7/8 on lan0"),
        ("ip route add 10.88.0.128/25 via 192.0.2.9", "10.88.0.0/24", "route to 10.88.0.128/25 via lan0"),
        ("ip route add 10.0.0.0/8 via 192.0.2.9", "10.88.0.0/24", "route to 10.0.0.0/8 via lan0"),
        ("ip route add blackhole 10.88.0.10", "10.88.0.0/24", "route `blackhole 10.88.0.10/32`"),
    ])
    func aPrefixThatTheHostHas(_ command: String, _ prefix: String, _ what: String) throws {
        let site = try site()
        let lan = try site.neighbour()
        try site.host.sh(command)
        let column = prefix.hasPrefix("fd") ? 51 : 27
        try expect(
            site,
            [
                "manifests/base.yaml:5:\(column): error: prefix \(prefix) of Network/web overlaps the host's \(what); choose "
                    + "another prefix"
            ])
        withExtendedLifetime(lan) {}
    }
}
