import Foundation
import TestSupport
import Testing

/// Repositories made by somebody who wants more than to say what is to be on the host.
@Suite struct HostileTests {
    /// Nothing of a repository is run: no hook, filter, driver or setting, not on either side.
    @Test func nothingOfARepositoryIsRun() throws {
        let site = try RoundHost()
        let mark = site.host.folder.appendingPathComponent("ran").path
        let trap = "touch \(mark); cat"
        try site.write(
            ".gitattributes", "* filter=trap diff=trap merge=trap text ident export-subst\n*.yaml filter=lfs\n")
        try site.write(".lfsconfig", "[lfs]\n url = file:///\n")
        try site.write(".gitconfig", "[filter \"trap\"]\n smudge = \(trap)\n")
        try site.write(
            ".gitmodules",
            "[submodule \"x\"]\n path = net/x\n url = \(site.host.folder.path)/work\n update = !\(trap)\n")
        try site.push(RoundHost.network)
        let refused = try site.round()
        #expect(refused.status == 1)
        #expect(refused.output.contains("gitmodulesUpdate: disallowed submodule update setting"), "\(refused.output)")
        try site.write(".gitmodules", "[submodule \"x\"]\n path = net/x\n url = \(site.host.folder.path)/work\n")
        let commit = try site.push()
        try site.host.sh(
            """
            for repository in origin.git work/.git; do
                for hook in post-checkout pre-auto-gc reference-transaction post-merge proc-receive update post-update; do
                    printf '#!/bin/sh\\ntouch \(mark)\\n' > $repository/hooks/$hook; chmod +x $repository/hooks/$hook
                done
                export GIT_DIR=$repository
                git config filter.trap.smudge '\(trap)'; git config filter.trap.process '\(trap)'
                git config core.fsmonitor '\(trap)'; git config core.sshCommand '\(trap)'
                git config uploadpack.packObjectsHook '\(trap)'; git config core.pager '\(trap)'
                git config alias.ls-tree '!\(trap)'; git config core.alternateRefsCommand '\(trap)'
                git config gpg.program '\(mark)'; git config gpg.ssh.program '\(mark)'
            done
            """)
        // Neither are settings of the user or of whoever starts it.
        try site.host.sh(
            "mkdir home; printf '[core]\\n fsmonitor = \(trap)\\n hooksPath = /nonexistent\\n[alias]\\n x = !touch \(mark)\\n"
                + "[url \"/nonexistent\"]\\n insteadOf = /\\n' > home/.gitconfig")
        let environment = [
            "HOME": site.host.folder.path + "/home", "GIT_SSH_COMMAND": trap, "GIT_EXTERNAL_DIFF": trap,
            "GIT_DIR": "/nonexistent", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor",
            "GIT_CONFIG_VALUE_0": trap, "GIT_EXEC_PATH": "/nonexistent", "GIT_TEMPLATE_DIR": "/nonexistent",
        ]
        for repository in ["origin.git", "work"] {
            let (status, document) = try site.document("--repo", repository, environment: environment)
            #expect(status == 0, "\(document)")
            #expect(document["commit"] as? String == commit)
        }
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test func linksLeadNowhereElse() throws {
        let site = try RoundHost()
        try site.host.write("secret.yaml", RoundHost.network)
        let outside = site.host.folder.appendingPathComponent("manifests/secret.yaml").path
        let good = try site.push(RoundHost.network)
        #expect(try site.round().status == 0)
        for (target, reason) in [
            (outside, "leads out of net/"), ("../other.yaml", "leads out of net/"),
            ("../../../../etc", "leads out of net/"),
            ("sub/../../other.yaml", "leads out of net/"), ("missing.yaml", "is a link to nothing"),
            ("link.yaml", "is a link to nothing, or to another link"),
        ] {
            try site.write("other.yaml", RoundHost.endpoint("x"))
            try site.host.sh("ln -sfn '\(target)' work/net/link.yaml")
            let bad = try site.push()
            let result = try site.round()
            #expect(result.status == 1, "\(target)")
            let head = "reconcile default: commit \(bad.short) of main is bad: net/link.yaml is a link"
            #expect(result.output.hasPrefix(head), "\(result.output)")
            #expect(result.output.contains(reason), "\(target): \(result.output)")
            #expect(result.output.hasSuffix("; commit \(good.short) stays in force\n"))
        }
        // A link as the folder itself is none.
        try site.host.sh("cd work; rm net/link.yaml; ln -s net folder")
        try site.push()
        let result = try site.host.bulkhead("reconcile", "--repo", "origin.git", "--path", "folder")
        #expect(result.status == 1)
        #expect(result.output.contains("has no folder 'folder' (--path)"), "\(result.output)")
    }

    /// What stays inside is read as it would be in a work tree.
    @Test func linksAndIgnoredFilesAreReadAsInAWorkTree() throws {
        let site = try RoundHost()
        try site.write("net/parts/endpoint.txt", RoundHost.endpoint("a"))
        try site.write("net/drafts/bad.yaml", "kind: Nonsense\n")
        try site.write("net/.hidden/bad.yaml", "kind: Nonsense\n")
        try site.write("net/.hidden.yaml", "kind: Nonsense\n")
        try site.write("net/keep/deep/.bulkheadignore", "*.yml\n!b.yml\n")
        try site.write("net/keep/deep/a.yml", "kind: Nonsense\n")
        try site.write("net/keep/deep/b.yml", RoundHost.endpoint("b"))
        try site.write("net/.bulkheadignore", "drafts/\n/sub\n")
        try site.host.sh(
            "cd work/net; ln -s parts/endpoint.txt endpoint.yaml; ln -s all.yaml again.yaml; ln -s parts folder")
        // A submodule that is left out.
        try site.push(RoundHost.network)
        try site.host.sh("cd work; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),net/sub")
        try site.host.sh("cd work; git commit -qm sub; git push -q origin HEAD:main")
        let result = try site.round()
        #expect(result.status == 0, "\(result)")
        #expect(try site.endpoints() == ["a", "b"])
        let plan = try site.host.bulkhead("plan", "work/net")
        #expect(plan.output.hasSuffix("In sync: nothing to do.\n"), "\(plan)")
    }

    @Test func aSubmoduleIsAnError() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network)
        try site.host.sh(
            """
            cd work; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),net/sub
            git commit -qm sub; git push -q origin HEAD:main
            """)
        let result = try site.round()
        #expect(result.status == 1)
        #expect(
            result.output.contains(
                "is bad: net/sub is a submodule, which is not read; name it in a .bulkheadignore to leave it out;"),
            "\(result.output)")
    }

    @Test func oddNamesAreNamesOnly() throws {
        let site = try RoundHost()
        for name in ["$(touch ran).yaml", "-rf.yaml", "a b\tc.yaml", "ü.yaml", "'\"`.yaml", "x\ny.yaml"] {
            try site.write("net/\(name)", "# nothing\n---\n")
        }
        try site.push(RoundHost.network)
        let result = try site.round()
        #expect(result.status == 0, "\(result)")
        try site.write("net/\u{1b}[31m\n.yaml", "kind: Nonsense\n")
        try site.push()
        let bad = try site.round()
        #expect(bad.status == 1)
        #expect(bad.output.contains("is bad: net/\\u{1b}[31m\\u{a}.yaml:1:"), "\(bad.output)")
        #expect(!bad.output.contains("\u{1b}"))
        try site.host.sh(
            "cd work/net; rm *31m*; cp all.yaml \"$(printf 'a\\377.yaml')\"; cp all.yaml \"$(printf 'a\\376.yaml')\"")
        try site.push()
        let unreadable = try site.round()
        #expect(unreadable.output.contains("the name is not UTF-8; rename it"), "\(unreadable.output)")
        #expect(!FileManager.default.fileExists(atPath: site.host.folder.path + "/ran"))
    }

    /// Trees that git itself would not make: `..`, `.git`, and names twice.
    @Test func objectsThatAreNoneAreRefused() throws {
        let site = try RoundHost()
        let good = try site.push(RoundHost.network)
        #expect(try site.round().status == 0)
        for name in ["..", ".git", "."] {
            let bad = try site.host.sh(
                """
                cd work
                blob=$(git rev-parse HEAD:net/all.yaml)
                inner=$(printf '100644 blob %s\\tall.yaml\\0' $blob | git mktree -z)
                tree=$( { printf '40000 \(name)\\0'; printf $inner | sed 's/../\\\\x&/g' | xargs -0 printf; \
                    printf '40000 net\\0'; printf $inner | sed 's/../\\\\x&/g' | xargs -0 printf; } \
                    | git hash-object -t tree -w --literally --stdin)
                commit=$(git commit-tree -m bad $tree)
                cd ../origin.git; git fetch -q ../work $commit
                git update-ref refs/heads/main $commit; echo $commit
                """
            ).trimmingCharacters(in: .newlines)
            let result = try site.round()
            #expect(result.status == 1, "\(name)")
            #expect(
                result.output.hasPrefix("reconcile default: commit \(bad.short) of main is bad: fetch "),
                "\(result.output)")
            #expect(result.output.contains("fsck error"), "\(result.output)")
            #expect(result.output.hasSuffix("; commit \(good.short) stays in force\n"))
            #expect(try site.round().output == result.output)
        }
    }

    /// Git says of its child that wrote too much only that its output is invalid.
    @Test func aPackBeyondTheLimitIsABadCommit() throws {
        let site = try RoundHost()
        let good = try site.push(RoundHost.network)
        #expect(try site.round().status == 0)
        try site.host.sh("head -c \(270 << 20) /dev/urandom > work/noise; git -C work config core.compression 0")
        let bad = try site.push()
        for _ in 0..<2 {
            let result = try site.round()
            #expect(result.status == 1)
            #expect(
                result.output.contains("commit \(bad.short) of main is bad: ")
                    && result.output.contains("it is larger than 256 MiB"), "\(result.output)\(result.errors)")
            #expect(result.output.hasSuffix("; commit \(good.short) stays in force\n"), "\(result.output)")
        }
    }

    /// A git that was killed together with its parent left its locks.
    @Test func locksThatNobodyHoldsAnyMoreGo() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network)
        #expect(try site.round().status == 0)
        try site.host.sh(
            """
            cd state/reconcile/default/repository.git
            touch shallow.lock HEAD.lock refs/bulkhead/candidate.lock refs/bulkhead/good.lock objects/pack/tmp_pack_x
            """)
        let next = try site.push(RoundHost.network, RoundHost.endpoint("web-1"))
        let result = try site.round()
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("applied commit \(next.short)"), "\(result.output)")
    }

    @Test func hugeCommitsAreRefusedBeforeTheyAreRead() throws {
        let site = try RoundHost()
        let good = try site.push(RoundHost.network)
        #expect(try site.round().status == 0)
        let huge: [(files: String, reason: String)] = [
            ("head -c 17825792 /dev/zero | tr '\\0' '#' > work/net/long.yaml", "net/long.yaml: larger than 16 MiB"),
            (
                "rm work/net/long.yaml; for i in 1 2 3 4 5; do head -c 16000000 /dev/zero | tr '\\0' $i > work/net/$i.yaml; done",
                "the manifests are larger than 64 MiB together"
            ),
            ("rm work/net/[1-5].yaml; cd work; \(Self.nested)", "git's answer is longer than 16 MiB"),
        ]
        for (files, reason) in huge {
            try site.host.sh(files)
            let bad =
                files.contains("mktree")
                ? try site.host.sh("git -C origin.git rev-parse main").trimmingCharacters(in: .newlines)
                : try site.push()
            let result = try site.round()
            #expect(result.status == 1, "\(reason)")
            #expect(result.output.contains("commit \(bad.short) of main is bad: "), "\(result.output)")
            #expect(result.output.contains(reason), "\(result.output)")
            #expect(result.output.hasSuffix("; commit \(good.short) stays in force\n"))
        }
    }

    /// Ten trees in a tree, ten times: 10^10 files of a few bytes of objects.
    private static let nested = """
        blob=$(git rev-parse HEAD:net/all.yaml)
        tree=$(for i in 0 1 2 3 4 5 6 7 8 9; do printf '100644 blob %s\\t%s.yaml\\n' $blob $i; done | git mktree)
        for depth in 1 2 3 4 5 6 7 8 9; do
            tree=$(for i in 0 1 2 3 4 5 6 7 8 9; do printf '040000 tree %s\\t%s\\n' $tree $i; done | git mktree)
        done
        tree=$(printf '040000 tree %s\\tnet\\n' $tree | git mktree)
        git push -q --force origin $(git commit-tree -m bomb $tree):main
        """

    @Test func aRepositoryOfSomebodyElseIsNotTrusted() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network)
        guard getuid() == 0 else {
            return print("skipped: only root can give a folder to somebody else")
        }
        try site.host.sh("chown 4711 origin.git")
        let result = try site.round()
        #expect(result.status == 1)
        #expect(
            result.output
                == "reconcile default: main could not be fetched: the repository \(site.host.folder.path)/origin.git belongs to "
                + "user 4711, and git would obey its settings; let it belong to user 0, or give its address by https or ssh; "
                + "nothing was changed\n")
        let byHim = try site.round(environment: ["SUDO_UID": "4711"])
        #expect(byHim.status == 0, "\(byHim)")
    }
}
