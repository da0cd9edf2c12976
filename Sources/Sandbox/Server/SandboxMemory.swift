/// The newest of something, found again by key, bounded: appending beyond the bound forgets the oldest.
struct Remembered<Value: Sendable>: Sendable {
  private let capacity: Int
  private var slots: [(key: String, value: Value)] = []
  private var serialsOfKey: [String: [Int]] = [:]
  /// How many were ever appended; the serial number of the next one.
  private(set) var count = 0

  init(capacity: Int) { self.capacity = capacity }

  /// The serial number of the oldest that is still known.
  var oldest: Int { count - slots.count }

  mutating func append(_ value: Value, key: String) {
    if slots.count < capacity {
      slots.append((key, value))
    } else {
      let slot = count % capacity
      forgetOldest(of: slots[slot].key)
      slots[slot] = (key, value)
    }
    serialsOfKey[key, default: []].append(count)
    count += 1
  }

  private mutating func forgetOldest(of key: String) {
    // A key's serials ascend, so the one whose slot is reused is its first.
    if serialsOfKey[key]?.count == 1 { serialsOfKey[key] = nil } else { serialsOfKey[key]?.removeFirst() }
  }

  /// Serials of a key, oldest first.
  func serials(of key: String) -> [Int] { serialsOfKey[key] ?? [] }

  subscript(serial: Int) -> Value? {
    guard serial >= oldest, serial < count else { return nil }
    return slots[serial % capacity].value
  }
}

/// The newest records, for tests. Bounded by number and, since one may hold 2000 addresses, by addresses.
struct RecentRecords: Sendable {
  private static let most = 10_000
  private static let mostAddresses = 500_000

  private var records: [SandboxRecord] = []
  private var start = 0
  private var addresses = 0

  var all: [SandboxRecord] { Array(records[start...]) }

  mutating func append(_ record: SandboxRecord) {
    records.append(record)
    addresses += record.recipients.count
    while records.count - start > Self.most || (addresses > Self.mostAddresses && records.count - start > 1) {
      addresses -= records[start].recipients.count
      start += 1
    }
    // Moving what is left once it is the smaller half costs each record one move.
    if start > records.count / 2 {
      records.removeFirst(start)
      start = 0
    }
  }
}

/// Identifiers that differ between runs and never repeat within one.
struct SandboxIdentifiers: Sendable {
  private let run = UInt64.random(in: .min ... .max)
  private var next: UInt64 = 0

  /// 32 lower-case hexadecimal digits; the same half for a whole run, so that a record shows what belongs together.
  mutating func hexadecimal() -> String {
    next += 1
    return Self.padded(run) + Self.padded(next)
  }

  /// 8-4-4-4-12, upper case, as Aliyun writes request ids.
  mutating func uuid() -> String {
    let text = Array(hexadecimal().uppercased())
    return [text[0..<8], text[8..<12], text[12..<16], text[16..<20], text[20..<32]].map { String($0) }
      .joined(separator: "-")
  }

  private static func padded(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
