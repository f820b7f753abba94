import Foundation
import TestSupport
import Testing

/// The benchmark's floor makes by system calls alone what bulkhead makes: whatever bulkhead's apply leaves behind can be
/// told in the kernel's messages, made from them again, and removed.
@Suite struct FloorTests {
    private static let script = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Benchmarks/bench.py").path

    /// Compares full states of hosts: after bulkhead's apply and destroy, and after the same by the floor.
    private func check(_ host: ScratchHost, _ more: String...) throws -> ScratchHost.Result {
        let result = try host.run(
            ["python3", Self.script, ScratchHost.binary, "--check", "--networks", "2"] + more)
        if result.errors.contains("no C compiler") {
            try Test.cancel("there is no C compiler here, with which the floor could be built")
        }
        return result
    }

    @Test func theFloorMakesTheSameAsBulkhead() throws {
        let host = try ScratchHost()
        for (endpoints, rules, remote) in [("8", "0", "0"), ("3", "3", "3")] {
            let result = try check(host, "--endpoints", endpoints, "--rules", rules, "--remote", remote)
            #expect(result.status == 0, "\(result.errors)")
            #expect(
                result.output.hasPrefix("\(endpoints) endpoints, \(rules) rules: equal states of "), "\(result.output)")
            #expect(
                result.output.contains("\(remote) remote endpoints: equal states of ") == (remote != "0"),
                "\(result.output)")
        }
    }

    /// A setting of a compartment or of a bridge, a route, an address, elements of a set, a file.
    @Test(arguments: [
        ("set e0 net/ipv4/conf/default/accept_redirects", "e0 setting net/ipv4/conf/default/accept_redirects"),
        ("set - net/ipv4/conf/bh-n0/accept_redirects", "host setting net/ipv4/conf/bh-n0/accept_redirects"),
        ("send e0 24", "e0 route"), ("send - 20", "host address bh-n0"), ("nft 12", "element"),
        ("file", "file /run/bench/etc/"), ("nothing", ""),
    ])
    func aDifferenceIsFound(_ line: String, _ found: String) throws {
        let host = try ScratchHost()
        let result = try check(host, "--endpoints", "3", "--rules", "0", "--remote", "0", "--leave-out", line)
        #expect(result.status != 0)
        if found.isEmpty {
            #expect(result.errors.contains("bench: no line of the script begins with \(line)"), "\(result.errors)")
        } else {
            #expect(
                result.errors.contains("bench: bulkhead's apply and the floor: not the same state:"), "\(result.errors)"
            )
            #expect(result.errors.contains("- \(found)"), "\(result.errors)")
        }
    }
}
