import Foundation
import TestSupport
import Testing

/// Kernel settings of compartments that the kernel does not have, or does not take.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct SettingTests {
    private func host(_ sysctls: String) throws -> ScratchHost {
        let host = try ScratchHost()
        try declare(sysctls, host)
        return host
    }

    private func declare(_ sysctls: String, _ host: ScratchHost) throws {
        try host.declare(
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: c}\nspec:\n  sysctls:\n    \(sysctls)\n"
        )
    }

    @Test(arguments: [
        (
            "net.ipv4.nonsense: '1'",
            "open /proc/sys/net/ipv4/nonsense: ENOENT (No such file or directory); this kernel has no such setting: take it "
                + "out of the manifest, or load the module that brings it"
        ),
        (
            "net.ipv4.ip_default_ttl: '77777'",
            "write /proc/sys/net/ipv4/ip_default_ttl: EINVAL (Invalid argument); the setting does not take this value: "
                + "correct the manifest"
        ),
    ])
    func whatTheKernelRefusesInANewCompartmentIsUndoneAndSaid(_ setting: String, _ words: String) throws {
        let host = try host(setting)
        let before = try HostDump(host)
        let result = try host.apply("--quiet")
        #expect(result.status == 1)
        #expect(
            result.errors
                == "manifests/all.yaml:3:18: error: create namespace c, loopback up, 22 settings: \(words)\n"
                + "Everything was undone: the host is as it was before.\n")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func inACompartmentThatIsThereThePlanSaysIt() throws {
        let host = try host("net.ipv4.ip_default_ttl: '77'")
        #expect(try host.apply("--quiet").status == 0)
        try declare("net.ipv4.nonsense: '1'", host)
        let result = try host.bulkhead("plan", "manifests")
        #expect(result.status == 1)
        #expect(
            result.errors
                == "manifests/all.yaml:6:5: error: Compartment/c: this kernel has no setting net/ipv4/nonsense that can be read; "
                + "take it out of `spec.sysctls`\n        net.ipv4.nonsense: '1'\n        ^\n")
    }

    @Test func anAdoptedPathThatIsNoNamespaceIsNamedWithItsManifest() throws {
        let host = try ScratchHost()
        let path = "\(host.folder.path)/file"
        try host.sh("touch file")
        try host.declare(
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: c}\nspec: {namespace: {path: \(path)}}\n"
        )
        let result = try host.bulkhead("plan", "manifests")
        #expect(result.status == 1)
        #expect(
            result.errors
                == "manifests/all.yaml:3:18: error: Compartment/c: \(path) is no network namespace; `spec.namespace.path` must name "
                + "one (`ip netns`)\n    metadata: {name: c}\n                     ^\n")
    }
}
