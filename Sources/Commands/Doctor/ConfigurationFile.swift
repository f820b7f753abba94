internal import SystemCalls

/// A file of the configuration of others: sections with lines of `key=value`.
struct ConfigurationFile {
    /// One setting.
    struct Line {
        /// What stands in brackets above it; empty above the first.
        let section: String
        let key: String
        /// `+` or `-` where the setting adds to what is there or takes from it (`key+=value`).
        let sign: Character?
        let value: String
        /// All of it.
        let text: String
    }

    let path: String
    /// Without comments, and without what is no setting.
    var lines: [Line]

    private static let limit = 1 << 20

    /// Nil where it is not there, cannot be read, or is empty (a link to `/dev/null` takes a file out of force).
    init?(_ path: String) {
        guard let text = try? Files.readText(path, limit: Self.limit) else { return nil }
        self.path = path
        lines = []
        var section = ""
        for line in text.split(whereSeparator: \.isNewline) {
            let line = Self.trimmed(line)
            guard let first = line.first, first != "#", first != ";" else { continue }
            if first == "[" {
                section = String(line.dropFirst().prefix { $0 != "]" })
            } else if let equals = line.firstIndex(of: "=") {
                var key = Self.trimmed(line[..<equals])
                let sign = key.last.flatMap { $0 == "+" || $0 == "-" ? $0 : nil }
                if sign != nil { key = Self.trimmed(key.dropLast()) }
                lines.append(
                    Line(
                        section: section, key: String(key), sign: sign,
                        value: String(Self.trimmed(line[line.index(after: equals)...])), text: String(line)))
            }
        }
        guard !lines.isEmpty else { return nil }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = text.drop(while: isSpace)
        return start.dropLast(start.reversed().prefix(while: isSpace).count)
    }

    /// Values of a key in a section.
    func values(_ key: String, in section: String) -> [String] {
        lines.filter { $0.key == key && $0.section == section }.map(\.value)
    }

    /// Files of these folders by name. One in an earlier folder hides those of the same name in later ones.
    static func all(in folders: [String], ending suffix: String) -> [ConfigurationFile] {
        paths(in: folders, ending: suffix).compactMap { ConfigurationFile($0) }
    }

    private static func paths(in folders: [String], ending suffix: String) -> [String] {
        var found: [String: String] = [:]
        for folder in folders {
            for name in (try? Files.list(folder)) ?? [] where name.hasSuffix(suffix) && found[name] == nil {
                found[name] = "\(folder)/\(name)"
            }
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The same, each with what the folders `NAME.d` add to it.
    static func withAdditions(in folders: [String], ending suffix: String) -> [ConfigurationFile] {
        all(in: folders, ending: suffix).map { file in
            let additions = folders.map { "\($0)/\(file.name).d" }
            var whole = file
            whole.lines += all(in: additions, ending: ".conf").flatMap(\.lines)
            return whole
        }
    }

    /// Without its folder.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}
