internal import Firewall
internal import Model
internal import Reconciler

/// Chains of others in which what bulkhead lets through may still be dropped: to accept a packet in one chain is no word in
/// another.
struct ForwardDrops {
    private let survey: HostSurvey

    init(_ survey: HostSurvey) { self.survey = survey }

    /// One a chain that drops what none of its rules lets through, unless it lets all of bulkhead's bridges through.
    var findings: [Finding] {
        survey.chains.filter { chain in
            chain.hook == "forward" && chain.type == "filter" && chain.policy == "drop"
                && !survey.passing.contains(chain)
        }.map { chain in
            Finding(
                level: .warning, subject: "firewall",
                message:
                    "table \(chain.family) \(chain.table), chain \(chain.name) drops forwarded packets that none of its rules lets through, those of bulkhead's networks too; unless it has them already, add",
                remedy: remedy(chain))
        }
    }

    /// The same as warnings of a plan.
    var warnings: [Diagnostic] {
        findings.map { finding in
            let rules = finding.remedy.map { "`\($0)`" }.joined(separator: " and ")
            return Diagnostic(.warning, "\(finding.message) \(rules)", at: nil)
        }
    }

    /// The way of whoever made the chain, so that it outlives their next start.
    private func remedy(_ chain: BaseChain) -> [String] {
        let isIPTables = ["ip", "ip6"].contains(chain.family) && chain.table == "filter" && chain.name == "FORWARD"
        let program = chain.family == "ip6" ? "ip6tables" : "iptables"
        if isIPTables, survey.hasDocker {
            return ["-i", "-o"].map { "\(program) -I DOCKER-USER \($0) bh-+ -j ACCEPT" }
        }
        if isIPTables, survey.isUFWOn {
            return ["ufw route allow in on bh-NETWORK", "ufw route allow out on bh-NETWORK"]
        }
        if isIPTables { return ["-i", "-o"].map { "\(program) -I FORWARD \($0) bh-+ -j ACCEPT" } }
        return ["iifname", "oifname"].map {
            "nft insert rule \(chain.family) \(chain.table.shellWord) \(chain.name.shellWord) \($0) "
                + "'\"\(chain.ownPrefix)*\"' accept"
        }
    }
}
