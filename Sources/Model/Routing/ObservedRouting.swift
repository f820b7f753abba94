/// What FRR on a host says, and the file that it starts from.
public struct ObservedRouting: Hashable, Codable, Sendable {
    /// Why it cannot be used, with the remedy; nil where it can.
    public var problem: String?
    /// What `bgpd` does; nil where it does not answer.
    public var running: RoutingConfiguration?
    /// What it will do when it is started again; nil where there is no such file.
    public var startup: RoutingConfiguration?
    /// That file.
    public var startupFile: String?

    /// What was found.
    public init(
        problem: String? = nil, running: RoutingConfiguration? = nil, startup: RoutingConfiguration? = nil,
        startupFile: String? = nil
    ) {
        self.problem = problem
        self.running = running
        self.startup = startup
        self.startupFile = startupFile
    }
}
