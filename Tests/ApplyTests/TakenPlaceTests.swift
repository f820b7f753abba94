import Foundation
import TestSupport
import Testing

/// Names and places that somebody else has: said before anything is done.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct TakenPlaceTests {
    @Test(arguments: [
        ("bh-web", "Network/web", ""), ("ep-a", "Endpoint/a", ", or set `spec.hostInterface`"),
    ])
    func anAlternativeNameOfAnotherLink(_ name: String, _ owner: String, _ cure: String) throws {
        let host = try ScratchHost()
        try host.sh("ip link add other type bridge; ip link property add dev other altname \(name)")
        let before = try HostDump(host)
        try host.declare(Manifests.web, Manifests.endpoint("a"))
        let result = try host.apply("--quiet")
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "error: \(owner) needs the interface name \(name), which is an alternative name of other, which is not "
                    + "this scope's; take it off (`ip link property del dev other altname \(name)`)\(cure)\n"),
            "\(result.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
        try host.sh("ip link property del dev other altname \(name)")
        #expect(try host.apply("--quiet").status == 0)
    }

    @Test func theFolderOfMarksIsAFile() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a"))
        try host.sh("mkdir -p etc; echo mine > etc/.bulkhead")
        let result = try host.apply("--quiet")
        #expect(result.status == 1)
        #expect(
            result.errors.hasSuffix(
                "etc/.bulkhead is no folder; bulkhead keeps what it knows of compartments in a folder of that name, so move it "
                    + "away\n"), "\(result.errors)")
        #expect(try host.sh("cat etc/.bulkhead") == "mine\n")
    }
}
