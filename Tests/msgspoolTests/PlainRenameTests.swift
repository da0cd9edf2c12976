import Foundation
import TestSupport
import Testing

@Suite(
  "File systems whose rename knows no flags (NFS, 9p, some FUSE)",
  .disabled(if: Injection.isMissing, "strace is missing"))
struct PlainRenameTests {
  /// The program runs under strace, which lets renames and perhaps links fail as such a file system does.
  private static func wrapper(_ error: String, links: String? = nil) -> [String] {
    let linking = links.map { ["-e", "inject=linkat:error=\($0)"] } ?? []
    return ["strace", "-f", "-o", "/dev/null", "-e", "trace=renameat2,linkat"] + [
      "-e", "inject=renameat2:error=\(error)",
    ]
      + linking
  }

  @Test("a spool is made, and messages go their whole way", arguments: ["EINVAL", "ENOSYS"])
  func wholeWay(error: String) async throws {
    try await withStation(faults: ["recipient:to=UID_bad"]) { original in
      var station = original
      station.wrapper = Self.wrapper(error)
      rmdir(station.spool["failed"])
      #expect(try await station.run("init").status == 0)
      try station.configure(["push": .wxpusher()], "default_channel: \"push\"")
      for to in ["UID_1", "UID_bad"] {
        #expect(try await station.run("send", ["--to", to, "hi"]).status == 0)
      }
      try station.spool.drop("later", #"{"to":"UID_2","body":"x","send_at":"2099-01-01T00:00:00Z"}"#)
      // Another of that name is done already, and stays what it is.
      try station.spool.drop("taken", #"{"to":"UID_3","body":"x"}"#)
      try Data("old".utf8).write(to: URL(filePath: "\(station.spool["done"])/taken"))
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["done"] == 2 && swept["failed"] == 1 && swept["deferred"] == 1)
      #expect(station.spool.names(in: "deferred") == ["later"] && station.spool.names(in: "new") == [])
      #expect(station.spool.names(in: "done").filter { $0.hasPrefix("taken") } == ["taken", "taken~2"])
      #expect(try station.spool.bytes("done/taken") == Array("old".utf8))
      #expect(try await station.run("retry", ["--all"]).status == 0)
      #expect(station.spool.names(in: "new").count == 1 && station.spool.names(in: "failed") == [])
      #expect(try await station.run("check").status == 1, "the file without history")
    }
  }

  @Test("where links are not known either, it is refused with what to do, and nothing is sent")
  func refused() async throws {
    try await withStation { original in
      var station = original
      try station.configure(["push": .wxpusher()], "default_channel: \"push\"")
      try station.spool.drop("m", #"{"to":"UID_1","body":"x"}"#)
      station.wrapper = Self.wrapper("EINVAL", links: "EPERM")
      let swept = try await station.sweep()
      #expect([73, 74].contains(swept.status), "\(swept.stderr)")
      #expect(swept.stderr.contains("keep the spool on another"), "\(swept.stderr)")
      #expect(try station.calls().isEmpty && station.spool.names(in: "new") == ["m"])
    }
  }

  @Test("sweepers at the same time claim each message once")
  func together() async throws {
    try await withStation { original in
      var station = original
      try station.configure(["push": .wxpusher()], "default_channel: \"push\"")
      for number in 0..<60 { try station.spool.drop("m\(number)", #"{"to":"UID_\#(number)","body":"x"}"#) }
      station.wrapper = Self.wrapper("EINVAL")
      let ready = station
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 { group.addTask { _ = try await ready.sweep() } }
        try await group.waitForAll()
      }
      try await station.sweepToTheEnd()
      #expect(try station.accepted().count == 60 && station.accepted().values.allSatisfy { $0 == 1 })
      #expect(station.spool.names(in: "done").count == 60)
    }
  }
}
