internal import Model

/// Cuts connections that the manifests do not allow.
struct ConnectionCut {
    let desired: DesiredState
    init(_ desired: DesiredState) { self.desired = desired }
    func run() throws {}
}
