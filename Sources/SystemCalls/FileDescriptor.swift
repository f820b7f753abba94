internal import CLinuxShims
internal import Glibc

/// An open file, closed when it goes out of scope. All are close-on-exec.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number.
    public let rawValue: Int32

    /// Takes over a number.
    public init(owning rawValue: Int32) { self.rawValue = rawValue }

    deinit { _ = close(rawValue) }

    /// `open(2)`; flags as in `fcntl.h`, `O_CLOEXEC` is added.
    public static func open(_ path: String, flags: Int32, mode: UInt32 = 0) throws(SystemError) -> FileDescriptor {
        let number = try valueOrError("open", path) { unsafe bulkhead_open(path, flags, mode) }
        return FileDescriptor(owning: number)
    }

    /// `open(2)` for reading.
    public static func reading(_ path: String) throws(SystemError) -> FileDescriptor {
        try open(path, flags: O_RDONLY)
    }

    /// `open(2)` for writing at the end of an existing file.
    public static func appending(_ path: String) throws(SystemError) -> FileDescriptor {
        try open(path, flags: O_WRONLY | O_APPEND | O_NOFOLLOW)
    }

    /// `openat(2)`: a path from an open folder on; `O_CLOEXEC` is added.
    public static func open(_ path: String, in folder: Int32, flags: Int32) throws(SystemError) -> FileDescriptor {
        let number = try valueOrError("open", path) { unsafe bulkhead_open_at(folder, path, flags) }
        return FileDescriptor(owning: number)
    }

    /// A second number for the same open file.
    public func duplicate() throws(SystemError) -> FileDescriptor {
        let number = try valueOrError("dup", "descriptor \(rawValue)") { fcntl(rawValue, F_DUPFD_CLOEXEC, 3) }
        return FileDescriptor(owning: number)
    }
}

/// Owns a descriptor for several holders; the last one closes it.
public final class SharedDescriptor: Sendable {
    /// The file.
    public let descriptor: FileDescriptor
    /// Takes over a file.
    public init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    /// Writes to the file.
    public func append(_ bytes: [UInt8], _ path: String) throws(SystemError) {
        try Files.writeAll(rawValue, bytes, path)
    }
    /// The number, valid as long as this object lives.
    public var rawValue: Int32 { descriptor.rawValue }
}
