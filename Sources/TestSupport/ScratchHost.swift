public import Foundation
internal import Testing

/// A throw-away host: a network and a mount namespace of their own with their own `/run`, kept by a process that ends
/// with this object or with the test run, however that ends. Nothing in it touches the machine's own network.
public final class ScratchHost: @unchecked Sendable {
    /// What a command gave.
    public struct Result: Sendable {
        /// Its exit status; 128+n where a signal ended it.
        public let status: Int32
        /// Standard output.
        public let output: String
        /// Standard error.
        public let errors: String
    }

    /// Something could not be set up; a test that sees it fails.
    public struct Failure: Error, CustomStringConvertible {
        /// What, and what it said.
        public let description: String

        /// A failure.
        public init(description: String) { self.description = description }
    }

    private let keeper = Process()
    private let leash = Pipe()
    private let isOrdinaryUser: Bool
    /// Folder of this host's files on the real file system: manifests, state, netns-etc.
    public let folder: URL

    /// Whether this kernel makes mount namespaces at all. One whose lock of mounts died with a process that crashed in
    /// it answers nobody any more until the machine is restarted: whoever asks waits for ever, and cannot be ended.
    private static let answers: Bool = {
        let probe = Process()
        probe.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        probe.arguments = (getuid() == 0 ? [] : ["--user", "--map-root-user"]) + ["--mount", "true"]
        probe.standardInput = FileHandle.nullDevice
        probe.standardOutput = FileHandle.nullDevice
        probe.standardError = FileHandle.nullDevice
        // Where it cannot be run at all, making a host says why.
        guard (try? probe.run()) != nil else { return true }
        let end = Date().addingTimeInterval(60)
        while probe.isRunning && Date() < end { usleep(10_000) }
        return !probe.isRunning
    }()

    private static let reason: Comment =
        "this machine's kernel has answered no request for a mount namespace for a minute; look for a crash in `dmesg`, and restart the machine"

    /// Generic, because the compiler warns of what it puts behind a call that never returns.
    private static func call<Value>(_ body: (Comment?, SourceLocation) throws -> Value) throws {
        _ = try body(reason, #_sourceLocation)
    }

    /// Makes a host with its loopback up. The test is skipped, with the reason, where the kernel does not even answer.
    public init() throws {
        if !Self.answers { try Self.call(Test.cancel) }
        isOrdinaryUser = getuid() != 0
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-\(UUID().uuidString)")
        for name in ["manifests", "state", "etc"] {
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
        }
        let setup =
            "mount -t tmpfs tmpfs /run && mkdir -p /run/netns && mount -t sysfs sysfs /sys; "
            + "ip link set lo up && echo ready && exec cat"
        var command = ["/usr/bin/unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", setup]
        if isOrdinaryUser {
            guard let realm = Realm.shared else {
                throw Failure(description: "a scratch host could not be made: are user namespaces allowed here?")
            }
            command = realm.entrance + command
        }
        keeper.executableURL = URL(fileURLWithPath: command[0])
        keeper.arguments = Array(command.dropFirst())
        keeper.standardInput = leash
        let output = Pipe()
        keeper.standardOutput = output
        try keeper.run()
        guard String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("ready") else {
            throw Failure(description: "a scratch host could not be made: are network namespaces allowed here?")
        }
    }

    deinit {
        try? leash.fileHandleForWriting.close()
        keeper.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Process id of the keeper, by which other hosts can be wired to this one.
    public var processID: Int32 { keeper.processIdentifier }

    /// Runs a program inside.
    @discardableResult
    public func run(_ command: [String], input: String? = nil, environment: [String: String] = [:]) throws -> Result {
        let process = try start(command, hasInput: input != nil, environment: environment)
        return try process.finish(input: input)
    }

    /// Runs a line of shell inside; it must succeed.
    @discardableResult
    public func sh(_ line: String) throws -> String {
        let result = try run(["sh", "-ec", line])
        guard result.status == 0 else {
            throw Failure(description: "`\(line)` ended with \(result.status): \(result.output)\(result.errors)")
        }
        return result.output
    }

    /// Runs bulkhead inside, on this host's own folders.
    public func bulkhead(_ arguments: String..., input: String? = nil, environment: [String: String] = [:]) throws
        -> Result
    {
        try run([Self.binary] + arguments, input: input, environment: environment)
    }

    /// Starts a program inside without waiting for it.
    public func start(_ command: [String], hasInput: Bool = false, environment: [String: String] = [:]) throws
        -> RunningProcess
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
        process.arguments =
            ["--target", "\(processID)"] + (isOrdinaryUser ? ["--user", "--preserve-credentials"] : [])
            + ["--net", "--mount", "--wdns=\(folder.path)", "--"] + command
        var all = ProcessInfo.processInfo.environment
        all["BULKHEAD_STATE_DIR"] = folder.appendingPathComponent("state").path
        all["BULKHEAD_NETNS_ETC_DIR"] = folder.appendingPathComponent("etc").path
        // The machine may have FRR; its sockets are not in this host's /run.
        all["BULKHEAD_FRR_ETC_DIR"] = folder.appendingPathComponent("frr").path
        all["SWIFT_BACKTRACE"] = "enable=no"
        all["SSH_CONNECTION"] = nil
        for (name, value) in environment { all[name] = value }
        process.environment = all
        return try RunningProcess(process, hasInput: hasInput)
    }

    /// Writes a manifest below `manifests/`.
    public func write(_ name: String, _ text: String) throws {
        try text.write(
            to: folder.appendingPathComponent("manifests").appendingPathComponent(name), atomically: true,
            encoding: .utf8)
    }

    /// Lays a cable: a veth between this host and another, with the addresses given, both ends up, and known to be: a thread
    /// of the kernel notices the carrier, and before that there are no routes of IPv6, and a bridge passes nothing.
    public func connect(
        _ name: String, _ addresses: [String], to other: ScratchHost, _ otherName: String, _ otherAddresses: [String]
    ) throws {
        try sh("ip link add \(name) type veth peer name \(otherName) netns \(other.processID)")
        for (host, link, list) in [(self, name, addresses), (other, otherName, otherAddresses)] {
            for address in list {
                try host.sh("ip address add \(address) dev \(link)\(address.contains(":") ? " nodad" : "")")
            }
            try host.sh("ip link set \(link) up")
        }
        for (host, link) in [(self, name), (other, otherName)] {
            // The address that the kernel gives by itself comes then.
            try host.sh(
                "n=0; until ip -6 address show dev \(link) scope link | grep -q fe80:; do "
                    + "n=$((n+1)); [ $n -lt 3000 ] || exit 1; sleep 0.02; done")
        }
    }

    /// The binary that was built with the tests, beside them.
    public static let binary: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("bulkhead").path
    }()
}

/// A program that runs inside a scratch host.
public final class RunningProcess: @unchecked Sendable {
    private let process: Process
    private let input: Pipe?
    private let output = Pipe()
    private let errors = Pipe()

    /// Starts a process that was set up by the caller.
    public init(_ process: Process, hasInput: Bool) throws {
        self.process = process
        input = hasInput ? Pipe() : nil
        if let input {
            process.standardInput = input
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    /// Its process id.
    public var processID: Int32 { process.processIdentifier }

    /// Waits for its end.
    public func finish(input text: String? = nil) throws -> ScratchHost.Result {
        if let text, let input {
            let handle = input.fileHandleForWriting
            DispatchQueue.global().async {
                try? handle.write(contentsOf: Data(text.utf8))
                try? handle.close()
            }
        }
        let box = Box()
        let group = DispatchGroup()
        let handle = errors.fileHandleForReading
        DispatchQueue.global().async(group: group) { box.data = handle.readDataToEndOfFile() }
        let out = output.fileHandleForReading.readDataToEndOfFile()
        group.wait()
        process.waitUntilExit()
        let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return ScratchHost.Result(
            status: status, output: String(decoding: out, as: UTF8.self),
            errors: String(decoding: box.data, as: UTF8.self))
    }

    /// Waits for a line on its standard output.
    public func waitForOutput() { _ = nextLine() }

    /// Writes a line to its standard input, which must have been asked for, and waits for the line it answers.
    public func ask(_ line: String) throws -> String {
        try tell(line)
        return try answer()
    }

    /// Writes a line to its standard input, which must have been asked for.
    public func tell(_ line: String) throws {
        guard let input else { throw ScratchHost.Failure(description: "the process has no standard input") }
        try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
    }

    /// Waits for the next line of its standard output.
    public func answer() throws -> String {
        if let answer = nextLine() { return answer }
        let words = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
        throw ScratchHost.Failure(description: "the process ended without an answer: \(words)")
    }

    /// Byte by byte, so that nothing of what comes after is taken; nil where the process closed its output.
    private func nextLine() -> String? {
        var bytes = Data()
        while let byte = try? output.fileHandleForReading.read(upToCount: 1), let value = byte.first {
            if value == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(value)
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// Waits until it has stopped itself (`SIGSTOP`), or has ended; whether it stopped.
    public func waitForStop() -> Bool {
        while true {
            let stat = (try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)) ?? ""
            let state = stat.split(separator: ")").last?.split(separator: " ").first ?? "X"
            if state == "T" { return true }
            if state == "Z" || state == "X" { return false }
            usleep(2000)
        }
    }

    /// Sends it a signal.
    public func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Written by one reader, read when that is done.
    private final class Box: @unchecked Sendable {
        var data = Data()
    }
}
