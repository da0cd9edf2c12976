import Core
import Ledger

/// How calls' members and outcomes stand in the ledger: compact JSON, one row per call however many recipients it has.
enum LedgerCoding {
  /// `[["file","to","to",["to","fallback address"],["to",null,1]],["file",...]]`: neighbours of one file share its name; a
  /// number is that of the message's part.
  static func text(_ members: [CallMember]) -> String {
    var bytes: [UInt8] = [UInt8(ascii: "[")]
    var file: String?
    for member in members {
      // By bytes: names that look alike (é in one scalar and in two) are two files.
      if file?.hasSameBytes(as: member.file) != true {
        if file != nil { bytes.append(contentsOf: "],".utf8) }
        bytes.append(UInt8(ascii: "["))
        JSON.write(member.file, to: &bytes)
        file = member.file
      }
      bytes.append(UInt8(ascii: ","))
      if let part = member.part {
        JSON.array([.string(member.to), member.address.map(JSON.string) ?? .null, .integer(part)]).write(to: &bytes)
      } else if let address = member.address {
        JSON.strings([member.to, address]).write(to: &bytes)
      } else {
        JSON.write(member.to, to: &bytes)
      }
    }
    bytes.append(contentsOf: (file == nil ? "]" : "]]").utf8)
    return String(decoding: bytes, as: UTF8.self)
  }

  static func members(_ text: String) -> [CallMember] {
    let files = (try? JSONScanner.value(of: Array(text.utf8)))?.array ?? []
    return files.flatMap { file -> [CallMember] in
      guard let parts = file.array, let name = parts.first?.string else { return [] }
      return parts.dropFirst().map { part in
        let values = part.array ?? []
        return CallMember(
          file: name, to: part.string ?? values.first?.string ?? "",
          address: values.count > 1 ? values[1].string : nil, part: values.count > 2 ? values[2].integer : nil)
      }
    }
  }

  static func strings(_ text: String) -> [String] {
    (try? JSONScanner.value(of: Array(text.utf8)))?.array?.compactMap(\.string) ?? []
  }

  /// One entry per member, or `{"all":entry}` where they are equal. An accepted one is its id or `true`; any other is
  /// `[state, kind, code, reason, retry after, attempts]`, with `false` behind where it uses no attempt up.
  static func text(_ outcomes: [Outcome]) -> String {
    if let first = outcomes.first, outcomes.count > 1, outcomes.allSatisfy({ $0 == first }) {
      return JSON.object([.init("all", entry(first))]).text
    }
    var bytes: [UInt8] = []
    for outcome in outcomes {
      bytes.append(UInt8(ascii: bytes.isEmpty ? "[" : ","))
      if outcome.state == .accepted, let id = outcome.id {
        JSON.write(id, to: &bytes)
      } else {
        entry(outcome).write(to: &bytes)
      }
    }
    bytes.append(contentsOf: (bytes.isEmpty ? "[]" : "]").utf8)
    return String(decoding: bytes, as: UTF8.self)
  }

  static func outcomes(_ text: String, count: Int) -> [Outcome] {
    guard let value = try? JSONScanner.value(of: Array(text.utf8)) else {
      return Array(repeating: .unconfirmed(), count: count)
    }
    if let all = value["all"] { return Array(repeating: outcome(all), count: count) }
    return value.array?.map(outcome) ?? []
  }

  private static func entry(_ outcome: Outcome) -> JSON {
    if outcome.state == .accepted { return outcome.id.map(JSON.string) ?? .boolean(true) }
    let parts: [JSON] = [
      .string(outcome.state.rawValue), outcome.kind.map { .string($0.rawValue) } ?? .null,
      outcome.code.map(JSON.string) ?? .null, outcome.reason.map(JSON.string) ?? .null,
      outcome.retryAfter.flatMap { $0.isFinite ? .number(String($0)) : nil } ?? .null,
      outcome.attempts.map(JSON.integer) ?? .null,
    ]
    return .array(outcome.usesAttempt ? parts : parts + [.boolean(false)])
  }

  private static func outcome(_ value: JSON) -> Outcome {
    switch value {
    case .string(let id): return .accepted(id: id)
    case .boolean: return .accepted()
    default:
      let parts = value.array ?? []
      guard [6, 7].contains(parts.count), let state = parts[0].string.flatMap(RecipientState.init(rawValue:)) else {
        return .unconfirmed()
      }
      var outcome = Outcome(
        state: state, kind: parts[1].string.flatMap(ErrorKind.init(rawValue:)), code: parts[2].string,
        reason: parts[3].string, retryAfter: parts[4].number, attempts: parts[5].integer)
      outcome.usesAttempt = parts.last != .boolean(false)
      return outcome
    }
  }

  /// 64 bits of FNV-1a over channel, day and recipient: the same in every process, and small rows for many recipients.
  static func key(_ channel: String, _ day: Int, _ identity: String) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    channel.utf8.forEach(mix)
    mix(0)
    withUnsafeBytes(of: day.littleEndian) { $0.forEach(mix) }
    identity.utf8.forEach(mix)
    return Int(bitPattern: UInt(hash))
  }
}
