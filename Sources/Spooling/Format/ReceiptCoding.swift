import Core
import FoundationEssentials

/// Lines that stand behind a message's attempts, to bytes and back (receipts.md, section 3): receipts, what a person asked
/// for, and why something in receipts/unknown/ could not be taken.
package enum ReceiptCoding {
  /// Nil for what is none of them.
  static func entry(_ value: JSON) -> HistoryEntry? {
    guard let at = value["at"]?.string.flatMap(RFC3339.date) else { return nil }
    if value["retry"]?.string == "undelivered" { return .retry(at: at) }
    if value["leg"]?.integer == 1 {
      return .leg(
        LegOrigin(
          at: at, of: value["of"]?.string ?? "", to: value["to"]?.string ?? "", call: value["call"]?.string ?? "",
          through: value["through"]?.array?.compactMap(\.string) ?? []))
    }
    guard value["receipt"]?.integer == 1 else { return nil }
    return .receipt(
      ReceiptLine(
        at: at, channel: value["channel"]?.string ?? "", results: value["results"]?.array?.compactMap(result) ?? []))
  }

  private static func result(_ value: JSON) -> ReceiptLine.Result? {
    guard let to = value["to"]?.string, let state = value["state"]?.string.flatMap(ReceiptState.init(rawValue:)),
      let call = value["call"]?.string
    else { return nil }
    return ReceiptLine.Result(
      to: to, state: state, at: value["at"]?.string.flatMap(RFC3339.date), code: value["code"]?.string,
      reason: value["reason"]?.string, call: call, leg: value["leg"]?.string)
  }

  /// The line with its newline.
  package static func write(_ line: ReceiptLine, to bytes: inout [UInt8]) {
    let results = line.results.map { result in
      JSON.object(
        [.init("to", .string(result.to)), .init("state", .string(result.state.rawValue))]
          + [
            result.at.map { .init("at", .string(RFC3339.string($0))) },
            result.code.map { .init("code", .string($0)) }, result.reason.map { .init("reason", .string($0)) },
            .init("call", .string(result.call)), result.leg.map { .init("leg", .string($0)) },
          ].compactMap { $0 })
    }
    write(
      [
        .init("receipt", .integer(1)), .init("at", .string(RFC3339.string(line.at))),
        .init("channel", .string(line.channel)), .init("results", .array(results)),
      ], to: &bytes)
  }

  /// What `retry --state undelivered` writes behind a message of which nobody else is to be sent to.
  static func writeRetry(at now: Date, to bytes: inout [UInt8]) {
    write([.init("retry", .string("undelivered")), .init("at", .string(RFC3339.string(now)))], to: &bytes)
  }

  /// Behind a leg, before anybody has sent it: what it goes on for.
  package static func write(_ origin: LegOrigin, to bytes: inout [UInt8]) {
    write(
      [
        .init("leg", .integer(1)), .init("at", .string(RFC3339.string(origin.at))), .init("of", .string(origin.of)),
        .init("to", .string(origin.to)), .init("call", .string(origin.call)),
        .init("through", .strings(origin.through)),
      ], to: &bytes)
  }

  /// The bytes without what `writeUnknown` put behind them: somebody moved the file back to have it tried again.
  package static func withoutReason(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes[...]
    while bytes.last == UInt8(ascii: "\n") {
      let rest = bytes.dropLast()
      let line = rest[(rest.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? rest.startIndex)...]
      guard line.starts(with: History.opening), let value = try? JSONScanner.value(of: Array(line)),
        value["unknown"]?.integer == 1
      else { break }
      bytes = bytes.dropLast(line.count + 1)
    }
    return Array(bytes)
  }

  /// Behind the bytes of what is no receipt.
  static func writeUnknown(_ reason: String, at now: Date, to bytes: inout [UInt8]) {
    write(
      [
        .init("unknown", .integer(1)), .init("at", .string(RFC3339.string(now))), .init("reason", .string(reason)),
      ], to: &bytes)
  }

  private static func write(_ members: [JSON.Member], to bytes: inout [UInt8]) {
    JSON.object([.init("msgspool", .integer(1))] + members).write(to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }
}
