import Addressing
import JSON
import Model
import Planner

/// Plans with every kind of operation in them, from a seed.
struct RandomPlan {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next(_ bound: UInt64) -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return (mixed ^ (mixed >> 31)) % bound
    }

    mutating func flag() -> Bool { next(2) == 0 }
    mutating func maybe<Value>(_ value: Value) -> Value? { flag() ? value : nil }
    mutating func pick<Value>(_ values: [Value]) -> Value { values[Int(next(UInt64(values.count)))] }

    mutating func text() -> String {
        pick(["", "bh-web", "ep-web-1", "äöü\u{1b}[31m\"\\\n", "net/ipv4/conf/all/rp_filter", "\u{202e}x", "{}"])
    }
    mutating func place() -> NamespaceRef {
        pick([.host, .named("web-1"), .named(text()), .path("/run/netns/other")])
    }
    mutating func link() -> LinkReference { LinkReference(place(), text()) }
    mutating func mac() -> MACAddress {
        MACAddress(bytes: (0..<6).map { _ in UInt8(next(256)) }) ?? pick([])
    }
    mutating func address() -> IPAddress {
        let value = UInt128(next(.max)) << 64 | UInt128(next(.max))
        return flag()
            ? IPAddress(family: .ipv6, value: value) ?? pick([])
            : IPAddress(family: .ipv4, value: value & 0xffff_ffff) ?? pick([])
    }
    mutating func withLength() -> InterfaceAddress {
        let address = address()
        let bits: UInt64 = address.family == .ipv4 ? 33 : 129
        return InterfaceAddress(address: address, length: Int(next(bits))) ?? pick([])
    }
    mutating func prefix() -> IPPrefix {
        pick(["0.0.0.0/0", "10.88.0.0/24", "::/0", "fd00:88::/64", "192.0.2.1/32"].compactMap { IPPrefix($0) })
    }
    mutating func bridge() -> BridgeOptions {
        BridgeOptions(
            netfilterIPv4: flag(), netfilterIPv6: flag(), spanningTree: flag(), multicastSnooping: flag(),
            vlanFiltering: flag(), groupForwardMask: UInt16(next(65_536)),
            linkLocalLearning: flag())
    }
    mutating func port() -> PortOptions { PortOptions(hairpin: flag(), isolated: flag(), guarded: flag()) }
    mutating func route() -> RouteEntry {
        RouteEntry(
            link: link(), destination: prefix(), gateway: maybe(address()), metric: UInt32(next(1 << 32)),
            table: UInt32(next(1 << 32)), origin: UInt8(next(256)), type: UInt8(next(12)),
            preferredSource: maybe(address()))
    }
    mutating func rule() -> RuleEntry {
        RuleEntry(namespace: place(), words: text(), body: (0..<next(20)).map { _ in UInt8(next(256)) })
    }
    mutating func neighbour() -> NeighbourEntry {
        NeighbourEntry(link: link(), address: maybe(address()), mac: maybe(mac()))
    }
    mutating func json() -> JSON {
        ["nftables": [["add": ["rule": ["expr": [], "comment": .string(text())]]], nil, true, .int(Int64.min)]]
    }
    mutating func spec() -> LinkSpec {
        let kind: LinkSpec.Kind =
            flag()
            ? .bridge(bridge()) : .veth(peer: PeerSpec(reference: link(), mac: maybe(mac()), mtu: Int(next(9000))))
        return LinkSpec(
            reference: link(), kind: kind, mac: maybe(mac()), mtu: Int(next(65_536)), master: maybe(text()),
            port: maybe(port()), addressGeneration: UInt8(next(4)), isUp: flag(), alias: text(),
            alternativeName: maybe(text()))
    }
    mutating func bucket() -> TokenBucket {
        TokenBucket(rate: next(1 << 40), burst: UInt32(next(1 << 32)), limit: UInt32(next(1 << 32)))
    }
    mutating func change() -> LinkChange {
        switch next(10) {
        case 0: .up(flag())
        case 1: .mtu(Int(next(65_536)))
        case 2: .mac(mac())
        case 3: .master(maybe(text()))
        case 4: .alias(text())
        case 5: .addAlternativeName(text())
        case 6: .removeAlternativeName(text())
        case 7: .addressGeneration(UInt8(next(4)))
        case 8: .bridge(bridge())
        case _: .port(port())
        }
    }

    /// The operation of that number, below `kinds`.
    mutating func operation(_ kind: UInt64) -> Operation {
        switch kind {
        case 0: .loadModule(text())
        case 1: .createNamespace(name: text(), mark: mark(), id: Int32(next(1 << 31)))
        case 2: .deleteNamespace(name: text())
        case 3: .bindNamespace(name: text())
        case 4: .createLink(spec())
        case 5: .deleteLink(link())
        case 6: .changeLink(link(), (0..<next(4)).map { _ in change() })
        case 7: .addAddress(link(), withLength())
        case 8: .removeAddress(link(), withLength())
        case 9: .addRoute(route())
        case 10: .replaceRoute(route(), old: route())
        case 11: .removeRoute(route())
        case 12: .addNeighbour(neighbour())
        case 13: .removeNeighbour(neighbour())
        case 14: .writeSetting(place(), path: text(), value: text())
        case 15: .rememberOriginal(OriginalSetting(path: text(), value: text()))
        case 16: .forgetOriginal(OriginalSetting(path: text(), value: text()))
        case 17: .writeFile(path: text(), content: text())
        case 18: .removeFile(path: text())
        case 19: .cutConnections
        case 20: .addRule(rule())
        case 21: .removeRule(rule())
        case 22: .removeQdisc(link(), parent: UInt32(next(1 << 32)))
        case 24: .addQdisc(link(), flag() ? .redirect(to: link()) : .bucket(bucket()))
        case 23: .clearWay((0..<next(3)).map { _ in neighbour() }, behind: (0..<next(3)).map { _ in prefix() })
        case 25: .configureRouting(routing())
        case _: .firewall((0..<next(3)).map { _ in json() })
        }
    }
    static let kinds: UInt64 = 27

    mutating func routing() -> RoutingChange {
        let lines = (0..<next(4)).map { _ in RoutingLine(pick(RoutingLine.Family.allCases), text()) }
        return RoutingChange(
            pick(RoutingChange.Place.allCases), maybe(RoutingPart(asn: UInt32(next(1 << 32)), lines: lines)))
    }

    mutating func mark() -> OwnershipMark {
        OwnershipMark(scope: name(), owner: ObjectID(pick(ObjectKind.allCases), name()), protected: flag())
    }
    mutating func name() -> ObjectName {
        ObjectName(pick(["web", "a", "web-1", String(repeating: "x", count: 63)])) ?? pick([])
    }
    mutating func location() -> SourceLocation {
        SourceLocation(file: text(), line: Int(next(1000)), column: Int(next(100)))
    }

    mutating func step() -> Step {
        let names = (0..<next(3)).map { _ in name() }
        return Step(
            id: text(), action: pick(Step.Action.allCases), owner: maybe(ObjectID(.network, name())),
            kind: pick(Step.Kind.allCases), namespace: place(), summary: text(), reason: text(),
            disruption: pick([.none, .brief(names), .outage(names)]), source: maybe(location()),
            before: [Property(text(), text())], after: (0..<next(3)).map { _ in Property(text(), text()) },
            isIrreversible: flag(), requires: [text()],
            operations: (0..<next(4)).map { _ in operation(next(Self.kinds)) },
            inverse: (0..<Self.kinds).map { operation($0) }, phase: pick([.prepare, .cards, .vanish]))
    }

    mutating func saved() -> SavedPlan {
        let plan = Plan(
            scope: name(), host: text(), steps: (0..<next(5)).map { _ in step() },
            warnings: [
                Diagnostic(flag() ? .error : .warning, text(), at: maybe(location()), sourceLine: maybe(text()))
            ],
            manifestFingerprint: text())
        return SavedPlan(
            plan: plan, bulkhead: text(), paths: [text()], prunes: flag(), adopts: [ObjectID(.endpoint, name())])
    }
}
