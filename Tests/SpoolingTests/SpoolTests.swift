import Core
import Foundation
import Spooling
import TestSupport
import Testing

@Suite struct SpoolTests {
  // MARK: Making

  @Test func makingASpoolMakesAllFoldersAndMakingItAgainChangesNothing() throws {
    let folder = try ScratchFolder()
    try Spool.make(folder.path("a/b/spool"))
    #expect(try folder.names("a/b/spool") == ["cur", "deferred", "done", "failed", "new", "tmp"])
    try folder.write("{}", to: "a/b/spool/new/x")
    chmod(folder.path("a/b/spool/new"), 0o700)
    try Spool.make(folder.path("a/b/spool/"))
    #expect(folder.exists("a/b/spool/new/x"))
    var status = stat()
    #expect(stat(folder.path("a/b/spool/new"), &status) == 0 && status.st_mode & 0o777 == 0o700)
  }

  @Test func missingFoldersAreMadeAgain() throws {
    let spool = try UnitSpool()
    rmdir(spool.spool.path(.deferred))
    try Spool.make(spool.spool.path)
    #expect(throws: Never.self) { try Spool(spool.spool.path) }
  }

  @Test func producersCanReachTmpAndNewAlone() throws {
    let folder = try ScratchFolder()
    try Spool.make(folder.path("spool"))
    for name in Folder.required {
      var status = stat()
      #expect(stat(folder.path("spool/\(name.rawValue)"), &status) == 0)
      #expect((status.st_mode & 0o005 != 0) == [.tmp, .new].contains(name), "\(name)")
    }
  }

  @Test func aFileInTheWayIsAFault() throws {
    let folder = try ScratchFolder()
    try folder.write("", to: "spool")
    #expect(throws: SystemFault.self) { try Spool.make(folder.path("spool")) }
    #expect(throws: SystemFault.self) { try Spool.make(folder.path("spool/deeper")) }
  }

  @Test func aFolderThatIsNoSpoolIsNamedWithTheRemedy() throws {
    let folder = try ScratchFolder()
    do throws(SpoolFault) {
      _ = try Spool(folder.path)
      Issue.record("no fault")
    } catch {
      #expect(error.message.contains("tmp/") && error.message.contains(folder.path) && error.hint.contains("init"))
    }
    #expect(throws: SpoolFault.self) { try Spool(folder.path("missing")) }
  }

  @Test func aLinkInPlaceOfAFolderIsNotFollowed() throws {
    let spool = try UnitSpool()
    rmdir(spool.spool.path(.new))
    symlink(spool.spool.path(.done), spool.spool.path(.new))
    #expect(throws: SpoolFault.self) { try Spool(spool.spool.path) }
  }

  // MARK: Moving

  private func move(_ name: FileName, _ spool: UnitSpool, from: Folder = .new, to: Folder = .done) throws -> FileName? {
    try Spool.move(name, from: spool.spool.descriptor(from), to: spool.spool.descriptor(to), path: spool.spool.path(to))
  }

  @Test func aFileKeepsItsName() throws {
    let spool = try UnitSpool()
    try spool.write("one", to: "x")
    #expect(try move(FileName("x"), spool) == FileName("x"))
    #expect(try spool.names(.new).isEmpty && spool.text("x", in: .done) == "one")
  }

  @Test func aTakenNameIsNumberedAndNothingIsOverwritten() throws {
    let spool = try UnitSpool()
    for text in ["one", "two", "three"] {
      try spool.write(text, to: "x")
      _ = try move(FileName("x"), spool)
    }
    #expect(try spool.names(.done) == ["x", "x~2", "x~3"])
    #expect(try ["x", "x~2", "x~3"].map { try spool.text($0, in: .done) } == ["one", "two", "three"])
  }

  @Test func aNumberedNameIsNumberedAgain() throws {
    let spool = try UnitSpool()
    for text in ["one", "two"] {
      try spool.write(text, to: "x~2")
      _ = try move(FileName("x~2"), spool)
    }
    #expect(try spool.names(.done) == ["x~2", "x~2~2"])
  }

  @Test(arguments: [253, 254, 255]) func theLongestNamesFindAPlaceToo(length: Int) throws {
    let spool = try UnitSpool()
    let name = FileName(bytes: Array(repeating: UInt8(ascii: "n"), count: length))
    var names: Set<FileName> = []
    for index in 0..<12 {
      try spool.write(Array("\(index)".utf8), to: name)
      names.insert(try #require(try move(name, spool)))
    }
    #expect(names.count == 12 && names.contains(name))
    #expect(try spool.names(.done).count == 12 && spool.names(.new).isEmpty)
  }

  @Test func theLongestNamesThatDifferOnlyAtTheirEndsDoNotMeet() throws {
    let spool = try UnitSpool()
    for end in ["a", "b", "a", "b", "a"] {
      let name = FileName(String(repeating: "n", count: 254) + end)
      try spool.write(Array(end.utf8), to: name)
      _ = try move(name, spool)
    }
    #expect(try spool.names(.done).count == 5)
  }

  @Test func aFileThatIsGoneIsNobodysFault() throws {
    let spool = try UnitSpool()
    #expect(try move(FileName("missing"), spool) == nil)
    try spool.write("", to: "x", in: .done)
    #expect(try move(FileName("x"), spool) == nil)
  }

  @Test func aTargetFolderThatIsGoneIsAFault() throws {
    let spool = try UnitSpool()
    try spool.write("", to: "x")
    rmdir(spool.spool.path(.done))
    #expect(throws: SystemFault.self) { try move(FileName("x"), spool) }
    #expect(try spool.names(.new) == ["x"])
  }

  @Test func ofTwoWhoMoveAFileOneGetsIt() async throws {
    let spool = try UnitSpool()
    for index in 0..<200 { try spool.write("\(index)", to: "m\(index)") }
    let winners = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<200).count { (try? self.move(FileName("m\($0)"), spool)) != .some(nil) }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(winners == 200)
    #expect(try spool.names(.done).count == 200)
  }

  // MARK: Listing

  @Test func aLargeFolderIsListedWholeAndOnce() throws {
    let spool = try UnitSpool()
    let long = String(repeating: "n", count: 200)
    for index in 0..<3000 {
      close(openat(spool.spool.descriptor(.tmp), "\(long)\(index)", O_WRONLY | O_CREAT, 0o600))
    }
    var names: Set<FileName> = []
    var count = 0
    var listing = try spool.spool.list(.tmp)
    while let entry = try listing.next() {
      names.insert(entry.name)
      count += 1
    }
    #expect(count == 3000 && names.count == 3000)
  }

  @Test func everyNameAndKindIsListed() throws {
    let spool = try UnitSpool()
    let odd = FileName(bytes: [0xFF, 0x0A, 0x20])
    try spool.write([], to: odd)
    try spool.write("", to: ".hidden")
    mkdir(spool.path(.new, "folder"), 0o700)
    symlink("/", spool.path(.new, "link"))
    mkfifo(spool.path(.new, "fifo"), 0o600)
    var kinds: [String: Listing.Entry.Kind] = [:]
    var listing = try spool.spool.list(.new)
    while let entry = try listing.next() { kinds[entry.name.display] = entry.kind }
    #expect(kinds == ["\\xff\\x0a ": .file, ".hidden": .file, "folder": .folder, "link": .other, "fifo": .other])
  }

  @Test func twoListingsDoNotShareTheirPlace() throws {
    let spool = try UnitSpool()
    for index in 0..<3 { try spool.write("", to: "x\(index)") }
    var one = try spool.spool.list(.new)
    _ = try one.next()
    #expect(try spool.names(.new).count == 3)
    #expect(try one.next() != nil)
  }

  // MARK: Dropping

  @Test(arguments: [1, 4, 5, 50]) func droppedMessagesAreInNewAndTmpIsEmpty(count: Int) throws {
    let spool = try UnitSpool()
    let bytes = (0..<count).map { Array("{\"body\":\"\($0)\"}".utf8) }
    let names = try spool.spool.drop(bytes) { FileName("m\($0)") }
    #expect(names.map(\.display) == (0..<count).map { "m\($0)" })
    #expect(try spool.names(.tmp).isEmpty && spool.names(.new).count == count)
    #expect(try spool.text("m0", in: .new) == "{\"body\":\"0\"}")
  }

  @Test func aNameTakenInNewIsNumbered() throws {
    let spool = try UnitSpool()
    try spool.write("other", to: "m")
    #expect(try spool.spool.drop([[]]) { _ in FileName("m") }.map(\.display) == ["m~2"])
    #expect(try spool.text("m", in: .new) == "other")
  }

  @Test func whenOneCannotBeWrittenNoneIsDropped() throws {
    let spool = try UnitSpool()
    try spool.write("someone else's", to: "m1", in: .tmp)
    #expect(throws: DropFault.self) { try spool.spool.drop([[], [], []]) { FileName("m\($0)") } }
    #expect(try spool.names(.new).isEmpty)
    #expect(try spool.names(.tmp) == ["m1"] && spool.text("m1", in: .tmp) == "someone else's")
  }

  @Test func whenOneCannotBeMovedTheOthersAreTakenBack() throws {
    let spool = try UnitSpool()
    try spool.write("someone else's", to: "m0")
    #expect(throws: DropFault.self) {
      try spool.spool.drop([[], [], []]) { index in
        // The second one's file is lost before it can be moved.
        if index == 2 { unlink(spool.path(.tmp, "m1")) }
        return FileName("m\(index)")
      }
    }
    #expect(try spool.names(.new) == ["m0"] && spool.text("m0", in: .new) == "someone else's")
    #expect(try spool.names(.tmp).isEmpty)
  }

  @Test func aNameCannotLeadOutOfTheSpool() throws {
    let spool = try UnitSpool()
    symlink(spool.folder.path("outside"), spool.path(.tmp, "m"))
    #expect(throws: DropFault.self) { try spool.spool.drop([Array("x".utf8)]) { _ in FileName("m") } }
    #expect(!spool.folder.exists("outside"))
  }

  // MARK: Peeking

  @Test func peekingTellsWhatAFileIs() throws {
    let spool = try UnitSpool()
    try spool.write("{\"body\":\"x\"}", to: "good")
    try spool.write("{\"body\":1}\n\(line)", to: "bad")
    symlink("good", spool.path(.new, "link"))
    mkfifo(spool.path(.new, "fifo"), 0o600)
    mkdir(spool.path(.new, "folder"), 0o700)
    func peek(_ name: String) -> Peek? { spool.spool.peek(FileName(name), in: .new, limit: 1000) }
    guard case .message(let file)? = peek("good") else { Issue.record("good"); return }
    #expect(file.message.body == "x")
    guard case .invalid(let fault, let remains)? = peek("bad") else { Issue.record("bad"); return }
    #expect(fault.message.contains("body") && remains.lines.count == 1 && remains.isWhole)
    for name in ["link", "fifo", "folder"] {
      guard case .odd? = peek(name) else { Issue.record("\(name): \(String(describing: peek(name)))"); continue }
    }
    #expect(peek("missing") == nil)
  }

  @Test func whatBeginsAMessageMayBeUnfinishedForAMoment() throws {
    let spool = try UnitSpool()
    func mayBeUnfinished(_ text: String, in folder: Folder = .new, age: Double = 1) throws -> Bool {
      let name = try spool.write(text, to: "m", in: folder, age: age)
      let facts = try FileFacts(of: name, in: spool.spool.descriptor(folder))
      guard case .invalid(_, let remains)? = spool.spool.peek(name, in: folder, limit: 1000) else { return false }
      return remains.mayBeUnfinished(in: folder, facts, now: Date())
    }
    #expect(try mayBeUnfinished("{\"to\":"))
    #expect(try !mayBeUnfinished("{\"to\":", age: 6))
    #expect(try !mayBeUnfinished("{\"to\":", in: .deferred))
    #expect(try !mayBeUnfinished("{\"tu\":1}"))
  }

  @Test func whatGoesBackGoesToTheFolderThatHasTheNameNow() throws {
    let spool = try UnitSpool()
    let name = try spool.write("{}", to: "m")
    let sweep = try SweepFolder.begin("s", in: spool.spool)
    try spool.claim(name, into: sweep)
    #expect(spool.spool.isInPlace)
    try FileManager.default.moveItem(atPath: spool.spool.path(.new), toPath: spool.folder.path("aside"))
    #expect(!spool.spool.isInPlace && spool.spool.isInPlace(.done))
    #expect(throws: SystemFault.self) { try sweep.put(name, into: .new) }
    mkdir(spool.spool.path(.new), 0o755)
    #expect(!spool.spool.isInPlace)
    #expect(try sweep.put(name, into: .new) == name)
    #expect(FileManager.default.fileExists(atPath: spool.path(.new, "m")))
    #expect(try sweep.isEmpty())
  }

  private let line = "{\"msgspool\":1,\"at\":\"2026-11-22T09:00:00.000Z\",\"state\":\"failed\",\"attempt\":1}\n"

  @Test func theStatesHaveTheirFolders() {
    let folders = MessageState.allCases.map { SpoolLayout.folder(of: $0) }
    #expect(folders == [.done, .done, .deferred, .failed, .failed, .failed, .failed])
  }
}

extension Peek? {
  fileprivate static func == (peek: Peek?, none: _OptionalNilComparisonType) -> Bool {
    if case .none = peek { true } else { false }
  }
}

@Suite struct SweepFolderTests {
  @Test func whatASweeperHoldsNobodyElseCanTake() throws {
    let spool = try UnitSpool()
    let folder = try SweepFolder.begin("sweep-1", in: spool.spool)
    #expect(try SweepFolder.take("sweep-1", in: spool.spool) == nil)
    #expect(try spool.names(.cur) == ["sweep-1"])
    withExtendedLifetime(folder) {}
  }

  @Test func theLockVanishesWithItsHolder() throws {
    let spool = try UnitSpool()
    do { _ = try SweepFolder.begin("sweep-1", in: spool.spool) }
    #expect(try SweepFolder.take("sweep-1", in: spool.spool) != nil)
  }

  @Test func anotherProcessSeesTheLockToo() async throws {
    let spool = try UnitSpool()
    let flock = try #require(find(program: "flock"), "util-linux is part of every Debian")
    let path = spool.spool.path(.cur) + "/sweep-1"
    do {
      let folder = try SweepFolder.begin("sweep-1", in: spool.spool)
      #expect(try await run(flock, ["--nonblock", path, "true"]).status != 0)
      withExtendedLifetime(folder) {}
    }
    #expect(try await run(flock, ["--nonblock", path, "true"]).status == 0)
  }

  @Test func anEmptyFolderGoesAndAFullOneStays() throws {
    let spool = try UnitSpool()
    let one = try SweepFolder.begin("sweep-1", in: spool.spool)
    let two = try SweepFolder.begin("sweep-2", in: spool.spool)
    try spool.claim(try spool.write("{}", to: "x"), into: two)
    one.end()
    two.end()
    #expect(try spool.names(.cur) == ["sweep-2"])
  }

  @Test func whatIsNoFolderIsNotTaken() throws {
    let spool = try UnitSpool()
    try spool.write("", to: "file", in: .cur)
    symlink(spool.spool.path(.new), spool.path(.cur, "link"))
    for name in ["file", "link", "missing"] { #expect(try SweepFolder.take(name, in: spool.spool) == nil, "\(name)") }
  }

  @Test func aFolderLeftEmptyUnderTheSameNameIsTakenOver() throws {
    let spool = try UnitSpool()
    mkdir(spool.path(.cur, "sweep-1"), 0o700)
    #expect(throws: Never.self) { try SweepFolder.begin("sweep-1", in: spool.spool) }
  }

  @Test func nobodyButItsOwnerMayLookIntoASweep() throws {
    let spool = try UnitSpool()
    let folder = try SweepFolder.begin("sweep-1", in: spool.spool)
    #expect(try Syscalls.status(folder.descriptor, path: "").st_mode & 0o007 == 0)
  }
}
