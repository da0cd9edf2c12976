import Core
import Foundation
import TestSupport
import Testing

@testable import Spooling

/// Files that a hostile producer drops: from a corpus, from a seed, and of the shapes that make careless readers slow.
@Suite("No file's bytes make its readers crash, hang or tell lies")
struct HostileFileTests {
  private static let message: JSON = .object([
    .init("channel", .string("c")), .init("to", .strings(["UID_a", "UID_b"])), .init("body", .string("hello")),
    .init("title", .string("t")), .init("format", .string("markdown")), .init("url", .string("https://x.test/")),
    .init("template", .string("T")), .init("params", .object([.init("a", .string("1"))])), .init("id", .string("k")),
    .init("send_at", .string("2026-11-22T09:00:00+08:00")), .init("expires_at", .number("1795338000")),
    .init("priority", .string("high")),
    .init(
      "attachments",
      .array([
        .string("/srv/a.png"), .object([.init("name", .string("b")), .init("base64", .string("QUJD"))]),
      ])),
    .init("options", .object([.init("summary", .string("s"))])), .init("meta", .object([.init("x", .null)])),
  ])

  private static let line: JSON = .object([
    .init("msgspool", .integer(1)), .init("at", .string("2026-11-22T09:00:00.123Z")),
    .init("state", .string("deferred")), .init("channel", .string("c")), .init("provider", .string("wxpusher")),
    .init("attempt", .integer(1)), .init("recipients", .object([.init("accepted", .integer(1))])),
    .init("calls", .strings(["s-1"])),
    .init(
      "results",
      .array([
        .object([
          .init("to", .string("UID_a")), .init("state", .string("accepted")), .init("id", .string("1")),
          .init("channel", .string("d")), .init("address", .string("x")), .init("call", .string("s-1")),
        ]), .object([.init("to", .string("UID_b")), .init("state", .string("deferred")), .init("code", .integer(5))]),
      ])),
    .init("error", .object([.init("kind", .string("network")), .init("message", .string("m"))])),
    .init("due", .string("2026-11-22T10:00:00Z")), .init("dropped", .string("2026-11-22T08:00:00Z")),
    .init("sweep", .string("s")),
  ])

  /// What every reader does with a file.
  private func read(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { buffer in
      let raw = RawFile(buffer)
      let limit = 4096
      do throws(Fault) {
        let file = try MessageFile(buffer, limit: limit)
        #expect(raw.message != nil)
        #expect(raw.history.count == file.lines.count)
        check(file)
      } catch {
        #expect(error.kind == .message && !error.message.isEmpty)
        #expect(error.message.utf8.count < 2000, "a complaint is not as long as what it is about")
      }
      _ = MessageFile.history(in: buffer, limit: limit)
      // Some cut off ends of it, as the tail reader sees files.
      for count in [buffer.count, buffer.count / 2, 1] where count <= buffer.count {
        _ = TailReader.end(of: UnsafeBufferPointer(rebasing: buffer.suffix(count)), isWhole: count == buffer.count)
      }
    }
    let shown = bytes.displayText
    #expect(shown.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
    #expect(Array(FileName(display: shown).bytes) == bytes)
  }

  private func check(_ file: MessageFile) {
    for line in file.lines {
      var bytes: [UInt8] = []
      History.write(line, to: &bytes)
      #expect(bytes.count { $0 == UInt8(ascii: "\n") } == 1, "a line stays one line")
      let again = bytes.withUnsafeBufferPointer { History.lines(in: $0) }
      #expect(again == [line], "what is written is read back")
    }
    let progress = Progress(file.lines)
    let router = Router(.of(.plain("c"), byDefault: "c"))
    for now in [moment("2026-11-22T09:30:00Z"), .distantPast, .distantFuture] {
      guard case .go(let itinerary) = router.route(file.message, progress, dropped: progress.dropped ?? now, now: now)
      else { continue }
      #expect(itinerary.attempts >= 0)
    }
  }

  @Test("The corpus: JSON of all kinds, and files that were hostile once")
  func corpus() {
    let fuzzing = Fuzzing("corpus", seed: 0)
    let files = Fuzzing.corpus("messages")
    #expect(files.count >= 30)
    for file in files { fuzzing.run(file.bytes) { read(file.bytes) } }
    #expect(fuzzing.isQuick, "\(fuzzing.report)")
  }

  @Test("Messages and history from a seed", arguments: Fuzzing.seeds)
  func seeded(seed: UInt64) {
    var mutator = Mutator(seed)
    let fuzzing = Fuzzing("files", seed: seed)
    let corpus = Fuzzing.corpus("messages").map(\.bytes).filter { $0.count < 4096 }
    for _ in 0..<Fuzzing.inputs(1500, 100_000) {
      var bytes: [UInt8]
      if mutator.chance(10), !corpus.isEmpty {
        bytes = mutator.damaged(mutator.pick(corpus))
      } else {
        bytes = mutator.text(mutator.chance(30) ? Self.message : mutator.mutated(Self.message))
        for _ in 0..<Int.random(in: 0...3, using: &mutator.random) {
          if mutator.chance(90) { bytes.append(UInt8(ascii: "\n")) }
          bytes += mutator.mutated(Self.line).bytes
        }
        bytes = mutator.damaged(bytes)
      }
      fuzzing.run(bytes) { read(bytes) }
    }
    #expect(fuzzing.isQuick, "\(fuzzing.report)")
  }

  // MARK: Time

  /// Shapes that make quadratic readers show it: name, and what it is made of.
  private static let shapes: [(name: String, make: @Sendable (Int) -> String)] = [
    ("arrays", { String(repeating: "[", count: $0) }),
    ("objects", { String(repeating: "{\"a\":", count: $0 / 5) }),
    ("many keys", { "{" + (0..<$0 / 10).map { "\"k\($0)\":1" }.joined(separator: ",") + "}" }),
    ("long key", { "{\"" + String(repeating: "k", count: $0) + "\":1}" }),
    ("escapes", { "{\"body\":\"" + String(repeating: "\\u00e9", count: $0 / 6) + "\"}" }),
    ("backslashes", { "{\"body\":\"" + String(repeating: "\\\\", count: $0 / 2) + "\"}" }),
    ("digits", { "{\"send_at\":" + String(repeating: "9", count: $0) + "}" }),
    ("accents", { "{\"body\":\"a" + String(repeating: "\u{301}", count: $0 / 2) + "\"}" }),
    ("accents as key", { "{\"a" + String(repeating: "\u{301}\u{316}", count: $0 / 4) + "\":1}" }),
    ("flags", { "{\"titel\":\"" + String(repeating: "\u{1F1E6}", count: $0 / 4) + "\"}" }),
    ("families", { "{\"\(String(repeating: "\u{1F468}\u{200D}", count: $0 / 7))\":1}" }),
    ("newlines", { "{}" + String(repeating: "\n", count: $0) }),
    ("spaces", { String(repeating: " ", count: $0) }),
    ("recipients", { "{\"to\":[" + (0..<$0 / 8).map { "\"\($0)\"" }.joined(separator: ",") + "]}" }),
    ("torn lines", { "{}" + String(repeating: "\n{\"msgspool\":", count: $0 / 13) }),
    ("deep lines", { "{}" + String(repeating: "\n{\"msgspool\":[[[[[[[[", count: $0 / 21) }),
    ("one line", { "{}\n{\"msgspool\":1,\"x\":\"" + String(repeating: "y", count: $0) }),
    ("zeros", { "{}" + String(repeating: "\0", count: $0) }),
    ("messages", { String(repeating: "{\"to\":\"a\"}\n", count: $0 / 11) }),
    (
      "base64",
      { "{\"attachments\":[{\"name\":\"a\",\"base64\":\"" + String(repeating: "QUJD", count: $0 / 4) + "\"}]}" }
    ),
    ("unknown field", { "{\"" + String(repeating: "\u{1F1E6}", count: $0 / 4) + "\":1}" }),
    (
      "lines",
      { size in
        let line =
          #"{"msgspool":1,"at":"2026-11-22T09:00:00Z","state":"deferred","results":[{"to":"a","state":"deferred"}]}"#
        return "{\"to\":\"a\"}\n" + String(repeating: line + "\n", count: size / (line.utf8.count + 1))
      }
    ),
  ]

  @Test("Four times the size takes about four times as long, whatever it is made of", arguments: shapes.indices)
  func linear(index: Int) {
    let shape = Self.shapes[index]
    let size = Fuzzing.inputs(30_000, 400_000)
    let inputs = [size: Array(shape.make(size).utf8), size * 4: Array(shape.make(size * 4).utf8)]
    let factor = growth(size) { size in
      let bytes = inputs[size] ?? []
      bytes.withUnsafeBufferPointer { buffer in
        if let file = try? MessageFile(buffer, limit: 64 << 20) { _ = Progress(file.lines) }
        _ = RawFile(buffer)
        _ = MessageFile.history(in: buffer, limit: 64 << 20)
        _ = TailReader.end(of: buffer, isWhole: true)
      }
      _ = bytes.displayText
    }
    #expect(factor < 10, "\(shape.name): \(factor) times")
  }
}
