extension String {
    /// The text as one word of a shell's command line, in commands that people type as they are printed. Names of links and
    /// files may hold all that a shell obeys (`$`, `;`, quotes); what a terminal obeys as well cannot be typed.
    public var shellWord: String {
        let isPlain = !isEmpty && unicodeScalars.allSatisfy(\.isPlainInShell)
        guard !isPlain else { return self }
        return "'\(split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'".terminalSafe
    }
}

extension Unicode.Scalar {
    fileprivate var isPlainInShell: Bool {
        switch self {
        case "a"..."z", "A"..."Z", "0"..."9", "@", "%", "+", "=", ":", ",", ".", "/", "-", "_": true
        case _: false
        }
    }
}
