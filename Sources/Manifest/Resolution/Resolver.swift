internal import Addressing
public import Model

/// Turns documents into the desired state of one host.
public enum Resolver {
    /// What came of it.
    public struct Outcome: Sendable {
        /// The desired state; nil where there are errors, or where no host was asked for.
        public var state: DesiredState?
        /// Errors and warnings.
        public var diagnostics: [Diagnostic]
    }

    /// Checks documents without knowing a machine; addresses of all hosts are handed out to see that they suffice.
    public static func validate(_ documents: Documents) -> [Diagnostic] {
        var validator = Validator(documents)
        validator.run()
        let isReadable = !documents.isIncomplete && documents.unread.isEmpty
        guard isReadable, !validator.diagnostics.contains(where: { $0.severity == .error }) else {
            return validator.diagnostics
        }
        var builder = StateBuilder(documents, scope: nil, host: nil)
        builder.assignAddresses()
        builder.checkIdentities()
        builder.checkCards()
        return validator.diagnostics + builder.diagnostics
    }

    /// The shares of all Hosts, or of the only machine there is, of documents that have been checked.
    public static func shares(_ documents: Documents, scope: ObjectName) -> [DesiredState] {
        var builder = StateBuilder(documents, scope: scope, host: nil)
        builder.assignAddresses()
        let hosts = documents.hosts.isEmpty ? [""] : documents.hosts.map(\.head.name.text).sorted()
        return hosts.compactMap { host in
            builder.host = host
            return builder.build()
        }
    }

    /// The share of the host of that name.
    public static func resolve(_ documents: Documents, scope: ObjectName, host: String) -> Outcome {
        var validator = Validator(documents)
        validator.run()
        let mayBeUnread = documents.isIncomplete || documents.unread.contains { $0.kind == .host }
        if !documents.hosts.isEmpty, validator.hosts[host] == nil, !mayBeUnread {
            let names = documents.hosts.map(\.head.name.text).sorted()
            validator.fail(
                "this machine, '\(host)', is not among the Hosts (\(names.prefix(10).joined(separator: ", "))\(names.count > 10 ? ", …" : "")); "
                    + "declare it, or say which one it is with --host", at: nil)
        }
        let isReadable = !documents.isIncomplete && documents.unread.isEmpty
        guard isReadable, !validator.diagnostics.contains(where: { $0.severity == .error }) else {
            return Outcome(state: nil, diagnostics: validator.diagnostics)
        }
        var builder = StateBuilder(documents, scope: scope, host: host)
        builder.assignAddresses()
        builder.checkIdentities()
        builder.checkCards()
        let state = builder.build()
        let diagnostics = validator.diagnostics + builder.diagnostics
        let isBad = diagnostics.contains { $0.severity == .error }
        return Outcome(state: isBad ? nil : state, diagnostics: diagnostics)
    }
}
