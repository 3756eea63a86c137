// swift-tools-version: 6.2
import PackageDescription

// Modules and the arrows between them: ARCHITECTURE.md. `scripts/check` builds with
// --explicit-target-dependency-import-check=error, so an undeclared import fails the build.
let package = Package(
    name: "sendonce",
    products: [.executable(name: "sendonce", targets: ["SendOnce"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CCares", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CShim"),
        .target(name: "CTLS", dependencies: ["COpenSSL"]),
        // libcurl's headers alone: it is opened when it is first used.
        .target(name: "CCurl"),

        .target(name: "Wire"),
        .target(
            name: "NodeProbe", exclude: ["README.md", "package.json", "src"],
            resources: [.embedInCode("sendonce-probe.cjs")]),
        .target(name: "HTTP1", dependencies: ["Wire", "Facts"]),
        .target(name: "HTTP2", dependencies: ["Wire", "CNghttp2"]),
        .target(name: "Facts", dependencies: ["Wire"]),
        .target(name: "Detector", dependencies: ["Wire", "Facts"]),
        .target(name: "Traces"),
        .target(name: "JSON"),
        .target(name: "Explanations", dependencies: ["Detector"]),
        .target(name: "Report", dependencies: ["Wire", "Facts", "Detector", "CShim"]),
        .target(name: "Capture", dependencies: ["Wire", "HTTP1", "Detector", "Report", "Traces"]),
        .target(name: "Names", dependencies: ["EventLoop", "CCares"]),
        .target(name: "Routing", dependencies: ["Wire", "CPCRE2"]),
        .target(name: "Configuration", dependencies: ["Wire", "Detector", "Routing", "CYaml"]),
        .target(name: "EventLoop", dependencies: ["Wire", "CShim"]),
        .target(name: "Simulation", dependencies: ["Wire", "EventLoop", "CShim"]),
        .target(name: "TLS", dependencies: ["Wire", "COpenSSL", "CTLS"]),
        .target(
            name: "Proxy",
            dependencies: [
                "Wire", "HTTP1", "HTTP2", "Facts", "Detector", "Report", "Routing", "Configuration", "EventLoop", "Names",
                "Capture",
                "TLS", "CShim",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "Replay",
            dependencies: [
                "Wire", "HTTP1", "HTTP2", "Detector", "Report", "Configuration", "EventLoop", "Simulation", "Proxy", "Traces",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "Records", dependencies: ["JSON", "Detector", "Configuration"]),
        .target(
            name: "Tail",
            dependencies: ["JSON", "Records", "Detector", "Configuration", "Explanations", "CShim", "CPCRE2", "CZlib"]),
        .target(name: "Gate", dependencies: ["JSON", "Records", "Report", "Detector", "Explanations"]),
        .target(name: "ProbeReports", dependencies: ["Detector", "JSON", "Report", "CShim"]),
        .target(
            name: "Admin", dependencies: ["Wire", "Report", "Detector", "Explanations", "JSON", "CShim"], exclude: ["Page"]),
        .target(name: "OTLP", dependencies: ["JSON", "Records", "Report", "CCurl", "CZlib"]),
        .executableTarget(
            name: "SendOnce",
            dependencies: [
                "Wire", "HTTP1", "Facts", "Detector", "Report", "Configuration", "EventLoop", "Proxy", "Admin", "CShim",
                "Capture",
                "Explanations", "Traces", "Replay", "Records", "Tail", "Gate", "NodeProbe", "ProbeReports", "OTLP",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            // Where the scripts put libstdc++ as an archive, so that it goes into the program.
            linkerSettings: [.unsafeFlags(["-L.build/archives"])]),

        .target(name: "Chance", path: "Tests/Unit/Chance"),
        .target(name: "RecordedTraces", dependencies: ["Traces"], path: "Tests/Unit/RecordedTraces"),
        .testTarget(name: "OTLPTests", dependencies: ["OTLP", "JSON", "CZlib"], path: "Tests/Unit/OTLPTests"),
        .testTarget(name: "RoutingTests", dependencies: ["Routing", "Wire"], path: "Tests/Unit/RoutingTests"),
        .testTarget(name: "WireTests", dependencies: ["Wire", "Chance"], path: "Tests/Unit/WireTests"),
        .testTarget(name: "HTTP1Tests", dependencies: ["HTTP1", "Facts", "Wire", "Chance"], path: "Tests/Unit/HTTP1Tests"),
        .testTarget(
            name: "HTTP2Tests",
            dependencies: ["HTTP2", "Wire", "Facts", "Detector", "Traces", "RecordedTraces", "Chance", "CNghttp2"],
            path: "Tests/Unit/HTTP2Tests"),
        .testTarget(
            name: "DetectorTests", dependencies: ["Detector", "Facts", "HTTP1", "Wire", "Chance"],
            path: "Tests/Unit/DetectorTests"),
        .testTarget(
            name: "ExplanationsTests", dependencies: ["Explanations", "Detector"], path: "Tests/Unit/ExplanationsTests"),
        .testTarget(
            name: "TracesTests", dependencies: ["RecordedTraces", "Traces", "Detector"], path: "Tests/Unit/TracesTests"),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], path: "Tests/Unit/JSONTests"),
        .testTarget(name: "TailTests", dependencies: ["Tail", "Records", "JSON"], path: "Tests/Unit/TailTests"),
        .testTarget(name: "GateTests", dependencies: ["Gate", "Records", "JSON"], path: "Tests/Unit/GateTests"),
        .testTarget(
            name: "ReplayTests", dependencies: ["Replay", "RecordedTraces", "Report", "Traces"], path: "Tests/Unit/ReplayTests"),
        .testTarget(
            name: "ReportTests", dependencies: ["Report", "Detector", "Facts", "Wire"],
            path: "Tests/Unit/ReportTests", exclude: ["templates.tsv"]),
        .testTarget(
            name: "CaptureTests", dependencies: ["Capture", "Detector", "Report", "Traces", "Wire"],
            path: "Tests/Unit/CaptureTests"),
        .testTarget(
            name: "ProbeReportsTests", dependencies: ["ProbeReports", "Report", "CShim"], path: "Tests/Unit/ProbeReportsTests"),
        .testTarget(
            name: "AdminTests", dependencies: ["Admin", "Report", "Detector", "Chance", "CShim"],
            path: "Tests/Unit/AdminTests"),
        .testTarget(
            name: "ConfigurationTests", dependencies: ["Configuration", "Detector", "Wire"],
            path: "Tests/Unit/ConfigurationTests"),
        .testTarget(name: "EventLoopTests", dependencies: ["EventLoop", "Chance", "CShim"], path: "Tests/Unit/EventLoopTests"),
        // Worlds for the simulation, run by the tests in small numbers and by scripts/simulate in large ones.
        .target(name: "CPeerTLS", dependencies: ["COpenSSL"], path: "Tests/Simulation/CPeerTLS"),
        .target(
            name: "Worlds",
            dependencies: [
                "Proxy", "Names", "Simulation", "EventLoop", "Detector", "Report", "TLS", "Wire", "CNghttp2", "CPeerTLS",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Simulation/Worlds"),
        .executableTarget(
            name: "RunWorlds", dependencies: ["Worlds", "CPeerTLS", "Proxy", "Simulation"], path: "Tests/Simulation/RunWorlds"),
        .testTarget(
            name: "SimulationTests", dependencies: ["Simulation", "EventLoop", "CShim"], path: "Tests/Unit/SimulationTests"),
        .testTarget(
            name: "TLSTests", dependencies: ["TLS", "Wire", "COpenSSL", "CTLS", "CPeerTLS"], path: "Tests/Unit/TLSTests"),
        .target(name: "Nameserver", dependencies: ["Names", "EventLoop", "CShim"], path: "Tests/Unit/Nameserver"),
        .testTarget(
            name: "ProxyTests",
            dependencies: [
                "Proxy", "Names", "Nameserver", "Simulation", "Worlds", "EventLoop", "HTTP1", "HTTP2", "Detector", "Facts",
                "Report",
                "Configuration",
                "Chance",
                "CPeerTLS",
                "TLS",
                "Wire",
                "CShim",
                .product(name: "Logging", package: "swift-log"),
            ], path: "Tests/Unit/ProxyTests"),
    ]
)

// Modules in which the compiler holds every unsafe expression to be marked as one (SE-0458): docs/memory-safety.md.
let marked: Set = [
    "Admin", "Capture", "Configuration", "Detector", "EventLoop", "Facts", "Explanations", "HTTP1", "HTTP2", "JSON",
    "Names",
    "OTLP", "ProbeReports", "Records", "Report", "Routing", "TLS", "Traces", "Wire",
]
for target in package.targets where marked.contains(target.name) {
    target.swiftSettings = [.strictMemorySafety(), .treatWarning("StrictMemorySafety", as: .error)]
}

// libFuzzer's targets: scripts/fuzz builds them with the sanitizers that they need.
if Context.environment["SENDONCE_FUZZ"] != nil {
    package.targets += [
        .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Admin", "CFuzzer", "Configuration", "HTTP1", "HTTP2", "JSON", "Nameserver", "ProbeReports", "Proxy", "Records",
                "Replay",
                "Tail", "Traces",
                "Wire",
            ],
            path: "Tests/Fuzz/Fuzz"),
    ]
    package.products.append(.executable(name: "fuzz", targets: ["fuzz"]))
}
