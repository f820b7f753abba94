internal import CLinuxShims
internal import Glibc

/// Values below `/proc/sys` as the calling thread's network namespace has them (`sysctl(8)`).
///
/// Folders are looked up once, as `net/ipv4/conf` for the settings of all interfaces, of new ones and of each: the way
/// there is the dear part, because the kernel looks names on it up among those of all namespaces of the machine. So a
/// value of this type belongs to one visit of one namespace.
public struct KernelSettings {
    private let root: SharedDescriptor?
    private var folders: [String: SharedDescriptor?] = [:]
    private var buffer = [UInt8](repeating: 0, count: limit + 1)
    /// No value of `/proc/sys/net` is longer.
    private static let limit = 4096

    /// Settings of the calling thread's namespace, which is the next one that the tree is used for.
    public init(_ tree: SettingsTree? = nil) { root = tree?.nextVisit() }

    /// The value, without the newline at its end; nil where this kernel has none of that name. The kernel gives all of it
    /// in one read.
    public mutating func read(_ path: SettingPath) throws(SystemError) -> String? {
        guard let file = try open(path, O_RDONLY) else { return nil }
        let number = file.rawValue
        let count = try valueOrError("read", path.text) {
            unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
        }
        guard count < buffer.count else { throw SystemError("read", path.text, Errno(rawValue: EFBIG)) }
        let end = count > 0 && buffer[count - 1] == 0x0a ? count - 1 : count
        return String(decoding: buffer[..<end], as: UTF8.self)
    }

    /// Writes values in order. One that the kernel does not take (`EINVAL`) is written again behind the others: the lower end of
    /// `ip_local_port_range`, say, may not be below `ip_unprivileged_port_start`, whichever of the two comes first. Any other
    /// failure is the end, unless all are to be tried; results are in the order of the values, as far as they were tried.
    public mutating func write(_ items: [(path: String, value: String)], triesAll: Bool) -> [SystemError?] {
        var results: [SystemError?] = []
        for item in items {
            results.append(attempt(item))
            if let error = results.last ?? nil, error.code != .invalid, !triesAll { return results }
        }
        var refused = results.indices.filter { results[$0]?.code == .invalid }
        while !refused.isEmpty {
            for index in refused { results[index] = attempt(items[index]) }
            let left = refused.filter { results[$0] != nil }
            guard left.count < refused.count else { break }
            refused = left
        }
        return results
    }

    private mutating func attempt(_ item: (path: String, value: String)) -> SystemError? {
        do throws(SystemError) {
            try write(item.path, item.value)
            return nil
        } catch {
            return error
        }
    }

    /// Writes the value at a path below `/proc/sys`. Nothing at all would be no write to the kernel.
    public mutating func write(_ path: String, _ value: String) throws(SystemError) {
        let full = "/proc/sys/\(path)"
        guard let file = try open(SettingPath(path), O_WRONLY) else { throw SystemError("open", full, .noEntry) }
        try Files.writeAll(file.rawValue, Array((value.isEmpty ? "\n" : value).utf8), full)
    }

    /// Follows no link and leads nowhere else, whatever the path says.
    private mutating func open(_ path: SettingPath, _ flags: Int32) throws(SystemError) -> FileDescriptor? {
        guard let folder = try folder(path.folder) else { return nil }
        do throws(SystemError) {
            let number = try valueOrError("open", path.text) {
                unsafe bulkhead_open_beneath(folder.rawValue, path.name, flags, 0)
            }
            return FileDescriptor(owning: number)
        } catch {
            if error.code == .noEntry { return nil }
            // Put together only where it fails: twenty are opened in each namespace.
            throw SystemError(error.operation, "/proc/sys/\(path.text)", error.code)
        }
    }

    private mutating func folder(_ path: String) throws(SystemError) -> SharedDescriptor? {
        if let known = folders[path] { return known }
        var found: SharedDescriptor?
        do throws(SystemError) {
            found = SharedDescriptor(
                try FileDescriptor.open(
                    root == nil ? "/proc/sys/\(path)" : path, in: root?.rawValue ?? AT_FDCWD,
                    flags: O_RDONLY | O_DIRECTORY))
        } catch {
            guard error.code == .noEntry else { throw error }
        }
        folders[path] = .some(found)
        return found
    }
}
