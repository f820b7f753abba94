internal import Model

/// The picture as SVG, which needs no other program.
///
/// Networks are boxes one below the other, groups of endpoints boxes in them. Paths leave and enter groups on the right,
/// each on a line of its own, and its label stands where it arrives.
struct GraphSVG {
    private struct Frame {
        var x: Double
        var y: Double
        var width: Double
        var height: Double
    }

    private let drawing: Drawing
    private var body = ""
    private var frames: [Int: Frame] = [:]

    // Of the monospaced fonts that are asked for, none is wider than this share of its size.
    private static let advance = 0.62
    private static let small = 11.0
    private static let line = 14.0
    private static let gap = 10.0
    private static let columns = 4
    // Most characters of a path's label, and as many of them as the name of whom it comes from may always have.
    private static let (labelLimit, nameLimit) = (44, 14)
    private static let colours = [
        "#1f6feb", "#b4540a", "#1a7f37", "#8250df", "#bf3989", "#57606a", "#0a7b83", "#9a6700", "#cf222e", "#3b5bdb",
    ]

    static func render(_ drawing: Drawing) -> String {
        var picture = GraphSVG(drawing: drawing)
        return picture.render()
    }

    private init(drawing: Drawing) { self.drawing = drawing }

    private static func width(_ text: String, _ size: Double = small) -> Double { Double(text.count) * size * advance }

    private mutating func render() -> String {
        let cell = cellWidth()
        let inner = Double(Self.columns) * (cell + Self.gap) + Self.gap
        var y = 44.0
        for index in drawing.networks.indices { y = network(index, y, inner, cell) + 16 }
        let right = paths(20 + inner + 2 * Self.gap)
        for remark in drawing.remarks {
            text(20, y + 6, remark, size: Self.small, colour: "#57606a")
            y += Self.line
        }
        let width = max(right, 40 + Self.width(drawing.title, 15)) + 20
        let height = y + 12
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.number(width))" height="\(Self.number(height))" \
            viewBox="0 0 \(Self.number(width)) \(Self.number(height))" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace">
            <rect width="100%" height="100%" fill="#ffffff"/>
            <text x="20" y="28" font-size="15" font-weight="bold" fill="#1f2328">\(Self.escaped(drawing.title))</text>
            \(body)</svg>

            """
    }

    private func cellWidth() -> Double {
        let texts = drawing.groups.flatMap(\.members).flatMap { [$0.name + "  "] + $0.lines }
        return max(120, (texts.map { Self.width($0) }.max() ?? 0) + 16)
    }

    /// Draws a network; where it ends.
    private mutating func network(_ index: Int, _ top: Double, _ width: Double, _ cell: Double) -> Double {
        let box = drawing.networks[index]
        let place = body.endIndex
        var y = top + 20
        text(32, y, box.name, size: 13, weight: "bold")
        for line in box.lines {
            y += Self.line
            text(32, y, line, size: Self.small, colour: "#57606a")
        }
        y += 10
        for group in drawing.groups.indices where drawing.groups[group].network == index {
            y = self.group(group, y, width, cell) + Self.gap
        }
        // Behind what it holds.
        let frame = Frame(x: 20, y: top, width: width + 2 * Self.gap, height: y - top)
        body.insert(contentsOf: Self.rectangle(frame, fill: "#f6f8fa", stroke: "#8c959f"), at: place)
        return y
    }

    private mutating func group(_ index: Int, _ top: Double, _ width: Double, _ cell: Double) -> Double {
        let group = drawing.groups[index]
        let place = body.endIndex
        var y = top + 8
        var rest = group.members[...]
        while !rest.isEmpty {
            let row = rest.prefix(Self.columns)
            rest = rest.dropFirst(Self.columns)
            let height = 20 + Double(row.map(\.lines.count).max() ?? 0) * 13
            for (column, member) in row.enumerated() {
                let x = 30 + Self.gap + Double(column) * (cell + Self.gap)
                self.member(member, Frame(x: x, y: y, width: cell, height: height), Self.colour(index))
            }
            y += height + 6
        }
        let room = width - 2 * Self.gap
        for line in Self.wrapped(group.notes.map { Self.cut($0, Int(room / Self.width("m", 10))) }, room) {
            text(30 + Self.gap, y + 8, line, size: 10, colour: "#57606a")
            y += 13
        }
        // Room for every path that leaves or arrives.
        let ends = drawing.paths.count { $0.from == index || $0.to == index }
        y = max(y + 4, top + Double(ends + 1) * 13)
        let frame = Frame(x: 30, y: top, width: width, height: y - top)
        frames[index] = frame
        body.insert(contentsOf: Self.rectangle(frame, fill: "#ffffff", stroke: Self.colour(index)), at: place)
        return y
    }

    /// As many in a line as there is room for.
    private static func wrapped(_ notes: [String], _ room: Double) -> [String] {
        notes.reduce(into: []) { lines, note in
            if let last = lines.last, width("\(last) · \(note)", 10) <= room {
                lines[lines.count - 1] = "\(last) · \(note)"
            } else {
                lines.append(note)
            }
        }
    }

    private mutating func member(_ member: Drawing.Member, _ frame: Frame, _ colour: String) {
        let fill = member.isEnabled ? "#eef4ff" : "#eaeef2"
        body += Self.rectangle(frame, fill: fill, stroke: "#d0d7de")
        text(frame.x + 8, frame.y + 14, member.name, size: Self.small, colour: colour, weight: "bold")
        for (place, line) in member.lines.enumerated() {
            text(frame.x + 8, frame.y + 28 + Double(place) * 13, line, size: Self.small)
        }
    }

    // MARK: - Paths

    /// Draws the paths in lanes on the right of everything; how far they reach.
    private mutating func paths(_ edge: Double) -> Double {
        let labels = drawing.paths.map(label)
        let start = edge + 30 + (labels.map { Self.width($0, 10) }.max() ?? 0) + 10
        var slots: [Int: Int] = [:]
        func slot(_ group: Int) -> Double {
            slots[group, default: 0] += 1
            return (frames[group]?.y ?? 0) + Double(slots[group] ?? 0) * 13
        }
        let ends = drawing.paths.map { (path: $0, from: slot($0.from), to: slot($0.to)) }
        var lanes: [[ClosedRange<Double>]] = []
        var right = edge
        // Short ways lie inside.
        for index in ends.indices.sorted(by: { abs(ends[$0].from - ends[$0].to) < abs(ends[$1].from - ends[$1].to) }) {
            let end = ends[index]
            let span = min(end.from, end.to) - 4...max(end.from, end.to) + 4
            let lane = lanes.firstIndex { $0.allSatisfy { !$0.overlaps(span) } } ?? lanes.count
            if lane == lanes.count { lanes.append([]) }
            lanes[lane].append(span)
            let x = start + Double(lane) * 9
            right = max(right, x)
            path(end.path, labels[index], (edge - 2 * Self.gap + 10, end.from, end.to, x))
        }
        return right
    }

    private func label(_ path: Drawing.Path) -> String {
        let (name, what) = (drawing.groups[path.from].name, Self.cut(path.label, Self.labelLimit - Self.nameLimit - 2))
        // What is allowed says more than the whole of a long name.
        return "\(Self.cut(name, Self.labelLimit - what.count - 2)): \(what)"
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        text.count <= limit ? text : text.prefix(limit - 1) + "…"
    }

    private mutating func path(
        _ path: Drawing.Path, _ label: String, _ way: (edge: Double, from: Double, to: Double, lane: Double)
    ) {
        let colour = Self.colour(path.from)
        let n = Self.number
        let whole = "\(drawing.groups[path.from].name) → \(drawing.groups[path.to].name): \(path.label)"
        body += "<g><title>\(Self.escaped(whole))</title>"
        body += "<circle cx=\"\(n(way.edge))\" cy=\"\(n(way.from))\" r=\"3\" fill=\"\(colour)\"/>"
        body +=
            "<path d=\"M\(n(way.edge)) \(n(way.from))H\(n(way.lane))V\(n(way.to))H\(n(way.edge + 6))\" fill=\"none\" stroke=\"\(colour)\"/>"
        body +=
            "<path d=\"M\(n(way.edge)) \(n(way.to))l8 -4v8z\" fill=\"\(colour)\"/>"
        let width = Self.width(label, 10)
        body += Self.rectangle(
            Frame(x: way.edge + 16, y: way.to - 6, width: width + 6, height: 12), fill: "#ffffff", stroke: "none")
        text(way.edge + 19, way.to + 3.5, label, size: 10, colour: colour)
        body += "</g>\n"
    }

    // MARK: - Pieces

    private static func colour(_ group: Int) -> String { colours[group % colours.count] }

    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
    }

    private static func rectangle(_ frame: Frame, fill: String, stroke: String) -> String {
        "<rect x=\"\(number(frame.x))\" y=\"\(number(frame.y))\" width=\"\(number(frame.width))\" "
            + "height=\"\(number(frame.height))\" rx=\"4\" fill=\"\(fill)\" stroke=\"\(stroke)\"/>\n"
    }

    private mutating func text(
        _ x: Double, _ y: Double, _ words: String, size: Double, colour: String = "#1f2328", weight: String = "normal"
    ) {
        body +=
            "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" font-weight=\"\(weight)\" "
            + "fill=\"\(colour)\">\(Self.escaped(words))</text>\n"
    }

    private static func escaped(_ text: String) -> String {
        String(
            text.terminalSafe.flatMap { character in
                switch character {
                case "&": "&amp;"
                case "<": "&lt;"
                case ">": "&gt;"
                case "\"": "&quot;"
                case _: "\(character)"
                }
            })
    }
}
