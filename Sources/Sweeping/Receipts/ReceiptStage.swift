import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling

/// Applies receipts: what was dropped into receipts/, what services answer when they are asked, and waits that are over.
/// After sending: a sweep does it when its messages are on their way, a watch beside it, on a thread of its own.
///
/// The owner of receipts/ and of everything that is known of receipts. One process at a time, by the kernel's lock on the
/// folder; nothing is claimed, as every step may be done twice: (1) what a file says is committed to the ledger, (2) what
/// of it cannot be taken is kept in unknown/, (3) the file is removed, (4) the news are written behind their messages'
/// histories and flushed (`ReceiptTeller`), (5) the ledger is told that they are. What each crash leaves:
///
/// | crash after | in receipts/ | in the ledger | the next who applies receipts |
/// | --- | --- | --- | --- |
/// | before 1 | the file | what was known before | reads it anew |
/// | 1 | the file | the news, to be told | reads it anew: the same news twice are none |
/// | 2 | the file, and its bad entries in unknown/ | the same | finds those there, and writes them no second time |
/// | 3, 4 | nothing | news to be told | tells those that are not in their files yet |
/// | 5 | nothing | told | nothing to do |
///
/// A crash between a service's answer and 1 loses nothing either where it can be asked again; where it tells each news once
/// (Tencent's queue), its answer is committed before the next question, and Aliyun's is deleted there only then.
package final class ReceiptStage {
  /// Files that are read before the ledger is told.
  private static let files = 64
  /// Receipts in one commit: sweeps wait for the ledger meanwhile.
  private static let claims = 500
  /// Seconds until a receipt that names nothing is tried again, doubling.
  private static let firstTry = 1.0
  private static let lastTry = 300.0
  /// Names remembered of those.
  private static let remembered = 100_000

  private struct Waiting {
    var next: Double
    var pause: Double
  }

  private let environment: SweepEnvironment
  private let spool: Spool
  private let ledger: any ReceiptLedger
  private let folder: ReceiptFolder
  private let configuration: Configuration
  private let sorter: ReceiptSorter
  private let telling: ReceiptTelling
  private let asker: ReceiptAsker
  private var waiting: [FileName: Waiting] = [:]
  /// When this pass began. News from before may be in their files already: whoever wrote them may have died before it
  /// said so.
  private var began = Date.distantFuture
  private var strays = Strays()
  private let isStopped: @Sendable () -> Bool

  /// - Parameters:
  ///   - mayAsk: whether nothing is being sent, or waits to be.
  ///   - isStopped: whether to come to an end; what is left then is for the next who applies receipts.
  package init(
    _ environment: SweepEnvironment, _ spool: Spool, _ ledger: any ReceiptLedger,
    mayAsk: @escaping @Sendable () -> Bool = { true }, isStopped: @escaping @Sendable () -> Bool = { false }
  ) throws(SweepTrouble) {
    self.environment = environment
    self.isStopped = isStopped
    self.spool = spool
    self.ledger = ledger
    folder = try Self.disk { () throws(SystemFault) in try ReceiptFolder(spool) }
    configuration = environment.configuration
    sorter = ReceiptSorter(configuration)
    telling = ReceiptTelling(environment, spool, ledger)
    asker = ReceiptAsker(environment, ledger, mayAsk: mayAsk, isStopped: isStopped)
  }

  /// Whether a spool with this configuration hears of receipts. Where it does not any more, waits still come to an end.
  package static func isWanted(_ configuration: Configuration) -> Bool {
    configuration.channels.values.contains { $0.receipts != .off }
  }

  /// What tells of arrivals.
  package func watcher() throws(SweepTrouble) -> ReceiptWatcher {
    try Self.disk { () throws(SystemFault) in try ReceiptWatcher(folder) }
  }

  private static func disk<Value: ~Copyable>(
    _ body: () throws(SystemFault) -> Value
  ) throws(SweepTrouble) -> Value {
    do throws(SystemFault) { return try body() } catch { throw SweepTrouble(receipts: error) }
  }

  private static func book<Value>(_ body: () throws(LedgerFault) -> Value) throws(SweepTrouble) -> Value {
    do throws(LedgerFault) { return try body() } catch { throw SweepTrouble(fault: error) }
  }

  // MARK: A pass

  /// Everything that is there to be done.
  /// - Returns: false when another process is at it.
  @discardableResult
  package func pass() throws(SweepTrouble) -> Bool {
    let lock = try Self.disk { () throws(SystemFault) in try folder.lock() }
    guard let lock else { return false }
    defer { withExtendedLifetime(lock) {} }
    try telling.recover()
    // What another has left, before there is anything of our own.
    began = .distantFuture
    try telling.tell(since: began)
    began = environment.now()
    // Where nobody hears of receipts any more, nothing of them is looked at.
    if ReceiptStage.isWanted(configuration) { try takeDropped() }
    try endWaits()
    try telling.tell(since: began)
    try ask()
    tellStrays()
    return true
  }

  // MARK: Asking

  private func ask() throws(SweepTrouble) {
    asker.begin()
    while let answer = try Self.book({ () throws(LedgerFault) in try asker.next() }) {
      let findings = try apply(answer.receipts.map { sorter.claim($0, [answer.channel]) })
      try Self.book { () throws(LedgerFault) in
        try ledger.keep(answer.sums, of: answer.channel.name, at: environment.now())
      }
      // What a service tells once, and nobody can take yet, waits where a callback would.
      for (source, finding) in zip(answer.sources, findings) {
        if case .counted = finding { continue }
        let body = String(decoding: source, as: UTF8.self)
        let drop = JSON.object([.init("receipt_of", .string(answer.channel.name)), .init("body", .string(body))])
        let name = FileName("\(answer.channel.name).pulled-\(environment.nonce())")
        try Self.disk { () throws(SystemFault) in try folder.drop(drop.bytes, as: name) }
      }
    }
    try telling.tell(since: began)
  }

  /// Seconds until time alone brings something to do; nil for never.
  package var patience: Double? {
    let now = environment.clock()
    var times = waiting.values.map { $0.next - now.steady }
    let asked = configuration.channels.values.filter(\.receipts.asks).map(\.name)
    if let work = (try? ledger.nextReceiptWork(asking: asked)) ?? nil { times.append(work.timeIntervalSince(now.date)) }
    return times.min().map { max(0.5, $0) }
  }

  // MARK: What was dropped

  /// A file, and what became of its entries.
  private struct Drop {
    let name: FileName
    let bytes: [UInt8]
    let age: Double
    let wait: Double
    let entries: [ReceiptSorter.Entry]
    var findings: [ReceiptFinding?]

    var isBatch: Bool { entries.count > 1 }
  }

  private func takeDropped() throws(SweepTrouble) {
    var listing = try Self.disk { () throws(SystemFault) in try folder.list() }
    var drops: [Drop] = []
    while let entry = try Self.disk({ () throws(SystemFault) in try listing.next() }) {
      if SpoolLayout.isIgnored(entry.name) || !isDue(entry.name) { continue }
      guard let drop = try read(entry.name) else { continue }
      drops.append(drop)
      if drops.count < ReceiptStage.files { continue }
      try take(&drops)
      try tellMany()
      if isStopped() { return }
    }
    try take(&drops)
  }

  private func isDue(_ name: FileName) -> Bool {
    waiting.isEmpty || waiting[name].map { $0.next <= environment.clock().steady } ?? true
  }

  /// Nil for what is no batch of entries, and was dealt with.
  private func read(_ name: FileName) throws(SweepTrouble) -> Drop? {
    let now = environment.now()
    let read = try Self.disk { () throws(SystemFault) in try folder.read(name) }
    switch read {
    case nil: return nil
    case .odd(let problem)?:
      strays.add("\(ReceiptFolder.name)/new/\(name.display)", problem, hint: "move it out of there")
      wait(for: name)
      return nil
    case .tooLarge?:
      try dispose(of: name) { () throws(SystemFault) in
        try folder.moveAway(name, "is larger than any receipt (\(ReceiptFolder.largest) bytes)", at: now)
      }
      return nil
    case .bytes(let bytes, let modified)?:
      let drop = ReceiptDrop(bytes, name: name.display, channels: sorter.names)
      let age = max(0, now.timeIntervalSince(modified))
      switch sorter.sort(drop, age: age) {
      case .unfinished: wait(for: name)
      case .unknown(let reason):
        try dispose(of: name) { () throws(SystemFault) in
          try folder.keep(bytes, as: name, reason, at: now)
          try folder.remove(name)
        }
      case .entries(let entries):
        return Drop(
          name: name, bytes: bytes, age: age, wait: sorter.wait(for: drop), entries: entries,
          findings: Array(repeating: nil, count: entries.count))
      }
      return nil
    }
  }

  /// Tried again later.
  private func wait(for name: FileName) {
    let pause = waiting[name].map { min($0.pause * 2, ReceiptStage.lastTry) } ?? ReceiptStage.firstTry
    if waiting.count >= ReceiptStage.remembered { waiting.removeAll() }
    waiting[name] = Waiting(next: environment.clock().steady + pause, pause: pause)
  }

  /// The end of a file, or the beginning of it. What hinders that with one file, its name or who owns it, stops no other: it
  /// is tried again, and told. A full disk, or one that fails, stops all.
  /// - Parameter isEnd: whether the file is gone then.
  private func dispose(
    of name: FileName, isEnd: Bool = true, _ body: () throws(SystemFault) -> Void
  ) throws(SweepTrouble) {
    do throws(SystemFault) {
      try body()
      if isEnd { waiting[name] = nil } else { wait(for: name) }
    } catch {
      if error.isDiskTrouble { throw SweepTrouble(receipts: error) }
      strays.add(
        "\(ReceiptFolder.name)/new/\(name.display)", "was looked at and stays there: \(ReceiptStage.reason(error))",
        hint: "let the sweeper's user own \(ReceiptFolder.name)/ and what is in it, and write to its folders")
      wait(for: name)
    }
  }

  private static func reason(_ fault: SystemFault) -> String {
    "\(String(cString: strerror(fault.number))) (\(fault.call))"
  }

  /// Steps 1 to 3 for these files.
  private func take(_ drops: inout [Drop]) throws(SweepTrouble) {
    if drops.isEmpty { return }
    let places = drops.indices.flatMap { drop in
      drops[drop].entries.indices.filter { drops[drop].entries[$0].claim != nil }.map { (drop, $0) }
    }
    let findings = try apply(places.compactMap { drops[$0.0].entries[$0.1].claim })
    for (place, finding) in zip(places, findings) { drops[place.0].findings[place.1] = finding }
    for drop in drops { try conclude(drop) }
    drops.removeAll(keepingCapacity: true)
  }

  /// What can't be taken is kept, what may yet be waits, and the rest is done with.
  private func conclude(_ drop: Drop) throws(SweepTrouble) {
    let now = environment.now()
    var waits = false
    var bad: [(bytes: [UInt8], name: FileName, reason: String)] = []
    for (index, entry) in drop.entries.enumerated() {
      let reason: String
      switch (entry.problem, drop.findings[index]) {
      case (let problem?, _): reason = problem
      case (nil, .counted?): continue
      case (nil, let finding):
        // It may have come before the answer that names its call.
        if drop.age < drop.wait {
          waits = true
          continue
        }
        reason = finding == .noRecipient ? "names no recipient of its call" : "names no call that is known"
      }
      // A name that is the same when the file is read once more after a crash.
      let name = drop.isBatch ? drop.name.with(".\(index + 1)") : drop.name
      let bytes = drop.isBatch ? entry.source : drop.bytes
      // A mail that tells of several is kept once.
      if let same = bad.firstIndex(where: { $0.bytes == bytes }) {
        if !bad[same].reason.contains(reason) { bad[same].reason += "; \(reason)" }
      } else {
        bad.append((bytes, name, reason))
      }
    }
    try dispose(of: drop.name, isEnd: !waits) { () throws(SystemFault) in
      for (bytes, name, reason) in bad { try folder.keep(bytes, as: name, reason, at: now) }
      if !waits { try folder.remove(drop.name) }
    }
  }

  /// Step 1: what these claim is committed.
  private func apply(_ claims: [ReceiptClaim]) throws(SweepTrouble) -> [ReceiptFinding] {
    var findings: [ReceiptFinding] = []
    var rest = claims[...]
    while !rest.isEmpty {
      let part = Array(rest.prefix(ReceiptStage.claims))
      rest = rest.dropFirst(part.count)
      findings += try Self.book { () throws(LedgerFault) in try commit(part) }
    }
    return findings
  }

  private func commit(_ claims: [ReceiptClaim]) throws(LedgerFault) -> [ReceiptFinding] {
    let now = environment.now()
    var findings = try ledger.apply(claims, at: now)
    var again: [Int] = []
    var living: [String: Bool] = [:]
    for (index, finding) in findings.enumerated() {
      guard case .early(let id, let sweep) = finding else { continue }
      let lives = living[sweep] ?? spool.isAlive(sweep: sweep)
      living[sweep] = lives
      // Its answer is on its way. Of a dead sweep none will come.
      if lives { continue }
      guard let call = try ledger.call(id), let channel = configuration.channels[call.channel],
        let record = Awaiting.record(of: call, channel, at: now)
      else { continue }
      try ledger.adopt(record)
      again.append(index)
    }
    if again.isEmpty { return findings }
    for (index, finding) in zip(again, try ledger.apply(again.map { claims[$0] }, at: now)) {
      findings[index] = finding
    }
    return findings
  }

  // MARK: Waits

  private func endWaits() throws(SweepTrouble) {
    while true {
      let ended = try Self.book { () throws(LedgerFault) in
        try ledger.endWaits(limit: ReceiptStage.claims, at: environment.now())
      }
      if ended < ReceiptStage.claims { return }
      try tellMany()
    }
  }

  // MARK: Telling

  /// How much is untold is looked at only so often: a flush of the file system serves thousands.
  private var untoldFiles = 0

  private func tellMany() throws(SweepTrouble) {
    untoldFiles += 1
    if untoldFiles % 16 == 0 { try telling.tell(since: began) }
  }

  private func tellStrays() {
    for line in strays.lines { environment.observe(.notice(Notice(line.subject, line.problem, hint: line.hint))) }
    strays = Strays()
  }
}
