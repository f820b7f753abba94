internal import CLinuxShims
internal import Glibc

/// An error number of the kernel (`errno.h`); an open set, so that numbers we do not know survive.
public struct Errno: RawRepresentable, Hashable, Sendable {
    /// The positive number.
    public let rawValue: Int32
    /// An error number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The calling thread's error, to be read in the statement after the failed call.
    static var current: Errno { Errno(rawValue: errno) }

    /// 1, not allowed.
    public static let notPermitted = Errno(rawValue: EPERM)
    /// 2, no such file or object.
    public static let noEntry = Errno(rawValue: ENOENT)
    /// 4, a signal came first.
    public static let interrupted = Errno(rawValue: EINTR)
    /// 11, nothing there yet.
    public static let again = Errno(rawValue: EAGAIN)
    /// 13, refused.
    public static let access = Errno(rawValue: EACCES)
    /// `EIO`
    public static let inputOutput = Errno(rawValue: EIO)
    /// `EISDIR`
    public static let isDirectory = Errno(rawValue: EISDIR)
    /// 16, in use.
    public static let busy = Errno(rawValue: EBUSY)
    /// 17, there already.
    public static let exists = Errno(rawValue: EEXIST)
    /// 19, no such device.
    public static let noDevice = Errno(rawValue: ENODEV)
    /// 20, a part of the path is no folder.
    public static let notDirectory = Errno(rawValue: ENOTDIR)
    /// 22, invalid argument.
    public static let invalid = Errno(rawValue: EINVAL)
    /// 24, the process may not open any more files.
    public static let tooManyFiles = Errno(rawValue: EMFILE)
    /// 28, the disk is full.
    public static let noSpace = Errno(rawValue: ENOSPC)
    /// 30, the file system is mounted read-only.
    public static let readOnly = Errno(rawValue: EROFS)
    /// 34, the number is too large or too small.
    public static let outOfRange = Errno(rawValue: ERANGE)
    /// 39, the folder holds something.
    public static let notEmpty = Errno(rawValue: ENOTEMPTY)
    /// 3, no such process, route or rule.
    public static let noProcess = Errno(rawValue: ESRCH)
    /// 40, too many links, or a link where none is allowed.
    public static let loop = Errno(rawValue: ELOOP)
    /// 93, the kernel has no such protocol.
    public static let protocolNotSupported = Errno(rawValue: EPROTONOSUPPORT)
    /// 95, the kernel has no such feature.
    public static let notSupported = Errno(rawValue: EOPNOTSUPP)
    /// 98, somebody else has the port.
    public static let addressInUse = Errno(rawValue: EADDRINUSE)
    /// 99, no such address here.
    public static let addressNotAvailable = Errno(rawValue: EADDRNOTAVAIL)
    /// 105, messages were lost because the socket's buffer was full.
    public static let noBuffers = Errno(rawValue: ENOBUFS)

    /// `EEXIST`; `errno 4711` for one without a name.
    public var name: String {
        guard let name = unsafe bulkhead_error_name(rawValue) else { return "errno \(rawValue)" }
        return unsafe String(cString: name)
    }

    /// `File exists`.
    public var text: String {
        guard let text = unsafe bulkhead_error_text(rawValue) else { return "unknown error" }
        return unsafe String(cString: text)
    }
}

/// A system call that failed: what was attempted, on what, and what the kernel said.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call or what it was for, `open`.
    public let operation: String
    /// A path or name; empty where there is none.
    public let object: String
    /// What the kernel said.
    public let code: Errno

    /// An error.
    public init(_ operation: String, _ object: String, _ code: Errno) {
        self.operation = operation
        self.object = object
        self.code = code
    }

    /// `open /run/netns/web: EACCES (Permission denied)`.
    public var description: String {
        "\(operation)\(object.isEmpty ? "" : " \(object)"): \(code.name) (\(code.text))"
    }
}

/// Runs a call until a signal does not interrupt it; the number it returned, or the error.
@inline(never)
func valueOrError<Number: FixedWidthInteger & SignedInteger>(
    _ operation: String, _ object: String, _ call: () -> Number
) throws(SystemError) -> Number {
    while true {
        let value = call()
        if value >= 0 { return value }
        let code = Errno.current
        if code != .interrupted { throw SystemError(operation, object, code) }
    }
}
