import Foundation
import TestSupport
import Testing

/// Only commits and tags that somebody known has signed.
@Suite struct SignatureTests {
    private let site: RoundHost

    /// Keys of ann, who counts, and of mallory, who does not.
    init() throws {
        site = try RoundHost()
        try site.host.sh(
            """
            for name in ann mallory; do ssh-keygen -q -t ed25519 -N '' -C $name -f $name; done
            echo "ann@example.test $(cut -d' ' -f1,2 ann.pub)" > allowed
            cd work; git config gpg.format ssh; git config user.signingkey ../ann
            """)
    }

    private func signed() throws -> ScratchHost.Result {
        let folder = site.host.folder.path
        return try site.round(
            "--verify-signatures", "--allowed-signers", "\(folder)/allowed", "--keyring", "\(folder)/gnupg")
    }

    @Test func unsignedAndUnknownCommitsAreRefused() throws {
        let good = try site.push(RoundHost.network, options: "-S")
        let first = try signed()
        #expect(first.status == 0, "\(first)")
        let unsigned = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        let refused = try signed()
        #expect(refused.status == 1)
        let folder = site.host.folder.path
        #expect(
            refused.output
                == "reconcile default: commit \(unsigned.short) of main is bad: the commit bears no signature (allowed: the keys "
                + "in \(folder)/allowed and in the keyring \(folder)/gnupg); commit \(good.short) stays in force\n")
        try site.host.sh("git -C work config user.signingkey ../mallory")
        let unknown = try site.push(RoundHost.network, RoundHost.endpoint("a"), options: "-S")
        let stranger = try signed()
        #expect(stranger.status == 1)
        #expect(
            stranger.output.contains("commit \(unknown.short) of main is bad: the commit's signature is not accepted: ")
        )
        #expect(try site.endpoints() == [])
        // Known from now on: the commit is judged anew.
        try site.host.sh("echo \"mallory@example.test $(cut -d' ' -f1,2 mallory.pub)\" >> allowed")
        #expect(try signed().output.hasPrefix("reconcile default: applied commit \(unknown.short) of main"))
        #expect(try site.endpoints() == ["a"])
    }

    /// A signature that was made for another commit.
    @Test func aBorrowedSignatureIsNone() throws {
        try site.push(RoundHost.network, options: "-S")
        #expect(try signed().status == 0)
        try site.push(RoundHost.network, RoundHost.endpoint("a"))
        try site.host.sh(
            """
            cd work
            git cat-file commit HEAD~1 | sed -n '/^gpgsig/,/END SSH/p' > ../signature
            { git cat-file commit HEAD | sed '/^$/,$d'; cat ../signature; git cat-file commit HEAD | sed -n '/^$/,$p'; } > ../forged
            git push -q --force origin $(git hash-object -t commit -w ../forged):main
            """)
        let result = try signed()
        #expect(result.status == 1)
        #expect(result.output.contains("the commit's signature is not accepted: "), "\(result.output)")
        #expect(try site.endpoints() == [])
    }

    @Test func aSignedTagSpeaksForItsCommit() throws {
        let commit = try site.push(RoundHost.network)
        try site.host.sh("cd work; git tag -s -m one v1; git tag -a -m two v2; git push -q origin v1 v2")
        let folder = site.host.folder.path
        func round(_ tag: String) throws -> ScratchHost.Result {
            try site.round(
                "--verify-signatures", "--allowed-signers", "\(folder)/allowed", "--keyring", "\(folder)/gnupg",
                "--ref", tag)
        }
        let unsigned = try round("v2")
        #expect(unsigned.status == 1)
        #expect(
            unsigned.output.contains("is bad: the tag bears no signature; the commit bears no signature"),
            "\(unsigned.output)")
        #expect(try round("v1").output.hasPrefix("reconcile default: applied commit \(commit.short) of v1"))
    }

    /// Whoever can push, and has no key, can put back nothing that was signed before.
    @Test func aCommitOfFormerTimesIsNotPutBack() throws {
        let old = try site.push(RoundHost.network, RoundHost.endpoint("a"), options: "-S --date @1000000000")
        #expect(try signed().status == 0)
        try site.host.sh("sleep 1.1")
        let new = try site.push(RoundHost.network, RoundHost.endpoint("b"), options: "-S")
        #expect(try signed().status == 0)
        try site.host.sh("cd work; git push -q --force origin \(old):main")
        let moments = try site.host.sh(
            "cd work; TZ=UTC git log -2 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd"
        ).split(separator: "\n")
        // Nor does it help to make rounds forget what they knew: the history and the copy of the repository know it, too.
        for loss in ["", "", "rm state/reconcile/default/status.json"] {
            try site.host.sh(loss)
            let refused = try signed()
            #expect(refused.status == 1)
            #expect(
                refused.output
                    == "reconcile default: commit \(old.short) of main is bad: it was committed at \(moments[1]), before commit "
                    + "\(new.short), which is in force (\(moments[0])): its signature does not say that it is to come again; commit "
                    + "anew (`git revert`), or add --retry once; commit \(new.short) stays in force\n")
        }
        let folder = site.host.folder.path
        let options = ["--verify-signatures", "--allowed-signers", "\(folder)/allowed", "--keyring", "\(folder)/gnupg"]
        let meant = try site.host.run(
            [ScratchHost.binary, "reconcile", "--repo", "origin.git", "--path", "net", "--retry"] + options)
        #expect(meant.output.hasPrefix("reconcile default: applied commit \(old.short) of main: "), "\(meant)")
        #expect(try signed().output == "reconcile default: in sync with commit \(old.short) of main\n")
        #expect(try site.endpoints() == ["a"])
    }

    /// One from a clock that is ahead keeps no later ones out.
    @Test func aCommitOfTheFutureIsNoEnd() throws {
        try site.push(RoundHost.network, RoundHost.endpoint("a"))
        try site.host.sh(
            "cd work; export GIT_COMMITTER_DATE='2095-01-01T00:00:00Z'; git commit -q --amend -S --no-edit; git push -q --force "
                + "origin HEAD:main")
        #expect(try signed().status == 0)
        try site.host.sh("sleep 1.1")
        let next = try site.push(RoundHost.network, RoundHost.endpoint("b"), options: "-S")
        #expect(try signed().output.hasPrefix("reconcile default: applied commit \(next.short) of main: "))
    }

    /// A tag's signature holds for its name.
    @Test func aTagUnderAnotherNameIsNone() throws {
        try site.push(RoundHost.network)
        try site.host.sh(
            "cd work; git tag -s -m one v1; git update-ref refs/tags/v2 v1; git push -q origin v1 refs/tags/v2")
        let folder = site.host.folder.path
        let options = [
            "--verify-signatures", "--allowed-signers", "\(folder)/allowed", "--keyring", "\(folder)/gnupg",
        ]
        let round = [ScratchHost.binary, "reconcile", "--repo", "origin.git", "--path", "net"] + options
        let result = try site.host.run(round + ["--ref", "v2"])
        #expect(result.status == 1)
        #expect(
            result.output.contains(
                " of v2 is bad: the tag was made as 'v1', and its signature does not count here; the commit bears no signature "
            ), "\(result)")
        #expect(try site.host.run(round + ["--ref", "refs/tags/v1"]).status == 0)
    }

    @Test func keysOfTheKeyringCount() throws {
        try site.host.sh(
            """
            mkdir -m 700 gnupg strange
            for home in gnupg strange; do
                GNUPGHOME=$PWD/$home gpg -q --batch --pinentry-mode loopback --passphrase '' --quick-gen-key "$home <$home@example.test>" ed25519 sign never
            done
            cd work; git config gpg.format openpgp; git config user.signingkey gnupg@example.test
            """)
        let home = site.host.folder.path
        func push(_ keyring: String, _ name: String) throws -> String {
            try site.host.sh("git -C work config user.signingkey \(keyring)@example.test")
            try site.write("net/all.yaml", RoundHost.network + RoundHost.endpoint(name))
            return try site.host.sh(
                """
                cd work; export GNUPGHOME=\(home)/\(keyring)
                git add -A; git commit -q -S -m signed; git push -q origin HEAD:main; git rev-parse HEAD
                gpgconf --kill all
                """
            ).trimmingCharacters(in: .newlines)
        }
        let known = try push("gnupg", "a")
        let first = try signed()
        #expect(first.output.hasPrefix("reconcile default: applied commit \(known.short) of main"), "\(first)")
        let unknown = try push("strange", "b")
        let second = try signed()
        #expect(second.status == 1)
        #expect(
            second.output.contains("commit \(unknown.short) of main is bad: the commit's signature is not accepted: "))
        #expect(try site.endpoints() == ["a"])
    }
}
