import Core
import FoundationEssentials
import Ledger
import Spooling

/// Settles what dead sweeps left in cur/. Runs at the start of every sweep; the kernel lock on cur/SWEEP tells the dead
/// from the living, ages never do. Nothing is sent here.
///
/// The order at every call is: claim renamed, folders flushed (1), intent committed (2), request sent (3), outcome
/// committed (4), history line appended (5), file renamed (6). What each crash leaves, and what is done about it:
///
/// | crash after | in cur/DEAD | in the ledger | rescue |
/// | --- | --- | --- | --- |
/// | before 1 | nothing: the file is in new/ or deferred/ | nothing | nothing to do |
/// | 1 | the file as dropped | no call of it | back to new/, unchanged |
/// | 2 or 3 | the file as dropped | open intents | in doubt: repeated under its key, asked about, else `on_unconfirmed` |
/// | 4 | the file as dropped | outcomes | line written from them, settled |
/// | some calls at 2-4, some recipients at 1 | the file as dropped | both | line with what is known; deferred for the rest |
/// | in 5 | a torn line, or zeros | outcomes | ignored by readers; a newline and a whole line follow |
/// | 5 | a whole line that names DEAD and all its calls | outcomes | flushed, as a kill leaves it in memory alone, and renamed to where the line says |
/// | 1 to 4 of a message that DEAD had deferred before | a line that names DEAD, and not these calls | both | as 1 to 4, by the calls that no line tells |
/// | 4 of one part of a message that is sent in parts | the file as dropped | that part's outcome | line with the accepted parts; deferred for the rest |
/// | 6 | nothing: the file is settled | outcomes | nothing to do |
/// | any, and the ledger is lost | the file | another generation | unconfirmed: nobody can tell what was sent |
/// | within rescue | as above: rescue takes the same steps in the same order, under the same lock | | done again |
/// | between the two steps of a rename, where it takes two (`Renaming`) | a second name of the file | as before | the name in cur/ is removed where the other is in new/, deferred/, done/ or failed/; else as above |
/// | copying a foreign file aside | `.copy-N` beside the file | | the copy is removed |
package struct Rescue {
  /// Files settled between two flushes.
  private static let batch = 1000

  private let environment: SweepEnvironment
  private let router: Router
  /// What was settled; messages that go back to new/ are the sweep's to count.
  package private(set) var summary = SweepSummary()
  /// Other sweeps' folders are still there: they live, or could not be settled.
  package private(set) var othersLive = false
  private var ids: [FileName: String] = [:]
  /// When the life of deferred messages began, as their history tells.
  private var began: [FileName: Date] = [:]
  /// Lost calls that deferred messages are still to ask about.
  private var awaited: Set<String> = []

  package init(_ environment: SweepEnvironment) {
    self.environment = environment
    router = Router(environment.configuration)
  }

  /// Takes every folder in cur/ whose sweeper is dead.
  package mutating func run() throws(SweepTrouble) {
    var ids: [FileName] = []
    do throws(SystemFault) {
      let names = try environment.spool.names(in: .cur)
      while let entry = try names.next() { ids.append(entry.name) }
    } catch {
      throw SweepTrouble(fault: error)
    }
    for id in ids.sorted() { try settle(id) }
  }

  private mutating func settle(_ id: FileName) throws(SweepTrouble) {
    let taken: (dead: any SweepDisk, names: [FileName], modified: Date)
    do throws(SystemFault) {
      guard let dead = try environment.spool.take(String(decoding: id.bytes, as: UTF8.self)) else {
        othersLive = true
        return
      }
      var names: [FileName] = []
      let listing = try dead.names()
      while let entry = try listing.next() { names.append(entry.name) }
      taken = (dead, names, try dead.modified())
    } catch {
      return try pass(over: id, error)
    }
    defer { taken.dead.end() }
    if taken.names.isEmpty { return }
    let evidence: Evidence
    do throws(LedgerFault) {
      evidence = try Evidence(taken.dead.id, modified: taken.modified, taken.names, environment.ledger)
    } catch {
      throw SweepTrouble(fault: error)
    }
    do throws(SystemFault) {
      try settle(taken.names, in: taken.dead, evidence)
    } catch {
      return try pass(over: id, error)
    }
    close(evidence, of: taken.dead)
  }

  /// A folder that is another user's, as a sweep by root may have left it, stops nobody.
  private func pass(over id: FileName, _ fault: SystemFault) throws(SweepTrouble) {
    guard fault.isRefusal else { throw SweepTrouble(fault: fault) }
    let spool = environment.spool
    let hint = "give it to the sweeper's user: chown -R --reference=\(spool.path) \(spool.path)/cur"
    environment.observe(
      .notice(Notice("cur/\(id.display)", "may not be settled by this user, and was left alone: \(fault)", hint: hint)))
  }

  private mutating func settle(
    _ names: [FileName], in dead: any SweepDisk, _ evidence: Evidence
  ) throws(SystemFault) {
    let reader = dead.reader(limit: environment.configuration.maxMessageBytes)
    var rest = names[...]
    while !rest.isEmpty {
      try settle(Array(rest.prefix(Rescue.batch)), in: dead, evidence, reader)
      rest = rest.dropFirst(Rescue.batch)
    }
    environment.observe(
      .notice(
        Notice("sweep \(dead.id)", "was cut short; what it had in hand was settled from the ledger (\(names.count))")))
  }

  private mutating func settle(
    _ names: [FileName], in dead: any SweepDisk, _ evidence: Evidence, _ reader: any MessageReader
  ) throws(SystemFault) {
    var settlements: [Settlement] = []
    let now = environment.now()
    for name in names {
      if name.bytes.first == UInt8(ascii: ".") {
        dead.remove(name)
        continue
      }
      if dead.finishMove(of: name) { continue }
      let claim: Claim
      do throws(SystemFault) {
        claim = try reader.read(name, from: .deferred, now: now)
      } catch {
        if error.isShortage { throw error }
        // It stays where it is, claimed and known to the ledger; every sweep tries again.
        environment.observe(.notice(Notice(name.display, "could not be read: \(error)", hint: error.hint)))
        continue
      }
      switch claim {
      case .left(_, let notice) where evidence.mayHaveSent(name):
        // It is no message now, but was: what the ledger knows of it must not be lost by sending it anew.
        stay(name, notice ?? ClaimReader.secondLink, dead)
      case .invalid(let file, let fault) where evidence.parts[name] != nil:
        settlements.append(Settlement(file, orphan(evidence.parts[name] ?? [], fault.message, dead, now)))
      case .left, .invalid:
        // No message: nothing of it was ever sent, and the next claim says what is wrong with it.
        try dead.put(name, into: .new)
      case .message(let file, let content):
        let news = evidence.news(of: name, content.lines, dead.id)
        if news.isEmpty, let last = content.lines.last, last.sweep == dead.id {
          settlements.append(Settlement(file, last, isWritten: true))
        } else {
          ids[name] = content.message.id
          began[name] = Progress(content.lines).dropped
          settlements.append(Settlement(file, line(file, content, dead, news, evidence, now)))
        }
      }
    }
    var settler = Settler(dead, of: environment.spool)
    let settled = try settler.settle(settlements)
    record(settlements.filter { !$0.isWritten }, seen: evidence)
    record(settled.compactMap(\.renamed))
    for item in settled {
      guard let line = item.settlement.line else { continue }
      count(line)
      if item.settlement.isWritten { continue }
      environment.observe(.settled(item.event(line)))
    }
  }

  private mutating func count(_ line: HistoryLine) {
    summary.claimed += 1
    summary.count(line.state)
    awaited.formUnion(line.results.compactMap(\.call))
  }

  /// Calls that nobody will come back for have no outcome but doubt. What can't be recorded now is left to `check`.
  private func close(_ evidence: Evidence, of dead: any SweepDisk) {
    var group = GroupCommit(now: environment.now())
    for (id, call) in evidence.open where !awaited.contains(id) {
      let outcome = Outcome.unconfirmed(reason: "the sweep died before an answer came")
      var finished = FinishedCall(id: id, outcomes: Array(repeating: outcome, count: call.members.count))
      // A receipt may yet tell what the answer did not.
      finished.awaited = environment.configuration.channels[call.channel].flatMap {
        Awaiting.record(of: call, $0, at: group.now)
      }
      group.finished.append(finished)
    }
    // What stays there is still to be judged by its calls.
    guard !group.isEmpty, (try? dead.isEmpty()) == true else { return }
    _ = try? environment.ledger.commit(group)
  }

  private func stay(_ name: FileName, _ notice: String, _ dead: any SweepDisk) {
    environment.observe(
      .notice(
        Notice(
          "\(dead.path)/\(name.display)", "\(notice)",
          hint: "it may have been sent by a sweep that was cut short, so it waits there until it can be settled")))
  }

  /// The id of a message that failed is free again, that of any other is kept by it for good; one that goes back has the
  /// age it had. Where that can't be recorded now, the id is free when its window ends, and the age begins anew.
  private func record(_ settlements: [Settlement], seen evidence: Evidence) {
    var group = GroupCommit(now: environment.now())
    for settlement in settlements {
      let file = settlement.file
      guard settlement.line == nil else {
        group.forgotten.append(file.identity)
        continue
      }
      let known = seen(file) ?? began[file.name] ?? evidence.claimed
      group.returned.append(Seen(file: file.identity, since: min(known, group.now)))
    }
    group.settledIds = settlements.compactMap { settlement in
      guard let line = settlement.line, line.state.isFinal, let channel = line.channel,
        let id = ids[settlement.file.name]
      else { return nil }
      return SettledIdentifier(
        channel: channel, id: id, owner: settlement.file.owner, isFree: line.state == .failed)
    }
    var meters = Meters()
    for settlement in settlements {
      if let line = settlement.line { meters.count(line) }
    }
    group.meters = meters.rows
    if environment.configuration.onFailure != nil {
      group.failures = settlements.compactMap { settlement in
        settlement.line.flatMap {
          FailureNote($0, name: settlement.file.name.display, id: ids[settlement.file.name])
        }
      }
    }
    if !group.isEmpty { _ = try? environment.ledger.commit(group) }
  }

  /// Where that can't be recorded now, receipts find the files by what stands in them.
  private func record(_ renamed: [RenamedFile]) {
    guard !renamed.isEmpty, ReceiptStage.isWanted(environment.configuration) else { return }
    var group = GroupCommit(now: environment.now())
    group.renamed = renamed
    _ = try? environment.ledger.commit(group)
  }

  private func seen(_ file: ClaimedFile) -> Date? {
    ((try? environment.ledger.seen([file.identity])) ?? [:])[file.identity]
  }

  /// Nil for a message nothing of which was sent.
  private func line(
    _ file: ClaimedFile, _ content: MessageFile, _ dead: any SweepDisk, _ parts: [Evidence.Part],
    _ evidence: Evidence, _ now: Date
  ) -> HistoryLine? {
    if parts.isEmpty, evidence.isComplete { return nil }
    let progress = Progress(content.lines, again: content.again)
    let circumstances = Verdict.Circumstances(
      now: now, sweep: dead.id,
      dropped: progress.began(seen: seen(file) ?? evidence.claimed, isHandedIn: false, now: now),
      random: environment.random())
    guard case .go(let itinerary) = router.routeAtOnce(content.message, progress) else {
      return orphan(parts, "its channel is no longer in the configuration", dead, now)
    }
    // What sent nothing is in no doubt, ledger or not: a message without recipients left.
    if itinerary.legs.isEmpty { return nil }
    var account = Account(parts, itinerary, content.message, now)
    var results: [LegResult] = []
    for leg in itinerary.legs {
      let known = result(leg, &account, visited: [])
      results += known ?? (evidence.isComplete ? [LegResult(leg)] : [lost(leg)])
    }
    // What no present leg leads to: the address book or the fallbacks have changed since.
    for part in parts where account.unused.remove(part.key) != nil {
      if let stray = stray(account.newest[part.key] ?? part) { results.append(stray) }
    }
    var calls: [String] = []
    for part in parts where calls.last != part.call { calls.append(part.call) }
    return Verdict.line(itinerary, results, calls: calls, circumstances)
  }

  /// What the ledger knows of one message, part by part.
  private struct Account {
    /// The newest part of each leg; a message may have a hundred thousand.
    let newest: [Evidence.Part.Key: Evidence.Part]
    var unused: Set<Evidence.Part.Key>
    let itinerary: Itinerary
    let message: Message
    let now: Date

    init(_ parts: [Evidence.Part], _ itinerary: Itinerary, _ message: Message, _ now: Date) {
      newest = Dictionary(parts.map { ($0.key, $0) }) { $1 }
      unused = Set(newest.keys)
      self.itinerary = itinerary
      self.message = message
      self.now = now
    }
  }

  /// What became of a leg and, where it was refused, of the fallback legs that replace it; nil where it took part in no call.
  private func result(_ leg: Itinerary.Leg, _ account: inout Account, visited: Set<String>) -> [LegResult]? {
    let (leg, hasNews) = advanced(leg, &account)
    let key = Evidence.Part.key(of: leg)
    var outcome: Outcome
    var question: (call: String, due: Date)?
    if let part = account.newest[key] {
      account.unused.remove(key)
      guard let channel = environment.configuration.channels[leg.channel] else { return [LegResult(leg)] }
      outcome = part.outcome ?? .unconfirmed(reason: "the sweep was cut short after it had sent this, or before")
      if case .ask(let lost) = leg.start, Verbatim(lost) == Verbatim(part.call), part.isUndecided {
        // Repeated under its key, and not carried out this time: that says nothing of the first time.
        outcome = .unconfirmed(code: outcome.code, reason: outcome.reason)
      }
      if outcome.state == .unconfirmed {
        (outcome, question) = Doubt.resolve(
          outcome, call: part.call, startedAt: part.startedAt, channel, now: account.now)
      }
      outcome = Verdict.final(outcome, attempt: account.itinerary.attempts + 1, channel.retry)
    } else if case .decided(let decided) = leg.start {
      outcome = decided
    } else if hasNews {
      outcome = .deferred(.provider, reason: "was accepted in part before the sweep was cut short; the rest is next")
      return [LegResult(leg, outcome: outcome, isTried: false, due: account.now)]
    } else {
      return nil
    }
    if outcome.state == .rejected {
      let seen = visited.union([leg.channel])
      let next = router.fallbacks(of: leg, account.message, visited: seen)
      if !next.isEmpty {
        return next.flatMap { result($0, &account, visited: seen) ?? [onward($0, outcome, account.now)] }
      }
    }
    return [LegResult(leg, outcome: outcome, isTried: account.newest[key] != nil, question: question)]
  }

  /// Of a message that is sent in parts: the leg at the first part that the ledger does not know as accepted.
  private func advanced(_ leg: Itinerary.Leg, _ account: inout Account) -> (leg: Itinerary.Leg, hasNews: Bool) {
    var leg = leg
    var hasNews = false
    while leg.trail != nil {
      let key = Evidence.Part.key(of: leg)
      guard let outcome = account.newest[key]?.outcome, outcome.state == .accepted, let next = leg.accepting(outcome)
      else { break }
      leg = next
      account.unused.remove(key)
      hasNews = true
    }
    return (leg, hasNews)
  }

  /// Nothing is sent in a rescue: the next sweep takes the fallback.
  private func onward(_ leg: Itinerary.Leg, _ refusal: Outcome, _ now: Date) -> LegResult {
    let outcome = Outcome.deferred(
      .provider, code: refusal.code, reason: refusal.reason ?? "goes on through the fallback channel")
    return LegResult(leg, outcome: outcome, isTried: false, due: now, refusal: refusal)
  }

  /// A recipient that the message would not be sent to now: nil where it was not sent to then either.
  private func stray(_ part: Evidence.Part) -> LegResult? {
    var outcome = part.outcome ?? .unconfirmed(reason: "the sweep was cut short after it had sent this, or before")
    var question: (call: String, due: Date)?
    if outcome.state == .unconfirmed, let channel = environment.configuration.channels[part.channel] {
      (outcome, question) = Doubt.resolve(
        outcome, call: part.call, startedAt: part.startedAt, channel, now: environment.now())
    }
    guard outcome.state == .accepted || outcome.state == .unconfirmed else { return nil }
    let leg = Itinerary.Leg(
      to: part.to, original: part.to, channel: part.channel, isFallback: part.address != nil,
      target: Target(part.address ?? part.to), content: Content([]), start: .send)
    return LegResult(leg, outcome: outcome, isTried: true, question: question)
  }

  private func lost(_ leg: Itinerary.Leg) -> LegResult {
    let outcome = Outcome.unconfirmed(
      reason: "the sweep was cut short, and the ledger that knew what it had sent is lost")
    let channel = environment.configuration.channels[leg.channel]
    return LegResult(leg, outcome: channel.map { Doubt.byPolicy(outcome, $0) } ?? outcome, isTried: true)
  }

  /// The message can't be routed any more (its channel is gone from the configuration, a limit was lowered): what is
  /// known of those who took part in calls is kept, what isn't is in doubt.
  private func orphan(
    _ parts: [Evidence.Part], _ problem: String, _ dead: any SweepDisk, _ now: Date
  ) -> HistoryLine {
    let results = parts.map { part in
      let outcome = part.outcome ?? .unconfirmed()
      return HistoryLine.Result(
        to: part.to, state: outcome.state, id: outcome.id, code: outcome.code, reason: outcome.reason)
    }
    let isInDoubt = results.contains { $0.state == .unconfirmed }
    return HistoryLine(
      at: now, state: isInDoubt ? .unconfirmed : .failed, sweep: dead.id, channel: parts.first?.channel, attempt: 1,
      calls: Array(Set(parts.map(\.call))).sorted(), results: results,
      error: Fault(
        isInDoubt ? .uncertain : .message,
        "the sweep was cut short, and the message cannot be taken up again: \(problem)",
        hint: isInDoubt
          ? "find out whether it arrived; then: msgspool retry NAME --state unconfirmed"
          : "when the cause is mended: msgspool retry NAME (what was accepted is not sent again)"))
  }
}
