/// Users and groups of the host that manifests name.
public struct Accounts: Hashable, Codable, Sendable {
    /// Numbers of users by name; those that were asked for and are not there have none.
    public var users: [String: UInt32?]
    /// Numbers of groups, the same.
    public var groups: [String: UInt32?]

    /// Accounts.
    public init(users: [String: UInt32?] = [:], groups: [String: UInt32?] = [:]) {
        self.users = users
        self.groups = groups
    }
}

extension TapOptions {
    /// With the numbers that the host gives to names.
    public func resolved(_ accounts: Accounts) -> TapOptions {
        var options = self
        if let name = owner?.name { options.owner?.number = accounts.users[name] ?? nil }
        if let name = group?.name { options.group?.number = accounts.groups[name] ?? nil }
        return options
    }
}
