import Core
import FoundationEssentials
import Ledger
import Spooling
import Sweeping

/// Sweeps and their calls: is everything that was begun also ended?
extension Inspection {
  /// What dead sweeps left in cur/. The next sweep settles it as well; check only says so, or does it now.
  mutating func inspectSweeps() throws(SystemFault) {
    let root = try spool.facts()
    var listing = try spool.list(.cur)
    while let entry = try listing.next() {
      // As everywhere in a spool; no sweep has such a name.
      if SpoolLayout.isIgnored(entry.name) { continue }
      let name = String(decoding: entry.name.bytes, as: UTF8.self)
      let isFolder = (try? FileFacts(of: entry.name, in: spool.descriptor(.cur)))?.isFolder ?? true
      guard isFolder else {
        tell(
          Complaint(
            .error, .oddities, "cur/\(entry.name.display)", "is no sweep's folder: no sweep looks at it",
            hint: "if it is a message that was never sent, move it to new/"))
        continue
      }
      if !inspectOwner(entry.name, in: spool.descriptor(.cur), "cur/\(entry.name.display)", root) { continue }
      if let place = try Place.of(sweep: entry.name, in: spool), place.isClosed {
        tell(
          Complaint(
            .error, .permissions, "cur/\(entry.name.display)", "this user may not look into it: no sweep settles it",
            hint: "chmod u+rwx \(place.path.shellWord)"))
        continue
      }
      giveFilesToOwner(in: entry.name, root)
      if spool.isAlive(sweep: name) { continue }
      let left = try count(entry.name)
      guard let left else { continue }
      var complaint = Complaint(
        .warning, .sweeps, "cur/\(entry.name.display)",
        "its sweep is dead, and left \(left == 0 ? "nothing" : "\(left) message\(left == 1 ? "" : "s") in hand")",
        hint: "the next sweep settles that from the ledger, and so does: msgspool check --repair")
      if repair != nil, configuration != nil {
        needsRescue = true
        complaint.action = "settled from the ledger"
      }
      tell(complaint)
    }
  }

  /// A sweep that root ran, and that was killed, has left its own copies of others' messages.
  private func giveFilesToOwner(in sweep: FileName, _ root: FileFacts) {
    let name = String(decoding: sweep.bytes, as: UTF8.self)
    guard repair != nil, let place = try? spool.places(.cur).first(where: { $0.sweep == name }),
      var listing = try? Listing(place.descriptor, path: place.path)
    else { return }
    while let entry = try? listing.next() {
      guard let facts = try? FileFacts(of: entry.name, in: place.descriptor), facts.isRegular, facts.links == 1,
        facts.owner != root.owner
      else { continue }
      _ = spool.giveToOwner(entry.name, in: place.descriptor, root)
    }
  }

  private func count(_ sweep: FileName) throws(SystemFault) -> Int? {
    guard let place = try spool.places(.cur).first(where: { $0.sweep == String(decoding: sweep.bytes, as: UTF8.self) })
    else { return nil }
    var listing = try Listing(place.descriptor, path: place.path)
    var count = 0
    while try listing.next() != nil { count += 1 }
    return count
  }

  /// Settles what dead sweeps left, as the next sweep would.
  func rescue() throws(LedgerFault) {
    guard let repair, let configuration else { return }
    let environment = SweepEnvironment(
      spool: spool, ledger: repair.ledger, configuration: configuration, transport: { _ in NoTransport() },
      clock: { [now] in Moment(date: now(), steady: 0) },
      random: repair.random, nonce: repair.nonce, observe: { _ in })
    do throws(SweepTrouble) {
      var rescue = Rescue(environment)
      try rescue.run()
    } catch {
      tell(Complaint(.error, .sweeps, "cur/", "could not be settled: \(error.message)", hint: error.hint))
    }
  }

  // MARK: The ledger

  func inspectLedger() throws(LedgerFault) {
    guard let ledger else { return }
    let defects = try ledger.defects()
    for defect in defects {
      tell(
        Complaint(
          .error, .ledger, SpoolLayout.ledger, defect,
          hint:
            "stop the sweeps and move it aside (mv ledger.db ledger.db.damaged): a new one begins, and messages in doubt become unconfirmed"
        ))
    }
    if !defects.isEmpty { return }
    try inspectOpenCalls(ledger)
    try inspectSuspensions(ledger)
  }

  /// Calls without an outcome whose sweep is dead and has left nothing in cur/: their messages were settled as
  /// unconfirmed, and nobody will ever come back for them, unless a deferred message is still to ask the provider.
  private func inspectOpenCalls(_ ledger: any LedgerAudit) throws(LedgerFault) {
    var open: [String: (sweep: String, members: Int, started: Date)] = [:]
    try ledger.calls(onlyOpen: true) { open[$1.id] = ($0, $1.members.count, $1.startedAt) }
    if open.isEmpty { return }
    for call in awaited() { open[call] = nil }
    var group = GroupCommit(now: now())
    var complaints: [Complaint] = []
    for (id, call) in open.sorted(by: { $0.key < $1.key }) {
      // A folder that is still there is a living sweep's, or was reported with its messages.
      let folder = try? FileFacts(of: FileName(call.sweep), in: spool.descriptor(.cur))
      guard folder == nil, try ledger.call(id)?.outcomes == nil else { continue }
      var complaint = Complaint(
        .warning, .ledger, "call \(id)",
        "began at \(RFC3339.string(call.started)) for \(call.members) recipient\(call.members == 1 ? "" : "s"), and its sweep died without an outcome",
        hint: "its messages say unconfirmed where they are in doubt; check --repair closes the call")
      if repair != nil {
        let reason = "the sweep died before an answer came"
        group.finished.append(
          FinishedCall(id: id, outcomes: Array(repeating: .unconfirmed(reason: reason), count: call.members)))
        complaint.action = "closed as unconfirmed"
      }
      complaints.append(complaint)
    }
    if !group.isEmpty { _ = try ledger.commit(group) }
    complaints.forEach(tell)
  }

  /// Lost calls that deferred messages are still to ask about.
  private func awaited() -> Set<String> {
    var calls: Set<String> = []
    var tails = TailReader()
    guard var walk = try? Walk(.deferred, of: spool) else { return calls }
    while let found = try? walk.next() {
      guard case .tail(let tail)? = tails.read(found.name, in: found.place.descriptor, path: found.place.path) else {
        continue
      }
      var results = tail.last?.results ?? []
      // A line that only waits (quiet hours) says nothing of recipients: what was in doubt before it still is.
      if results.isEmpty,
        case .message(let file)? = spool.peek(
          found.name, in: found.place.descriptor, path: found.place.path, limit: limit)
      {
        results = .init(Progress(file.lines, again: file.again).results.values.joined())
      }
      for result in results {
        if let call = result.call { calls.insert(call) }
      }
    }
    return calls
  }

  private func inspectSuspensions(_ ledger: any LedgerAudit) throws(LedgerFault) {
    guard let configuration else { return }
    for suspension in try ledger.suspensions() where configuration.channels[suspension.channel] == nil {
      var complaint = Complaint(
        .warning, .ledger, suspension.channel, "is suspended in the ledger, and no longer in the configuration",
        hint: "check --repair forgets the suspension")
      if repair != nil {
        var group = GroupCommit(now: now())
        group.resumed = [suspension.channel]
        _ = try ledger.commit(group)
        complaint.action = "forgotten"
      }
      tell(complaint)
    }
  }
}

/// Rescue sends nothing.
private struct NoTransport: Transport {
  func perform(_ errands: [Errand]) {
    for errand in errands {
      errand.deliver(.notSent(TransportFailure(code: "invalid", message: "check sends nothing")))
    }
  }
}
