import Core
import FoundationEssentials
import Ledger
import Spooling
import Sweeping

/// A settled file that doesn't tell what became of it.
struct Broken: Sendable {
  var name: FileName
  var folder: Folder
  var tail: Tail
}

/// What is settled: does each file's last line say that it belongs where it is?
///
/// Lines are flushed before files are renamed, so no crash of ours leaves a settled file without one; failing disks,
/// editors and people do. Where the ledger knows the calls, the file goes back to the sweep that made them, as if that had
/// died just before the line: rescue then takes the same steps as ever.
extension Inspection {
  /// Files without a whole line that are looked up in the ledger; more are a lost disk rather than a torn line.
  private static let mostBroken = 10_000

  mutating func inspectHistory(of folder: Folder) throws(SystemFault) {
    var tails = TailReader()
    var walk = try Walk(folder, of: spool)
    while let found = try walk.next() {
      // Those that wait were looked at with what waits.
      if found.isOdd {
        if folder != .deferred { note(odd: found) }
        continue
      }
      switch tails.read(found.name, in: found.place.descriptor, path: found.place.path) {
      case nil, .odd?: continue
      case .unreadable(let fault)?:
        if folder != .deferred {
          tell(Complaint(.error, .history, subject(found), "cannot be read: \(fault)", hint: fault.hint))
        }
      case .tail(let tail)?:
        if folder != .deferred, !inspectFile(found, tail.facts) { continue }
        try inspect(tail, of: found)
      }
    }
  }

  private mutating func inspect(_ tail: Tail, of found: Walk.Found) throws(SystemFault) {
    guard let last = tail.last, !tail.isTorn else {
      let key = found.name.display
      if broken.count < Inspection.mostBroken, broken[key] == nil {
        broken[key] = Broken(name: found.name, folder: found.place.folder, tail: tail)
      } else {
        tell(unexplained(Broken(name: found.name, folder: found.place.folder, tail: tail)))
      }
      return
    }
    let home = SpoolLayout.folder(of: last.state)
    guard home != found.place.folder else { return }
    var complaint = Complaint(
      .error, .history, subject(found), "its last line says \(last.state.rawValue), which belongs in \(home.rawValue)/",
      hint: "msgspool check --repair moves it there")
    if repair != nil, let moved = try spool.putRight(found.name, from: found.place.folder, last) {
      complaint.action = "moved to \(home.rawValue)/\(moved.display)"
    }
    tell(complaint)
  }

  private func unexplained(_ broken: Broken) -> Complaint {
    let problem =
      broken.tail.isTorn
      ? "its last history line is torn, and the ledger knows no call that could tell what it said"
      : "has no history, and the ledger knows no call of it"
    // One that somebody put into deferred/ or failed/ by hand is sent, or retried, like any other.
    let isHarmless = broken.folder != .done && !broken.tail.isTorn
    let hint =
      switch broken.folder {
      case .deferred: "it is sent when it falls due; if that is wrong, move it to failed/"
      case .failed where !broken.tail.isTorn: "if it is to be sent: msgspool retry \(broken.name.argument)"
      default: "find out whether it was sent; to send it, move it to new/, else remove it"
      }
    return Complaint(
      isHarmless ? .warning : .error, .history, "\(broken.folder.rawValue)/\(broken.name.display)", problem, hint: hint)
  }

  // MARK: The ledger's answer

  /// Asks the ledger about all files without a whole line in one pass.
  mutating func resolveBroken() throws(LedgerFault) {
    guard !broken.isEmpty else { return }
    var newest: [String: (sweep: String, started: Date)] = [:]
    try ledger?.calls(onlyOpen: false) { sweep, record in
      for member in record.members where broken[member.file] != nil {
        newest[member.file] = (sweep, record.startedAt)
      }
    }
    for (name, item) in broken.sorted(by: { $0.key < $1.key }) {
      guard let call = newest[name], isAnswer(call.started, for: item), !spool.isAlive(sweep: call.sweep) else {
        tell(unexplained(item))
        continue
      }
      var complaint = Complaint(
        .error, .history, "\(item.folder.rawValue)/\(name)",
        "its last history line is \(item.tail.isTorn ? "torn" : "missing"); the ledger knows its calls",
        hint: "msgspool check --repair writes the line from the ledger")
      if repair != nil, configuration != nil, let done = try? hand(item, to: call.sweep), done {
        needsRescue = true
        complaint.action = "its line is written from the calls of sweep \(call.sweep)"
      }
      tell(complaint)
    }
    broken.removeAll()
  }

  private func hand(_ item: Broken, to sweep: String) throws(SystemFault) -> Bool {
    try spool.handBack(item.name, from: item.folder, toSweep: sweep) != nil
  }

  /// Whether a call can be this file's, and not that of another message which had the same name.
  private func isAnswer(_ started: Date, for item: Broken) -> Bool {
    // A later message of that name got a number here, and its calls are under the plain name.
    let second = item.name.numbered(2)
    for folder in [Folder.deferred, .done, .failed]
    where (try? FileFacts(of: second, in: spool.descriptor(folder))) != nil {
      return false
    }
    if let last = item.tail.last { return started > last.at }
    // Untouched since it was dropped: what was sent before then was another message. Deferred ones have their due time.
    return item.tail.isTorn || item.folder == .deferred || started > item.tail.modified
  }
}
