// swift-tools-version: 6.2
import PackageDescription

// One package, no package dependencies. The targets are walls: each C library has exactly one user,
// decisions (Core, Providers) never meet the disk or the network, and the sandbox never meets the providers.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny")]
// Files import whose members they use, so that what the test of the walls reads is all there is.
let visible: [SwiftSetting] = [.enableUpcomingFeature("MemberImportVisibility")]

/// - Parameter meetsC: the target uses types of Glibc's which a module of C's brings along as well. The compiler takes either
///   for their owner, another one in release builds, and would ask for its import. The program is such a target, too.
func wall(_ name: String, uses dependencies: [Target.Dependency] = [], meetsC: Bool = false) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict + (meetsC ? [] : visible))
}

func library(_ name: String, pkgConfig: String, debian: String) -> Target {
  .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}

func tests(of name: String, uses dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name), "TestSupport"] + dependencies, swiftSettings: strict)
}

let package = Package(
  name: "msgspool",
  products: [.executable(name: "msgspool", targets: ["msgspool"])],
  targets: [
    library("CCrypto", pkgConfig: "libcrypto", debian: "libssl-dev"),
    library("CIDN2", pkgConfig: "libidn2", debian: "libidn2-dev"),
    library("CSQLite", pkgConfig: "sqlite3", debian: "libsqlite3-dev"),
    library("CQREncode", pkgConfig: "libqrencode", debian: "libqrencode-dev"),
    .systemLibrary(name: "CSystem", path: "Sources/C/CSystem"),
    // Opened at the first use, so that nothing is linked (Sources/C/lazy.h).
    .systemLibrary(name: "CCurl", path: "Sources/C/CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CMicrohttpd", path: "Sources/C/CMicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),

    wall("Core"),
    wall("Digests", uses: ["CCrypto"]),
    wall("Signing", uses: ["Digests"]),
    wall("Domains", uses: ["CIDN2"]),
    wall("QRCodes", uses: ["CQREncode"]),
    wall("Providers", uses: ["Core", "Digests", "Domains", "Signing"]),
    wall("Configuring", uses: ["Core"]),
    wall("Spooling", uses: ["Core", "CSystem"], meetsC: true),
    wall("Ledger", uses: ["Core"]),
    wall("SQLiteLedger", uses: ["Core", "Ledger", "CSQLite"]),
    wall("Letters", uses: ["Core"]),
    wall("Threading"),
    wall("Transports", uses: ["Core", "Domains", "Threading", "CCurl", "CSystem"], meetsC: true),
    wall("Sweeping", uses: ["Core", "Spooling", "Ledger", "Threading"]),
    wall("Inspecting", uses: ["Core", "Spooling", "Ledger", "Sweeping"]),
    wall("Sandbox", uses: ["CMicrohttpd", "Digests"]),
    .executableTarget(
      name: "msgspool",
      dependencies: [
        "Core", "Providers", "Configuring", "Spooling", "Ledger", "SQLiteLedger", "Threading", "Transports", "Sweeping",
        "Inspecting", "Letters", "Sandbox", "QRCodes",
      ],
      swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["Core", "Spooling"], path: "Tests/TestSupport", swiftSettings: strict),
    tests(of: "Core"),
    tests(of: "Digests"),
    tests(of: "Signing", uses: ["Core"]),
    tests(of: "Domains"),
    tests(of: "QRCodes"),
    tests(of: "Providers", uses: ["Core", "Digests", "Signing", "Sweeping"]),
    tests(of: "Configuring", uses: ["Core", "Providers"]),
    tests(of: "Spooling", uses: ["Core"]),
    tests(of: "Ledger", uses: ["Core"]),
    tests(of: "SQLiteLedger", uses: ["Core", "Ledger"]),
    tests(of: "Letters", uses: ["Core"]),
    tests(of: "Threading"),
    tests(of: "Transports", uses: ["Core"]),
    tests(of: "Sweeping", uses: ["Core", "Spooling", "Ledger", "SQLiteLedger", "Threading"]),
    tests(of: "Inspecting", uses: ["Core"]),
    tests(of: "Sandbox", uses: ["Digests"]),
    tests(of: "msgspool", uses: ["Core", "Providers", "Sandbox"]),
  ],
  swiftLanguageModes: [.v6]
)
