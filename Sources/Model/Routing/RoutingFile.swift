/// The file that FRR starts from, with bulkhead's part in a block of its own. FRR puts blocks of one AS together, and writes
/// them as one where somebody has it save its configuration (`write memory`): the part is found there, too.
public enum RoutingFile {
    private static let heading = "! What follows is bulkhead's, which writes and removes it."

    /// The text with another part in the place of bulkhead's; all else is as it was.
    public static func replacing(_ text: String, with part: RoutingPart?) -> String {
        let places = RoutingWalk(text).places
        var kept: [Substring] = []
        var index = places.startIndex
        while index < places.endIndex {
            guard places[index].opens else {
                if places[index].raw != heading { kept.append(places[index].raw) }
                index += 1
                continue
            }
            let end = end(of: index, in: places)
            kept += rest(places[index..<end])
            index = end
        }
        let others = kept.joined(separator: "\n")
        guard let part else { return others }
        let gap = others.isEmpty || others.hasSuffix("\n") ? "" : "\n"
        // Without the group, of which FRR must hear first, they would be errors.
        let additions = places.filter { !$0.isOurs }.compactMap(\.line).filter(\.isAddition)
        return "\(others)\(gap)\(heading)\n\(part.text(adding: additions))"
    }

    private static func end(of start: Int, in places: [RoutingWalk.Place]) -> Int {
        var end = start + 1
        while end < places.endIndex, places[end].isInBlock, !places[end].opens { end += 1 }
        return end
    }

    /// A block without what is bulkhead's; nothing of it where all was.
    private static func rest(_ block: ArraySlice<RoutingWalk.Place>) -> [Substring] {
        let hasOurs = block.contains(where: \.isOurs)
        let isGone = { (place: RoutingWalk.Place) in place.isOurs || place.line?.isAddition ?? false }
        let hasOthers = block.contains { $0.line != nil && !isGone($0) }
        return hasOurs && !hasOthers ? [] : block.filter { !isGone($0) }.map(\.raw)
    }
}
