internal import Model
internal import SystemCalls

extension Accounts {
    /// The users and groups that endpoints of a desired state name; nil where none does, and nobody need be asked.
    init?(of desired: DesiredState) throws(SystemError) {
        self.init()
        for endpoint in desired.endpoints {
            guard case .tap(let options) = endpoint.device else { continue }
            if let name = options.owner?.name, users[name] == nil { users[name] = .some(try UserDatabase.user(name)) }
            if let name = options.group?.name, groups[name] == nil {
                groups[name] = .some(try UserDatabase.group(name))
            }
        }
        if users.isEmpty, groups.isEmpty { return nil }
    }
}

extension Account {
    /// The number; a name that stands for none must not come this far.
    func value() throws -> UInt32 {
        if let number { return number }
        throw StateError("'\(self)' is no user or group of this host")
    }
}
