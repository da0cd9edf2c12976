import Foundation
import TestSupport
import Testing

@Suite("What lies in the folders is treated as the contract says, whatever it is called and whoever put it there")
struct SpoolRulesTests {
  private static let text = #"{"channel":"text","to":"+12125550100","body":"hi"}"#

  /// As above for one of several messages.
  private static func text(_ number: Int) -> String {
    #"{"channel":"text","to":"+1212555010\#(number)","body":"hi"}"#
  }

  // MARK: Names

  @Test("A file's name is bytes: any is sent, and kept to done/")
  func oddNames() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      let names: [[UInt8]] = [
        Array("with spaces and 'quotes' \"\"".utf8), Array("two\nlines".utf8), [0xFF, 0xFE, 0x80], Array("-rf".utf8),
        Array(repeating: UInt8(ascii: "n"), count: 255), Array("\u{1B}[31mred".utf8), Array("预报.json".utf8), [0x01],
        Array("back\\slash\\x41".utf8),
      ]
      for (number, name) in names.enumerated() { try station.spool.drop(bytes: name, Self.text(number)) }
      let swept = try await station.sweep("--verbose")
      #expect(swept["done"] == names.count)
      #expect(!swept.stderr.utf8.contains(0x1B), "no name speaks to a terminal")
      #expect(try station.accepted().count == names.count)
      let dropped = Set(names)
      let kept = try entries(of: station.spool["done"])
      #expect(Set(kept) == dropped)
    }
  }

  private func entries(of folder: String) throws -> [[UInt8]] {
    guard let stream = opendir(folder) else { throw POSIXError(.ENOENT) }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
    }
    return names
  }

  @Test("A taken name gets ~2, ~3; nothing is overwritten, even where there is no room for them")
  func collisions() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      let long = String(repeating: "x", count: 255)
      for number in 0..<3 {
        try station.spool.drop("a", Self.text(number))
        try station.spool.drop(long, Self.text(number + 3))
        try await station.sweep()
      }
      #expect(station.spool.names(in: "done").filter { $0.hasPrefix("a") } == ["a", "a~2", "a~3"])
      #expect(station.spool.names(in: "done").count == 6)
      #expect(try station.accepted().count == 6)
    }
  }

  @Test(
    "Hidden files and those that editors and careful producers have in the making are left alone, and not mentioned")
  func ignored() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      let names = [".hidden", "a.tmp", "a.part", "a~"]
      for name in names { try station.spool.drop(name, Self.text) }
      let swept = try await station.sweep()
      #expect(swept["claimed"] == 0 && swept["left"] == 0 && swept.stderr.isEmpty)
      #expect(station.spool.names(in: "new") == names.sorted())
    }
  }

  // MARK: Kinds

  @Test("Links, pipes, folders and sockets are never followed, opened or moved, and are reported")
  func oddKinds() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      let new = station.spool["new"]
      try Self.text.write(toFile: "\(station.spool.path)/secret", atomically: true, encoding: .utf8)
      try FileManager.default.createSymbolicLink(atPath: "\(new)/link", withDestinationPath: "../secret")
      try FileManager.default.createSymbolicLink(atPath: "\(new)/dangling", withDestinationPath: "nowhere")
      #expect(mkfifo("\(new)/fifo", 0o666) == 0)
      try FileManager.default.createDirectory(atPath: "\(new)/folder", withIntermediateDirectories: false)
      try station.spool.drop("plain", Self.text)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["done"] == 1 && swept["left"] == 4)
      #expect(station.spool.names(in: "new") == ["dangling", "fifo", "folder", "link"])
      for name in ["dangling", "fifo", "folder", "link"] { #expect(swept.stderr.contains(name)) }
      #expect(try station.spool.bytes("secret") == Array(Self.text.utf8))
    }
  }

  @Test(
    "A file with a second hard link waits, is reported once it is older than a minute, and goes when the link is gone")
  func hardLinks() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", Self.text)
      #expect(link("\(station.spool["new"])/a", "\(station.spool["tmp"])/a") == 0)
      let young = try await station.sweep()
      #expect(young["claimed"] == 0 && young["left"] == 1 && young.stderr.isEmpty)
      try station.spool.age("new/a", seconds: 70)
      let old = try await station.sweep()
      #expect(old["left"] == 1 && old.stderr.contains("hard link"))
      try FileManager.default.removeItem(atPath: "\(station.spool["tmp"])/a")
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["+12125550100": 1])
    }
  }

  // MARK: Writers

  @Test("A careless producer that writes straight into new/ gets five seconds to finish")
  func carelessWriter() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      let half = String(Self.text.prefix(20))
      try station.spool.drop("a", half)
      try station.spool.drop("empty", "")
      let swept = try await station.sweep()
      #expect(swept["left"] == 2 && swept["invalid"] == 0 && swept.stderr.isEmpty)
      #expect(try station.spool.bytes("new/a") == Array(half.utf8))
      try station.spool.drop("a", Self.text)
      #expect(try await station.sweep()["done"] == 1)
      try station.spool.age("new/empty", seconds: 6)
      #expect(try await station.sweep()["invalid"] == 1)
    }
  }

  @Test("A byte order mark, space around and null fields are tolerated, and kept")
  func tolerated() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      let message =
        "\u{FEFF}\n\t {\"channel\":\"text\",\"to\":\"+12125550100\",\"body\":\"hi\",\"title\":null,\"send_at\":null,\"options\":null} \r\n\n"
      try station.spool.drop("a", message)
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.spool.history("done/a", of: message).count == 1)
    }
  }

  @Test("Many lines of history do not make a message too large")
  func longHistory() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()], "max_message_bytes: 1024")
      let due = Int(Date().timeIntervalSince1970) + 3600
      let message = #"{"channel":"text","to":"+12125550100","body":"hi","send_at":\#(due)}"#
      try station.spool.drop("a", message)
      for _ in 0..<20 {
        #expect(try await station.sweep()["deferred"] == 1)
        try station.spool.letDeferredFallDue()
      }
      #expect(try station.spool.history("deferred/a", of: message).count == 20)
    }
  }

  // MARK: Other users

  private static let isRoot = geteuid() == 0 && find(program: "setpriv") != nil

  @Test(
    "Another user's file is sent from an own copy where it may be read, and reported with the remedy where not",
    .enabled(if: isRoot, "only root can drop files as other users (and setpriv must be there)"))
  func foreignFiles() async throws {
    let sweeper = "12345"
    try await withStation { station in
      try station.configure(["text": .twilio()])
      for folder in TemporarySpool.folders + ["."] { chown("\(station.spool.path)/\(folder)", 12345, 12345) }
      chown("\(station.spool.path)/config.json", 12345, 12345)
      for (number, mode) in [0o644, 0o600].enumerated() {
        try station.spool.drop("m\(number)", Self.text(number))
        chmod("\(station.spool["new"])/m\(number)", mode_t(mode))
      }
      let user = ["setpriv", "--reuid", sweeper, "--regid", sweeper, "--clear-groups"]
      guard try await run(user[0], Array(user[1...]) + [station.program, "version"]).status == 0 else {
        Issue.record("the built program cannot be run by another user here", severity: .warning)
        return
      }
      let swept = try await station.sweep(under: user)
      #expect(swept.status == 0 && swept["done"] == 1 && swept["left"] == 1, "\(swept.stderr)")
      #expect(swept.stderr.contains("m1") && swept.stderr.contains("umask"))
      #expect(try station.spool.bytes("new/m1") == Array(Self.text(1).utf8))
      let history = try station.spool.history("done/m0", of: Self.text(0))
      #expect(history.count == 1)
      var status = stat()
      #expect(stat("\(station.spool["done"])/m0", &status) == 0 && status.st_uid == 12345)
      #expect(station.spool.names(in: "tmp").isEmpty && station.spool.names(in: "new") == ["m1"])
    }
  }

  @Test(
    "A claimed file that got a second hard link after a kill is not sent again while it cannot be settled",
    .disabled(if: Injection.isMissing, "no strace"))
  func linkAfterKill() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      let message = #"{"channel":"push","to":"UID_a","body":"hi"}"#
      try station.spool.drop("a", message)
      try await station.sweep(under: Injection.strace("write", "signal=KILL", when: "1"))
      let claimed = try #require(station.spool.names(in: "cur").first)
      #expect(try station.accepted() == ["UID_a": 1])
      // A backup that links instead of copying.
      #expect(link("\(station.spool["cur"])/\(claimed)", "\(station.spool.path)/backup") == 0)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept.stderr.contains("hard link"))
      #expect(station.spool.names(in: "cur") == [claimed])
      unlink("\(station.spool.path)/backup")
      try await station.sweepToTheEnd()
      #expect(try station.accepted() == ["UID_a": 1])
      #expect(station.spool.folders(of: "a") != ["new"])
    }
  }
}
