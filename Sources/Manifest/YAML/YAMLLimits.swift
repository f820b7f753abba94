/// How much input is taken; past a bound it is an error, never a crash.
enum YAMLLimits {
    /// Bytes of one file.
    static let bytes = 16 << 20
    /// Lists and mappings inside one another.
    static let depth = 64
    /// Documents of all files together.
    static let documents = 100_000
    /// Nodes that aliases may add to one file.
    static let aliasedNodes = 1_000_000
}
