internal import Addressing
internal import JSON
internal import Model
internal import SystemCalls

/// What shared host settings were before bulkhead changed them, in the state folder.
///
/// The boot id stands beside them: after a reboot the kernel has its own values again, and the file means nothing.
struct OriginalsFile {
    private let folder: String
    private var path: String { "\(folder)/\(Self.name)" }

    private static let name = "originals"

    init(_ folders: Folders) { folder = folders.state }

    /// The settings noted since the last boot; none where there is no file.
    func read() throws -> [OriginalSetting] {
        let found: Files.Found
        do throws(SystemError) {
            // Whatever somebody put there is not followed and not waited for.
            found = try Files.readBeneath(folder, Self.name, limit: 1 << 20)
        } catch {
            if error.code == .notDirectory { return [] }
            throw error
        }
        let bytes: [UInt8]
        switch found {
        case .missing: return []
        case .other, .large: throw StateError("\(path) is no regular file of at most 1 MiB; look at it, then remove it")
        case .file(let contents): bytes = contents
        }
        guard let document = try? JSON(parsing: String(decoding: bytes, as: UTF8.self)),
            let boot = document["boot"]?.string, let settings = document["settings"]?.array
        else {
            throw StateError(
                "\(path) cannot be read as JSON; it notes what host settings were before bulkhead, so look at it, then remove it"
            )
        }
        guard boot == Self.bootID() else { return [] }
        return settings.compactMap { item in
            guard let path = item["path"]?.string, let value = item["value"]?.string, Self.isSetting(path)
            else { return nil }
            return OriginalSetting(path: path, value: value)
        }.sorted { $0.path < $1.path }
    }

    func remember(_ setting: OriginalSetting) throws {
        var settings = try read().filter { $0.path != setting.path }
        settings.append(setting)
        try write(settings.sorted { $0.path < $1.path })
    }

    func forget(_ setting: OriginalSetting) throws {
        try write(try read().filter { $0.path != setting.path })
    }

    private func write(_ settings: [OriginalSetting]) throws(SystemError) {
        guard !settings.isEmpty else { return try Files.remove(path) }
        let document: JSON = [
            "boot": .string(Self.bootID()),
            "settings": .array(settings.map { ["path": .string($0.path), "value": .string($0.value)] }),
        ]
        try Files.writeAtomically(path, Array(document.text(pretty: true).utf8), mode: 0o600)
    }

    /// Whoever can write the state folder shall not be able to make bulkhead write anywhere else than below `net`. What
    /// begins with `link` is no setting: `link/NAME/up`.
    private static func isSetting(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 3, parts[0] == "link", parts[2] == "up" { return InterfaceName(String(parts[1])) != nil }
        return parts.first == "net" && parts.allSatisfy { !$0.isEmpty && $0 != ".." && $0 != "." }
    }

    static func bootID() -> String {
        let text = (try? Files.readText("/proc/sys/kernel/random/boot_id")) ?? ""
        return String(text.prefix { $0 != "\n" })
    }
}

/// The state folder, or something in it, is not as it should be.
public struct StateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and the remedy.
    public let description: String
    init(_ description: String) { self.description = description }
}
