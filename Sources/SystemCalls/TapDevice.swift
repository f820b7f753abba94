internal import CLinuxShims
internal import Glibc

/// A tap that was just made, in the namespace of the calling thread (`ip tuntap add NAME mode tap`). It is gone with this
/// value unless `keep` was called, so that one whose making was interrupted leaves nothing.
public struct TapDevice: ~Copyable {
    private let file: FileDescriptor
    private let name: String

    /// Makes a tap. The name must be free: a device that is there is never taken (`EBUSY`).
    /// - Throws: where `/dev/net/tun` is not there, or the kernel refuses a name, an index, a user or a group.
    public init(name: String, index: UInt32, owner: UInt32?, group: UInt32?, multiQueue: Bool) throws(SystemError) {
        let file = try FileDescriptor.open(Self.path, flags: O_RDWR)
        let number = file.rawValue
        _ = try valueOrError("make tap", name) { unsafe bulkhead_tap_make(number, name, index, multiQueue ? 1 : 0) }
        if let owner {
            _ = try valueOrError("set owner \(owner) of tap", name) { bulkhead_tap_owner(number, owner) }
        }
        if let group {
            _ = try valueOrError("set group \(group) of tap", name) { bulkhead_tap_group(number, group) }
        }
        self.file = file
        self.name = name
    }

    /// It stays when nobody has it open (`TUNSETPERSIST`).
    public func keep() throws(SystemError) {
        _ = try valueOrError("make persistent tap", name) { bulkhead_tap_persist(file.rawValue) }
    }

    /// Whether the kernel gives such devices: opening the file loads the module where there is one.
    public static func isSupported() -> Bool { (try? FileDescriptor.open(path, flags: O_RDWR)) != nil }

    /// Where the kernel gives such devices.
    public static let path = "/dev/net/tun"
}
