internal import Git
internal import Model
internal import Reconciler

/// Why the newest commit is not put in force.
struct Objection: Error {
    /// Where it failed; nil where it could not even be asked for or fetched.
    var stage: RoundStatus.Bad.Stage?
    /// The newest commit, as far as it is known.
    var target: GitRepository.Target?
    var errors: [Diagnostic]
    /// What was done about the rules of manifests that are in force and do not go with the host now.
    var guarded: RoundReport?
    /// Whether git has just said so, of a commit that is known: it may be the copy that is damaged.
    private(set) var isOfCopy = false

    init(_ stage: RoundStatus.Bad.Stage?, target: GitRepository.Target?, _ errors: [Diagnostic]) {
        self.stage = stage
        self.target = target
        self.errors = errors.filter { $0.severity == .error }
    }

    /// What git said: of the commit, or of the way there.
    init(_ error: GitError, target: GitRepository.Target?) {
        let isAboutTheCommit =
            switch error.kind {
            case .usage, .unavailable: false
            case .missing, .tooLarge, .refused, .signature: target != nil
            }
        self.init(isAboutTheCommit ? .commit : nil, target: target, [Diagnostic(.error, error.description, at: nil)])
        isOfCopy = target != nil
    }
}
