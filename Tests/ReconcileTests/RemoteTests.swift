import Foundation
import TestSupport
import Testing

/// Rounds that fetch from servers: git's own behind https with an authority made for the test, and an SSH server with
/// keys made for the test, both on the loopback of the scratch host.
@Suite struct RemoteTests {
    private static let https = "https://127.0.0.1:8443/origin.git"

    private func refusal(_ result: ScratchHost.Result, _ address: String, _ reason: String) -> Bool {
        result.status == 1
            && result.output
                == "reconcile default: main could not be fetched: ask \(address): git ended with 128: \(reason); nothing was changed\n"
    }

    @Test func overHttpsWithAnAuthorityOfOnesOwn() throws {
        let site = try RemoteSite()
        let server = try site.startHTTPS()
        defer { server.signal(SIGKILL) }
        let commit = try site.push(RoundHost.network, RoundHost.endpoint("a"))

        let unknown = try site.round(at: Self.https)
        #expect(unknown.status == 1)
        let heading =
            "reconcile default: main could not be fetched: ask \(Self.https): git ended with 128: fatal: unable to access "
            + "'\(Self.https)/': "
        #expect(unknown.output.hasPrefix(heading + "server certificate verification failed"), "\(unknown)")
        #expect(
            unknown.output.hasSuffix(
                "; where an authority of your own signed the server's certificate, let GIT_SSL_CAINFO name the file of that "
                    + "authority's, or add it to the machine's (`update-ca-certificates`); nothing was changed\n"),
            "\(unknown)")
        #expect(try site.endpoints().isEmpty)

        let known = try site.round(at: Self.https, authority: true)
        #expect(known.status == 0, "\(known)")
        #expect(known.output.hasPrefix("reconcile default: applied commit \(commit.short) of main: "), "\(known)")
        #expect(try site.endpoints() == ["a"])

        // What was good is kept in force while the server is away, and what comes later is taken.
        server.signal(SIGKILL)
        _ = try server.finish()
        try site.host.sh("ip link set bh-web mtu 1400")
        let away = try site.round(at: Self.https, authority: true)
        #expect(away.status == 1)
        #expect(away.output.contains("Failed to connect to 127.0.0.1 port 8443"), "\(away)")
        #expect(
            away.output.contains(
                "; look whether the server runs, and whether a firewall or a proxy stands before it; "),
            "\(away)")
        #expect(try site.host.sh("ip link show bh-web").contains("mtu 1500"))
        let again = try site.startHTTPS()
        defer { again.signal(SIGKILL) }
        let next = try site.push(RoundHost.network, RoundHost.endpoint("b"))
        let taken = try site.round(at: Self.https, authority: true)
        #expect(taken.output.hasPrefix("reconcile default: applied commit \(next.short) of main: "), "\(taken)")
        #expect(try site.endpoints() == ["b"])
    }

    @Test func overHttpsWhatIsWrongIsSaidWithTheRemedy() throws {
        let site = try RemoteSite()
        let server = try site.startHTTPS()
        defer { server.signal(SIGKILL) }
        try site.push(RoundHost.network)
        let missing = "https://127.0.0.1:8443/nothing.git"
        let nowhere = try site.round(at: missing, authority: true)
        let place =
            "fatal: repository '\(missing)/' not found; look at the path in --repo, and whether this user may read it"
        #expect(refusal(nowhere, missing, place), "\(nowhere)")
        let other = "https://localhost:8443/origin.git"
        let named = try site.round(at: other, authority: true)
        #expect(named.output.contains("; give --repo the host by the name that its certificate bears; "), "\(named)")
        let unheard = "https://nowhere.invalid/origin.git"
        let unnamed = try site.round(at: unheard)
        let words =
            "fatal: unable to access '\(unheard)/': Could not resolve host: nowhere.invalid; look at the host's name in --repo, "
            + "and whether this machine can look names up"
        #expect(refusal(unnamed, unheard, words), "\(unnamed)")
    }

    /// A password has no place in the address, and nobody is asked for one: it comes from the user's own file.
    @Test func overHttpsAPasswordComesFromTheUsersFile() throws {
        let site = try RemoteSite()
        let server = try site.startHTTPS(login: "ann:secret-word")
        defer { server.signal(SIGKILL) }
        let commit = try site.push(RoundHost.network)
        let closed = try site.round(at: Self.https, authority: true)
        #expect(closed.status == 1)
        #expect(
            closed.output.hasSuffix(
                "; put name and password into ~/.netrc of the user who runs bulkhead; nothing was changed\n"),
            "\(closed)")
        try site.host.sh(
            "echo 'machine 127.0.0.1 login ann password secret-word' > home/.netrc; chmod 600 home/.netrc")
        let open = try site.round(at: Self.https, authority: true)
        #expect(open.status == 0, "\(open)")
        #expect(open.output.hasPrefix("reconcile default: applied commit \(commit.short) of main: "), "\(open)")
        let state = try site.host.sh("grep -r secret-word state || true")
        #expect(state.isEmpty)
    }

    @Test(.enabled(if: getuid() == 0, "needs root: a login of root's by SSH"))
    func bySSHWithKeysAndKnownHosts() throws {
        let site = try RemoteSite()
        let commit = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        let address = "ssh://root@127.0.0.1:2222\(site.host.folder.path)/origin.git"
        let reach = "; look whether the server runs, and whether a firewall or a proxy stands before it"
        let away = try site.round(at: address)
        #expect(
            refusal(away, address, "ssh: connect to host 127.0.0.1 port 2222: Connection refused\(reach)"), "\(away)")

        let server = try site.startSSH()
        defer { server.signal(SIGKILL) }
        let stranger = try site.round(at: address)
        #expect(
            refusal(
                stranger, address,
                "Host key verification failed.; add the server's key to ~/.ssh/known_hosts of the user who runs bulkhead "
                    + "(`ssh-keyscan HOST`, and compare it)"), "\(stranger)")
        try site.know(key: "hostkey")
        let unknown = try site.round(at: address)
        #expect(
            refusal(
                unknown, address,
                "root@127.0.0.1: Permission denied (publickey).; the server knows no key of the user who runs bulkhead: add "
                    + "one (~/.ssh/id_ed25519.pub) to those that may read it"), "\(unknown)")
        #expect(try site.endpoints().isEmpty)

        try site.host.sh("cp home/.ssh/id_ed25519.pub home/.ssh/authorized_keys; chmod 600 home/.ssh/*")
        let known = try site.round(at: address)
        #expect(known.status == 0, "\(known)")
        #expect(known.output.hasPrefix("reconcile default: applied commit \(commit.short) of main: "), "\(known)")
        #expect(try site.endpoints() == ["a"])

        let missing = "\(address)-nothing"
        let nowhere = try site.round(at: missing)
        #expect(
            nowhere.output.contains(
                "does not appear to be a git repository; look at the path in --repo, and whether this user may read it; "
            ),
            "\(nowhere)")
        // Somebody else answers in the server's place: nothing is fetched, and what is in force stays.
        try site.know(key: "otherkey")
        try site.push(RoundHost.network, RoundHost.endpoint("b"))
        let other = try site.round(at: address)
        #expect(other.status == 1)
        let words =
            #/.*: git ended with 128: .*Host key for \[127\.0\.0\.1\]:2222 has changed and you have requested strict checking\.; Host key verification failed\.; ask whoever runs the server whether its key is another now; if so, put the new one in place of the old in ~/\.ssh/known_hosts of the user who runs bulkhead \(`ssh-keygen -R HOST`\); commit \w{12} stays in force\n/#
        #expect(other.output.wholeMatch(of: words) != nil, "\(other)")
        #expect(!other.output.contains("NASTY") && !other.output.contains("\\u{"), "\(other)")
        #expect(try site.endpoints() == ["a"])
    }
}

/// A scratch host whose repository is reached by servers on its loopback, by a user whose home is on it.
private final class RemoteSite {
    private let site: RoundHost
    var host: ScratchHost { site.host }

    private static let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Tools/https.py").path

    /// The home in the list of users is what SSH goes by, on both sides.
    init() throws {
        site = try RoundHost()
        try host.sh(
            """
            mkdir -m 700 home home/.ssh
            if [ "$(id -u)" = 0 ] && [ -w /etc/passwd ]; then
                sed "s|:/root:|:$PWD/home:|" /etc/passwd > passwd
                mount --bind passwd /etc/passwd
            fi
            ssh-keygen -q -t ed25519 -N '' -f home/.ssh/id_ed25519
            """)
    }

    @discardableResult
    func push(_ documents: String...) throws -> String {
        try site.write("net/all.yaml", documents.joined())
        return try site.push()
    }

    func endpoints() throws -> [String] { try site.endpoints() }

    /// A round that fetches from there; whether the authority of the certificate is known.
    func round(at address: String, authority: Bool = false) throws -> ScratchHost.Result {
        let home = ["HOME": host.folder.appendingPathComponent("home").path]
        let known = authority ? ["GIT_SSL_CAINFO": host.folder.appendingPathComponent("ca.pem").path] : [:]
        return try host.run(
            [ScratchHost.binary, "reconcile", "--repo", address, "--path", "net"],
            environment: home.merging(known) { first, _ in first })
    }

    /// A server with a certificate for 127.0.0.1, signed by an authority of its own.
    func startHTTPS(login: String? = nil) throws -> RunningProcess {
        try host.sh(
            """
            [ -e ca.pem ] || {
                make="openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch"
                $make -x509 -keyout ca.key -out ca.pem -subj /CN=scratch-authority -days 2
                $make -keyout server.key -out server.csr -subj /CN=127.0.0.1
                echo subjectAltName=IP:127.0.0.1 > extensions
                openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
                    -extfile extensions -out server.pem
            } 2>/dev/null
            """)
        let server = try host.start(
            ["python3", Self.tool, host.folder.path, "server.pem", "server.key"] + (login.map { [$0] } ?? []))
        try awaitListener(on: 8443)
        return server
    }

    /// A server that takes keys only.
    func startSSH() throws -> RunningProcess {
        try host.sh("for key in hostkey otherkey; do dropbearkey -t ed25519 -f $key >$key.pub 2>/dev/null; done")
        // It learns by a signal that a session is over, and threads of the tests let none through.
        let entrance =
            "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execvp(sys.argv[1], sys.argv[1:])"
        let server = try host.start(
            ["python3", "-c", entrance, "dropbear", "-F", "-s", "-p", "127.0.0.1:2222", "-r", "hostkey"])
        try awaitListener(on: 2222)
        return server
    }

    /// From now on the user knows the server by that key.
    func know(key: String) throws {
        try host.sh("echo \"[127.0.0.1]:2222 $(grep ^ssh-ed25519 \(key).pub)\" > home/.ssh/known_hosts")
    }

    private func awaitListener(on port: Int) throws {
        try host.sh("until ss -Hltn sport = :\(port) | grep -q LISTEN; do sleep 0.05; done")
    }
}
