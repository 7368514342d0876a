// swift-tools-version: 6.2

import PackageDescription

// Tests/Fuzz/run.sh asks for the fuzzers, and that everything they run be instrumented.
let isFuzzing = Context.environment["CLOISTER_FUZZ"] == "1"
let instrumentation = isFuzzing ? ["-sanitize=fuzzer,address"] : []

// One set of rules for every target. _GNU_SOURCE is for CLinux and Glibc alike: see Sources/CLinux.
let rules: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"]),
    // Small types cross module borders on the hot path: wrappers of the kernel's words, spans, closures.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
    .unsafeFlags(instrumentation),
]

let package = Package(
    name: "cloister",
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(
            name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .target(name: "Linux", dependencies: ["CLinux"], swiftSettings: rules),
        .target(
            name: "Seccomp", dependencies: ["CLinux", "CSeccomp", "Linux"], swiftSettings: rules),
        .target(name: "EventLoop", dependencies: ["CLinux", "Linux"], swiftSettings: rules),
        .systemLibrary(
            name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .target(
            name: "Bus", dependencies: ["CSystemd", "EventLoop", "Linux"], swiftSettings: rules),
        .target(name: "CommandLine", swiftSettings: rules),
        .target(name: "Patterns", swiftSettings: rules),
        .target(name: "Cells", dependencies: ["CommandLine", "Patterns"], swiftSettings: rules),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "YAML", dependencies: ["CYAML"], swiftSettings: rules),
        .target(name: "Policy", dependencies: ["Cells", "Patterns", "YAML"], swiftSettings: rules),
        .target(name: "PolicyFiles", dependencies: ["Linux", "Policy"], swiftSettings: rules),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .target(name: "Diff", swiftSettings: rules),
        .target(
            name: "CellWork", dependencies: ["CLinux", "CPCRE2", "Cells", "Diff", "Linux"],
            swiftSettings: rules),
        .target(name: "CellSetup", dependencies: ["Cells", "Linux"], swiftSettings: rules),
        .target(
            name: "CellServer", dependencies: ["CellSetup", "CellWork", "Cells", "Linux"],
            swiftSettings: rules),
        .target(
            name: "Celld", dependencies: ["CellSetup", "Cells", "CommandLine", "Linux", "Seccomp"],
            swiftSettings: rules),
        .target(name: "JSON", swiftSettings: rules),
        .target(name: "MCP", dependencies: ["JSON"], swiftSettings: rules),
        .target(name: "Applications", dependencies: ["JSON", "YAML"], swiftSettings: rules),
        .systemLibrary(name: "CNettle", pkgConfig: "hogweed", providers: [.apt(["nettle-dev"])]),
        .target(
            name: "Audit", dependencies: ["CNettle", "JSON", "Linux"], swiftSettings: rules),
        .target(
            name: "Tools", dependencies: ["CLinux", "Cells", "JSON", "Linux", "MCP"], swiftSettings: rules),
        .target(
            name: "Daemon",
            dependencies: [
                "Audit", "Bus", "CLinux", "CNettle", "Cells", "CommandLine", "EventLoop", "JSON", "Linux",
                "MCP", "Patterns", "Policy", "PolicyFiles", "Tools",
            ],
            swiftSettings: rules),
        .target(
            name: "Bridge", dependencies: ["CommandLine", "JSON", "Linux", "MCP"],
            swiftSettings: rules),
        .target(
            name: "Ctl",
            dependencies: [
                "Applications", "Audit", "Bridge", "Bus", "CommandLine", "Diff", "JSON", "Linux", "Policy",
                "PolicyFiles",
            ],
            swiftSettings: rules),
        .executableTarget(name: "cloisterctl", dependencies: ["Ctl"], swiftSettings: rules),
        .executableTarget(
            name: "cloisterd", dependencies: ["Daemon", "Tools"], swiftSettings: rules),
        .executableTarget(
            name: "cloister-authorize", dependencies: ["Bus", "Cells", "EventLoop", "Linux"],
            swiftSettings: rules),
        .executableTarget(
            name: "cloister-busid", dependencies: ["Bus", "Cells", "Linux"], swiftSettings: rules),
        .executableTarget(name: "cloister-celld", dependencies: ["Celld"], swiftSettings: rules),
        .executableTarget(
            name: "cloister-cell", dependencies: ["CellServer"], swiftSettings: rules,
            linkerSettings: [.unsafeFlags(["-static-executable", "-use-ld=lld"])]),
        .executableTarget(
            name: "cloister-bridge", dependencies: ["Bridge"], swiftSettings: rules,
            linkerSettings: [.unsafeFlags(["-static-executable", "-use-ld=lld"])]),
        .executableTarget(
            name: "transcript", dependencies: ["JSON", "Linux", "MCP"],
            path: "examples/transcript", swiftSettings: rules),

        // Programs that tests and benchmarks run.
        .executableTarget(
            name: "fixture-daemon", dependencies: ["Daemon", "EventLoop", "JSON", "MCP", "Tools"],
            path: "Tests/Fixtures/fixture-daemon", swiftSettings: rules),
        .systemLibrary(name: "CProbes", path: "Tests/Fixtures/CProbes"),
        .executableTarget(
            name: "walled", dependencies: ["CLinux", "CProbes", "Linux", "Seccomp"],
            path: "Tests/Fixtures/walled", swiftSettings: rules),
        .executableTarget(
            name: "audit-writer", dependencies: ["Audit", "Linux"],
            path: "Tests/Fixtures/audit-writer", swiftSettings: rules),
        .executableTarget(
            name: "policy-bench", dependencies: ["Linux", "Policy"], path: "Tests/Bench/policy-bench",
            swiftSettings: rules),
        .executableTarget(
            name: "forward-bench", dependencies: ["JSON", "Linux"],
            path: "Tests/Bench/forward-bench", swiftSettings: rules),

        // What a fuzzer feeds; the unit tests replay its corpora.
        .target(
            name: "FuzzTargets", dependencies: ["Audit", "Cells", "JSON", "MCP", "Patterns", "Policy"],
            path: "Tests/Fuzz/Targets",
            swiftSettings: rules),
        .target(
            name: "TestSupport", dependencies: ["EventLoop", "JSON", "Linux", "MCP"], path: "Tests/Support",
            swiftSettings: rules),
        unitTests(of: "CommandLine"),
        unitTests(of: "JSON", with: ["FuzzTargets"]),
        unitTests(of: "Patterns"),
        unitTests(of: "Policy", with: ["Cells", "Patterns", "YAML"]),
        unitTests(of: "PolicyFiles", with: ["Linux", "Policy"]),
        unitTests(of: "Cells", with: ["FuzzTargets"]),
        unitTests(of: "CellWork", with: ["Cells", "Diff", "Linux"]),
        unitTests(of: "Linux"),
        unitTests(of: "Seccomp", with: ["Linux"]),
        unitTests(of: "EventLoop", with: ["Linux"]),
        unitTests(of: "Bus", with: ["CSystemd", "EventLoop", "Linux"]),
        unitTests(of: "MCP", with: ["FuzzTargets", "JSON"]),
        unitTests(of: "Tools", with: ["Cells", "JSON", "MCP"]),
        unitTests(
            of: "Daemon",
            with: [
                "Audit", "Bus", "CSystemd", "Cells", "CommandLine", "EventLoop", "JSON", "Linux", "MCP",
                "Policy", "PolicyFiles", "Tools",
            ]),
        unitTests(of: "Audit", with: ["FuzzTargets", "JSON", "Linux"]),
        unitTests(of: "Applications"),
        unitTests(of: "Ctl", with: ["Applications", "Audit", "CommandLine", "JSON", "Linux"]),
        unitTests(of: "Bridge", with: ["CommandLine", "JSON", "Linux", "MCP"]),
        .testTarget(
            name: "IntegrationTests", dependencies: ["Audit", "JSON", "Linux", "TestSupport"],
            path: "Tests/Integration", swiftSettings: rules),
    ]
)

if isFuzzing {
    package.targets += ["fuzz-json", "fuzz-session", "fuzz-cells", "fuzz-audit", "fuzz-policy"].map(fuzzer)
}

func fuzzer(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Drivers/\(name)",
        linkerSettings: [.unsafeFlags(instrumentation)])
}

func unitTests(of target: String, with others: [String] = []) -> Target {
    .testTarget(
        name: "\(target)Tests",
        dependencies: [.init(stringLiteral: target), "TestSupport"]
            + others.map { .init(stringLiteral: $0) },
        path: "Tests/Unit/\(target)Tests", swiftSettings: rules)
}
