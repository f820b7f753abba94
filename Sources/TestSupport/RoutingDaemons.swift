public import Foundation

/// FRR's `zebra` and `bgpd` on a scratch host, as its service starts them: sockets in the host's own `/run/frr`, files in
/// its folder. They end with this object, or with the test run.
public final class RoutingDaemons: @unchecked Sendable {
    /// Whether a machine has them, and lets them be started: they change to a user of their own.
    public static let areThere =
        getuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/lib/frr/bgpd")
        && FileManager.default.isExecutableFile(atPath: "/usr/bin/vtysh")
    /// Why a test that needs them does not run.
    public static let reason = "needs root and FRR (apt install frr; `make deps-test` does it)"

    private let host: ScratchHost
    private var running: [String: (process: RunningProcess, id: String)] = [:]

    /// Starts them with a file of these lines.
    public init(on host: ScratchHost, configuration: String = "") throws {
        self.host = host
        let files = Self.files(of: host)
        try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
        try host.sh("mkdir -p /run/frr; chown frr:frr /run/frr")
        for (name, text) in [("vtysh.conf", "service integrated-vtysh-config\n"), ("frr.conf", configuration)] {
            try text.write(to: files.appendingPathComponent(name), atomically: true, encoding: .utf8)
            try host.sh("chown frr:frr \(files.path)/\(name); chmod 640 \(files.path)/\(name)")
        }
        for name in ["zebra", "bgpd"] { try start(name) }
        try boot()
    }

    deinit {
        for name in running.keys { try? stop(name) }
    }

    /// Where its file is.
    public static func files(of host: ScratchHost) -> URL { host.folder.appendingPathComponent("frr") }

    /// What `frr.conf` says.
    public func file() throws -> String {
        try String(contentsOf: Self.files(of: host).appendingPathComponent("frr.conf"), encoding: .utf8)
    }

    /// What `bgpd` does, by its own words.
    public func configuration() throws -> String { try shell("show running-config") }

    /// Commands to FRR's shell, one after the other; all must succeed.
    @discardableResult
    public func shell(_ commands: String...) throws -> String {
        let words = ["vtysh", "--config_dir", Self.files(of: host).path] + commands.flatMap { ["-c", $0] }
        let result = try host.run(words)
        guard result.status == 0 else {
            throw ScratchHost.Failure(description: "\(commands): \(result.output)\(result.errors)")
        }
        return result.output
    }

    /// Starts one; it answers when this returns.
    public func start(_ name: String) throws {
        let line =
            "exec 3<&0; /usr/lib/frr/\(name) -f /dev/null 3<&- >/dev/null 2>&1 & p=$!; echo $p; read x <&3; "
            + "kill -9 $p 2>/dev/null"
        let process = try host.start(["sh", "-c", line], hasInput: true)
        running[name] = (process, try process.answer())
        try host.sh("while ! vtysh -d \(name) -c 'show version' >/dev/null 2>&1; do sleep 0.05; done")
    }

    /// Has them read the file, as their service does when one was started (`vtysh -b`).
    public func boot() throws {
        try host.sh("vtysh --config_dir \(Self.files(of: host).path) -b >/dev/null 2>&1 || true")
    }

    /// Ends one without a warning (`kill -9`).
    public func kill(_ name: String) throws {
        guard let id = running[name]?.id else { return }
        try host.sh(
            "kill -9 \(id); while grep -q '^State:.[^Z]' /proc/\(id)/status; do sleep 0.05; done; rm -f /run/frr/\(name).vty"
        )
        try stop(name)
    }

    private func stop(_ name: String) throws {
        guard let (process, _) = running.removeValue(forKey: name) else { return }
        try process.tell("end")
        _ = try process.finish()
    }
}
