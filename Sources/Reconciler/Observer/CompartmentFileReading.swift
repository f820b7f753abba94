internal import Model
internal import SystemCalls

/// Reads the files below the netns-etc folder (`CompartmentFiles`).
struct CompartmentFileReading {
    private let folder: String
    private let remainder: Remainder
    /// Larger than any of ours: whoever is in a compartment writes what it likes.
    private static let limit = 64 << 20
    /// A mark is a line or two, and one for each setting that a manifest gives.
    private static let markLimit = 1 << 20

    /// A reading of all that is not known to be as it was.
    init(_ folders: Folders, beside remainder: Remainder = Remainder()) {
        folder = folders.namespaceFiles
        self.remainder = remainder
    }

    /// Those of compartments that exist or are wanted, and of those that are gone, and marks.
    func all() throws -> [ObservedFile] {
        try Files.list(folder).flatMap { name in
            try name == CompartmentFiles.markFolder ? marks("\(folder)/\(name)") : files(of: name)
        }
    }

    private func marks(_ place: String) throws -> [ObservedFile] {
        guard try Files.status(place, followingLinks: false).kind == .directory else {
            throw StateError(
                "\(place) is no folder; bulkhead keeps what it knows of compartments in a folder of that name, so move it away"
            )
        }
        return try Files.list(place).compactMap { try read(CompartmentFiles.markFolder, $0, Self.markLimit) }
    }

    /// Those of one namespace.
    func files(of namespace: String) throws -> [ObservedFile] {
        try CompartmentFiles.names.compactMap { try read(namespace, $0, Self.limit) }
    }

    private func read(_ name: String, _ file: String, _ limit: Int) throws -> ObservedFile? {
        let path = "\(folder)/\(name)/\(file)"
        let namespace = name == CompartmentFiles.markFolder ? file : name
        if remainder.holds(path, ofNamespace: namespace) { return remainder.file(path) }
        switch try Files.readBeneath(folder, "\(name)/\(file)", limit: limit) {
        case .missing: return nil
        case .other: return ObservedFile(path: path, content: nil)
        case .large: return ObservedFile(path: path, content: nil, isOpaque: true)
        case .file(let bytes):
            let text = String(validating: bytes, as: UTF8.self)
            return ObservedFile(path: path, content: text, isOpaque: text == nil)
        }
    }
}
