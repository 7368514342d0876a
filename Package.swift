// swift-tools-version: 6.2

import PackageDescription

// One set of rules for every target. _GNU_SOURCE is for CLinux and Glibc alike: see Sources/CLinux.
let rules: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"]),
]

let package = Package(
    name: "cloister",
    targets: [
        .systemLibrary(name: "CLinux"),
        .target(name: "Linux", dependencies: ["CLinux"], swiftSettings: rules),
        .target(name: "EventLoop", dependencies: ["CLinux", "Linux"], swiftSettings: rules),
        .target(name: "JSON", swiftSettings: rules),
        .target(name: "MCP", dependencies: ["JSON"], swiftSettings: rules),
        .target(
            name: "Tools", dependencies: ["CLinux", "JSON", "Linux", "MCP"], swiftSettings: rules),
        .target(
            name: "Daemon",
            dependencies: ["CLinux", "EventLoop", "JSON", "Linux", "MCP", "Tools"],
            swiftSettings: rules),
        .target(name: "Bridge", dependencies: ["JSON", "Linux", "MCP"], swiftSettings: rules),
        .executableTarget(
            name: "cloisterd", dependencies: ["Daemon", "Tools"], swiftSettings: rules),
        .executableTarget(
            name: "cloister-bridge", dependencies: ["Bridge"], swiftSettings: rules,
            linkerSettings: [.unsafeFlags(["-static-executable"])]),
        .executableTarget(
            name: "fixture-daemon", dependencies: ["Daemon", "EventLoop", "JSON", "MCP", "Tools"],
            path: "Tests/Fixtures/fixture-daemon", swiftSettings: rules),
    ]
)
