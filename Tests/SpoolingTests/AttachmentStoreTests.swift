import Core
import Foundation
import TestSupport
import Testing

@testable import Spooling

/// A producer names files that the sweeper then sends: it must not name others' files.
@Suite struct AttachmentStoreTests {
  private let folder: ScratchFolder

  init() throws {
    folder = try ScratchFolder()
    try FileManager.default.createDirectory(atPath: folder.path("allowed/sub"), withIntermediateDirectories: true)
    try folder.write("report", to: "allowed/report.txt")
    try folder.write("below", to: "allowed/sub/below.txt")
    try folder.write("secret", to: "secret.txt")
  }

  private func load(_ path: String, limit: Int = 1000) throws(SystemFault) -> String {
    String(
      decoding: try AttachmentStore.load(AttachmentFile(directory: folder.path("allowed"), path: path), limit: limit),
      as: UTF8.self)
  }

  @Test func aFileBelowTheAllowedDirectoryIsRead() throws {
    #expect(try load("report.txt") == "report")
    #expect(try load("sub/below.txt") == "below")
    #expect(try load("./sub//below.txt") == "below")
  }

  /// The router refuses these words already; the kernel refuses them again.
  @Test(arguments: [
    "../secret.txt", "sub/../../secret.txt", "/etc/passwd", "/proc/self/fd/0", "", ".", "sub", "missing",
    "report.txt/x",
  ])
  func whatLeadsOutOrIsNoFileIsNotOpened(path: String) {
    #expect(throws: SystemFault.self) { try load(path) }
  }

  @Test func noSymbolicLinkIsFollowedAnywhereOnTheWay() throws {
    let links = [
      ("link", folder.path("secret.txt")), ("inside", "report.txt"), ("out", ".."), ("again", "sub"),
      ("fd", "/proc/self/fd"), ("root", "/"),
    ]
    for (name, target) in links {
      try FileManager.default.createSymbolicLink(atPath: folder.path("allowed/\(name)"), withDestinationPath: target)
    }
    for path in ["link", "inside", "out/secret.txt", "again/below.txt", "fd/0", "root/etc/passwd"] {
      let fault = #expect(throws: SystemFault.self) { try load(path) }
      #expect(fault?.number == ELOOP || fault?.number == EXDEV, "\(path): \(String(describing: fault))")
    }
  }

  @Test(.timeLimit(.minutes(1))) func pipesAndDevicesAreNotWaitedFor() throws {
    #expect(mkfifo(folder.path("allowed/fifo"), 0o666) == 0)
    #expect(throws: SystemFault.self) { try load("fifo") }
  }

  @Test func aFileOverTheLimitIsNotRead() throws {
    #expect(throws: SystemFault("read", EFBIG, "\(folder.path("allowed"))/report.txt")) {
      try load("report.txt", limit: 5)
    }
    truncate(folder.path("allowed/report.txt"), 1 << 40)
    #expect(throws: SystemFault.self) { try load("report.txt", limit: 1 << 20) }
  }

  /// A folder on the way is swapped for a link out, again and again, while the file is opened.
  @Test(.timeLimit(.minutes(1))) func aFolderThatIsSwappedForALinkMeanwhileLeadsNowhere() async throws {
    try FileManager.default.createDirectory(atPath: folder.path("outside"), withIntermediateDirectories: false)
    try folder.write("secret", to: "outside/below.txt")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("evil"), withDestinationPath: folder.path("outside"))
    let (sub, evil, spare) = (folder.path("allowed/sub"), folder.path("evil"), folder.path("spare"))
    let swapping = Task.detached {
      while !Task.isCancelled {
        rename(sub, spare)
        rename(evil, sub)
        rename(sub, evil)
        rename(spare, sub)
      }
    }
    var read: Set<String> = []
    for _ in 0..<3000 { read.insert((try? load("sub/below.txt")) ?? "-") }
    swapping.cancel()
    await swapping.value
    #expect(!read.contains("secret"))
  }
}

@Suite struct AttachmentRuleTests {
  @Test(arguments: [
    "report.txt", "../x", "/srv/reports/../../etc/shadow", "/srv/reports", "/srv/reports/", "/srv/reportsx/a",
    "/etc/passwd",
    "/srv/reports/..", "/proc/self/environ", "/srv/reports/a\0b", "",
  ])
  func aPathMustLieBelowAnAllowedDirectory(path: String) {
    #expect(throws: MessageFault.self) {
      try Attachments.resolve([.init(source: .path(path))], below: ["/srv/reports/"])
    }
    #expect(throws: MessageFault.self) { try Attachments.resolve([.init(source: .path(path))], below: []) }
  }

  @Test(arguments: ["a\r\nX: 1", "a\0b", "../a", "/etc/passwd", "a\u{1B}[2J", "a\u{7F}", ""])
  func aNameThatCouldLeaveItsHeaderIsRefused(name: String) {
    #expect(throws: MessageFault.self) { try Attachments.resolve([.init(name: name, source: .data([1]))], below: []) }
  }

  @Test(arguments: ["text/plain\r\nX: 1", "text", "text/plain; a=b", "", "täxt/plain"])
  func aTypeThatCouldLeaveItsHeaderIsRefused(type: String) {
    #expect(throws: MessageFault.self) {
      try Attachments.resolve([.init(name: "a", type: type, source: .data([1]))], below: [])
    }
  }
}
