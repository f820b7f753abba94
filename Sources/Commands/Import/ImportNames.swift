internal import Model

/// Gives manifest objects names that are like those of what they are made from, unique per kind.
struct ImportNames {
    private var taken: Set<ObjectID> = []

    /// Keeps a name for what has it already.
    mutating func take(_ id: ObjectID) { taken.insert(id) }

    /// A name for `text`, and whether it says the same. What no name may hold becomes a hyphen; one that is taken gets a
    /// number.
    mutating func choose(_ kind: ObjectKind, _ text: String) -> ObjectName? {
        let limit = 63
        var bytes = text.utf8.prefix(limit).map { byte -> UInt8 in
            switch byte {
            case 0x30...0x39, 0x61...0x7a: byte
            case 0x41...0x5a: byte | 0x20
            case _: 0x2d
            }
        }
        while bytes.first == 0x2d { bytes.removeFirst() }
        while bytes.last == 0x2d { bytes.removeLast() }
        let base = bytes.isEmpty ? kind.rawValue.lowercased() : String(decoding: bytes, as: UTF8.self)
        for number in 1...(taken.count + 1) {
            let suffix = number == 1 ? "" : "-\(number)"
            guard let name = ObjectName(base.prefix(limit - suffix.utf8.count) + suffix),
                taken.insert(ObjectID(kind, name)).inserted
            else { continue }
            return name
        }
        return nil
    }
}
