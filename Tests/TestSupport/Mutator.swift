import Core
import Foundation

/// Hostile inputs from a seed: JSON that is nearly what is expected, written in odd ways, and then damaged. The same seed
/// makes the same input on every machine.
package struct Mutator {
  package var random: SeededGenerator

  package init(_ seed: UInt64) { random = SeededGenerator(seed) }

  package mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  package mutating func pick<Element>(_ all: [Element]) -> Element {
    all[Int.random(in: 0..<all.count, using: &random)]
  }

  // MARK: Values

  /// Texts that careless code would let break out of their place, would measure wrongly, or would take long over.
  package static let texts: [String] = [
    "", " ", "\0", "\r\nX-Injected: 1\r\n\r\n", "\u{1B}[31m\u{7}", "\u{9B}2J", "\u{202E}gpj.exe", "\u{2028}",
    "\u{FEFF}",
    "e\u{301}", "\u{E9}", String(repeating: "\u{301}", count: 40), String(repeating: "🇨🇳", count: 20), "👩‍👩‍👧‍👦", "\u{FFFF}",
    "\u{10FFFF}", "\\", "\"", "\\u0041", "%00%0d%0a", "${x}{{x}}", "../../etc/passwd", "/proc/self/fd/0", "topic:1",
    "UID_a",
    "+15005550001", "13800138000", "-1", "0", "9223372036854775808", "1e400", "NaN", "null", "{}", "[", "<html>",
    "9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z", "2026-11-22T09:00:00+23:59", "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 99999 08:49:37 GMT", String(repeating: "x", count: 300), String(repeating: "数", count: 1700),
  ]

  private static let numbers = [
    "0", "-0", "-1", "1", "2", "1000", "1001", "20429", "200", "429", "1e5", "1E400", "-1e-400", "0.1", "1.0",
    "9223372036854775807",
    "9223372036854775808", "-9223372036854775809", "253402300800", "99999999999999999999999999999999999999", "1e18",
    "4294967296",
    "1763802000000", "0.000000000000000000000000000000000000000000001",
  ]

  package mutating func value(depth: Int = 3) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
    case 0: return .null
    case 1: return .boolean(chance(50))
    case 2, 3: return .number(pick(Self.numbers))
    case 4, 5: return .string(pick(Self.texts))
    case 6, 7: return .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth: depth - 1) })
    default:
      return .object(
        (0..<Int.random(in: 0...3, using: &random)).map { .init("\(pick(Self.texts))\($0)", value(depth: depth - 1)) })
    }
  }

  /// The value with a few of its parts replaced, removed, repeated, moved or wrapped.
  package mutating func mutated(_ value: JSON, times: Int? = nil) -> JSON {
    var value = value
    for _ in 0..<(times ?? Int.random(in: 1...3, using: &random)) { value = changed(value) }
    return value
  }

  private mutating func changed(_ value: JSON) -> JSON {
    // Deeper, where there is something to go into.
    switch value {
    case .object(var members) where !members.isEmpty && chance(85):
      let index = Int.random(in: 0..<members.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: members.remove(at: index)
      case 1: members.append(.init(members[index].key, self.value()))
      case 2: members.append(.init(pick(Self.texts), self.value()))
      case 3: members[index].key = pick([members[index].key.uppercased(), members[index].key + " ", pick(Self.texts)])
      case 4: members.swapAt(index, Int.random(in: 0..<members.count, using: &random))
      default: members[index].value = changed(members[index].value)
      }
      return .object(members)
    case .array(var values) where !values.isEmpty && chance(85):
      let index = Int.random(in: 0..<values.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: values.remove(at: index)
      case 1: values.append(values[index])
      case 2: values.insert(self.value(), at: index)
      default: values[index] = changed(values[index])
      }
      return .array(values)
    case .string(let text) where chance(40):
      return .string(chance(50) ? text + pick(Self.texts) : pick(Self.texts) + text)
    default:
      switch Int.random(in: 0..<4, using: &random) {
      case 0: return .array([value])
      case 1: return .object([.init("x", value)])
      default: return self.value()
      }
    }
  }

  // MARK: Texts of values

  /// The value as some other program would write it: spaces, escapes where none are needed; now and then something that
  /// is no JSON.
  package mutating func text(_ value: JSON) -> [UInt8] {
    var bytes: [UInt8] = []
    write(value, &bytes)
    if chance(3) { bytes = [0xEF, 0xBB, 0xBF] + bytes }
    return bytes
  }

  private mutating func space(_ bytes: inout [UInt8]) {
    if chance(10) { bytes.append(contentsOf: pick([" ", "\n", "\t\r\n", "    ", "\u{A0}"]).utf8) }
  }

  private mutating func write(_ value: JSON, _ bytes: inout [UInt8]) {
    space(&bytes)
    switch value {
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        write(value, &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        write(.string(member.key), &bytes)
        bytes.append(UInt8(ascii: ":"))
        write(member.value, &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    case .string(let text) where chance(20):
      bytes.append(UInt8(ascii: "\""))
      for unit in text.utf16 {
        let digits = String(unit, radix: 16)
        bytes.append(contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
      }
      bytes.append(UInt8(ascii: "\""))
    default: value.write(to: &bytes)
    }
    space(&bytes)
  }

  /// Bytes changed, cut out, doubled, cut off; half the time none.
  package mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    guard chance(50) else { return bytes }
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, index + Int.random(in: 1...12, using: &random))
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.removeSubrange(index..<end)
      case 2: bytes.insert(contentsOf: Array(bytes[index..<end]), at: index)
      case 3: bytes.removeSubrange(index...)
      case 4: bytes.insert(contentsOf: pick(Self.texts).utf8, at: index)
      case 5:
        bytes.insert(contentsOf: pick([[0xC3, 0x28], [0xED, 0xA0, 0x80], [0xFF], [0x00], [0xF0, 0x9F]]), at: index)
      default:
        bytes.insert(
          contentsOf: Array(repeating: pick(Array("[{\"\\,:0\n".utf8)), count: pick([2, 130, 600])), at: index)
      }
    }
    return bytes
  }
}

/// Runs hostile inputs. The one under way is in a file, so that a crash, which ends the tests, leaves it behind; one that
/// takes longer than any honest input is an issue.
package final class Fuzzing {
  /// Inputs are small: even with a debug build on a busy machine each takes milliseconds of processor time.
  package static let limit = 2.0

  private let path: String
  private let descriptor: Int32
  package private(set) var count = 0
  package private(set) var slowest = (seconds: 0.0, input: [UInt8]())

  package init(_ name: String, seed: UInt64) {
    path = NSTemporaryDirectory() + "msgspool-fuzz-\(name)-\(seed)"
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  package func run(_ input: [UInt8], _ body: () throws -> Void) rethrows {
    ftruncate(descriptor, 0)
    _ = input.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    count += 1
    let seconds = try processorSeconds(body)
    if seconds > slowest.seconds { slowest = (seconds, input) }
  }

  package var isQuick: Bool { slowest.seconds < Fuzzing.limit }

  /// As a test shows the slowest input.
  package var report: String {
    "\(slowest.seconds) s for \(String(decoding: slowest.input.prefix(200), as: UTF8.self))"
  }

  /// So many inputs: few each time the tests run, all of them in the long run.
  package static func inputs(_ few: Int, _ many: Int) -> Int { Torture.isOn ? many : few }

  /// One for each core that matters; the seed of the run moves them all.
  package static let seeds: [UInt64] = (0..<4).map { Torture.seed &* 1000 &+ $0 }

  /// Files of Tests/Corpus, for seeds: name and bytes.
  package static func corpus(_ folder: String) -> [(name: String, bytes: [UInt8])] {
    let root = Repository.file("Tests/Corpus/\(folder)")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return names.sorted().compactMap { name in
      (try? Data(contentsOf: root.appending(path: name))).map { (name, Array($0)) }
    }
  }
}

/// Processor time of an input and of one four times as large: what is linear takes four times as long, what is quadratic
/// sixteen.
package func growth(_ size: Int, _ body: (Int) -> Void) -> Double {
  // The least of several: other work on the machine only ever adds.
  func least(_ size: Int) -> Double { (0..<3).map { _ in processorSeconds { body(size) } }.min() ?? 0 }
  body(size)
  let small = max(least(size), 1e-5)
  return least(size * 4) / small
}
