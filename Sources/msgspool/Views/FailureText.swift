import Core
import FoundationEssentials
import Glibc
import Ledger

/// A summary of failures as the message that tells of it.
struct FailureText {
  private let summary: FailureSummary
  private let spool: String
  private let host: String

  init(_ summary: FailureSummary, spool: String, host: String = FailureText.hostName) {
    self.summary = summary
    self.spool = spool
    self.host = host
  }

  private static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// As much of it as the channel takes. Its id is the summary's: told twice, it is sent once.
  func message(to address: OperatorAddress, through channel: Channel) -> JSON {
    let bodies = [20, 5, 1, 0].map(body)
    let body = bodies.first { FailureLetter.fits(title, $0, channel) } ?? bodies[bodies.count - 1]
    var members: [JSON.Member] = [.init("channel", .string(address.channel))]
    if let to = address.to { members.append(.init("to", .strings(to))) }
    members += [
      .init("title", .string(title)), .init("body", .string(body)),
      .init("id", .string(FailureNote.ownId + summary.id)),
      .init("meta", .object([.init("msgspool", .string("failures"))])),
    ]
    return .object(members)
  }

  /// `msgspool: 12 failed, 1 unconfirmed, otp suspended`.
  var title: String {
    let counts = ["failed", "expired", "unconfirmed"].compactMap { state -> String? in
      let count = summary.notes.filter { $0.state == state }.reduce(0) { $0 + $1.count }
      return count > 0 ? "\(count) \(state)" : nil
    }
    let suspended = Set(summary.notes.filter { $0.state == "suspended" }.map(\.channel)).sorted()
    let channels =
      suspended.isEmpty
      ? [] : ["\(suspended.count > 3 ? "\(suspended.count) channels" : suspended.joined(separator: ", ")) suspended"]
    return "msgspool: " + (counts + channels).joined(separator: ", ")
  }

  /// - Parameter most: causes that have a line; the rest is counted.
  private func body(_ most: Int) -> String {
    let place = host.isEmpty ? spool : "\(host), \(spool)"
    var lines = ["\(title.dropFirst("msgspool: ".utf8.count)) (\(place))"]
    lines += summary.notes.prefix(most).map(line)
    if summary.notes.count > most, most > 0 { lines.append("and \(summary.notes.count - most) more causes") }
    if summary.notes.contains(where: { $0.state != "suspended" }) { lines.append("see: msgspool list failed") }
    if summary.notes.contains(where: { $0.state == "suspended" }) { lines.append("see: msgspool status") }
    return lines.joined(separator: "\n")
  }

  private func line(_ note: FailureNote) -> String {
    let reason = [note.kind, note.code, Columns.cut(note.reason.safeText, 200)].filter { !$0.isEmpty }
      .joined(separator: ": ")
    if note.state == "suspended" { return "\(note.channel): suspended: \(reason)" }
    let example = note.count == 1 ? note.name : "\(Columns.count(note.count, "message")), such as \(note.name),"
    return "\(note.channel): \(example) \(note.state): \(reason)"
  }
}
