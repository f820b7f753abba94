import Foundation
import TestSupport
import Testing

/// Changes that fail while an MTU crosses 1280, below which the kernel keeps nothing of IPv6 on an interface.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct SmallMTUTests {
    private static let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/faults/mtu").path

    private func host(applied first: String, declared second: String) throws -> ScratchHost {
        let host = try ScratchHost()
        try host.sh("mkdir -p manifests && cp \(Self.fixture)/\(first)/web.yaml manifests/")
        #expect(try host.apply("--quiet").status == 0)
        try host.sh("cp \(Self.fixture)/\(second)/web.yaml manifests/")
        return host
    }

    /// The kernel refuses one request of a step's first operation: everything is as before.
    private func refuse(_ request: Int, of step: String, on host: ScratchHost) throws {
        let before = try HostDump(host)
        let steps = try host.steps()
        let index = try #require(steps.firstIndex(of: step), "\(steps)")
        let result = try host.apply("--quiet", fault: "refuse:\(index):0:\(request)")
        #expect(result.status == 1, "\(step): \(result.errors)")
        #expect(result.errors.contains("injected fault: "), "\(step): \(result.errors)")
        #expect(
            result.errors.hasSuffix("Everything was undone: the host is as it was before.\n"),
            "\(step): \(result.errors)")
        #expect(try HostDump(host).differences(from: before) == [], "\(step)")
    }

    /// Otherwise it would go with the MTU, and nobody would know that it has to come back.
    @Test func whatTheKernelDoesNotRemoveIsNotLostWithTheMTU() throws {
        let host = try host(applied: "a", declared: "b")
        let removals = try host.steps().filter { step in
            step.contains("fd00:") && (step.hasPrefix("route/") || step.hasPrefix("address/"))
        }
        #expect(removals.count >= 3, "\(removals)")
        for step in removals { try refuse(0, of: step, on: host) }
    }

    /// The link is down for a larger MTU; the fourth request is that it comes up again.
    @Test func aLinkThatDoesNotComeUpAgainIsNotLeftDown() throws {
        let host = try host(applied: "b", declared: "a")
        for step in ["link/bh-alone", "link/ep-web-1"] { try refuse(3, of: step, on: host) }
    }
}
