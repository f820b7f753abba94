internal import Addressing
public import Firewall
public import Model

/// Compares what is wanted with what is there. Pure: no clock, no file, no kernel; equal input gives equal plans.
public enum Planner {
    /// Why there is no plan.
    public struct Failure: Error, Hashable, Sendable {
        /// Everything that stands against it.
        public let diagnostics: [Diagnostic]
    }

    /// Takes a piece of the work that depends on nothing else any more, and gives back how to have its result, which is asked
    /// for once: another thread may do it meanwhile.
    public typealias Aside = (_ piece: @escaping @Sendable () -> Ruleset) -> () -> Ruleset

    /// The ordered steps from the observed state to the desired one. What `earlier` and `aside` do is how fast it is, nothing
    /// else, but that warnings of an earlier plan may be missing.
    public static func plan(
        desired: DesiredState, observed: ObservedState, firewall: Ruleset, options: PlanOptions,
        after earlier: EarlierPlan? = nil, aside: Aside = { $0 }
    ) throws(Failure) -> Plan {
        let standing = earlier.map {
            Standing(of: $0, desired: desired, observed: observed, firewall: firewall, options: options)
        }
        var desired = desired.fitted(to: observed).withRouters
        // What stands against the rest may be a port that is somebody else's by now: none is taken.
        if options.comparesRulesAlone { desired = firewall.withoutNewMappings(desired) }
        let lost = LostOriginals(observed, firewall)
        let loopbacks = LoopbackName(desired, lost.observed, options)
        let context = Context(
            desired: desired, observed: loopbacks.observed, options: options,
            standing: standing ?? Standing())
        let compiled = context.standing.hasRules ? nil : context.compiledRules(live: firewall, aside)
        var builder = Builder(context: context)
        guard !options.comparesRulesAlone else {
            builder.checkTables(firewall)
            // Where nobody is there to be guarded, at boot for example, rules could only be in somebody's way.
            if let compiled, builder.hasLiveEndpoints {
                builder.compareFirewall(firewall, wanted: builder.wantedRules(compiled(), live: firewall))
            }
            return try plan(builder)
        }
        builder.steps = loopbacks.steps
        builder.checkAttachments()
        builder.checkConflicts(firewall)
        builder.warnOfLostBridges(firewall)
        builder.compareModule()
        builder.compareNamespaces()
        builder.compareBridges()
        builder.clearBerths()
        builder.compareTunnels()
        builder.compareRouting()
        builder.compareVLANs()
        builder.compareShapers()
        builder.compareCards()
        builder.compareProxies()
        builder.compareSharedSettings()
        builder.noteLostOriginals(lost.settings)
        builder.compareFiles()
        builder.removeSurplus()
        builder.settleNotes()
        if let compiled {
            builder.compareFirewall(firewall, wanted: builder.wantedRules(compiled(), live: firewall))
        } else {
            builder.clearWay(firewall)
        }
        return try plan(builder)
    }

    /// What was found, in order.
    private static func plan(_ builder: Builder) throws(Failure) -> Plan {
        var builder = builder
        let desired = builder.context.desired
        builder.dropUnknownRequirements()
        guard builder.errors.isEmpty else { throw Failure(diagnostics: builder.errors) }
        switch Order.sort(builder.steps) {
        case .cycle(let ids):
            let message = "these steps wait for one another: \(ids.joined(separator: ", ")); please report this"
            throw Failure(diagnostics: [Diagnostic(.error, message, at: nil)])
        case .ordered(let steps):
            let notes = builder.steps.isEmpty ? [] : builder.notes.sorted().map { Diagnostic(.warning, $0, at: nil) }
            var plan = Plan(
                scope: desired.scope, host: desired.host, steps: steps,
                warnings: builder.warnings + Plan.warnings(of: steps) + notes
                    + (builder.context.sessionWarning(steps).map { [$0] } ?? []),
                manifestFingerprint: desired.fingerprint)
            plan.unread = builder.unread
            plan.reasons = builder.absent.isEmpty ? nil : builder.unread.map { builder.absent[$0] }
            return plan
        }
    }
}
