internal import Firewall
internal import NetlinkClient
internal import SystemCalls

/// What to do about errors of the kernel.
public enum Remedy {
    private static func code(_ error: any Error) -> Errno? {
        switch error {
        case let error as NetlinkError: error.code
        case let error as SystemError: error.code
        case _: nil
        }
    }

    /// A remedy to be put behind the kernel's words; empty where there is none to give.
    public static func of(_ error: any Error) -> String {
        if let error = error as? FirewallError { return ofFirewall(error) }
        guard let code = code(error) else { return "" }
        if let error = error as? SystemError, error.object.hasPrefix("/proc/sys/"),
            let remedy = ofSetting(code, isWritten: error.operation == "write")
        {
            return remedy
        }
        switch code {
        case .notPermitted, .access:
            return Host.userID == 0
                ? "; root has no right to it here: look for a container without CAP_NET_ADMIN or CAP_SYS_ADMIN, a /proc/sys "
                    + "that is read-only, or a security module"
                : "; run as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN"
        case .exists: return "; something made it in the meantime, so plan again"
        case .noDevice, .noProcess: return "; something removed it in the meantime, so plan again"
        case .notSupported: return "; this kernel lacks the feature (see `bulkhead plan`)"
        case .busy: return "; something else holds it"
        case .tooManyFiles: return "; raise the limit (`ulimit -n`, or LimitNOFILE= in a systemd unit)"
        case .addressInUse:
            return "; another interface on the same uplink has that MAC: a namespace that lives on without a name "
                + "(`lsns -t net`), or somebody else's macvlan"
        case .noSpace: return "; make room on the disk"
        case .readOnly: return "; it lies on a file system that is mounted read-only"
        case .noBuffers: return "; the kernel's buffers are full, so try again"
        case _: return ""
        }
    }

    /// A transaction is one message, and an ordinary user's may not be of any length. libnftables says it in words alone.
    private static func ofFirewall(_ error: FirewallError) -> String {
        error.reason.hasSuffix("Message too long")
            ? "; an ordinary user may not send as much at once: run as root, or have the limit raised "
                + "(`sysctl -w net.core.wmem_max=\(64 << 20)`)" : ""
    }

    /// The same where the value of a kernel setting was refused.
    private static func ofSetting(_ code: Errno, isWritten: Bool) -> String? {
        switch code {
        case .noEntry:
            "; this kernel has no such setting: take it out of the manifest, or load the module that brings it"
        case .invalid, .outOfRange: isWritten ? "; the setting does not take this value: correct the manifest" : nil
        case _: nil
        }
    }

    /// Whether what was to be removed is not there any more.
    static func isGone(_ error: any Error) -> Bool {
        guard let code = code(error) else { return false }
        // A next-hop object goes when its link loses the carrier, and all routes by it with it.
        if let error = error as? NetlinkError, code == .invalid, error.text == "Nexthop id does not exist" {
            return true
        }
        return [.noEntry, .noDevice, .noProcess, .addressNotAvailable].contains(code)
    }

    /// Whether an interface is not there.
    static func lacksDevice(_ error: any Error) -> Bool { code(error) == .noDevice }

    /// Whether the object of an operation is not there.
    static func isAbsence(_ error: any Error) -> Bool {
        guard let code = code(error) else { return false }
        return [.noEntry, .noDevice, .noProcess, .addressNotAvailable, .notDirectory, .invalid].contains(code)
    }

    /// Whether the object that an operation makes is there already.
    static func isPresence(_ error: any Error) -> Bool { code(error) == .exists }
}
