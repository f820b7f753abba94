internal import CLinuxShims
internal import Glibc

/// Users and groups of the host, wherever its name service has them (`nsswitch.conf(5)`).
public enum UserDatabase {
    /// The number of a user by name (`getpwnam_r(3)`); nil where there is none.
    public static func user(_ name: String) throws(SystemError) -> UInt32? {
        var number: UInt32 = 0
        let status = try valueOrError("look up user", name) { unsafe bulkhead_user(name, &number) }
        return status == 0 ? nil : number
    }

    /// The number of a group by name (`getgrnam_r(3)`); nil where there is none.
    public static func group(_ name: String) throws(SystemError) -> UInt32? {
        var number: UInt32 = 0
        let status = try valueOrError("look up group", name) { unsafe bulkhead_group(name, &number) }
        return status == 0 ? nil : number
    }
}
