internal import Model

/// What git, ssh and the libraries below them say of a failure, without what says nothing, and what to do about it.
struct GitWords {
    /// One line, safe for terminals; empty where nothing was said.
    let text: String

    /// The last lines that say something.
    init(_ bytes: [UInt8]) {
        let lines = bytes.suffix(4096).split { $0 == 0x0a || $0 == 0x0d }
            .map { Self.trimmed(String(decoding: $0, as: UTF8.self)) }
        let telling = lines.filter { line in !line.isEmpty && !Self.phrases.contains { line.hasPrefix($0) } }
        let shown = telling.isEmpty ? lines.filter { !$0.isEmpty } : telling
        text = shown.suffix(4).joined(separator: "; ").terminalSafe
    }

    private static func trimmed(_ line: String) -> String {
        let start = line.drop { $0 == " " }
        let count = start.reversed().prefix { $0 == " " }.count
        return String(start.dropLast(count))
    }

    /// What ssh and git say beside any reason, and how ssh would have a key removed that it should be asked about first.
    private static let phrases = [
        "fatal: Could not read from remote repository.", "Please make sure you have the correct access rights",
        "and the repository exists.", "@", "IT IS POSSIBLE THAT SOMEONE", "Someone could be eavesdropping",
        "It is also possible that a host key", "Please contact your system administrator.", "Add correct host key in",
        "remove with:", "ssh-keygen -f", "The fingerprint for the", "SHA256:", "Warning: Permanently added",
    ]

    /// A remedy to be put behind the words; empty where there is none to give.
    var remedy: String { Self.remedies.first { text.contains($0.words) }.map { "; \($0.remedy)" } ?? "" }

    /// By words of OpenSSH, of libcurl with GnuTLS or OpenSSL, and of git; the first that is found counts.
    private static let remedies: [(words: String, remedy: String)] = [
        (
            "has changed and you have requested strict checking",
            "ask whoever runs the server whether its key is another now; if so, put the new one in place of the old in "
                + "~/.ssh/known_hosts of the user who runs bulkhead (`ssh-keygen -R HOST`)"
        ),
        (
            "Host key verification failed",
            "add the server's key to ~/.ssh/known_hosts of the user who runs bulkhead (`ssh-keyscan HOST`, and compare it)"
        ),
        (
            "Permission denied (",
            "the server knows no key of the user who runs bulkhead: add one (~/.ssh/id_ed25519.pub) to those that may read it"
        ),
        ("certificate verification failed", authority), ("SSL certificate problem", authority),
        (
            "does not match target host name",
            "give --repo the host by the name that its certificate bears"
        ),
        ("no alternative certificate subject name", "give --repo the host by the name that its certificate bears"),
        ("Problem with the SSL CA cert", "let GIT_SSL_CAINFO name a file of certificates that this user may read"),
        ("error setting certificate", "let GIT_SSL_CAINFO name a file of certificates that this user may read"),
        ("could not read Username", password), ("Authentication failed", password),
        ("Could not resolve host", name), ("ould not resolve hostname", name),
        ("Connection refused", reach), ("Couldn't connect to server", reach), ("Connection timed out", reach),
        ("Timeout was reached", reach), ("No route to host", reach), ("Network is unreachable", reach),
        ("' not found", place), ("does not appear to be a git repository", place),
    ]

    private static let authority =
        "where an authority of your own signed the server's certificate, let GIT_SSL_CAINFO name the file of that authority's, "
        + "or add it to the machine's (`update-ca-certificates`)"
    private static let password = "put name and password into ~/.netrc of the user who runs bulkhead"
    private static let name = "look at the host's name in --repo, and whether this machine can look names up"
    private static let reach = "look whether the server runs, and whether a firewall or a proxy stands before it"
    private static let place = "look at the path in --repo, and whether this user may read it"
}
