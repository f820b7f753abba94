internal import CLinuxShims
internal import Glibc

/// Files and folders, one function a purpose.
public enum Files {
    /// What a path is.
    public enum Kind: Hashable, Sendable {
        /// An ordinary file.
        case regular
        /// A folder.
        case directory
        /// A symbolic link.
        case link
        /// A device, socket or pipe.
        case other
    }

    /// What `stat(2)` says.
    public struct Status: Hashable, Sendable {
        /// What it is.
        public let kind: Kind
        /// Bytes.
        public let size: Int64
        /// Permission bits.
        public let mode: UInt32
        /// Owner.
        public let owner: UInt32
        /// Group.
        public let group: UInt32
        /// Device of the file system.
        public let device: UInt64
        /// Inode; equal device and inode are the same file or namespace.
        public let inode: UInt64
    }

    /// Reads a whole file of at most `limit` bytes, `/proc` files too.
    public static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try FileDescriptor.reading(path)
        return try read(file, path, limit: limit)
    }

    /// Reads an open file to its end; past `limit` bytes it is `EFBIG`.
    public static func read(_ file: borrowing FileDescriptor, _ path: String, limit: Int) throws(SystemError)
        -> [UInt8]
    {
        var result: [UInt8] = []
        // Small files, of which there are many, are not worth a large buffer.
        var buffer = [UInt8](repeating: 0, count: min(limit + 1, 4096))
        let number = file.rawValue
        while true {
            if result.count == buffer.count { buffer = [UInt8](repeating: 0, count: min(limit + 1, 65_536)) }
            let count = try valueOrError("read", path) {
                unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { return result }
            guard result.count + count <= limit else {
                throw SystemError("read", path, Errno(rawValue: EFBIG))
            }
            result.append(contentsOf: buffer[..<count])
        }
    }

    /// Reads a regular file of at most `limit` bytes below a folder without following any link on the way; nil where
    /// nothing of that name is there, or something else than a regular file, or a larger one.
    public static func readBeneath(_ folder: String, _ path: String, limit: Int) throws(SystemError) -> Found {
        let root: FileDescriptor
        do throws(SystemError) {
            root = try FileDescriptor.open(folder, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            if error.code == .noEntry { return .missing }
            throw error
        }
        let number = root.rawValue
        let file: FileDescriptor
        do throws(SystemError) {
            file = FileDescriptor(
                owning: try valueOrError("open", "\(folder)/\(path)") {
                    unsafe bulkhead_open_beneath(number, path, O_RDONLY | O_NONBLOCK, 0)
                })
        } catch {
            if error.code == .noEntry || error.code == .notDirectory { return .missing }
            if error.code == .loop || error.code.rawValue == EXDEV { return .other }
            throw error
        }
        let status = try status(of: file, path)
        guard status.kind == .regular else { return .other }
        guard status.size <= limit else { return .large }
        return .file(try read(file, path, limit: limit))
    }

    /// What lies at a path.
    public enum Found: Hashable, Sendable {
        /// Nothing.
        case missing
        /// A link, a folder, or a device.
        case other
        /// A regular file of more bytes than the limit.
        case large
        /// A regular file with these contents.
        case file([UInt8])
    }

    /// Reads at most `limit` bytes from the start of a file.
    public static func readPrefix(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try FileDescriptor.reading(path)
        let number = file.rawValue
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while result.count < limit {
            let wanted = min(buffer.count, limit - result.count)
            let count = try valueOrError("read", path) {
                unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, wanted) }
            }
            if count == 0 { break }
            result.append(contentsOf: buffer[..<count])
        }
        return result
    }

    /// Reads a small text, `/proc` values for instance.
    public static func readText(_ path: String, limit: Int = 65_536) throws(SystemError) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Writes everything of the file system of a folder to its disk (`syncfs(2)`).
    public static func flushFileSystem(of folder: String) throws(SystemError) {
        let file = try FileDescriptor.open(folder, flags: O_RDONLY | O_DIRECTORY)
        _ = try valueOrError("syncfs", folder) { bulkhead_syncfs(file.rawValue) }
    }

    /// Replaces or makes a file whole and at once: a temporary file in the same folder, flushed unless that is done
    /// for many at once, then renamed.
    public static func writeAtomically(_ path: String, _ bytes: [UInt8], mode: UInt32, flushes: Bool = true)
        throws(SystemError)
    {
        let temporary = path + ".new-\(getpid())"
        unsafe _ = unlink(temporary)
        let file = try FileDescriptor.open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        do throws(SystemError) {
            try setMode(file, mode, path)
            try writeAll(file.rawValue, bytes, path)
            if flushes { _ = try valueOrError("fsync", path) { fsync(file.rawValue) } }
            _ = try valueOrError("rename", path) { unsafe Glibc.rename(temporary, path) }
        } catch {
            unsafe _ = unlink(temporary)
            throw error
        }
    }

    /// Replaces a regular file whole and at once, with the owner, the group and the permission bits that it has. A link is
    /// not followed.
    public static func replaceAtomically(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        let old = try status(path, followingLinks: false)
        guard old.kind == .regular else { throw SystemError("write", path, .invalid) }
        let temporary = path + ".new-\(getpid())"
        unsafe _ = unlink(temporary)
        // Nobody reads it before it is whose it shall be.
        let file = try FileDescriptor.open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        do throws(SystemError) {
            let number = file.rawValue
            // While it is still this process's: of others' files it takes one right more.
            try setMode(file, old.mode, path)
            if old.owner != geteuid() || old.group != getegid() {
                _ = try valueOrError("chown", path) { fchown(number, old.owner, old.group) }
            }
            try writeAll(number, bytes, path)
            _ = try valueOrError("fsync", path) { fsync(number) }
            _ = try valueOrError("rename", path) { unsafe Glibc.rename(temporary, path) }
        } catch {
            unsafe _ = unlink(temporary)
            throw error
        }
    }

    /// Whether a name is that of a temporary file of `writeAtomically`.
    public static func isUnfinished(_ name: String) -> Bool {
        name.split(separator: ".").last?.hasPrefix("new-") ?? false
    }

    /// Makes a file whole and at once that must not be there yet: without a name first, so that a process that dies
    /// leaves nothing.
    public static func createAtomically(_ path: String, in folder: String, _ bytes: [UInt8], mode: UInt32)
        throws(SystemError)
    {
        // O_TMPFILE, which C spells with a flag that Swift does not see.
        let unnamed = O_WRONLY | O_DIRECTORY | 0o20_000_000
        let file: FileDescriptor
        do throws(SystemError) {
            file = try FileDescriptor.open(folder, flags: unnamed, mode: mode)
        } catch {
            // A file system without files that have no names.
            guard error.code == .notSupported || error.code.rawValue == EISDIR else { throw error }
            return try writeAtomically(path, bytes, mode: mode)
        }
        let number = file.rawValue
        try setMode(file, mode, path)
        try writeAll(number, bytes, path)
        _ = try valueOrError("fsync", path) { fsync(number) }
        _ = try valueOrError("link", path) {
            unsafe linkat(AT_FDCWD, "/proc/self/fd/\(number)", AT_FDCWD, path, AT_SYMLINK_FOLLOW)
        }
    }

    /// Rewrites a file that exists, keeping its inode, so that processes that have it mounted see the change.
    public static func writeInPlace(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        let file = try FileDescriptor.open(path, flags: O_WRONLY | O_NOFOLLOW)
        let status = try status(of: file, path)
        guard status.kind == .regular else { throw SystemError("write", path, .invalid) }
        try writeAll(file.rawValue, bytes, path)
        _ = try valueOrError("truncate", path) { ftruncate(file.rawValue, bytes.count) }
    }

    /// Makes a file that must not be there yet.
    public static func create(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(SystemError) {
        let file = try FileDescriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        try writeAll(file.rawValue, bytes, path)
    }

    /// Gives a file another name in the same folder (`rename(2)`), which takes no room on a full disk.
    public static func rename(_ path: String, to other: String) throws(SystemError) {
        _ = try valueOrError("rename", path) { unsafe Glibc.rename(path, other) }
    }

    /// `unlink(2)`; a missing file is no error.
    public static func remove(_ path: String) throws(SystemError) {
        try ignoring(.noEntry) { () throws(SystemError) in
            _ = try valueOrError("unlink", path) { unsafe unlink(path) }
        }
    }

    /// `mkdir(2)`; an existing folder is no error.
    public static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        try ignoring(.exists) { () throws(SystemError) in
            _ = try valueOrError("mkdir", path) { unsafe mkdir(path, mode) }
            try setMode(try FileDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW), mode, path)
        }
    }

    /// Who may read it does not depend on the umask of whoever calls: processes in compartments need their files.
    private static func setMode(_ file: borrowing FileDescriptor, _ mode: UInt32, _ path: String) throws(SystemError) {
        _ = try valueOrError("chmod", path) { fchmod(file.rawValue, mode) }
    }

    /// Makes a folder and all above it.
    public static func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            try makeDirectory(prefix, mode: mode)
        }
    }

    /// `rmdir(2)`; a missing folder, or one that holds something, is no error.
    public static func removeEmptyDirectory(_ path: String) throws(SystemError) {
        try ignoring(.notEmpty) { () throws(SystemError) in
            try ignoring(.noEntry) { () throws(SystemError) in
                _ = try valueOrError("rmdir", path) { unsafe rmdir(path) }
            }
        }
    }

    /// Removes a folder with all that lies in it, and follows no link on the way; a missing one is no error. At most
    /// `depth` folders may lie in each other.
    public static func removeTree(_ path: String, depth: Int = 16) throws(SystemError) {
        guard (try? status(path, followingLinks: false))?.kind == .directory else { return try remove(path) }
        guard depth > 0 else { throw SystemError("remove", path, .loop) }
        for name in try list(path) { try removeTree("\(path)/\(name)", depth: depth - 1) }
        try removeEmptyDirectory(path)
    }

    /// Names in a folder in byte order, `.` and `..` left out; none where the folder is missing.
    public static func list(_ path: String) throws(SystemError) -> [String] {
        guard let directory = unsafe opendir(path) else {
            let code = Errno.current
            if code == .noEntry { return [] }
            throw SystemError("open", path, code)
        }
        defer { unsafe _ = closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { raw in
                unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// `stat(2)`, or `lstat(2)` where links are not to be followed.
    public static func status(_ path: String, followingLinks: Bool = true) throws(SystemError) -> Status {
        var raw = stat()
        _ = try valueOrError("stat", path) { unsafe followingLinks ? stat(path, &raw) : lstat(path, &raw) }
        return Status(raw)
    }

    /// `fstat(2)`.
    public static func status(of file: borrowing FileDescriptor, _ name: String) throws(SystemError) -> Status {
        var raw = stat()
        let number = file.rawValue
        _ = try valueOrError("stat", name) { unsafe fstat(number, &raw) }
        return Status(raw)
    }

    /// What a symbolic link says, at most 4095 bytes of it (`readlink(2)`).
    public static func linkTarget(_ path: String) throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = try valueOrError("readlink", path) { unsafe readlink(path, &buffer, 4095) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The path without links, `.` and `..`.
    public static func realPath(_ path: String) throws(SystemError) -> String {
        guard let real = unsafe realpath(path, nil) else { throw SystemError("resolve", path, .current) }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    static func writeAll(_ number: Int32, _ bytes: [UInt8], _ name: String) throws(SystemError) {
        var start = 0
        while start < bytes.count {
            let from = start
            start += try valueOrError("write", name) {
                unsafe bytes.withUnsafeBytes { raw in
                    unsafe Glibc.write(number, raw.baseAddress.map { unsafe $0 + from }, raw.count - from)
                }
            }
        }
    }

    private static func ignoring(_ code: Errno, _ body: () throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) {
            try body()
        } catch {
            if error.code != code { throw error }
        }
    }
}

extension Files.Status {
    fileprivate init(_ raw: stat) {
        kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case _: .other
            }
        size = Int64(raw.st_size)
        mode = raw.st_mode & 0o7777
        owner = raw.st_uid
        group = raw.st_gid
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
    }
}
