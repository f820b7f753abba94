internal import Model
internal import SystemCalls

/// Rules that log to the kernel log, where that takes no lines from here.
enum KernelLog {
    /// There in the first network namespace only (`nf_log.c`).
    private static let setting = "/proc/sys/net/netfilter/nf_log_all_netns"

    static func warnings(_ desired: DesiredState) -> [Diagnostic] {
        let loggers = desired.policies.flatMap { policy in
            TrafficDirection.allCases.flatMap { policy[$0]?.rules ?? [] }.filter { $0.log == .kernel }
                .map { (policy, $0) }
        }
        guard !loggers.isEmpty, (try? Files.status(setting)) == nil else { return [] }
        return loggers.map { policy, rule in
            Diagnostic(
                .warning,
                "rule \(policy.metadata.name)/\(rule.name): the kernel log takes lines of the machine's first network namespace only, and this "
                    + "is another one; log 'to: nflog', or set net.netfilter.nf_log_all_netns to 1 in the first",
                at: rule.source)
        }
    }
}
