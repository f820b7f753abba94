import Foundation
import TestSupport
import Testing

/// What the journal of systemd gets, where standard output is its own.
@Suite struct JournalTests {
    /// Stands for the journal: takes one datagram after another, prints each as JSON, until none comes any more.
    private static let journal = """
        import json, os, socket, sys
        os.makedirs("/run/systemd/journal")
        inlet = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        inlet.bind("/run/systemd/journal/socket")
        print("ready", flush=True)
        for line in sys.stdin:
            fields, rest = [], inlet.recv(1 << 20)
            while rest:
                end = rest.index(b"\\n")
                if b"=" in rest[:end]:
                    name, value = rest[:end].split(b"=", 1)
                    rest = rest[end + 1:]
                else:
                    name, count = rest[:end], int.from_bytes(rest[end + 1:end + 9], "little")
                    value, rest = rest[end + 9:end + 9 + count], rest[end + 10 + count:]
                fields.append([name.decode(), value.decode()])
            print(json.dumps(fields), flush=True)
        """

    /// Runs a command whose standard output is said to be the journal's; what it wrote there as text.
    private func run(_ host: ScratchHost, _ command: String) throws -> ScratchHost.Result {
        try host.run([
            "sh", "-c", "export JOURNAL_STREAM=$(stat --dereference --format=%d:%i /proc/$$/fd/1); exec \(command)",
        ])
    }

    private func fields(_ text: String) throws -> [String: [String]] {
        let pairs = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String]])
        return Dictionary(pairs.map { ($0[0], [$0[1]]) }, uniquingKeysWith: +)
    }

    @Test func aRoundIsALineWithFields() throws {
        let host = try ScratchHost()
        try host.declare(Documents.network)
        let git = "git -c user.name=a -c user.email=a@example.test"
        try host.sh(
            "git init -q -b main repository; mv manifests repository/net; cd repository; git add .; \(git) commit -qm one"
        )
        let commit = try host.sh("git -C repository rev-parse HEAD").trimmingCharacters(in: .newlines)
        let reconcile = "\(ScratchHost.binary) reconcile --repo repository --path net"
        // Without a journal that listens, as text.
        let alone = try run(host, reconcile)
        #expect(alone.output.hasPrefix("reconcile default: applied commit "), "\(alone)")
        try host.run(["sh", "-c", "cat > journal.py"], input: Self.journal)
        let journal = try host.start(["/usr/bin/python3", "journal.py"], hasInput: true)
        #expect(try journal.answer() == "ready")
        #expect(try run(host, reconcile).output == "")
        let calm = try fields(journal.ask("next"))
        #expect(calm["MESSAGE"] == ["reconcile default: in sync with commit \(commit.prefix(12)) of main"])
        #expect(calm["PRIORITY"] == ["6"])
        #expect(calm["SYSLOG_IDENTIFIER"] == ["bulkhead"])
        #expect(calm["BULKHEAD_VERB"] == ["reconcile"])
        #expect(calm["BULKHEAD_SCOPE"] == ["default"])
        #expect(calm["BULKHEAD_RESULT"] == ["inSync"])
        #expect(calm["BULKHEAD_COMMIT"] == [commit])
        try host.sh(
            "printf 'kind: A\\n---\\nkind: B\\n' > repository/net/bad.yaml; cd repository; git add .; \(git) commit -qm two"
        )
        let bad = try run(host, reconcile)
        #expect((bad.status, bad.output) == (1, ""))
        let told = try fields(journal.ask("next"))
        #expect(told["PRIORITY"] == ["3"])
        #expect(told["BULKHEAD_RESULT"] == ["bad"])
        #expect(told["BULKHEAD_ENFORCED"] == [commit])
        #expect(told["BULKHEAD_ERROR"]?.count == 2, "\(told)")
        // For whoever asks for JSON, and where standard output is a file, nothing changes.
        #expect(try run(host, "\(reconcile) --output json").output.hasPrefix("{\"format\""))
        #expect(try host.bulkhead("reconcile", "--repo", "repository", "--path", "net").output.contains(" is bad: "))
        _ = try journal.finish(input: "")
    }

    @Test func eachRepairIsALineWithFields() throws {
        let host = try ScratchHost()
        try host.declare(Documents.network)
        try host.run(["sh", "-c", "cat > journal.py"], input: Self.journal)
        let journal = try host.start(["/usr/bin/python3", "journal.py"], hasInput: true)
        #expect(try journal.answer() == "ready")
        let watch = try host.start([
            "sh", "-c",
            "export JOURNAL_STREAM=$(stat --dereference --format=%d:%i /proc/$$/fd/1); exec \(ScratchHost.binary) watch manifests",
        ])
        let first = try fields(journal.ask("next"))
        #expect(first["BULKHEAD_EVENT"] == ["repaired"])
        #expect(first["BULKHEAD_NUMBER"] == ["1"])
        let second = try fields(journal.ask("next"))
        #expect(second["BULKHEAD_EVENT"] == ["ready"])
        #expect(second["BULKHEAD_VERB"] == ["watch"])
        try host.sh("ip link set bh-web mtu 1400")
        let repair = try fields(journal.ask("next"))
        #expect(repair["BULKHEAD_EVENT"] == ["repaired"])
        #expect(repair["BULKHEAD_STEP"] == ["change bh-web: mtu 1400 → 1500"])
        #expect(repair["PRIORITY"] == ["5"])
        #expect(repair["BULKHEAD_MILLISECONDS"] != nil)
        watch.signal(SIGTERM)
        #expect(try watch.finish().output == "")
        _ = try journal.finish(input: "")
    }
}
