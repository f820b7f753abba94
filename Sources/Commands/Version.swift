internal import SystemCalls

/// Of this build.
enum Version {
    static let number = "0.1.0"

    /// What `--version` prints: with the commit, where the build was told.
    static var text: String { Host.buildCommit.map { "\(number) (commit \($0))" } ?? number }
}
