import Foundation
import TestSupport
import Testing

/// Connections that come in while the rules of a change are in force that is undone afterwards.
@Suite struct UndoneChangeTests {
    private static func rules(_ verdict: String) -> String {
        "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: \(verdict)}"
    }

    /// A host that denies all to a, with manifests that allow it.
    private func site() throws -> PolicyHost {
        let web = try PolicyHost(["a", "b"])
        try web.policies([("a-in", Self.rules("deny"))])
        try web.apply()
        try web.policies([("a-in", Self.rules("allow"))])
        return web
    }

    private func expectDenied(_ web: PolicyHost) throws {
        #expect(try web.probe("b", "tcp", "10.88.0.10", "80", "0.5") == "silent")
        try web.policies([("a-in", Self.rules("deny"))])
        let plan = try web.host.bulkhead("plan", "manifests", "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan.output)\(plan.errors)")
    }

    private func applyUnconfirmed(_ web: PolicyHost) throws {
        let apply = try web.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "10m")
        #expect(apply.status == 0, "\(apply.errors)")
    }

    @Test func isCutWhenTheChangeIsTakenBack() throws {
        let web = try site()
        try web.serve("a", "echo-tcp", "10.88.0.10", "80")
        try applyUnconfirmed(web)
        let talk = try web.talk("b", "10.88.0.10", 80)
        #expect(try talk.ask("?") == "alive")
        let revert = try web.host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.output)\(revert.errors)")
        #expect(try talk.ask("1") == "cut")
        try expectDenied(web)
    }

    @Test func isCutWhenAProbeSaysNo() throws {
        let web = try site()
        try web.serve("a", "echo-many", "10.88.0.10", "80")
        let storm = try web.storm("b", "10.88.0.10", 80) {
            let apply = try web.host.bulkhead("apply", "manifests", "--yes", "--confirm-if", "sleep 9; false")
            #expect(apply.status == 1, "\(apply.errors)")
        }
        #expect(storm.opened > 0)
        #expect(storm.alive == 0)
        try expectDenied(web)
    }

    /// However far the rules were in force when the step failed.
    @Test func isCutWhenALaterStepFails() throws {
        let web = try site()
        try web.serve("a", "echo-many", "10.88.0.10", "80")
        try web.host.write(
            "more.yaml",
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Endpoint\nmetadata: {name: c}\n"
                + "spec: {network: web, addresses: [10.88.0.77]}\n")
        let plan = try web.host.bulkhead("plan", "manifests", "--output", "json")
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any])
        let steps = try #require(document["steps"] as? [[String: Any]])
        let last = try #require(steps.lastIndex { ($0["id"] as? String)?.hasSuffix("/c/hosts") ?? false })
        let storm = try web.storm("b", "10.88.0.10", 80) {
            let apply = try web.host.bulkhead(
                "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "refuse:\(last)"])
            #expect(apply.status == 1, "\(apply.output)\(apply.errors)")
        }
        #expect(storm.alive == 0)
        try web.host.sh("rm manifests/more.yaml")
        try expectDenied(web)
    }

    /// What was applied last are not all manifests that were in force.
    @Test func isSaidToLiveOnWhereAPartWasAppliedLast() throws {
        let web = try site()
        let part = try web.host.bulkhead("apply", "manifests", "--yes", "--no-prune")
        #expect(part.status == 0, "\(part.errors)")
        try web.policies([("a-in", Self.rules("deny"))])
        try applyUnconfirmed(web)
        let revert = try web.host.bulkhead("revert")
        #expect(revert.status == 3, "\(revert.output)\(revert.errors)")
        #expect(
            revert.errors
                == "The host could not be put back completely; this is left:\n  connections that began under the rules of the "
                + "change may live on until the next apply: number 2 of the history was applied with --no-prune, to more than "
                + "it declares\n", "\(revert.errors)")
        try web.policies([("a-in", Self.rules("allow"))])
        try web.apply()
    }

    /// Then it is said, and the next apply makes up for it.
    @Test func isCutByTheNextApplyWhereNobodyKnowsWhatWasInForce() throws {
        let web = try site()
        try web.serve("a", "echo-tcp", "10.88.0.10", "80")
        try applyUnconfirmed(web)
        let talk = try web.talk("b", "10.88.0.10", 80)
        try web.host.sh("rm -r \"$BULKHEAD_STATE_DIR/history\"")
        let revert = try web.host.bulkhead("revert")
        #expect(revert.status == 3, "\(revert.output)\(revert.errors)")
        #expect(
            revert.errors.contains(
                "  connections that began under the rules of the change may live on until the next apply: the history has "
                    + "no earlier apply of scope default for host "), "\(revert.errors)")
        #expect(try talk.ask("?") == "alive")
        try web.policies([("a-in", Self.rules("deny"))])
        try web.apply()
        #expect(try talk.ask("1") == "cut")
        try expectDenied(web)
    }
}
