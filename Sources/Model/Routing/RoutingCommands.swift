/// What FRR is told so that bulkhead's part becomes another one.
public enum RoutingCommands {
    /// Lines for the configuration mode (`configure terminal`), in order; none where nothing is to be done.
    ///
    /// What others have in the block stays. The block itself goes where it was made for bulkhead's part and nothing else is
    /// in it.
    public static func lines(from found: RoutingConfiguration, to wanted: RoutingPart?) -> [String] {
        guard !found.has(wanted) else { return [] }
        guard let wanted else { return removal(found) }
        guard let part = found.part else { return addition(wanted.lines, asn: wanted.asn) }
        guard part.asn == wanted.asn else { return removal(found) + addition(wanted.lines, asn: wanted.asn) }
        return change(part, wanted)
    }

    private static func removal(_ found: RoutingConfiguration) -> [String] {
        guard let part = found.part else { return [] }
        guard !found.isWhollyOurs else { return ["no \(opening(part.asn))"] }
        // All that the group has, and its members, go with it.
        let others = part.lines.filter { line in !line.text.contains("neighbor ") }
        let group = RoutingLine(.router, "no neighbor \(RoutingPart.group) peer-group")
        return [opening(part.asn)]
            + placed([(group.family, group.text)] + others.map { ($0.family, $0.negation) })
    }

    private static func addition(_ lines: [RoutingLine], asn: UInt32) -> [String] {
        [opening(asn)] + placed(lines.map { ($0.family, $0.text) })
    }

    private static func change(_ part: RoutingPart, _ wanted: RoutingPart) -> [String] {
        let (there, new) = (Set(part.lines), Set(wanted.lines))
        let subjects = Set(wanted.lines.map { RoutingLine($0.family, $0.subject) })
        let surplus = part.lines.filter { line in
            !new.contains(line) && !subjects.contains(RoutingLine(line.family, line.subject))
        }
        let missing = wanted.lines.filter { !there.contains($0) }
        return [opening(part.asn)]
            + placed(surplus.map { ($0.family, $0.negation) } + missing.map { ($0.family, $0.text) })
    }

    static func opening(_ asn: UInt32) -> String { "router bgp \(asn)" }

    /// Each in its address family, which is opened and closed around them.
    static func placed(_ commands: [(family: RoutingLine.Family, text: String)]) -> [String] {
        var result: [String] = []
        for family in RoutingLine.Family.allCases {
            let texts = commands.filter { $0.family == family }.map(\.text)
            guard !texts.isEmpty else { continue }
            guard let opening = family.opening else {
                result += texts
                continue
            }
            result += [opening] + texts + ["exit-address-family"]
        }
        return result
    }
}
