import Foundation
import TestSupport
import Testing

/// Processes in a compartment write its resolv.conf and hosts; that is a difference like any other.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct CompartmentFileTests {
    private static let web = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}], dns: {servers: [10.88.0.53]}}
        """

    private func inside(_ host: ScratchHost, _ line: String) throws {
        let result = try host.bulkhead("exec", "a", "--", "sh", "-c", line)
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test(arguments: [
        "echo nameserver 9.9.9.9 > /etc/resolv.conf", "echo 192.0.2.1 evil > /etc/hosts", "echo >> /etc/hosts",
        "head -c 4000 /dev/urandom > /etc/hosts", "truncate -s 70M /etc/resolv.conf",
        "echo '# bulkhead:other/Compartment/a' > /etc/hosts", ": > /etc/hosts",
        "echo '# bulkhead:default/Compartment/b' > /etc/resolv.conf",
    ]) func writtenFromInside(_ line: String) throws {
        let host = try ScratchHost()
        let empty = try HostDump(host)
        try host.declare(Self.web, Manifests.endpoint("a"))
        #expect(try host.apply("--quiet").status == 0)
        let before = try HostDump(host)
        try inside(host, line)
        #expect(try host.bulkhead("drift", "manifests").status == 2)
        // What it holds is its own affair: others come and go meanwhile.
        try host.declare(Self.web, Manifests.endpoint("a"), Manifests.endpoint("c"))
        let other = try host.apply("--quiet")
        #expect(other.status == 0, "\(other.errors)")
        try host.declare(Self.web, Manifests.endpoint("a"))
        #expect(try host.apply("--quiet").status == 0)
        #expect(try HostDump(host).differences(from: before) == [])
        try inside(host, line)
        // The file keeps its inode, because processes have it mounted.
        let destroy = try host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 0, "\(destroy.errors)")
        #expect(try HostDump(host).differences(from: empty) == [])
    }

    /// A text comes back; what is none is lost, as the plan says before.
    @Test(arguments: [false, true]) func undoingPutsBackWhatWasWritten(_ isText: Bool) throws {
        let host = try ScratchHost()
        try host.declare(Self.web, Manifests.endpoint("a"))
        #expect(try host.apply("--quiet").status == 0)
        try inside(host, isText ? "echo mine > /etc/hosts" : "printf '\\377' > /etc/hosts")
        let before = try HostDump(host)
        try host.declare(Self.web, Manifests.endpoint("a"), Manifests.endpoint("c"))
        let plan = try host.bulkhead("plan", "manifests", "--output", "json")
        let steps = plan.output.components(separatedBy: "\"action\"").count - 1
        let path = "\(host.folder.path)/etc/a/hosts"
        let loss =
            "rewrite \(path): what \(path) holds, which is no text, goes with it, and undoing does not bring it back"
        #expect(plan.output.contains(loss) != isText, "\(plan.output)")
        let refused = try host.apply("--quiet", fault: "refuse:\(steps - 1)")
        #expect(refused.status == (isText ? 1 : 3), "\(refused.errors)")
        if isText { #expect(try HostDump(host).differences(from: before) == []) }
    }

    private static func compartment(_ more: String, _ annotations: String = "") -> String {
        "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: a\(annotations)}\nspec: {\(more)}"
    }

    /// Protection neither comes nor goes by what somebody inside writes.
    @Test(arguments: [false, true]) func protectionIsNoAffairOfTheCompartment(_ cameLater: Bool) throws {
        let host = try ScratchHost()
        let empty = try HostDump(host)
        let plain = Self.compartment(""), protected = Self.compartment("", Manifests.protected)
        try host.declare(Self.web, cameLater ? plain : protected, Manifests.endpoint("a"))
        #expect(try host.apply("--quiet").status == 0)
        if cameLater {
            try host.declare(Self.web, protected, Manifests.endpoint("a"))
            #expect(try host.apply("--quiet").status == 0)
            #expect(
                try host.sh("cat etc/.bulkhead/a")
                    == "# bulkhead:default/Compartment/a [protect]\n# Written by bulkhead beside what the namespace's id "
                    + "tells.\n")
        }
        try inside(host, "echo '# bulkhead:default/Compartment/a' > /etc/hosts; : > /etc/resolv.conf")
        try host.declare(Self.web)
        for arguments in [["apply", "--yes", "manifests"], ["destroy", "--all", "--yes"]] {
            let refused = try host.run([ScratchHost.binary] + arguments)
            #expect(refused.status == 1)
            #expect(
                refused.errors.hasPrefix(
                    "error: Compartment/a is protected (bulkhead.dev/prevent-destroy), and this would delete namespace a; "
                        + "apply it once without the annotation, then remove it\n"), "\(refused.errors)")
        }
        try host.declare(Self.web, plain, Manifests.endpoint("a"))
        #expect(try host.apply("--quiet", "--no-prune").status == 0)
        // Nor does it keep anybody from removing it.
        try inside(host, "sed -i '' /etc/resolv.conf; echo '# bulkhead:default/Compartment/a [protect]' > /etc/hosts")
        try host.declare(Self.web)
        let removed = try host.apply("--quiet")
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try HostDump(host).differences(from: empty) == [])
    }

    /// A namespace of another name goes with its compartment's document, and only if that is not protected.
    @Test(arguments: ["never", "at once", "later"]) func aNamespaceOfAnotherNameGoesByItsDocument(_ moment: String)
        throws
    {
        let host = try ScratchHost()
        let empty = try HostDump(host)
        let plain = Self.compartment("namespace: {name: room}")
        let protected = Self.compartment("namespace: {name: room}", Manifests.protected)
        try host.declare(Self.web, moment == "at once" ? protected : plain, Manifests.endpoint("a"))
        #expect(try host.apply("--quiet").status == 0)
        if moment == "later" {
            try host.declare(Self.web, protected, Manifests.endpoint("a"))
            #expect(try host.apply("--quiet").status == 0)
        }
        if moment != "never" {
            let before = try HostDump(host)
            for arguments in [["destroy", "--yes", "manifests"], ["destroy", "--all", "--yes"]] {
                let refused = try host.run([ScratchHost.binary] + arguments)
                #expect(refused.status == 1)
                #expect(
                    refused.errors.contains(
                        "error: Compartment/a is protected (bulkhead.dev/prevent-destroy), and this would delete namespace "
                            + "room; apply it once without the annotation, then remove it\n"), "\(refused.errors)")
            }
            #expect(try HostDump(host).differences(from: before) == [])
            try host.declare(Self.web, plain, Manifests.endpoint("a"))
            #expect(try host.apply("--quiet").status == 0)
        }
        let destroy = try host.bulkhead("destroy", "--yes", "manifests")
        #expect(destroy.status == 0, "\(destroy.errors)")
        #expect(try HostDump(host).differences(from: empty) == [])
    }

    /// Whose name a namespace of another name bears is not read in it either.
    @Test func theNameOfACompartmentIsNoAffairOfItsProcesses() throws {
        let host = try ScratchHost()
        let empty = try HostDump(host)
        try host.declare(
            Self.web, Self.compartment("namespace: {name: room}"), Manifests.endpoint("a"), Manifests.endpoint("b"))
        #expect(try host.apply("--quiet").status == 0)
        try inside(host, "echo '# bulkhead:default/Compartment/b' > /etc/hosts")
        let list = try host.bulkhead("exec", "b", "--", "ip", "-4", "-o", "address", "show", "dev", "eth0")
        #expect(!list.output.contains(try host.sh("ip -n room -4 -o address show dev eth0")), "\(list.output)")
        try inside(host, "ip -4 address show dev eth0 >/dev/null")
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try HostDump(host).differences(from: empty) == [])
    }
}
