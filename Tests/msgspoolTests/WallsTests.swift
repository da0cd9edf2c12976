import Foundation
import TestSupport
import Testing

/// What Package.swift says of the targets, read from its text: a manifest that has to be run takes the package's lock.
private struct Manifest {
  /// The repository's own modules that each target with Swift sources may import, by the folder of its sources.
  var targets: [String: Set<String>] = [:]
  var names: Set<String> = []
  var systemLibraries: Set<String> = []

  init(_ text: String) throws {
    let quoted = /"([^"]+)"/
    func names(_ list: Substring?) -> Set<String> {
      Set((list ?? "").matches(of: quoted).map { String($0.1) })
    }
    for match in text.matches(of: /\b(?:library\(|systemLibrary\(name: )"(\w+)"/) {
      systemLibraries.insert(String(match.1))
    }
    for match in text.matches(of: /\bwall\("(\w+)"(?:, uses: \[([^\]]*)\])?(?:, meetsC: true)?\)/) {
      targets["Sources/\(match.1)"] = names(match.2)
    }
    for match in text.matches(of: /\btests\(of: "(\w+)"(?:, uses: \[([^\]]*)\])?/) {
      targets["Tests/\(match.1)Tests"] = names(match.2).union([String(match.1), "TestSupport"])
    }
    for match in text.matches(of: /[tT]arget\(\s*name: "(\w+)",\s*dependencies: \[([^\]]*)\]/) {
      let folder = match.1 == "TestSupport" ? "Tests" : "Sources"
      targets["\(folder)/\(match.1)"] = names(match.2)
    }
    self.names = Set(targets.keys.map { String($0.drop { $0 != "/" }.dropFirst()) })
  }
}

/// The compiler looks at imports target by target and lets one through that another target's dependency brings along.
/// These look at all of them, `@testable` ones too.
@Suite("Walls: the imports of every target are what Package.swift declares")
struct WallsTests {
  private let manifest: Manifest
  /// The modules that each target's sources import.
  private let imports: [String: Set<String>]

  /// Swift's own. What msgspool links is one file without a library of Unicode tables: FoundationEssentials, not Foundation.
  private static let toolchain: Set = ["Dispatch", "FoundationEssentials", "Glibc", "Synchronization"]
  private static let toolchainOfTests = toolchain.union(["Foundation", "FoundationNetworking", "Testing"])

  init() throws {
    manifest = try Manifest(Repository.text("Package.swift"))
    let line = /(?m)^(?:@\w+(?:\(\w+\))? )*(?:(?:public|package|internal|fileprivate|private) )?import (?:\w+ )?(\w+)/
    var imports: [String: Set<String>] = [:]
    for folder in manifest.targets.keys {
      for file in try Repository.files(below: folder, ending: ".swift") {
        let modules = try Repository.text(file).matches(of: line).map { String($0.1) }
        imports[folder, default: []].formUnion(modules)
      }
    }
    self.imports = imports
  }

  @Test("Every folder with Swift sources is a target")
  func folders() throws {
    var folders: Set<String> = []
    for file in try Repository.files(below: "Sources", ending: ".swift")
      + Repository.files(below: "Tests", ending: ".swift")
    {
      folders.insert(file.split(separator: "/").prefix(2).joined(separator: "/"))
    }
    // The fuzzer is built by its script, with a compiler flag of its own.
    #expect(folders.subtracting(["Tests/Fuzz"]) == Set(manifest.targets.keys))
    #expect(
      manifest.targets.count > 20 && manifest.systemLibraries.count > 4, "Package.swift is written in another way")
  }

  @Test("A target imports what it declares, and declares nothing else")
  func declared() {
    for (folder, declared) in manifest.targets.sorted(by: { $0.key < $1.key }) {
      let own = (imports[folder] ?? []).intersection(manifest.names.union(manifest.systemLibraries))
      #expect(own.subtracting(declared) == [], "\(folder) imports what it does not declare")
      // Every test target may use the support that they share.
      #expect(
        declared.subtracting(own).subtracting(["TestSupport"]) == [], "\(folder) declares what it does not import")
    }
  }

  @Test("Everything else comes with Swift")
  func toolchain() {
    for (folder, modules) in imports.sorted(by: { $0.key < $1.key }) {
      let known = folder.hasPrefix("Tests/") ? Self.toolchainOfTests : Self.toolchain
      #expect(
        modules.subtracting(manifest.names).subtracting(manifest.systemLibraries).subtracting(known) == [], "\(folder)")
    }
  }

  @Test("Each system library has one user")
  func systemLibraries() {
    for library in manifest.systemLibraries.sorted() {
      let users = imports.filter { $0.value.contains(library) }.keys.sorted()
      // Calls that Swift cannot make itself, such as openat with its varying arguments: no library is behind it.
      #expect(
        library == "CSystem" ? users == ["Sources/Spooling", "Sources/Transports"] : users.count == 1,
        "\(library): \(users)")
    }
  }

  @Test("Decisions never meet the disk or the network, and the sandbox never meets what it checks")
  func layers() {
    for folder in ["Core", "Providers", "Signing", "Configuring", "Ledger"].map({ "Sources/\($0)" }) {
      let modules = imports[folder] ?? []
      #expect(
        modules.isDisjoint(with: ["Glibc", "CSystem", "Spooling", "Transports", "SQLiteLedger", "Sweeping"]),
        "\(folder)")
    }
    #expect((imports["Sources/Sandbox"] ?? []).isDisjoint(with: ["Core", "Providers", "Signing", "Transports"]))
  }
}
