internal import Addressing
internal import Model

extension Builder {
    /// Namespaces of compartments: made where they are missing, with their loopback up and their settings written
    /// before anything else is put in.
    mutating func compareNamespaces() {
        var taken = Set(context.observed.usedNamespaceIDs)
        // The same one may be bound to several paths.
        var holders: [UInt64: Compartment] = [:]
        for compartment in context.desired.compartments {
            guard let present = present(compartment.reference) else {
                if case .adopted = compartment.namespace {
                    miss(compartment)
                } else {
                    createNamespace(compartment, taken: &taken)
                }
                continue
            }
            guard isUsable(present, for: compartment) else { continue }
            if present.inode != 0, let other = holders.updateValue(compartment, forKey: present.inode) {
                fail(
                    "\(compartment.id): \(present.reference) is the same namespace as \(other.reference) of \(other.id); "
                        + "one compartment each", at: compartment.metadata.source)
                continue
            }
            if present.isUnsteady {
                leave(compartment, present)
                continue
            }
            if context.standing.holds(compartment) { continue }
            compareSettings(compartment, in: present)
            compareLoopback(compartment, in: present)
            compareContents(compartment, in: present)
        }
    }

    /// Whoever changes a namespace without end, and so keeps it from being compared, keeps no others from it.
    private mutating func leave(_ compartment: Compartment, _ space: ObservedNamespace) {
        unread.append(compartment.id)
        warn(
            "\(compartment.id): \(space.reference) changes faster than it can be read, so nothing in it is compared or put "
                + "right; end what changes it (`ip monitor all` in there shows it)", at: compartment.metadata.source)
    }

    /// What others make is not made here. Where that may be left out, all but its cards is as the manifests say.
    private mutating func miss(_ compartment: Compartment) {
        let found = (context.observed.unopened ?? []).first { $0.reference == compartment.reference }
        let why =
            found.map { "\(compartment.id): \(compartment.reference) \($0.reason)" }
            ?? "\(compartment.id) adopts the namespace \(compartment.reference), which is not there"
        guard context.options.leavesAbsent else {
            let cure = found == nil ? "; create it first, or leave `spec.namespace` out so that bulkhead makes one" : ""
            return fail(why + cure, at: compartment.metadata.source)
        }
        unread.append(compartment.id)
        absent[compartment.id] = found == nil ? "the namespace that \(compartment.id) adopts is not there" : why
        warn("\(why); its endpoints are left out until it is", at: compartment.metadata.source)
    }

    private mutating func createNamespace(_ compartment: Compartment, taken: inout Set<Int32>) {
        let source = compartment.metadata.source
        guard case .owned(let name) = compartment.namespace, let mark = context.namespaceMark(compartment) else {
            return
        }
        guard let id = mark.namespaceIDs.first(where: { !taken.contains($0) }) else {
            fail(
                "\(compartment.id): every namespace id for it is taken by namespaces that live on without a name; "
                    + "end the processes that keep them (`lsns -t net`)", at: source)
            return
        }
        if let file = context.observed.emptyNamespaceFiles.first(where: { $0.name == name }), file.mark == nil {
            fail(
                "\(compartment.id): a file named \(name) that is no namespace lies in the netns folder; remove it, or "
                    + (compartment.router == nil ? "set `spec.namespace.name`" : "rename the network"), at: source)
            return
        }
        taken.insert(id)
        freshNamespaces.insert(compartment.reference)
        let reference = compartment.reference
        var settings = context.namespaceSettings(compartment)
        if !compartment.sysctls.isEmpty {
            // Those that drag others along first.
            let order = SettingsOrder(settings, settings)
            settings = order.first + order.behind
        }
        steps.append(
            Step(
                id: Self.id(compartment), action: .create, owner: compartment.id, kind: .namespace,
                namespace: reference, summary: "create namespace \(name), loopback up, \(settings.count) settings",
                reason: "\(compartment.id) is declared and not there", source: source,
                after: settings.map { Property($0.path, $0.value) },
                operations: [.createNamespace(name: name, mark: mark, id: id)]
                    + settings.map { .writeSetting(reference, path: $0.path, value: $0.value) }
                    + [.changeLink(LinkReference(reference, "lo"), [.up(true)])],
                inverse: [.deleteNamespace(name: name)], phase: .namespaces))
    }

    /// An owned name must be ours; a namespace by path must not be the host's.
    private mutating func isUsable(_ space: ObservedNamespace, for compartment: Compartment) -> Bool {
        let source = compartment.metadata.source
        switch compartment.namespace {
        case .adopted(let path):
            guard space.inode != context.observed.host.inode || space.inode == 0 else {
                fail(
                    "\(compartment.id): \(path) is the host's own network namespace, which cannot be adopted",
                    at: source)
                return false
            }
            return true
        case .owned(let name):
            guard context.owner(of: space) == nil else { return true }
            let other = (space.namespaceID ?? 0) >= Int32(bitPattern: OwnershipMark.namespaceIDBase)
            let whose = other ? "another scope of bulkhead made it" : "bulkhead did not make it"
            let cure =
                compartment.router == nil
                ? "choose another `spec.namespace.name`, or use it as it is with `spec.namespace.path`"
                : "the gateway needs it: delete that one (`ip netns delete \(name)`), or rename the network"
            fail("\(compartment.id): namespace \(name) exists and \(whose); \(cure)", at: source)
            return false
        }
    }

    /// Before any card: a new one takes what the namespace's defaults say then.
    private mutating func compareSettings(_ compartment: Compartment, in space: ObservedNamespace) {
        // Somebody may have renamed the loopback.
        let loopback = space.links.first(where: \.isLoopback)?.name ?? "lo"
        let wanted = context.namespaceSettings(compartment).map { setting in
            let isLoopback = setting.path == Context.loopbackIPv6
            let path = isLoopback ? "net/ipv6/conf/\(loopback)/disable_ipv6" : setting.path
            return (path: path, value: setting.value, source: setting.source)
        }
        refuseUnknown(compartment, in: space)
        appendSettings(
            wanted, forgotten: context.forgottenSettings(of: compartment), in: space, id: "setting/\(space.reference)",
            owner: compartment.id, phase: .namespaces,
            title: "namespace \(space.reference)")
    }

    /// A setting that the manifest names and the kernel does not have cannot be written.
    private mutating func refuseUnknown(_ compartment: Compartment, in space: ObservedNamespace) {
        for setting in compartment.sysctls
        where !Context.isCardSetting(setting.path) && context.setting(setting.path, in: space) == nil {
            // Those may come with a module, or with the loopback's IPv6.
            let parts = setting.path.split(separator: "/")
            if parts.contains("netfilter") || parts.contains("lo") { continue }
            fail(
                "\(compartment.id): this kernel has no setting \(setting.path) that can be read; take it out of `spec.sysctls`",
                at: setting.source)
        }
    }

    /// One step for all settings of one place that differ; `forgotten` are those that no manifest gives any more.
    mutating func appendSettings(
        _ given: [Context.Setting], forgotten: [Context.Setting] = [], in space: ObservedNamespace, id: String,
        owner: ObjectID, phase: Phase, requires: [String] = [], title: String
    ) {
        let wanted = given + forgotten
        let changed = wanted.filter { wanted in
            guard let now = dragged[space.reference]?[wanted.path] ?? context.setting(wanted.path, in: space) else {
                return true
            }
            return now != wanted.value && normalized(now) != normalized(wanted.value)
        }
        guard let first = changed.first else { return }
        let old = changed.map { dragged[space.reference]?[$0.path] ?? context.setting($0.path, in: space) }
        let list = zip(changed, old).map { "\($0.path) \($1.map(normalized) ?? "?") → \($0.value)" }
        let dragging = SettingsOrder(changed, wanted)
        for setting in dragging.first { noteDragged(by: setting.path, setting.value, in: space) }
        for setting in dragging.behind { dragged[space.reference]?[setting.path] = setting.value }
        let before = dragging.paths(space.links.map(\.name)).compactMap { path in
            context.setting(path, in: space).map { Operation.writeSetting(space.reference, path: path, value: $0) }
        }
        steps.append(
            Step(
                id: id, action: .update, owner: owner, kind: .setting, namespace: space.reference,
                summary: "\(title): \(list.joined(separator: ", "))",
                reason: reason(changed, forgotten),
                source: first.source,
                before: zip(changed, old).map { Property($0.path, $1.map(normalized) ?? "") },
                after: changed.map { Property($0.path, $0.value) }, losses: context.losses(by: changed, in: space),
                requires: requires,
                operations: (dragging.first + dragging.behind).map {
                    .writeSetting(space.reference, path: $0.path, value: $0.value)
                },
                inverse: before, phase: phase))
    }

    private func reason(_ changed: [Context.Setting], _ forgotten: [Context.Setting]) -> String {
        let paths = Set(forgotten.map(\.path))
        if changed.allSatisfy({ paths.contains($0.path) }) {
            return "no manifest gives \(changed.count == 1 ? "it" : "them") any more"
        }
        return "\(changed.count) kernel setting\(changed.count == 1 ? " differs" : "s differ")"
    }

    /// What others become by this one, for what is compared later.
    private mutating func noteDragged(by path: String, _ value: String, in space: ObservedNamespace) {
        guard let drag = DraggedSettings.drag(of: path), context.setting(path, in: space) != nil else { return }
        for path in drag.paths(space.links.map(\.name)) {
            dragged[space.reference, default: [:]][path] = drag.value(of: path, after: value)
        }
    }

    /// `/proc/sys` separates several values by tabs and ends them with a newline.
    private func normalized(_ value: String) -> String {
        value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private mutating func compareLoopback(_ compartment: Compartment, in space: ObservedNamespace) {
        guard let loopback = space.links.first(where: \.isLoopback), !loopback.isUp else { return }
        let reference = LinkReference(space.reference, loopback.name)
        // The kernel gives it with `up`, and does not take it with `down`, as it does ::1 (`inetdev_event`).
        let there = Set((context.addresses[space.reference]?[loopback.index] ?? []).map(\.address))
        let given =
            IPAddress("127.0.0.1").flatMap { InterfaceAddress(address: $0, length: 8) }
            .map { there.contains($0) ? [] : [Operation.removeAddress(reference, $0)] } ?? []
        steps.append(
            Step(
                id: "link/\(space.reference)/\(loopback.name)", action: .update, owner: compartment.id, kind: .link,
                namespace: space.reference, summary: "set \(reference) up",
                reason: "a compartment has its loopback up", source: compartment.metadata.source,
                before: [Property("state", "down")], after: [Property("state", "up")],
                operations: [.changeLink(reference, [.up(true)])],
                inverse: given + [.changeLink(reference, [.up(false)])], phase: .compartments))
    }

    /// Id of the step that makes a compartment's namespace.
    static func id(_ compartment: Compartment) -> String { "namespace/\(compartment.reference)" }
}
