internal import Model
internal import SystemCalls

/// Where a repository is: a folder of this machine, or an address that git reaches by ssh or https.
public struct RepositoryAddress: Hashable, Sendable, CustomStringConvertible {
    /// How git gets there; the others that git knows are refused.
    enum Transport: String, Hashable, Sendable {
        case file
        case https
        case ssh
    }

    /// As git gets it.
    public let description: String
    let transport: Transport

    /// A folder, or `file://…`, `https://…`, `ssh://…`, `USER@HOST:PATH`.
    public init(_ text: String) throws(GitError) {
        guard !text.isEmpty, !text.hasPrefix("-"), text.utf8.count <= 4096,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f })
        else { throw Self.refusal(text) }
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            self = try Self.absolute(text, scheme: parts[0], rest: parts[1])
        } else if let colon = text.firstIndex(of: ":"), !text[..<colon].contains("/") {
            let path = text[text.index(after: colon)...]
            guard Self.isHost(text[..<colon]), !path.isEmpty, !path.hasPrefix(":") else { throw Self.refusal(text) }
            self.init(text, by: .ssh)
        } else {
            self.init(Self.folder(text), by: .file)
        }
    }

    private init(_ text: String, by transport: Transport) {
        description = text
        self.transport = transport
    }

    private static func absolute(_ text: String, scheme: Substring, rest: Substring) throws(GitError) -> Self {
        let authority = rest.prefix { $0 != "/" }
        switch Transport(rawValue: String(scheme)) {
        case .file:
            guard authority.isEmpty, !rest.contains("%") else { throw refusal(text) }
            return Self(folder(String(rest)), by: .file)
        case .https:
            guard !authority.contains("@") else {
                throw GitError(
                    .usage,
                    "the address of the repository holds a name or password, which the list of processes and the history "
                        + "would show; put it into ~/.netrc of the user who runs bulkhead")
            }
            guard isHost(authority) else { throw refusal(text) }
            return Self(text, by: .https)
        case .ssh:
            guard isHost(authority) else { throw refusal(text) }
            return Self(text, by: .ssh)
        case nil: throw refusal(text)
        }
    }

    private static func refusal(_ text: String) -> GitError {
        GitError(
            .usage,
            "--repo '\(text.terminalSafe)' must be a folder, or an address of the form https://HOST/PATH, ssh://HOST/PATH, "
                + "USER@HOST:PATH or file:///PATH")
    }

    /// `USER@HOST:PORT`, of which no part can be read as an option.
    private static func isHost(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count <= 2
            && parts.allSatisfy { part in
                !part.isEmpty && !part.hasPrefix("-") && part.utf8.allSatisfy(letters.contains)
            }
    }

    private static let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:[]".utf8)

    /// Without links, so that the same folder has one name, as far as it can be looked at now.
    private static func folder(_ path: String) -> String {
        if let real = try? Files.realPath(path) { return real }
        let parts = path.split(separator: "/")
        let above = (path.hasPrefix("/") ? "/" : "./") + parts.dropLast().joined(separator: "/")
        guard let last = parts.last, let real = try? Files.realPath(above) else { return path }
        return real == "/" ? "/\(last)" : "\(real)/\(last)"
    }

    /// Looks whether a folder of this machine may be asked: git reads the settings of a repository there, and settings can
    /// name programs, so it must belong to the user who runs bulkhead, or who used `sudo`. An address by ssh or https may.
    ///
    /// One that is away, or somebody else's, is like a server that does not answer: another time it may be well.
    func requireTrust() throws(GitError) {
        guard transport == .file else { return }
        let real: String
        let owners: [UInt32]
        do throws(SystemError) {
            real = try Files.realPath(description)
            let places = [real] + ((try? Files.status("\(real)/.git")) == nil ? [] : ["\(real)/.git"])
            owners = try places.map { place throws(SystemError) in try Files.status(place).owner }
        } catch {
            throw GitError(
                .unavailable,
                "--repo \(description.terminalSafe): \(error.code.name) (\(error.code.text)); name the folder of a checkout or of "
                    + "a bare repository, or an address")
        }
        if let other = owners.first(where: { $0 != Host.userID && Host.environment("SUDO_UID") != "\($0)" }) {
            throw GitError(
                .unavailable,
                "the repository \(real.terminalSafe) belongs to user \(other), and git would obey its settings; let it belong "
                    + "to user \(Host.userID), or give its address by https or ssh")
        }
    }
}
