import Core
import Foundation
import Spooling
import TestSupport
import Testing

/// A sweep's folder and the reader of what is claimed into it.
private struct Claiming {
  let spool: UnitSpool
  let folder: SweepFolder

  init() throws {
    spool = try UnitSpool()
    folder = try SweepFolder.begin("sweep-1", in: spool.spool)
  }

  /// Claims a file that is in new/ and reads it.
  func read(
    _ name: FileName, from origin: Folder = .new, limit: Int = 1 << 20, keepsOpen: Bool = true, now: Date = Date()
  ) throws -> Claim {
    try spool.claim(name, into: folder)
    var reader = ClaimReader(folder, limit: limit, keepsOpen: keepsOpen)
    return try reader.read(name, from: origin, now: now)
  }

  func read(_ text: String, age: Double = 60, limit: Int = 1 << 20) throws -> Claim {
    try read(try spool.write(text, to: "m", age: age), limit: limit)
  }
}

extension Claim {
  fileprivate var message: (file: ClaimedFile, content: MessageFile)? {
    if case .message(let file, let content) = self { (file, content) } else { nil }
  }

  fileprivate var fault: Fault? { if case .invalid(_, let fault) = self { fault } else { nil } }

  /// `left`, or `left: ` and what is to be reported.
  fileprivate var left: String? {
    guard case .left(_, let notice) = self else { return nil }
    return notice.map { "left: \($0)" } ?? "left"
  }
}

private let history =
  "{\"msgspool\":1,\"at\":\"2026-11-22T09:00:00.000Z\",\"state\":\"failed\",\"attempt\":1,\"results\":[]}\n"

/// Mounting, other users: only root can arrange these.
private let isRoot = geteuid() == 0

@Suite struct ClaimReaderTests {
  @Test func aMessageIsReadWithWhatItsFileIs() throws {
    let claiming = try Claiming()
    let name = try claiming.spool.write("{\"body\":\"x\"}", to: "m", age: 100)
    var status = stat()
    #expect(stat(claiming.spool.path(.new, "m"), &status) == 0)
    let (file, content) = try #require(try claiming.read(name).message)
    #expect(content.message.body == "x" && content.lines.isEmpty)
    #expect(file.name == name && file.origin == .new && file.size == 12 && !file.endsWithNewline)
    #expect(file.inode == UInt64(status.st_ino) && file.descriptor >= 0)
    #expect(abs(file.modified.timeIntervalSinceNow + 100) < 5)
  }

  @Test func withoutDescriptorsToSpareNoneIsKept() throws {
    let claiming = try Claiming()
    let name = try claiming.spool.write("{\"body\":\"x\"}\n", to: "m")
    let file = try #require(try claiming.read(name, keepsOpen: false).message).file
    #expect(file.descriptor == -1 && file.endsWithNewline)
  }

  // MARK: What is no message

  @Test(arguments: ["", "{", "{\"bdy\":1}", "not JSON", "[]"]) func oldRubbishIsInvalid(text: String) throws {
    #expect(try Claiming().read(text, age: 6).fault?.kind == .message)
  }

  @Test(arguments: ["", "{", "{\"bdy\":1"]) func whatACarelessProducerMayStillBeWritingIsLeft(text: String) throws {
    #expect(try Claiming().read(text, age: 1).left == "left")
  }

  @Test func aWholeObjectIsNotStillBeingWritten() throws {
    #expect(try Claiming().read("{\"bdy\":1}", age: 0).fault?.message.contains("body") == true)
  }

  @Test func freshRubbishThatCarriesHistoryIsNotLeft() throws {
    // Nobody is still writing it: a person moved it here.
    #expect(try Claiming().read("{\"bdy\":1}\n\(history)", age: 0).fault != nil)
  }

  @Test func onlyNewFilesAreGivenTime() throws {
    let claiming = try Claiming()
    let name = try claiming.spool.write("{", to: "m", age: 1)
    #expect(try claiming.read(name, from: .deferred).fault != nil)
  }

  @Test func aFreshMessageIsTakenAtOnce() throws {
    #expect(try Claiming().read("{\"body\":\"x\"}", age: 0).message != nil)
  }

  @Test func aFileFromTheFutureIsJudgedToo() throws {
    #expect(try Claiming().read("{", age: -3600).fault != nil)
  }

  // MARK: Size

  @Test func aLongHistoryMakesNoMessageTooLarge() throws {
    let lines = String(repeating: history, count: 100)
    let (file, content) = try #require(try Claiming().read("{\"body\":\"x\"}\n\(lines)", limit: 1024).message)
    #expect(content.lines.count == 100 && file.endsWithNewline)
  }

  @Test func aMessageOverTheLimitIsInvalid() throws {
    let text = "{\"body\":\"\(String(repeating: "x", count: 2000))\"}"
    #expect(try Claiming().read(text, limit: 1024).fault?.message.contains("max_message_bytes") == true)
  }

  @Test func aFileFarBeyondTheLimitIsInvalidWithoutBeingRead() throws {
    let claiming = try Claiming()
    let name = try claiming.spool.write("{\"body\":\"x\"}\n", to: "m")
    // A hole of a terabyte costs nothing on the disk; reading it would.
    #expect(truncate(claiming.spool.path(.new, "m"), 1 << 40) == 0)
    utimes(claiming.spool.path(.new, "m"), [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)])
    var claim: Claim?
    let seconds = try processorSeconds { claim = try claiming.read(name, limit: 1024) }
    #expect(claim?.fault?.message.contains("max_message_bytes") == true && seconds < 2)
  }

  @Test func oneReaderReadsLargeAndSmallFilesInAnyOrder() throws {
    let claiming = try Claiming()
    var reader = ClaimReader(claiming.folder, limit: 1 << 20)
    for (index, size) in [10, 500_000, 0, 70_000, 65_000, 900_000, 1].enumerated() {
      let body = String(repeating: "x", count: size)
      let name = try claiming.spool.write("{\"body\":\"\(body)\"}", to: "m\(index)")
      try claiming.spool.claim(name, into: claiming.folder)
      #expect(try reader.read(name, from: .new, now: Date()).message?.content.message.body == body)
    }
  }

  // MARK: What is no plain file

  @Test(.timeLimit(.minutes(1))) func whatIsNoPlainFileIsReportedAndNeverFollowedOrWaitedFor() throws {
    let claiming = try Claiming()
    let secret = try claiming.spool.folder.write("{\"body\":\"x\"}", to: "elsewhere")
    symlink(secret, claiming.folder.path + "/link")
    symlink("nowhere", claiming.folder.path + "/dangling")
    mkfifo(claiming.folder.path + "/fifo", 0o600)
    mkdir(claiming.folder.path + "/folder", 0o700)
    var reader = ClaimReader(claiming.folder, limit: 1000)
    for name in ["link", "dangling"] {
      #expect(
        try reader.read(FileName(name), from: .new, now: Date()).left?.contains("symbolic link") == true, "\(name)")
    }
    for name in ["fifo", "folder"] {
      #expect(
        try reader.read(FileName(name), from: .new, now: Date()).left?.contains("no plain file") == true, "\(name)")
    }
    #expect(try claiming.spool.folder.text("elsewhere") == "{\"body\":\"x\"}")
  }

  @Test func aFileThatIsGoneIsLeftWithoutAWord() throws {
    let claiming = try Claiming()
    var reader = ClaimReader(claiming.folder, limit: 1000)
    #expect(try reader.read(FileName("missing"), from: .new, now: Date()).left == "left")
  }

  @Test func aSecondLinkIsGivenAMinuteAndThenReported() throws {
    let claiming = try Claiming()
    let name = try claiming.spool.write("{\"body\":\"x\"}", to: "m", age: 0)
    link(claiming.spool.path(.new, "m"), claiming.spool.path(.tmp, "m"))
    try claiming.spool.claim(name, into: claiming.folder)
    var reader = ClaimReader(claiming.folder, limit: 1000)
    #expect(try reader.read(name, from: .new, now: Date()).left == "left")
    #expect(try reader.read(name, from: .new, now: Date() + 59).left == "left")
    #expect(try reader.read(name, from: .new, now: Date() + 70).left?.contains("second hard link") == true)
    unlink(claiming.spool.path(.tmp, "m"))
    #expect(try reader.read(name, from: .new, now: Date()).message != nil)
  }

  // MARK: Other users' files

  @Test(.enabled(if: isRoot, "only root can become another user"))
  func aFileThatMayBeReadAndNotWrittenIsReplacedByOurCopy() throws {
    let claiming = try foreign(mode: 0o644)
    var before = stat()
    #expect(stat(claiming.folder.path + "/m", &before) == 0)
    var status = stat()
    try asNobody { () throws in
      var reader = ClaimReader(claiming.folder, limit: 1000)
      let (file, content) = try #require(try reader.read(FileName("m"), from: .new, now: Date()).message)
      #expect(content.message.body == "x" && file.descriptor >= 0)
      #expect(abs(file.modified.timeIntervalSinceNow + 3600) < 60, "it is as old as it was")
      #expect(fstatat(claiming.folder.descriptor, "m", &status, 0) == 0)
      #expect(UInt64(status.st_ino) == file.inode && status.st_ino != before.st_ino && status.st_uid == 65534)
      #expect(status.st_mode & 0o007 == 0)
    }
    var names: [String] = []
    var listing = try claiming.folder.list()
    while let entry = try listing.next() { names.append(entry.name.display) }
    #expect(names == ["m"])
  }

  @Test(.enabled(if: isRoot, "only root can become another user"))
  func aFileThatMayNotBeReadIsLeftWithTheRemedy() throws {
    let claiming = try foreign(mode: 0o600)
    try asNobody { () throws in
      var reader = ClaimReader(claiming.folder, limit: 1000)
      #expect(try reader.read(FileName("m"), from: .new, now: Date()).left?.contains("umask 022") == true)
    }
  }

  @Test(.enabled(if: isRoot, "only root can become another user"))
  func whatElseIsWrongWithAnothersFileIsSaidAsItIs() throws {
    let linked = try foreign(mode: 0o644)
    link(linked.folder.path + "/m", linked.spool.path(.tmp, "m"))
    let huge = try foreign(mode: 0o644)
    truncate(huge.folder.path + "/m", 1 << 40)
    let fifo = try foreign(mode: 0o644)
    unlink(fifo.folder.path + "/m")
    mkfifo(fifo.folder.path + "/m", 0o644)
    try asNobody { () throws in
      func left(_ claiming: Claiming) throws -> String? {
        var reader = ClaimReader(claiming.folder, limit: 1000)
        return try reader.read(FileName("m"), from: .new, now: Date()).left
      }
      #expect(try left(linked)?.contains("second hard link") == true)
      #expect(try left(huge)?.contains("max_message_bytes") == true)
      #expect(try left(fifo)?.contains("no plain file") == true)
    }
  }

  /// A file of root's in the folder of a sweeper that is somebody else.
  private func foreign(mode: mode_t) throws -> Claiming {
    let claiming = try Claiming()
    try claiming.spool.claim(
      try claiming.spool.write("{\"body\":\"x\"}", to: "m", age: 3600), into: claiming.folder)
    chmod(claiming.folder.path + "/m", mode)
    chown(claiming.folder.path, 65534, 65534)
    return claiming
  }

  /// Runs `body` as the user nobody, as far as files are concerned, on this thread alone.
  private func asNobody(_ body: () throws -> Void) throws {
    typealias SetFileUser = @convention(c) (UInt32) -> Int32
    // Not in Glibc's module.
    let symbol = try #require(dlsym(nil, "setfsuid"))
    let setFileUser = unsafeBitCast(symbol, to: SetFileUser.self)
    _ = setFileUser(65534)
    defer { _ = setFileUser(0) }
    try body()
  }
}

@Suite struct SettlerTests {
  private let at = moment("2026-11-22T09:00:00Z")

  private func claim(_ text: String, _ claiming: Claiming, name: String = "m") throws -> ClaimedFile {
    try #require(try claiming.read(try claiming.spool.write(text, to: name)).message).file
  }

  private func line(_ state: MessageState, due: Date? = nil) -> HistoryLine {
    HistoryLine(at: at, state: state, attempt: 1, due: due)
  }

  @Test(arguments: MessageState.allCases) func aSettledMessageIsWhereItsStateBelongs(state: MessageState) throws {
    let claiming = try Claiming()
    let file = try claim("{\"body\":\"x\"}\n", claiming)
    var settler = Settler(claiming.folder)
    try settler.settle([Settlement(file, line(state, due: state == .deferred ? at : nil))])
    let target = SpoolLayout.folder(of: state)
    let text = try claiming.spool.text("m", in: target)
    #expect(text.hasPrefix("{\"body\":\"x\"}\n{\"msgspool\":1,") && text.hasSuffix("}\n"))
    #expect(try MessageFile(text: text).lines.map(\.state) == [state])
  }

  @Test(arguments: ["", "\n", " \n", "\r\n", "\n\n", " "]) func theProducersBytesStayAndALineBeginsOnALineOfItsOwn(
    end: String
  ) throws {
    let claiming = try Claiming()
    let dropped = "\u{FEFF}{ \"body\" : \"x\" }\(end)"
    let file = try claim(dropped, claiming)
    var settler = Settler(claiming.folder)
    try settler.settle([Settlement(file, line(.done))])
    let text = try claiming.spool.text("m", in: .done)
    #expect(Array(text.utf8).starts(with: Array(dropped.utf8)))
    let appended = text.utf8.dropFirst(dropped.utf8.count)
    let opening = end.utf8.last == 0x0A ? "{\"msgspool\"" : "\n{\"msgspool\""
    #expect(appended.starts(with: Array(opening.utf8)))
    #expect(
      text.utf8.count { $0 == 0x0A } == Array(dropped.utf8).count { $0 == 0x0A } + (opening.hasPrefix("\n") ? 2 : 1))
  }

  @Test func aMessageThatGoesBackIsUnchanged() throws {
    let claiming = try Claiming()
    let file = try claim("{\"body\":\"x\"}", claiming)
    var settler = Settler(claiming.folder)
    try settler.settle([Settlement(file, nil)])
    #expect(try claiming.spool.text("m", in: .new) == "{\"body\":\"x\"}")
  }

  @Test func aDeferredMessageIsDueAtItsModificationTime() throws {
    let claiming = try Claiming()
    let due = moment("2026-11-22T09:01:02.345Z")
    let file = try claim("{\"body\":\"x\"}", claiming)
    var settler = Settler(claiming.folder)
    try settler.settle([Settlement(file, line(.deferred, due: due))])
    let status = try Syscalls.status(of: FileName("m"), in: claiming.spool.spool.descriptor(.deferred))
    let modified = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
    #expect(abs(modified - due.timeIntervalSince1970) < 0.001)
  }

  @Test func nothingInTheTargetIsOverwritten() throws {
    let claiming = try Claiming()
    try claiming.spool.write("older", to: "m", in: .done)
    let file = try claim("{\"body\":\"x\"}", claiming)
    var settler = Settler(claiming.folder)
    try settler.settle([Settlement(file, line(.done))])
    #expect(try claiming.spool.text("m", in: .done) == "older")
    #expect(try claiming.spool.text("m~2", in: .done).hasPrefix("{\"body\":\"x\"}\n"))
  }

  @Test(arguments: [1, 4, 5, 40]) func manyAreSettledLikeFew(count: Int) throws {
    let claiming = try Claiming()
    let files = try (0..<count).map { try claim("{\"body\":\"\($0)\"}", claiming, name: "m\($0)") }
    var settler = Settler(claiming.folder)
    try settler.settle(files.map { Settlement($0, line(.done)) })
    #expect(try claiming.spool.names(.done).count == count)
    for index in 0..<count {
      #expect(try MessageFile(text: claiming.spool.text("m\(index)", in: .done)).lines.count == 1)
    }
  }

  @Test func aClosedFileIsOpenedAgainToBeSettled() throws {
    let claiming = try Claiming()
    let name = try claiming.spool.write("{\"body\":\"x\"}", to: "m")
    let file = try #require(try claiming.read(name, keepsOpen: false).message).file
    var settler = Settler(claiming.folder)
    try settler.settle([Settlement(file, line(.done))])
    #expect(try MessageFile(text: claiming.spool.text("m", in: .done)).lines.count == 1)
  }

  @Test func aFileTakenAwayMeanwhileIsNobodysFault() throws {
    let claiming = try Claiming()
    let file = try claim("{\"body\":\"x\"}", claiming)
    unlink(claiming.folder.path + "/m")
    var settler = Settler(claiming.folder)
    #expect(throws: Never.self) { try settler.settle([Settlement(file, line(.done))]) }
    #expect(try claiming.spool.names(.done).isEmpty)
  }

  @Test(.enabled(if: isRoot, "only root can mount")) func onAFullDiskHalfALineIsTakenBack() throws {
    let disk = try SmallDisk(bytes: 64 << 10)
    try Spool.make(disk.path + "/spool")
    let spool = try Spool(disk.path + "/spool")
    let folder = try SweepFolder.begin("sweep-1", in: spool)
    let names = try spool.drop([Array("{\"body\":\"x\"}".utf8)]) { _ in FileName("m") }
    _ = try Spool.move(names[0], from: spool.descriptor(.new), to: folder.descriptor, path: folder.path)
    var reader = ClaimReader(folder, limit: 1000)
    let file = try #require(try reader.read(names[0], from: .new, now: Date()).message).file
    let filler = try disk.fill()

    // Longer than what is left of the file's own page: part of it is written before the disk is full.
    var line = line(.done)
    line.calls = (0..<1000).map { "call-number-\($0)" }
    var settler = Settler(folder)
    let fault = #expect(throws: SystemFault.self) { try settler.settle([Settlement(file, line)]) }
    #expect(fault?.number == ENOSPC)
    let left = try Data(contentsOf: URL(filePath: folder.path + "/m"))
    #expect(String(decoding: left, as: UTF8.self) == "{\"body\":\"x\"}")

    // With room again it is settled as if nothing had been.
    unlink(filler)
    try settler.settle([Settlement(file, line)])
    let text = String(decoding: try Data(contentsOf: URL(filePath: spool.path(.done) + "/m")), as: UTF8.self)
    #expect(try MessageFile(text: text).lines == [line])
  }

  @Test(.enabled(if: isRoot, "only root can mount")) func onAFullDiskNothingIsDropped() throws {
    let disk = try SmallDisk(bytes: 64 << 10)
    try Spool.make(disk.path + "/spool")
    let spool = try Spool(disk.path + "/spool")
    let filler = try disk.fill()
    let message = Array(repeating: UInt8(ascii: " "), count: 10_000)
    let fault = #expect(throws: DropFault.self) { try spool.drop([message]) { _ in FileName("m") } }
    #expect(fault?.fault.number == ENOSPC)
    unlink(filler)
    for folder in [Folder.tmp, .new] {
      var listing = try spool.list(folder)
      #expect(try listing.next() == nil, "\(folder)")
    }
  }
}

/// A file system of its own, of so many bytes; unmounted when the last reference goes.
private final class SmallDisk {
  let folder: ScratchFolder
  var path: String { folder.path }

  init(bytes: Int) throws {
    folder = try ScratchFolder()
    guard mount("none", folder.path, "tmpfs", 0, "size=\(bytes)") == 0 else {
      throw SystemFault("mount", errno, folder.path)
    }
  }

  deinit { umount2(folder.path, Int32(MNT_DETACH)) }

  /// A file that takes all the room there is; its path.
  func fill() throws -> String {
    let filler = path + "/filler"
    let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    let zeros = [UInt8](repeating: 0, count: 4096)
    while write(descriptor, zeros, zeros.count) > 0 {}
    return filler
  }
}

extension Listing.Entry? {
  fileprivate static func == (entry: Listing.Entry?, none: _OptionalNilComparisonType) -> Bool {
    if case .none = entry { true } else { false }
  }
}
