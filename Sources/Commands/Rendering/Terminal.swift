internal import SystemCalls

/// Text for standard output and error.
enum Terminal {
    /// Whether standard output shows colours: a terminal, and nobody asked for none (no-color.org).
    static let hasColour = Host.isTerminal(1) && (Host.environment("NO_COLOR") ?? "").isEmpty

    /// Writes to standard output. A reader that went away ends the run quietly, as it does for other tools.
    static func out(_ text: String) { write(text, 1) }

    /// Writes to standard output what became of a change. The status tells that too, and must not be another because
    /// nobody reads.
    static func tell(_ text: String) { try? Host.write(text, to: 1) }

    /// Writes to standard error.
    static func err(_ text: String) { write(text, 2) }

    private static func write(_ text: String, _ number: Int32) {
        do {
            try Host.write(text, to: number)
        } catch {
            if number == 1 { Host.exit(1) }
        }
    }

    /// Colours of the plan.
    enum Colour: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case magenta = "35"
        case bold = "1"
    }

    static func paint(_ text: String, _ colour: Colour) -> String {
        hasColour ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text
    }
}
