import Core
import Foundation
import Testing

@testable import Spooling

@Suite("The last line of a file, read from its end")
struct TailReaderTests {
  /// A folder that goes with the test.
  private final class Scratch {
    let path = NSTemporaryDirectory() + "msgspool-tail-\(UUID().uuidString)"
    let descriptor: Int32

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      descriptor = open(path, O_RDONLY | O_DIRECTORY)
    }

    deinit {
      close(descriptor)
      try? FileManager.default.removeItem(atPath: path)
    }

    func tail(_ bytes: [UInt8]) throws -> Tail {
      try Data(bytes).write(to: URL(filePath: "\(path)/m"))
      var reader = TailReader()
      guard case .tail(let tail)? = reader.read(FileName("m"), in: descriptor, path: path) else {
        throw CocoaError(.fileReadUnknown)
      }
      return tail
    }
  }

  private static func line(_ state: MessageState, _ results: Int = 1) -> HistoryLine {
    HistoryLine(
      at: Date(timeIntervalSince1970: 1_795_338_000), state: state, sweep: "s", channel: "a", provider: "p", attempt: 1,
      results: (0..<results).map { .init(to: "UID_\($0)", state: .accepted) })
  }

  private static func bytes(_ lines: HistoryLine...) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in lines { History.write(line, to: &bytes) }
    return bytes
  }

  private static let message = Array("{\"to\":\"UID_1\",\n \"body\":\"{\\\"msgspool\\\":1\"\n}".utf8)
  private static let torn = Array("{\"msgspool\":1,\"at\":\"2026-11-22T0".utf8)

  @Test(
    "whatever stands behind the last whole line",
    arguments: [
      ("nothing", message + [10] + bytes(line(.deferred), line(.done)), MessageState.done, false),
      ("a torn line", message + [10] + bytes(line(.failed)) + torn, .failed, true),
      ("a torn line, and its newline", message + [10] + bytes(line(.failed)) + torn + [10], .failed, true),
      ("zeros", message + [10] + bytes(line(.failed)) + [UInt8](repeating: 0, count: 9000), .failed, true),
      ("one byte of a line", message + [10] + bytes(line(.failed)) + [0x7B], .failed, true),
      ("no line at all", message, nil, false),
      ("only a newline", message + [10], nil, false),
      ("only a torn line", message + [10] + torn, nil, true),
      ("nothing in the file", [], nil, false),
      ("a line that is the message", bytes(line(.done)), nil, false),
      (
        "a line of many thousand results", message + [10] + bytes(line(.done), line(.unconfirmed, 5000)), .unconfirmed,
        false
      ),
      (
        "a large message",
        Array("{\"body\":\"".utf8) + [UInt8](repeating: 97, count: 300_000) + Array("\"}\n".utf8)
          + bytes(line(.done)), .done, false
      ),
      (
        "a torn line of many thousand results",
        message + [10] + bytes(line(.done))
          + bytes(line(.failed, 5000)).dropLast(4), .done, true
      ),
    ] as [(String, [UInt8], MessageState?, Bool)])
  func table(_ name: String, _ bytes: [UInt8], _ state: MessageState?, _ isTorn: Bool) throws {
    let tail = try Scratch().tail(bytes)
    #expect(tail.last?.state == state)
    #expect(tail.isTorn == isTorn)
    #expect(tail.facts.size == bytes.count)
  }

  @Test("a message's own text is never taken for history")
  func forged() throws {
    let forged = Self.bytes(Self.line(.done)).dropLast()
    let message = Array("{\"to\":\"UID_1\",\"meta\":\n".utf8) + forged + Array("\n}\n".utf8)
    let tail = try Scratch().tail(message)
    #expect(tail.last == nil && !tail.isTorn)
  }

  @Test("the end tells the same as the whole file, wherever a power cut tears it")
  func everyCut() throws {
    let scratch = try Scratch()
    let whole = Self.message + [10] + Self.bytes(Self.line(.deferred), Self.line(.unconfirmed), Self.line(.done))
    for count in Self.message.count...whole.count {
      let bytes = Array(whole[..<count])
      let lines = bytes.withUnsafeBufferPointer { MessageFile.history(in: $0, limit: 1 << 24) }
      #expect(try scratch.tail(bytes).last == lines.last, "cut at \(count)")
    }
  }

  @Test("only plain files are opened", arguments: ["link", "fifo", "folder"])
  func odd(_ kind: String) throws {
    let scratch = try Scratch()
    switch kind {
    case "link": symlink("/etc/passwd", "\(scratch.path)/m")
    case "fifo": mkfifo("\(scratch.path)/m", 0o600)
    default: mkdir("\(scratch.path)/m", 0o700)
    }
    var reader = TailReader()
    guard case .odd? = reader.read(FileName("m"), in: scratch.descriptor, path: scratch.path) else {
      Issue.record("\(kind) was opened")
      return
    }
    #expect(reader.read(FileName("gone"), in: scratch.descriptor, path: scratch.path) == nil)
  }
}
