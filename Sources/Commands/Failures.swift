internal import Reconciler

/// Errors of any kind as one line.
enum Failures {
    static func text(_ error: any Error) -> String {
        if let complaint = error as? Complaint { return complaint.message }
        return "\(error)\(Remedy.of(error))"
    }
}
