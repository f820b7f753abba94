import Foundation
import TestSupport
import Testing

/// Whoever follows a page gets what it says.
@Suite struct PageTests {
    /// Pages of which every command is run.
    private static let followed = [
        "docs/tutorial.md", "docs/gitops.md", "docs/review.md", "docs/monitoring.md", "docs/debug-a-drop.md",
        "docs/publish-a-port.md", "docs/limit-bandwidth.md", "docs/virtual-machine.md", "docs/attach.md",
        "docs/isolate-tenants.md",
        "docs/import.md",
        "docs/watch.md",
    ]

    @Test(arguments: followed) func everyCommandDoesWhatThePageSays(_ path: String) throws {
        let page = Page(try Repository.text(path))
        #expect(page.acts.count > 3)
        let wrong = try page.follow(on: ScratchHost())
        #expect(wrong == [], "\(wrong.joined(separator: "\n"))")
    }

    /// On a host with a card on a LAN, and a router there.
    @Test func thePageOnThePhysicalNetworkDoes() throws {
        let page = Page(try Repository.text("docs/physical-network.md"))
        #expect(page.acts.count > 8)
        let (host, router) = (try ScratchHost(), try ScratchHost())
        try host.connect("eth0", ["192.0.2.1/24"], to: router, "eth0", ["192.0.2.254/24"])
        try host.sh("ip route add default via 192.0.2.254")
        let wrong = try page.follow(on: host)
        #expect(wrong == [], "\(wrong.joined(separator: "\n"))")
    }

    /// On a host with an underlay, and FRR.
    @Test(.enabled(if: RoutingDaemons.areThere, Comment(rawValue: RoutingDaemons.reason)))
    func thePageOnOverlaysDoes() throws {
        let page = Page(try Repository.text("docs/overlays.md"))
        #expect(page.acts.count > 5)
        let (host, other) = (try ScratchHost(), try ScratchHost())
        try host.connect("eth0", ["192.0.2.1/24"], to: other, "eth0", ["192.0.2.2/24"])
        let daemons = try RoutingDaemons(on: host)
        let wrong = try page.follow(on: host)
        #expect(wrong == [], "\(wrong.joined(separator: "\n"))")
        #expect(try daemons.file() == "")
    }

    /// The comparison is only worth something if it sees what is missing.
    @Test func missingLinesAreSeen() {
        let output = "one 2026-11-26T02:00:55Z\ncommit 2f3c1d0a9b8e: 3 created\nlast line here\n"
        #expect(Page.missing(["one 2020-01-01T00:00:00Z", "…", "last … here"], from: output) == nil)
        #expect(Page.missing(["commit 000000000000: 9 created"], from: output) == nil)
        #expect(Page.missing(["last line"], from: output) == "last line")
        #expect(Page.missing(["last line here", "one…"], from: output) == "one…")
        let page = Page("```yaml\n# a/b.yaml\nx: 1\n```\n```console\n$ false   # status 1\nout\n$ true\n```\n")
        #expect(page.acts.count == 3)
        guard case .command(_, let status, let lines) = page.acts[1] else { return #expect(Bool(false)) }
        #expect(status == 1)
        #expect(lines == ["out"])
    }
}
