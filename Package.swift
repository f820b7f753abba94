// swift-tools-version: 6.2
import PackageDescription

/// Boundaries are kept by the compiler: nothing is re-exported by accident, every import is explicit,
/// a warning fails the build, and memory-unsafe constructs must be marked where they stand.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // Fault injection for tests; a release build has none of it.
    .define("BULKHEAD_FAULTS", .when(configuration: .debug)),
]

/// Tests run the program some ten thousand times: `make test` has it optimized, with everything else as in a debug build.
let speed: [SwiftSetting] =
    Context.environment["BULKHEAD_OPTIMIZED"] == nil ? [] : [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// The commit that `bulkhead --version` says. `make release` gives it; a plain `swift build` knows and needs none.
let commit: [CSetting] =
    Context.environment["BULKHEAD_COMMIT"].map { [.define("BULKHEAD_COMMIT", to: "\"\($0)\"")] } ?? []

/// A pure or system target of the package; imports point one way only (see docs/architecture.md).
func layer(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict + speed)
}

/// Tests, with a folder `Tools` of programs that they run, where there is one.
func tests(_ name: String, _ dependencies: [Target.Dependency], hasTools: Bool = false) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: hasTools ? ["Tools"] : [], swiftSettings: strict)
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let collections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")

let package = Package(
    name: "bulkhead",
    products: [.executable(name: "bulkhead", targets: ["bulkhead"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CNftables", pkgConfig: "libnftables", providers: [.apt(["libnftables-dev"])]),
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .target(name: "CLinuxShims", cSettings: commit),
        layer("SystemCalls", ["CLinuxShims"]),
        layer("Addressing"),
        layer("JSON", ["CJansson"]),
        layer("Model", ["Addressing", "JSON"]),
        layer("Manifest", ["Addressing", "JSON", "Model", "CYAML"]),
        layer("NetlinkCodec", ["Addressing"]),
        layer("NetlinkClient", ["NetlinkCodec", "Addressing", "SystemCalls"]),
        layer("Reachability", ["Addressing", "Model"]),
        layer("Firewall", ["Addressing", "JSON", "Model", "Reachability", "CNftables"]),
        layer("Planner", ["Addressing", "JSON", "Model", "Reachability", "Firewall"]),
        layer(
            "Reconciler",
            [
                "Addressing", "JSON", "Model", "Reachability", "Firewall", "Planner", "NetlinkCodec", "NetlinkClient",
                "SystemCalls",
            ]),
        layer("Git", ["Model", "SystemCalls"]),
        layer(
            "Commands",
            [
                "Addressing", "JSON", "Model", "Manifest", "Firewall", "Git", "Planner", "Reachability", "Reconciler",
                "SystemCalls", argumentParser,
            ]),
        .executableTarget(name: "bulkhead", dependencies: ["Commands"], swiftSettings: strict + speed),
        layer("TestSupport"),
        tests("AddressingTests", ["Addressing", "TestSupport"]),
        tests("ManifestTests", ["Addressing", "JSON", "Manifest", "Model", "TestSupport"]),
        tests("JSONTests", ["JSON"]),
        tests("SavedPlanTests", ["Addressing", "JSON", "Model", "Planner"]),
        tests("ExampleTests", ["TestSupport", "bulkhead"]),
        tests("HouseRulesTests", []),
        tests("DocumentationTests", ["Addressing", "Manifest", "Model", "TestSupport", "bulkhead"]),
        tests("UndoTests", ["Addressing", "Model", "Planner"]),
        tests(
            "PlannerTests",
            ["Addressing", "Commands", "Firewall", "JSON", "Manifest", "Model", "Planner", "TestSupport"]),
        tests("ApplyTests", ["TestSupport", "bulkhead"]),
        tests("FaultTests", ["TestSupport", "bulkhead"]),
        tests("PolicyTests", ["Addressing", "Manifest", "Model", "Reachability", "TestSupport"]),
        tests("ObserverTests", ["Firewall", "JSON", "Model", "NetlinkCodec", "Reconciler"]),
        tests("InputTests", ["TestSupport", "bulkhead"]),
        tests("TraceTests", ["TestSupport", "bulkhead"]),
        tests("VerifyTests", ["TestSupport", "bulkhead"]),
        tests("NetlinkTests", ["Addressing", "NetlinkClient", "NetlinkCodec", "SystemCalls", "TestSupport"]),
        tests("DriftTests", ["TestSupport", "bulkhead"]),
        tests("ConfirmTests", ["TestSupport", "bulkhead"], hasTools: true),
        tests("HistoryTests", ["Model", "Reconciler", "TestSupport", "bulkhead"]),
        tests("OperationsTests", ["TestSupport", "bulkhead"]),
        tests(
            "ReconcileTests", ["Git", "JSON", "Model", "Reconciler", "SystemCalls", "TestSupport", "bulkhead"],
            hasTools: true),
        tests("WatchTests", ["NetlinkCodec", "Reconciler", "TestSupport", "bulkhead"]),
        tests("NetworkTests", ["TestSupport", "bulkhead"], hasTools: true),
        tests("MachineTests", ["TestSupport", "bulkhead"], hasTools: true),
        tests("EnforcementTests", ["TestSupport", "bulkhead"], hasTools: true),
        tests(
            "DifferentialTests", ["Addressing", "Manifest", "Model", "Reachability", "TestSupport", "bulkhead"],
            hasTools: true),
    ]
)

// Fuzzing needs every module instrumented, so it has a build folder and a switch of its own; see Fuzz/run.
if Context.environment["BULKHEAD_FUZZ"] != nil {
    let fuzzers: [(name: String, dependencies: [Target.Dependency])] = [
        ("Manifest", ["Manifest", "Model"]), ("Netlink", ["NetlinkCodec"]),
    ]
    for fuzzer in fuzzers {
        package.targets.append(
            .executableTarget(
                name: "Fuzz\(fuzzer.name)", dependencies: fuzzer.dependencies, path: "Fuzz/\(fuzzer.name)",
                swiftSettings: [.unsafeFlags(["-parse-as-library"])],
                linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
    }
}

// The pure parts without a kernel, in a release build with the package's own types; see Benchmarks/Plans.
if Context.environment["BULKHEAD_BENCHMARK"] != nil {
    package.targets.append(
        .executableTarget(
            name: "PlanBenchmark",
            dependencies: ["Addressing", "Firewall", "Manifest", "Model", "NetlinkCodec", "Planner"],
            path: "Benchmarks/Plans",
            swiftSettings: strict))
}
