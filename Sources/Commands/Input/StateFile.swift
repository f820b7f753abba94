internal import Firewall
internal import JSON
internal import Manifest
internal import Model
internal import Reconciler
internal import SystemCalls

/// What a host has, as a file (`bulkhead.state/v1`): enough to plan for it elsewhere, without root and without the host.
struct StateFile: Codable {
    /// A manifest that is in force.
    struct Text: Codable {
        var name: String
        var text: String
    }

    var format = StateFile.format
    /// The version of bulkhead that wrote it.
    var bulkhead = Version.number
    var host: String
    var scope: ObjectName
    /// When it was read, UTC.
    var time: String
    /// Folder of files for processes in namespaces.
    var namespaceFiles: String
    var observed: ObservedState
    var firewall: Ruleset
    /// The manifests that were applied last, for comparing who reaches whom; empty where none were.
    var manifests: [Text]

    static let format = "bulkhead.state/v1"
    private static let limit = 256 << 20

    /// Reads this host.
    static func live(_ global: GlobalOptions) throws -> StateFile {
        try Comparison.requireRights()
        let folders = try global.folders()
        let scope = try global.scopeName()
        let sources = try InForce.manifests(global)
        // What is in force says which settings of compartments matter. It may not be valid for this version any more.
        let desired = (try? Preparation.attempt(sources, named: ["the history"], global).state)
        let nothing = DesiredState(scope: scope, host: global.hostName())
        let observer = Observer(try HostSession(folders), desired: desired ?? nothing, allListeners: true)
        let observation = try observer.observe()
        return StateFile(
            host: global.hostName(), scope: scope, time: Moment.now(), namespaceFiles: folders.namespaceFiles,
            observed: observation.state, firewall: observation.firewall,
            manifests: sources.map { Text(name: $0.name, text: String(decoding: $0.bytes, as: UTF8.self)) })
    }

    /// As it is written; the same state gives the same text.
    func text() throws -> String { Self.ordered(try JSON(encoding: self)).text(pretty: true) }

    /// Dictionaries have no order of their own.
    private static func ordered(_ value: JSON) -> JSON {
        switch value {
        case .object(let object):
            let members = object.members.map { JSONObject.Member(key: $0.key, value: ordered($0.value)) }
            return .object(JSONObject(members.sorted { $0.key < $1.key }))
        case .array(let values): return .array(values.map(ordered))
        case .null, .bool, .int, .double, .string: return value
        }
    }

    /// Reads a file that `show --full --output json` wrote.
    static func read(_ path: String, _ global: GlobalOptions) throws -> StateFile {
        func refusal(_ reason: String) -> Complaint {
            Complaint(
                "\(path.terminalSafe) cannot be planned against: \(reason); `bulkhead show --full --output json` on the host "
                    + "writes such a file")
        }
        let document: JSON
        do {
            document = try JSON(parsing: try Files.read(path, limit: limit))
        } catch {
            throw refusal("\(error)".terminalSafe)
        }
        guard document["format"]?.string == format else { throw refusal("its format is not '\(format)'") }
        guard document["bulkhead"]?.string == Version.number else {
            let version = document["bulkhead"]?.string ?? "?"
            throw refusal("bulkhead \(version.terminalSafe) wrote it, and this is \(Version.number)")
        }
        let state: StateFile
        do throws(DocumentError) {
            state = try document.decode(StateFile.self)
        } catch {
            throw refusal("\(error)".terminalSafe)
        }
        guard state.scope == (try global.scopeName()) else {
            throw refusal("it is of scope \(state.scope), and this run is for \(global.scope.terminalSafe) (--scope)")
        }
        if let host = global.host, host != state.host {
            throw refusal("it is of host \(state.host.terminalSafe), and this run is for \(host.terminalSafe) (--host)")
        }
        return state
    }

    /// The manifests that were in force.
    var sources: [SourceText] { manifests.map { SourceText(name: $0.name, bytes: Array($0.text.utf8)) } }
}

/// The manifests that a scope was brought to last.
enum InForce {
    /// As the history has them; none where it has none, or where the last change was a destroy, unless those before it
    /// are asked for.
    static func manifests(_ global: GlobalOptions, pastDestroys: Bool = false) throws -> [SourceText] {
        let history = History(try global.folders())
        let scope = try global.scopeName()
        let last = try history.numbers().reversed().lazy.compactMap { history.entry($0).record }.first {
            $0.scope == scope && $0.result.isSuccess && !(pastDestroys && $0.manifests.isEmpty)
        }
        guard let last else { return [] }
        return try HistoryAccess.sources(of: last, in: history)
    }
}
