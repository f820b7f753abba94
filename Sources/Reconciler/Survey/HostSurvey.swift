public import Firewall
internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// What is on the host's network that bulkhead did not make.
public struct HostSurvey: Sendable {
    /// Names of the host's links, sorted.
    public let links: [String]
    /// Base chains of all tables but bulkhead's own.
    public let chains: [BaseChain]
    /// Those of them that drop what they forward, but nothing that comes from or goes to interfaces of bulkhead.
    public let passing: Set<BaseChain>

    /// Reads the host; names of its links may be known already.
    public init(_ session: HostSession, links known: [String]? = nil) throws {
        links = try (known ?? session.connection.links(counters: false).map(\.name)).sorted()
        let firewall = try session.firewall()
        chains = try firewall.baseChains().filter { $0.table != "bulkhead" && !$0.table.hasPrefix("bulkhead-") }
        // What nft cannot tell of a table of others, nobody can rely on.
        let names = links
        passing = Set(
            chains.filter { $0.hook == "forward" && $0.policy == "drop" }
                .filter { (try? firewall.letsThrough($0, links: names)) ?? false })
    }

    /// Whether Docker runs here, or has left its bridge.
    public var hasDocker: Bool { (try? Files.status("/run/docker.sock")) != nil || links.contains("docker0") }

    /// Whether ufw is on.
    public var isUFWOn: Bool {
        ((try? Files.readText("/etc/ufw/ufw.conf")) ?? "").split(separator: "\n").contains("ENABLED=yes")
    }

    /// Where a module of the kernel is.
    public enum Module: Hashable, Sendable {
        /// Loaded, or part of the kernel.
        case there
        /// On the disk.
        case loadable
        /// Neither.
        case missing
    }

    /// Looks for a module in the kernel and in `/lib/modules`.
    public static func module(_ name: String) -> Module {
        if (try? Files.status("/sys/module/\(name)")) != nil { return .there }
        let release = (try? Files.readText("/proc/sys/kernel/osrelease"))?.prefix { $0 != "\n" } ?? ""
        func lists(_ file: String) -> Bool {
            let text = (try? Files.readText("/lib/modules/\(release)/\(file)", limit: 64 << 20)) ?? ""
            return text.split(separator: "\n").contains { line in
                let path = line.prefix { $0 != ":" }
                return path.split(separator: "/").last?.hasPrefix("\(name).ko") ?? false
            }
        }
        return lists("modules.builtin") ? .there : lists("modules.dep") ? .loadable : .missing
    }

    /// A value below `/proc/sys`; nil where there is none.
    public static func setting(_ path: String) -> String? {
        (try? Files.readText("/proc/sys/\(path)")).map { String($0.prefix { $0 != "\n" }) }
    }
}
