import Core
import FoundationEssentials
import Ledger
import Spooling

/// What the ledger knows of the files that a dead sweep left.
struct Evidence {
  struct Part {
    var call: String
    var channel: String
    var startedAt: Date
    var to: String
    var address: String?
    /// Which part of the message, where it is sent in parts.
    var part: Int?
    /// Nil while the call is open.
    var outcome: Outcome?
    /// Nobody in the call was accepted or refused: it was not carried out this time.
    var isUndecided: Bool

    /// Which leg it is about: to, channel, and the address in a fallback channel.
    struct Key: Hashable {
      var to: Verbatim
      var channel: String
      var address: Verbatim?
      var part: Int?
    }

    var key: Key { Key(to: Verbatim(to), channel: channel, address: address.map(Verbatim.init(_:)), part: part) }

    static func key(of leg: Itinerary.Leg) -> Key {
      Key(
        to: Verbatim(leg.to), channel: leg.channel, address: leg.isFallback ? Verbatim(leg.target.address) : nil,
        part: leg.trail?.index)
    }
  }

  /// By the files' bytes: names that look alike (é in one scalar and in two) are two files.
  var parts: [FileName: [Part]] = [:]
  /// Calls without an outcome: no more than were in flight.
  var open: [String: CallRecord] = [:]
  /// About when the sweep saw its messages: the last time that one came into its folder, or left it.
  let claimed: Date
  /// This ledger was there when the sweep ran: a call that isn't in it was never made.
  var isComplete: Bool

  /// What no line tells yet: an endless sweep may have had the file before, deferred it, and claimed it again.
  func news(of name: FileName, _ lines: [HistoryLine], _ sweep: String) -> [Part] {
    guard let parts = parts[name] else { return [] }
    let told = Set(lines.filter { $0.sweep == sweep }.flatMap(\.calls))
    return told.isEmpty ? parts : parts.filter { !told.contains($0.call) }
  }

  func mayHaveSent(_ name: FileName) -> Bool { !isComplete || parts[name] != nil }

  init(_ sweep: String, modified: Date, _ names: [FileName], _ ledger: any Ledger) throws(LedgerFault) {
    claimed = modified
    let parts = sweep.split(separator: "-")
    if parts.count == 3, parts[1].count == ledger.generation.count {
      isComplete = parts[1] == ledger.generation
    } else {
      // A folder that no sweep of ours named (made by hand): as old as its last change.
      isComplete = modified >= ledger.createdAt
    }
    let names = Set(names)
    var found: [FileName: [Part]] = [:]
    var open: [String: CallRecord] = [:]
    try ledger.calls(ofSweep: sweep) { record in
      let isUndecided = record.outcomes?.allSatisfy { $0.state == .deferred } ?? false
      if record.outcomes == nil { open[record.id] = record }
      for (index, member) in record.members.enumerated() {
        let name = FileName(display: member.file)
        guard names.contains(name) else { continue }
        found[name, default: []].append(
          Part(
            call: record.id, channel: record.channel, startedAt: record.startedAt, to: member.to,
            address: member.address, part: member.part,
            outcome: record.outcomes.flatMap { $0.indices.contains(index) ? $0[index] : nil },
            isUndecided: isUndecided))
      }
    }
    self.parts = found
    self.open = open
  }
}
