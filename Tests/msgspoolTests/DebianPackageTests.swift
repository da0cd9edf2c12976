import Foundation
import TestSupport
import Testing

/// The package of the program that was built for the tests, which stands in for the one that would be released. All
/// tests share one, since it takes a while, and it stays in the build folder.
private enum DebianPackage {
  static let missing = ["dpkg-buildpackage", "dh_builddeb", "make"].first { find(program: $0) == nil }
  static let root = Repository.root.path
  private static let folder = "\(root)/.build/deb-of-tests"
  private static let made = Task { try await make(in: folder) }

  static var path: String { get async throws { try await made.value } }

  private static func make(in folder: String) async throws -> String {
    let program = try #require(builtProgram())
    // Packed quickly rather than small.
    let quickly = ["DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1"]
    let ran = try await run(
      "make", ["-s", "-C", root, "deb", "BINARY=\(program)", "DEBDIR=\(folder)"],
      env: ProcessInfo.processInfo.environment.merging(quickly) { $1 }, timeout: patience)
    try #require(ran.status == 0, "\(ran.stdout)\(ran.stderr)")
    return try #require(ran.stdout.split(separator: "\n").last.map(String.init))
  }

  /// The same package under a lower version, to be upgraded from.
  static func older() async throws -> String {
    let older = "\(folder)/older.deb"
    let ran = try await run(
      "sh",
      [
        "-ec",
        #"""
        rm -rf "$2.d" && dpkg-deb -R "$1" "$2.d"
        sed -i 's/^Version: .*/Version: 0.0.1~older-1/' "$2.d/DEBIAN/control"
        dpkg-deb --root-owner-group -Zgzip -z1 -b "$2.d" "$2" && rm -rf "$2.d"
        """#, "sh", try await path, older,
      ], timeout: patience)
    try #require(ran.status == 0, "\(ran.stderr)")
    return older
  }

  static func field(_ name: String) async throws -> String {
    try await run("dpkg-deb", ["-f", try await path, name]).stdout.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Path and mode of each entry, as `ls` writes the mode.
  static func entries() async throws -> [String: String] {
    let listing = try await run("dpkg-deb", ["-c", try await path], timeout: patience).stdout
    return listing.split(separator: "\n").reduce(into: [:]) { entries, line in
      let words = line.split(separator: " ")
      if let path = words.last, let mode = words.first { entries[String(path.dropFirst())] = String(mode) }
    }
  }
}

@Suite(
  "The Debian package holds what there is, runs nothing unasked, and never takes a message with it",
  .disabled(if: isSanitized, "a sanitized program is not for packing"),
  .disabled(if: DebianPackage.missing != nil, "needs \(DebianPackage.missing ?? "") (apt-get install debhelper)"))
struct DebianPackageTests {
  @Test("Program, manual, completions, units, user and spool, bridges and examples are where Debian has them")
  func contents() async throws {
    let entries = try await DebianPackage.entries()
    let documents = "/usr/share/doc/msgspool"
    let files = [
      "/usr/share/man/man1/msgspool.1.gz", "/usr/share/man/man5/msgspool.5.gz",
      "/usr/share/man/man5/msgspool.conf.5.gz",
      "/usr/share/bash-completion/completions/msgspool", "/usr/share/zsh/vendor-completions/_msgspool",
      "/usr/share/fish/vendor_completions.d/msgspool.fish", "/usr/lib/sysusers.d/msgspool.conf",
      "/usr/lib/tmpfiles.d/msgspool.conf", "/usr/share/msgspool/message.schema.json", "\(documents)/copyright",
      "\(documents)/changelog.gz", "\(documents)/changelog.Debian.gz", "\(documents)/README.Debian",
      "\(documents)/README.md", "\(documents)/contract.md", "\(documents)/providers/wxpusher.md",
      "\(documents)/examples/config.json", "\(documents)/examples/systemd/exec.conf",
      "\(documents)/examples/producers/drop.c", "\(documents)/examples/monitoring/alerts.yml",
    ]
    for file in files { #expect(entries[file] == "-rw-r--r--", "\(file)") }
    for program in [
      "bin/msgspool", "share/msgspool/bridges/apprise-bridge.py", "share/msgspool/bridges/itchat-bridge.py",
    ] {
      #expect(entries["/usr/\(program)"] == "-rwxr-xr-x", "\(program)")
    }
    for unit in ["msgspool.service", "msgspool-sweep.service", "msgspool-sweep.timer"] {
      #expect(entries.keys.contains { $0.hasSuffix("/systemd/system/\(unit)") }, "\(unit)")
    }
  }

  @Test("It asks for the libraries that the program is linked against, or opens by name")
  func dependencies() async throws {
    let depends = try await DebianPackage.field("Depends")
    for library in ["libcurl4", "libidn2-0", "libmicrohttpd12", "libsqlite3-0", "libssl3", "ca-certificates", "tzdata"]
    {
      #expect(depends.contains(library), "\(library) is not among: \(depends)")
    }
  }

  @Test("It has no configuration file, which dpkg would ask about, or which might hold a secret that all may read")
  func noConfiguration() async throws {
    let entries = try await DebianPackage.entries()
    #expect(entries.keys.filter { $0.hasPrefix("/etc/") && !$0.hasSuffix("/") }.isEmpty)
    #expect(entries["/etc/msgspool/"] == "drwxr-xr-x")
    #expect(!entries.keys.contains { $0.hasPrefix("/var/") })
  }

  @Test("What it says of places is true of the package: nothing lies in /usr/local")
  func places() async throws {
    let yard = try Yard()
    let unpacked = "\(yard.root)/unpacked"
    let ran = try await run("dpkg-deb", ["-x", try await DebianPackage.path, unpacked], timeout: patience)
    #expect(ran.status == 0, "\(ran.stderr)")
    let names = try FileManager.default.subpathsOfDirectory(atPath: unpacked)
    for name in names where name.hasSuffix(".py") || name.contains("systemd/system/msgspool") {
      let text = try String(contentsOfFile: "\(unpacked)/\(name)", encoding: .utf8)
      #expect(!text.contains("/usr/local/") && !text.contains("@BINDIR@") && !text.contains("@CONFDIR@"), "\(name)")
    }
    // Where a document points to another one, that one is there.
    let documents = "\(unpacked)/usr/share/doc/msgspool"
    let guide = try String(contentsOfFile: "\(documents)/README.md", encoding: .utf8)
    for match in guide.matches(of: /\]\(([^):#]+)\)/) where !["spool/README.md", "CONTRIBUTING.md"].contains(match.1) {
      let target = match.1.hasPrefix("/") ? "\(unpacked)\(match.1)" : "\(documents)/\(match.1)"
      // Tests stay with the sources.
      if match.1.hasPrefix("Tests/") { continue }
      #expect(FileManager.default.fileExists(atPath: target), "\(match.1)")
    }
  }

  @Test(
    "lintian has no error and no warning to tell",
    .disabled(if: find(program: "lintian") == nil, "needs lintian (apt-get install lintian)"))
  func lintian() async throws {
    // A program that was built for tests finds its libraries in the toolchain; a released one has them inside.
    let ran = try await run(
      "lintian",
      [
        "--allow-root", "--fail-on", "error,warning", "--suppress-tags", "custom-library-search-path",
        try await DebianPackage.path,
      ], timeout: patience)
    #expect(ran.status == 0, "\(ran.stdout)\(ran.stderr)")
    #expect(ran.stdout.isEmpty, "\(ran.stdout)")
  }

  /// Why the package can't be installed in a root of its own; nil when it can.
  private static let obstacle: String? = {
    let check = Process()
    let errors = Pipe()
    check.executableURL = Repository.file("Tests/Package/root.sh")
    check.arguments = ["--check"]
    check.standardError = errors
    do { try check.run() } catch { return "\(error)" }
    let said = (try? errors.fileHandleForReading.readToEnd()) ?? Data()
    check.waitUntilExit()
    return check.terminationStatus == 0 ? nil : String(decoding: said, as: UTF8.self)
  }()

  @Test(
    "Installed, used, upgraded, removed, purged: users, modes, services and messages are as they should be",
    .disabled(if: DebianPackageTests.obstacle != nil, "\(DebianPackageTests.obstacle ?? "")"))
  func life() async throws {
    let ran = try await run(
      Repository.file("Tests/Package/root.sh").path,
      [try await DebianPackage.older(), try await DebianPackage.path], timeout: patience)
    #expect(ran.status == 0, "\(ran.stdout)\(ran.stderr)")
    #expect(ran.stdout.hasSuffix("\nall is as claimed\n"), "\(ran.stdout)\(ran.stderr)")
    #expect(ran.stdout.split(separator: "\n").count { $0.hasPrefix("ok ") } > 40, "\(ran.stdout)")
  }
}
