import Foundation
import TestSupport
import Testing

/// While a change is pending others take names that it made, changed or deleted: undoing leaves their things alone, and
/// says so.
@Suite(.enabled(if: getuid() == 0, "needs root: namespaces of one host are bound and unbound by others"))
struct TakenNameTests {
    struct Case: Sendable, CustomStringConvertible {
        /// What others do.
        let theft: String
        /// What of theirs must be the same afterwards, in shell.
        let look: String
        /// What is listed.
        let object: String

        var description: String { object }
    }

    static let cases: [Case] = [
        // Made by the change.
        Case(
            theft: "ip link delete bh-db; ip link add bh-db type bridge; ip address add 203.0.113.1/24 dev bh-db",
            look: "ip -o link show bh-db; ip -o address show bh-db", object: "link bh-db"),
        Case(
            theft: "ip netns delete comes; ip netns add comes; ip -n comes link add eth0 type veth peer name other",
            look: "stat -c %i /run/netns/comes; ip -n comes -o link | grep -o 'eth0.*mtu [0-9]*'",
            object: "namespace comes"),
        // Changed by it.
        Case(
            theft: "ip link delete bh-web; ip link add bh-web mtu 1450 type bridge", look: "ip -o -d link show bh-web",
            object: "link bh-web"),
        // Deleted by it.
        Case(
            theft: "ip link add ep-goes type veth peer name other", look: "ip -o link show ep-goes",
            object: "link ep-goes"),
        Case(theft: "ip netns add goes", look: "stat -c %i /run/netns/goes", object: "namespace goes"),
        Case(
            theft: "mkdir -p etc/goes; echo 'somebody else' > etc/goes/hosts", look: "cat etc/goes/hosts",
            object: "the file FOLDER/etc/goes/hosts"),
    ]

    /// Beside a namespace of the change whoever is in it writes them.
    @Test(arguments: [true, false]) func aFileOfACompartmentIsNobodyElses(hasGuard: Bool) throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        if !hasGuard {
            kill(try pending.guardID(), SIGKILL)
            try host.sh("flock -w 60 state/pending/guard true")
        }
        try host.sh("echo 'from inside' > etc/comes/hosts")
        let revert = try host.bulkhead("revert")
        if hasGuard {
            #expect(revert.status == 0, "\(revert.errors)")
            #expect(try HostDump(host).differences(from: before) == [])
        }
        #expect(!revert.errors.contains("etc/comes"), "\(revert.errors)")
        #expect(try host.sh("ls etc").contains("comes") == false)
    }

    @Test(arguments: cases, [true, false])
    func isLeftAloneAndListed(_ item: Case, hasGuard: Bool) throws {
        let pending = try PendingHost()
        let host = pending.host
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        if !hasGuard {
            kill(try pending.guardID(), SIGKILL)
            try host.sh("flock -w 60 state/pending/guard true")
        }
        try host.sh(item.theft)
        let theirs = try host.sh(item.look)
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 3)
        let object = item.object.replacingOccurrences(of: "FOLDER", with: host.folder.path)
        let line =
            "  \(object) is not the one that it was: something else took the name meanwhile, and was left alone\n"
        #expect(revert.errors.components(separatedBy: line).count == 2, "\(revert.errors)")
        #expect(try host.sh(item.look) == theirs)
        #expect(!pending.isPending)
    }
}
