import Foundation
import TestSupport
import Testing

@Suite("What make install puts there is whole, and what make uninstall leaves is nothing")
struct PackagingTests {
  private static let root = Repository.root.path

  /// Into a folder of the yard's, with the program that was built for the tests.
  private func make(_ target: String, _ yard: Yard) async throws {
    let program = try #require(builtProgram())
    let ran = try await run(
      "make", ["-C", Self.root, target, "DESTDIR=\(yard.root)/root", "BINARY=\(program)"], timeout: patience)
    #expect(ran.status == 0, "\(ran.stderr)")
  }

  @Test("Examples lie beside each other as in the package, and what somebody put there stays")
  func examples() async throws {
    let yard = try Yard()
    try await make("install", yard)
    let folder = yard.root + "/root/usr/local/share/doc/msgspool/examples"
    for (source, name) in [("Producers", "producers"), ("Examples", "programs"), ("Monitoring", "monitoring")] {
      let files = try FileManager.default.subpathsOfDirectory(atPath: "\(Self.root)/Sources/Extras/\(source)")
      #expect(!files.isEmpty)
      for file in files {
        #expect(
          FileManager.default.contentsEqual(
            atPath: "\(Self.root)/Sources/Extras/\(source)/\(file)", andPath: "\(folder)/\(name)/\(file)"), "\(file)")
      }
    }
    #expect(FileManager.default.fileExists(atPath: "\(folder)/systemd/exec.conf"))
    let configuration = try String(contentsOfFile: "\(folder)/config.json", encoding: .utf8)
    #expect(configuration.contains("default_channel"))
    let help = try await run("sh", ["\(folder)/programs/weather-alert.sh", "--help"], timeout: patience)
    #expect(help.status == 0 && help.stdout.contains("--latitude"), "\(help.stderr)")
    try "mine".write(toFile: "\(folder)/programs/mine.sh", atomically: false, encoding: .utf8)
    try await make("uninstall", yard)
    let left = try FileManager.default.subpathsOfDirectory(atPath: folder)
    #expect(left.sorted() == ["programs", "programs/mine.sh"], "\(left)")
  }

  @Test("Program, manual, units and the bridges that the documentation names")
  func install() async throws {
    let yard = try Yard()
    try await make("install", yard)
    let root = yard.root + "/root"
    for place in [
      "bin/msgspool", "share/msgspool/bridges/apprise-bridge.py", "share/msgspool/bridges/itchat-bridge.py",
    ] {
      #expect(access("\(root)/usr/local/\(place)", X_OK) == 0, "\(place)")
    }
    for unit in ["msgspool.service", "msgspool-sweep.service"] {
      let text = try String(contentsOfFile: "\(root)/usr/local/lib/systemd/system/\(unit)", encoding: .utf8)
      #expect(
        text.contains("\nEnvironmentFile=-/etc/default/msgspool\n")
          && text.contains("\nEnvironmentFile=-/etc/msgspool/env\n")
          && text.contains("LoadCredential=NAME:/etc/msgspool"))
      #expect(!text.contains("@BINDIR@") && !text.contains("@CONFDIR@"))
    }
    for bridge in ["apprise-bridge.py", "itchat-bridge.py"] {
      let text = try String(contentsOfFile: "\(Self.root)/Sources/Extras/Bridges/\(bridge)", encoding: .utf8)
      #expect(text.contains("\"/usr/local/share/msgspool/bridges/\(bridge)\""))
    }
    try await make("uninstall", yard)
    let left = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    #expect(!left.contains { $0.contains("msgspool") }, "\(left)")
  }

  @Test(
    "What a unit may do is little (systemd-analyze security: 1.1, where 1.5 was asked for)",
    .disabled(if: find(program: "systemd-analyze") == nil, "no systemd-analyze"),
    arguments: ["msgspool.service", "msgspool-sweep.service"])
  func exposure(unit: String) async throws {
    let yard = try Yard()
    try await make("install", yard)
    let path = "\(yard.root)/root/usr/local/lib/systemd/system/\(unit)"
    let ran = try await run(
      "systemd-analyze", ["security", "--offline=true", "--threshold=12", "--no-pager", path], timeout: patience)
    #expect(ran.status == 0, "\(ran.stdout.split(separator: "\n").last ?? "")\(ran.stderr)")
  }
}
