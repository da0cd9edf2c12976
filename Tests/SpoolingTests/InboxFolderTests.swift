import Core
import Foundation
import Spooling
import TestSupport
import Testing

@Suite("The inbox")
struct InboxFolderTests {
  @Test("What was published is in new/ and files/, the rest of a killed receiver can be told apart")
  func leftovers() throws {
    let scratch = try TemporarySpool()
    let spool = try Spool(scratch.path)
    let inbox = try InboxFolder(spool)
    let (one, two, three) = (InboxFolder.stem("wx", "1"), InboxFolder.stem("wx", "2"), InboxFolder.stem("wx", "3"))
    for (stem, id) in [(one, "1"), (two, "2")] {
      try inbox.write(Array("x".utf8), file: "a.txt", of: stem)
      try inbox.write(Array("{\"id\":\"\(id)\"}".utf8), as: stem)
    }
    try inbox.write(Array("x".utf8), file: "a.txt", of: three)
    try inbox.write(Array("{\"id\":\"9\"}".utf8), as: InboxFolder.stem("wx.other", "9"))
    try inbox.write(Array("{\"id".utf8), as: InboxFolder.stem("wx", "torn"))
    try inbox.publish(one)
    let leftovers = try inbox.leftovers(of: "wx")
    #expect(
      Dictionary(uniqueKeysWithValues: leftovers.map { ($0.stem, $0.id) }) == [
        two: "2", three: nil, InboxFolder.stem("wx", "torn"): nil,
      ])
    for leftover in leftovers where leftover.id == nil { try inbox.discard(leftover.stem) }
    try inbox.publish(two)
    #expect(scratch.names(in: "inbox/new") == ["wx.1.json", "wx.2.json"])
    #expect(scratch.names(in: "inbox/files/wx.2") == ["a.txt"])
    #expect(scratch.names(in: "inbox/tmp") == ["wx%2Eother.9.json"])
    #expect(InboxFolder.count(in: spool) == 2)
  }

  @Test("It has the mode of new/")
  func mode() throws {
    let scratch = try TemporarySpool()
    chmod("\(scratch.path)/new", 0o2775 & 0o777)
    _ = try InboxFolder(try Spool(scratch.path))
    var status = stat()
    for folder in ["inbox", "inbox/new", "inbox/files"] {
      #expect(stat("\(scratch.path)/\(folder)", &status) == 0 && status.st_mode & 0o777 == 0o775, "\(folder)")
    }
  }

  @Test(
    "Names of files are made safe",
    arguments: [
      ("a.pdf", "a.pdf"), ("../../etc/passwd", "passwd"), ("..\\..\\a", "a"), (".bashrc", "bashrc"), ("...", "x"),
      ("", "x"), ("/", "x"), ("a\u{0}b\u{7}\n.txt", "ab.txt"), ("\u{202E}fdp.exe", "fdp.exe"), ("报告 1.pdf", "报告 1.pdf"),
      (" . hidden", "hidden"),
    ])
  func safe(name: String, safe: String) { #expect(SafeName.made(of: name, otherwise: "x") == safe) }

  @Test("Long names keep their ending, and equal ones get a number")
  func longAndEqual() {
    let long = SafeName.made(of: String(repeating: "字", count: 200) + ".pdf", otherwise: "x")
    #expect(long.utf8.count <= 180 && long.hasSuffix(".pdf"))
    #expect(SafeName.made(of: "a.b", otherwise: "x", taken: ["a.b"]) == "a-2.b")
  }
}

@Suite("Session files")
struct SessionFilesTests {
  private static let account = Account(
    provider: "wechat-ilink", name: "b", since: Date(timeIntervalSince1970: 1_800_000_000),
    own: .object([.init("t", .string("s"))]))

  private func files(_ scratch: TemporarySpool) -> SessionFiles {
    SessionFiles(spool: scratch.path, channel: "me", file: nil)
  }

  @Test("A session is written whole, for its owner alone, and read back")
  func roundTrip() throws {
    let scratch = try TemporarySpool()
    let files = files(scratch)
    #expect(try files.read() == nil)
    let book = ContactBook([.init(.friend, user: "@1", remark: "老张", own: .integer(1))], fetched: Self.account.since)
    try files.replace(Self.account, book)
    #expect(try files.read() == Self.account)
    #expect(files.contacts(of: Self.account) == book)
    #expect(scratch.names(in: "sessions").sorted() == ["me.json", "me.json.contacts"])
    var status = stat()
    #expect(stat("\(scratch.path)/sessions/me.json", &status) == 0 && status.st_mode & 0o777 == 0o600)
    var other = Self.account
    other.since += 1
    #expect(files.contacts(of: other) == nil, "another login's contacts are nobody's")
  }

  @Test("Ending a login leaves a newer one alone")
  func ending() throws {
    let scratch = try TemporarySpool()
    let files = files(scratch)
    try files.replace(Self.account, nil)
    var newer = Self.account
    newer.since += 1
    try files.write(newer)
    try files.end(Self.account.ended("over"))
    #expect(try files.read() == newer)
    try files.end(newer.ended("over"))
    #expect(try files.read() == newer.ended("over"))
  }

  @Test("What others may read, a link, and what is no session are refused")
  func refused() throws {
    let scratch = try TemporarySpool()
    let files = files(scratch)
    try files.write(Self.account)
    chmod(files.path, 0o640)
    #expect(throws: SessionFault.self) { try files.read() }
    chmod(files.path, 0o600)
    rename(files.path, files.path + ".real")
    symlink(files.path + ".real", files.path)
    #expect(throws: SessionFault.self) { try files.read() }
    unlink(files.path)
    try Data("{}".utf8).write(to: URL(filePath: files.path))
    chmod(files.path, 0o600)
    #expect(throws: SessionFault.self) { try files.read() }
  }

  @Test("Calls share their lock, whoever replaces the session waits for them")
  func locks() throws {
    let scratch = try TemporarySpool()
    let files = files(scratch)
    var calls = [try files.hold(.calls, shared: true), try files.hold(.calls, shared: true)]
    #expect(calls.allSatisfy { $0 != nil })
    #expect(try files.hold(.calls) == nil)
    calls.removeAll()
    let alone = try files.hold(.calls)
    #expect(alone != nil)
    #expect(try files.hold(.calls, shared: true) == nil)
    #expect(files.isHeld(.calls) && !files.isHeld(.receive))
  }
}
