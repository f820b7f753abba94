internal import Model
internal import SystemCalls

/// Reads the files below the netns-etc folder (`CompartmentFiles`).
struct CompartmentFileReading {
    private let folder: String
    /// Larger than any of ours: whoever is in a compartment writes what it likes.
    private static let limit = 64 << 20
    /// A mark is one line.
    private static let markLimit = 4096

    init(_ folders: Folders) { folder = folders.namespaceFiles }

    /// Those of compartments that exist or are wanted, and of those that are gone, and marks.
    func all() throws -> [ObservedFile] {
        try Files.list(folder).flatMap { name in
            try name == CompartmentFiles.markFolder
                ? Files.list("\(folder)/\(name)").compactMap { try read(name, $0, Self.markLimit) } : files(of: name)
        }
    }

    /// Those of one namespace.
    func files(of namespace: String) throws -> [ObservedFile] {
        try CompartmentFiles.names.compactMap { try read(namespace, $0, Self.limit) }
    }

    private func read(_ name: String, _ file: String, _ limit: Int) throws -> ObservedFile? {
        let path = "\(folder)/\(name)/\(file)"
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
