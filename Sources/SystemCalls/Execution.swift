internal import CLinuxShims
internal import Glibc

/// Turns this process into another program inside a namespace.
public enum Execution {
    /// Enters the namespace, shows the program its own `resolv.conf`, `hosts` and `/sys`, and becomes it.
    ///
    /// Returns only on failure: 125 where the way there failed, 126 not executable, 127 not found.
    public static func become(
        _ arguments: [String], in namespace: borrowing FileDescriptor, binding files: [(source: String, target: String)]
    ) -> (status: Int32, error: SystemError) {
        guard let program = arguments.first else { return (125, SystemError("exec", "", .invalid)) }
        do throws(SystemError) {
            try Namespaces.enter(namespace.rawValue)
            try isolateMounts(files)
        } catch {
            return (125, error)
        }
        // An ignored signal stays ignored across exec; the program expects to end where nobody reads on.
        for number in [SIGPIPE, SIGXFSZ] { _ = signal(number, SIG_DFL) }
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        unsafe execvp(program, pointers)
        let code = Errno.current
        return (code == .noEntry ? 127 : 126, SystemError("exec", program, code))
    }

    private static func isolateMounts(_ files: [(source: String, target: String)]) throws(SystemError) {
        _ = try valueOrError("unshare", "mount namespace") { bulkhead_unshare(bulkhead_clone_newns) }
        // Nothing mounted from here on may leak back.
        _ = try valueOrError("make mounts private", "/") { unsafe mount("", "/", "none", UInt(MS_SLAVE | MS_REC), nil) }
        // A /sys that shows this namespace's interfaces; in a container it may be refused, and is not needed then.
        if unsafe umount2("/sys", Int32(MNT_DETACH)) == 0 { unsafe _ = mount("sysfs", "/sys", "sysfs", 0, nil) }
        for file in files {
            _ = try valueOrError("bind \(file.source) to", file.target) {
                unsafe mount(file.source, file.target, "none", UInt(MS_BIND), nil)
            }
        }
    }
}
