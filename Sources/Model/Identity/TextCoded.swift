public import Addressing

extension ObjectName: TextCoded {}
extension ObjectID: TextCoded {}

extension OwnershipMark: TextCoded {
    /// The mark as it stands in the kernel object.
    public var description: String { text }
}
