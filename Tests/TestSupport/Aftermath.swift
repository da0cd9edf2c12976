import Foundation
import Synchronization

/// Messages that were dropped, and whom they are for: what has to be accounted for in the end, whatever happened.
package struct Cargo: Sendable {
  package struct Message: Sendable {
    package var text: String
    package var recipients: [String]
  }

  package private(set) var messages: [String: Message] = [:]

  package init() {}

  /// - Parameter more: further members, each with its comma before it.
  package mutating func add(
    _ name: String, channel: String, to recipients: [String], body: String, more: String = ""
  ) {
    let list = recipients.map { "\"\($0)\"" }.joined(separator: ",")
    messages[name] = Message(
      text: #"{"channel":"\#(channel)","to":[\#(list)],"body":"\#(body)"\#(more)}"#, recipients: recipients)
  }

  /// A message that another program dropped.
  package mutating func add(_ name: String, text: String, recipients: [String]) {
    messages[name] = Message(text: text, recipients: recipients)
  }

  package func drop(into spool: TemporarySpool) throws {
    for (name, message) in messages.sorted(by: { $0.key < $1.key }) { try spool.drop(name, message.text) }
  }
}

/// What a test finds when all is swept: who got what by the far side's record, and what the files say about it.
package struct Aftermath: Sendable {
  private let mayReject: Bool
  package private(set) var recipients = 0
  package private(set) var lost: [String] = []
  package private(set) var duplicated: [String] = []
  package private(set) var unconfirmed: [String] = []
  /// Every broken promise, in words.
  package private(set) var problems: [String] = []

  /// Each recipient of the cargo must be in one message only.
  /// - Parameters:
  ///   - ledger: the calls of the spool's ledger; nil where it is not to be compared.
  ///   - mayReject: the far side refuses some recipients for good.
  ///   - mayBeTorn: lines may have been cut off; a whole one is behind them.
  ///   - named: the cargo's word for an address that a fallback channel sent to.
  package init(
    _ station: Station, _ cargo: Cargo, ledger: LedgerView? = nil, mayReject: Bool = false, mayBeTorn: Bool = false,
    named: (String) -> String = { $0 }
  ) throws {
    self.mayReject = mayReject
    let accepted = try station.accepted().reduce(into: [:]) { $0[named($1.key), default: 0] += $1.value }
    if !station.spool.names(in: "cur").isEmpty { problems.append("cur/ is not empty") }
    for (name, message) in cargo.messages.sorted(by: { $0.key < $1.key }) {
      let folders = station.spool.folders(of: name)
      guard folders.count == 1, ["done", "failed"].contains(folders[0]) else {
        problems.append("\(name) is in \(folders)")
        continue
      }
      var states: [String: String] = [:]
      let file = "\(folders[0])/\(name)"
      for line in try station.spool.history(file, of: message.text, mayBeTorn: mayBeTorn) {
        for result in line["results"]?.array ?? [] {
          if let to = result["to"]?.text { states[to] = result["state"]?.text }
        }
        if let ledger { compare(line, of: name, with: ledger) }
      }
      for recipient in message.recipients {
        judge(recipient, of: name, in: folders[0], states[recipient], accepted: accepted[recipient] ?? 0)
      }
    }
  }

  /// What a line says was accepted must be in a call that the ledger knows as answered.
  private mutating func compare(_ line: Parsed, of name: String, with ledger: LedgerView) {
    let calls = (line["calls"]?.array ?? []).compactMap(\.text)
    for call in calls where ledger.isAnswered[call] == nil {
      problems.append("\(name): the ledger has no call \(call)")
    }
    let hasAccepted = line["results"]?.array.contains { $0["state"] == "accepted" } ?? false
    if hasAccepted, !calls.contains(where: { ledger.isAnswered[$0] == true }) {
      problems.append("\(name) was accepted, and the ledger knows of no answer")
    }
  }

  private mutating func judge(
    _ recipient: String, of name: String, in folder: String, _ state: String?, accepted: Int
  ) {
    recipients += 1
    if accepted > 1 { duplicated.append(recipient) }
    switch state {
    case "accepted":
      if accepted == 0 { lost.append(recipient) }
    case "unconfirmed":
      unconfirmed.append(recipient)
      if folder != "failed" { problems.append("\(name) is in doubt and in \(folder)/") }
    case "rejected" where mayReject:
      if accepted > 0 { lost.append(recipient) }
    default: problems.append("\(recipient) of \(name) is \(state ?? "nowhere in its history")")
    }
  }
}

/// The calls in a spool's ledger, as another program reads them.
package struct LedgerView: Sendable {
  package static let isMissing = find(program: "sqlite3") == nil

  /// By call: whether its answer came.
  package var isAnswered: [String: Bool] = [:]

  package init(_ spool: TemporarySpool) async throws {
    let sql = "SELECT id || ' ' || (finished IS NOT NULL) FROM calls"
    for line in try await run("sqlite3", ["\(spool.path)/ledger.db", sql]).stdout.split(separator: "\n") {
      isAnswered[String(line.dropLast(2))] = line.hasSuffix("1")
    }
  }
}

extension Station {
  /// Sweeps until nothing waits, whatever the due times say.
  /// - Returns: what all these sweeps said on standard error.
  @discardableResult
  package func sweepToTheEnd(atMost times: Int = 8) async throws -> String {
    var said = ""
    for _ in 0..<times {
      let swept = try await sweep()
      said += swept.stderr
      guard swept.status == 0 else {
        throw SpoolDamage(description: "a clean sweep ended with \(swept.status): \(said)")
      }
      if spool.names(in: "new").isEmpty, spool.names(in: "deferred").isEmpty { return said }
      try spool.letDeferredFallDue()
    }
    throw SpoolDamage(description: "messages wait after \(times) sweeps: \(said)")
  }
}

/// The long tests run with MSGSPOOL_TORTURE=1; MSGSPOOL_SEED chooses what the short ones pick.
package enum Torture {
  package static let isOn = ProcessInfo.processInfo.environment["MSGSPOOL_TORTURE"] == "1"
  package static let seed = ProcessInfo.processInfo.environment["MSGSPOOL_SEED"].flatMap(UInt64.init) ?? 1

  /// All of them, or so many, chosen by the seed.
  package static func some<Element>(_ all: [Element], _ count: Int) -> [Element] {
    if isOn { return all }
    var generator = SplitMix(state: seed)
    return Array(all.shuffled(using: &generator).prefix(count))
  }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  package struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}

/// The figures of a long run, printed when the tests end.
package final class Tally: Sendable {
  package static let shared = Tally()

  private struct Row {
    var runs = 0
    var recipients = 0
    var lost = 0
    var duplicated = 0
    var unconfirmed = 0
    var problems = 0
  }

  private let rows = Mutex<[String: Row]>([:])

  private init() {
    if Torture.isOn { atexit { Tally.shared.report() } }
  }

  /// - Parameter points: how many calls were struck at in this run; none in a run that came to its end before.
  package func count(_ aftermath: Aftermath, as kind: String, points: Int = 1) {
    rows.withLock { rows in
      var row = rows[kind] ?? Row()
      row.runs += points
      row.recipients += aftermath.recipients
      row.lost += aftermath.lost.count
      row.duplicated += aftermath.duplicated.count
      row.unconfirmed += aftermath.unconfirmed.count
      row.problems += aftermath.problems.count
      rows[kind] = row
    }
  }

  private func report() {
    print("kind | runs | recipients | lost | duplicated | unconfirmed | other")
    for (kind, row) in rows.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
      print(
        "\(kind) | \(row.runs) | \(row.recipients) | \(row.lost) | \(row.duplicated) | \(row.unconfirmed) | \(row.problems)"
      )
    }
  }
}
