import Foundation
import Spooling
import TestSupport
import Testing

/// What a move leaves that was cut short between its two steps, and how the next one ends it.
@Suite struct RenamingTests {
  private func retry(_ name: String, _ spool: UnitSpool) throws -> String? {
    try Spool.move(
      FileName(name), from: spool.spool.descriptor(.failed), to: spool.spool.descriptor(.new),
      path: spool.spool.path(.new))?.display
  }

  @Test func aMoveThatWasCutShortIsFinishedByTheNext() throws {
    let spool = try UnitSpool()
    try spool.write("one", to: "m", in: .failed)
    link(spool.path(.failed, "m"), spool.path(.new, "m"))
    #expect(try retry("m", spool) == "m")
    #expect(try spool.names(.failed).isEmpty && spool.names(.new) == ["m"] && spool.text("m", in: .new) == "one")
  }

  @Test func alsoUnderTheNumberThatItGot() throws {
    let spool = try UnitSpool()
    try spool.write("one", to: "m", in: .failed)
    try spool.write("other", to: "m", in: .new)
    link(spool.path(.failed, "m"), spool.path(.new, "m~2"))
    #expect(try retry("m", spool) == "m~2")
    #expect(try spool.names(.failed).isEmpty && spool.names(.new) == ["m", "m~2"])
    #expect(try spool.text("m", in: .new) == "other")
  }

  @Test func anEqualFileIsAnotherFile() throws {
    let spool = try UnitSpool()
    for folder in [Folder.failed, .new] { try spool.write("one", to: "m", in: folder) }
    #expect(try retry("m", spool) == "m~2")
    #expect(try spool.names(.new) == ["m", "m~2"])
  }

  @Test func theTwinOfAFileIsFoundByItsInode() throws {
    let spool = try UnitSpool()
    try spool.write("one", to: "m", in: .failed)
    try spool.write("two", to: "m", in: .done)
    let facts = try FileFacts(of: FileName("m"), in: spool.spool.descriptor(.failed))
    func twin() -> String? {
      spool.spool.twin(of: FileName("m"), facts, in: [.new, .done]).map { "\($0.folder)/\($0.name.display)" }
    }
    #expect(twin() == nil)
    link(spool.path(.failed, "m"), spool.path(.done, "m~3"))
    #expect(twin() == "done/m~3")
  }

  @Test func aFilesIdentityIsItsInodeAndItsName() throws {
    let spool = try UnitSpool()
    let folder = try SweepFolder.begin("sweep", in: spool.spool)
    func identity(_ name: FileName) throws -> UInt64? {
      try spool.claim(name, into: folder)
      var reader = ClaimReader(folder, limit: 1000)
      let claim = try reader.read(name, from: .new, now: Date())
      _ = try Spool.move(
        name, from: folder.descriptor, to: spool.spool.descriptor(.new), path: spool.spool.path(.new))
      guard case .message(let file, _) = claim else { return nil }
      return file.identity
    }
    let first = try #require(try identity(spool.write("{\"body\":\"x\"}", to: "m")))
    #expect(try identity(FileName("m")) == first)
    rename(spool.path(.new, "m"), spool.path(.new, "n"))
    #expect(try identity(FileName("n")) != first)
  }
}
