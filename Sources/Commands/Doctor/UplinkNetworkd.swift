internal import Model
internal import SystemCalls

extension UplinkCheck {
    private static let folders = [
        "/etc/systemd/network", "/run/systemd/network", "/usr/local/lib/systemd/network", "/usr/lib/systemd/network",
    ]

    /// What systemd-networkd would do: the first file that matches a link, in the order of their names, is the one that
    /// counts, with what its drop-in folder adds.
    var networkd: [Finding] {
        guard (try? Files.status("/run/systemd/netif")) != nil else { return [] }
        let files = ConfigurationFile.withAdditions(in: Self.folders, ending: ".network")
        guard let file = files.first(where: matches),
            !["yes", "true", "1", "on", "y", "t"].contains(
                file.values("Unmanaged", in: "Link").last?.lowercased() ?? "no")
        else { return [] }
        return [
            warning(
                "systemd-networkd", "\(file.path) configures it",
                [
                    write(
                        ["[Match]", "Name=\(Self.literal(name))", "[Link]", "Unmanaged=yes"],
                        to: "/etc/systemd/network/\(before(file.name))"), "networkctl reload",
                ])
        ]
    }

    /// The name of a file that comes before another.
    private func before(_ other: String) -> String {
        let names = ["04", "0", "!"].map { "\($0)-bulkhead-\(name).network" }
        return names.first { $0 < other } ?? "!\(other)"
    }

    /// A name that no pattern is read into.
    private static func literal(_ name: String) -> String {
        String(name.flatMap { "*?[]!\\\"'".contains($0) ? ["\\", $0] : [$0] })
    }

    /// Whether all that `[Match]` says of names, MAC, type and kind holds, and it says any of these; whatever else it asks for
    /// is taken for true.
    private func matches(_ file: ConfigurationFile) -> Bool {
        var asked: [String: [String]] = [:]
        for line in file.lines where line.section == "Match" {
            // An empty value takes back what was said before.
            asked[line.key] = line.value.isEmpty ? nil : (asked[line.key] ?? []) + Self.words(line.value)
        }
        let mac = uplink.mac.map { "\($0)" } ?? ""
        let kind = uplink.kind
        let known: [(key: String, holds: ([String]) -> Bool)] = [
            ("Name", { Self.holds($0, of: [uplink.name] + uplink.alternativeNames) }),
            (
                "MACAddress",
                { $0.contains { $0.lowercased().split { ":-.".contains($0) }.joined(separator: ":") == mac } }
            ),
            ("Type", { Self.holds($0, of: ["ether"] + (kind.isEmpty ? [] : [kind])) }),
            ("Kind", { Self.holds($0, of: [kind]) }),
        ]
        let said = known.compactMap { test in asked[test.key].map(test.holds) }
        return !said.isEmpty && said.allSatisfy(\.self)
    }

    /// A list of patterns is for whatever one of them matches; with `!` before it, for all else.
    private static func holds(_ patterns: [String], of names: [String]) -> Bool {
        let isInverted = patterns.first?.hasPrefix("!") ?? false
        let plain = patterns.enumerated().map {
            $0.offset == 0 && isInverted ? String($0.element.dropFirst()) : $0.element
        }
        return plain.contains { pattern in names.contains { NamePattern(pattern).matches($0) } } != isInverted
    }

    /// Words, of which one may stand in quotes.
    private static func words(_ text: String) -> [String] {
        var (words, word, quote) = ([String](), "", Character?.none)
        var isEscaped = false
        for character in text {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" {
                word.append(character)
                isEscaped = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "\"" || character == "'" {
                quote = character
            } else if quote == nil, character == " " || character == "\t" {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        return word.isEmpty ? words : words + [word]
    }
}
