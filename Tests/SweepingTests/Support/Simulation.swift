import Core
import Foundation
import Ledger
import SQLiteLedger
import Spooling
import TestSupport

@testable import Sweeping

/// One history of several sweepers on one spool: a seed chooses arrivals, answers, lost answers, throttles, clock jumps,
/// reloads and deaths. Afterwards everything is swept in peace, and what must hold is checked.
struct Simulation {
  /// What a test breaks to see that it is noticed.
  enum Break: CaseIterable {
    /// Claims are not flushed.
    case claimFlush
    /// Intents are not recorded.
    case intent
    /// Outcomes are not recorded before they are settled.
    case outcome
    /// A dead sweep's folder is taken while its sweeper lives.
    case fence
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private let seed: UInt64
  private var random: SeededGenerator
  private let broken: Break?
  private let disk = SimDisk(ManualClock())
  private let far: FarSide
  private let ledger: SQLiteLedger
  private var rigs: [Rig] = []
  private let recovery: Recovery
  private let hasFallback: Bool
  /// Messages share recipients, and go out in digests. By a generator of its own: what a seed meant before it still means
  /// where there are none.
  private let hasDigests: Bool
  /// Texts are split, where there are no digests; and no fallback, through which a text goes whole.
  private let hasParts: Bool
  private var dropped: [String: (text: String, to: [String], parts: Int)] = [:]
  private var doubtAllowed = 0
  private(set) var log: [String] = []

  init(seed: UInt64, breaking broken: Break? = nil) throws {
    self.seed = seed
    self.broken = broken
    random = SeededGenerator(seed)
    recovery = [Recovery.none, .none, .idempotencyKey, .lookup(settles: 10)].randomElement(using: &random) ?? .none
    let hasFallback = Bool.random(using: &random)
    var digests = SeededGenerator(seed ^ 0xD16E57)
    hasDigests = Int.random(in: 0..<3, using: &digests) == 0
    hasParts = Int.random(in: 0..<3, using: &digests) == 0 && !hasDigests
    self.hasFallback = hasFallback && !hasParts
    far = FarSide(SeededGenerator(seed ^ 0xFACADE), recovery)
    ledger = try SQLiteLedger(":memory:", now: disk.clock.now.date, generation: "abcdef")
  }

  // MARK: The history

  mutating func run() throws {
    for _ in 0..<Int.random(in: 20...150, using: &random) { try step() }
    log.append("peace")
    do {
      try finish()
      try check()
    } catch {
      log.append("recovery: \(recovery)")
      for file in disk.everything
      where "\(error)".contains("\(file.name.display)\"") || "\(error)".contains("-\(file.name.display) ")
        || "\(error)".contains("\(file.name.display) in")
      {
        log.append(
          "\(file.name.display) in \(file.place): \(file.text.split(separator: "\n").suffix(4).joined(separator: "\n"))"
        )
      }
      throw error
    }
  }

  private mutating func step() throws {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<12: drop()
    case 12..<18: try begin()
    case 18..<20: kill()
    case 20: losePower()
    case 21..<25: arm()
    case 25..<32: disk.clock.advance(Double.random(in: 0.1...2, using: &random))
    case 32..<36: disk.clock.advance(Double.random(in: 10...700, using: &random))
    case 36: disk.clock.set(by: Double.random(in: -5000...5000, using: &random))
    case 37: reload()
    case 38: rigs.randomElement(using: &random)?.engine.stopper()
    case 39..<60: deliver()
    default: work()
    }
    if let rig = rigs.first(where: \.isRestless) { throw Failure(description: "\(rig.process.name) never rests") }
    reap()
  }

  private mutating func drop() {
    let name = "m\(dropped.count)"
    let to = (0..<Int.random(in: 1...5, using: &random)).map { hasDigests ? "r\($0)" : "r\($0)-\(name)" }
    let priority = ["low", "normal", "normal", "high"].randomElement(using: &random)
    var body = Bool.random(using: &random) && !hasDigests ? "same" : "of \(name)"
    let id = Bool.random(using: &random) ? "id-\(name)" : nil
    var parts = 1
    if hasParts, Bool.random(using: &random) {
      body += String(repeating: " and a word more", count: Int.random(in: 1...4, using: &random))
      let whole = Message(body: body, options: [.init("long", .string("split"))])
      parts = max(1, (try? WordProvider().rendered(whole).pieces.count) ?? 1)
    }
    let text = message(
      to: to, body: body, priority: priority, id: id, more: parts > 1 ? #""options":{"long":"split"}"# : "")
    dropped[name] = (text, to, parts)
    disk.drop(text, as: name)
    log.append("drop \(name)")
  }

  private mutating func configuration() -> Configuration {
    let (concurrency, rate, capacity) = (
      Int.random(in: 1...3, using: &random), ([0, 0, 1] as [Double]).randomElement(using: &random) ?? 0,
      Int.random(in: 1...4, using: &random)
    )
    func channel(_ name: String, _ recovery: Recovery, fallback: String?) -> Channel {
      .word(name, recovery: recovery) {
        $0.concurrency = concurrency
        $0.rate = rate
        $0.recipientsPerCall = capacity
        $0.retry = RetrySchedule(attempts: 20, first: 10, max: 100)
        $0.suspectAfter = 6
        $0.fallback = fallback
        $0.digest = hasDigests ? DigestRule(every: 30, max: 3) : nil
      }
    }
    // What is refused goes on through the second channel, in half of the histories.
    return .of(
      channel("word", recovery, fallback: hasFallback ? "second" : nil), channel("second", recovery, fallback: nil))
  }

  /// Another sweeper begins: it rescues what dead ones left.
  private mutating func begin() throws {
    guard rigs.count < 3 else { return }
    let process = SimProcess("p\(log.count)")
    let isEndless = Bool.random(using: &random)
    var seed = SeededGenerator(random.next())
    let window = Int.random(in: 4...40, using: &random)
    let mortal = MortalLedger(ledger, process, broken)
    let jitter = Double.random(in: 0..<1, using: &seed)
    let rig = try Rig(
      configuration(), isEndless: isEndless, window: window, disk: disk, ledger: mortal,
      process: process, random: { jitter })
    rig.spool.breaksClaimFlush = broken == .claimFlush
    rig.spool.breaksFence = broken == .fence
    if Int.random(in: 0..<6, using: &random) == 0 { process.fuse = Int.random(in: 0..<20, using: &random) }
    let before = disk.everything.map(\.place)
    _ = try rig.rescue()
    if before != disk.everything.map(\.place) {
      log.append(
        "rescue by \(process.name): \(disk.everything.map { "\($0.name.display): \($0.place)" }.joined(separator: ", "))"
      )
    }
    rigs.append(rig)
    log.append("begin \(process.name) \(isEndless ? "watch" : "sweep")")
  }

  private mutating func arm() {
    guard let rig = rigs.randomElement(using: &random) else { return }
    rig.process.fuse = Int.random(in: 0..<30, using: &random)
    log.append("fuse \(rig.process.name) \(rig.process.fuse ?? 0)")
  }

  private mutating func kill() {
    guard let rig = rigs.randomElement(using: &random) else { return }
    rig.process.die()
    log.append("kill \(rig.process.name)")
  }

  private mutating func losePower() {
    for rig in rigs { rig.process.die() }
    // Before the disk forgets, as those calls count that were on the wire then.
    reap()
    disk.losePower(&random)
    log.append("power; then \(disk.everything.map { "\($0.name.display): \($0.place)" }.joined(separator: ", "))")
  }

  private mutating func reload() {
    let new = configuration()
    rigs.randomElement(using: &random)?.engine.reloader(new)
  }

  /// Something on the wire arrives, and its answer, if any, comes back.
  private mutating func deliver() {
    guard let rig = rigs.randomElement(using: &random) else { return }
    let count = rig.transport.waiting.count
    guard count > 0, let kept = rig.transport.take(Int.random(in: 0..<count, using: &random)) else { return }
    let (reply, mayBeLost) = far.handle(kept.request)
    if mayBeLost { doubtAllowed += kept.request.weight }
    log.append("\(rig.process.name): \(kept.request) → \(reply.brief)")
    kept.deliver(reply)
  }

  private mutating func work() {
    guard let rig = rigs.randomElement(using: &random) else { return }
    switch Int.random(in: 0..<4, using: &random) {
    case 0: _ = rig.stepSource()
    case 1: _ = rig.stepDesk()
    case 2: rig.engine.turn(rig.engine.inbox.takeNow())
    default: rig.settle()
    }
  }

  /// Dead processes' requests are still on the wire; ended sweeps end.
  private mutating func reap() {
    for rig in rigs where !rig.process.isAlive {
      while let kept = rig.transport.take() {
        doubtAllowed += kept.request.weight
        if Bool.random(using: &random) {
          log.append("\(rig.process.name), dead: \(kept.request) → \(far.handle(kept.request).0.brief)")
        }
      }
      // What it was about to send has its intent on the disk.
      doubtAllowed += 3 * 4 * (hasDigests ? 3 : 1)
      rig.retire()
    }
    rigs.removeAll { !$0.process.isAlive }
    for rig in rigs where rig.engine.isFinished {
      rig.end()
      rig.process.die()
      log.append("end \(rig.process.name)")
    }
    rigs.removeAll { !$0.process.isAlive }
  }

  /// Peace: whoever is left stops, and clean sweeps go on until nothing waits.
  private mutating func finish() throws {
    far.isPeaceful = true
    for rig in rigs {
      rig.process.fuse = nil
      rig.engine.stopper()
      for _ in 0..<50 where !rig.engine.isFinished {
        rig.settle()
        answerAll(rig)
        disk.clock.advance(1)
      }
      guard rig.engine.isFinished else { throw Failure(description: "\(rig.process.name) does not end when told to") }
      rig.end()
      rig.process.die()
    }
    rigs.removeAll()
    for _ in 0..<60 {
      let rest = disk.everything.filter { $0.place != .folder(.done) && $0.place != .folder(.failed) }
      if rest.isEmpty { return }
      disk.clock.advance(3700)
      let process = SimProcess("clean")
      let rig = try Rig(
        configuration(), window: 40, disk: disk, ledger: MortalLedger(ledger, process, nil), process: process)
      _ = try rig.rescue()
      for _ in 0..<500 where !rig.engine.isFinished {
        rig.settle()
        answerAll(rig)
        disk.clock.advance(0.5)
      }
      guard rig.engine.isFinished else { throw Failure(description: "a clean sweep does not end: \(rig.state)") }
      rig.end()
      process.die()
    }
    let rest = disk.everything.filter { $0.place != .folder(.done) && $0.place != .folder(.failed) }
    throw Failure(description: "never settled: \(rest.map { "\($0.name.display) in \($0.place)" })")
  }

  private mutating func answerAll(_ rig: Rig) {
    while let kept = rig.transport.take() {
      let reply = far.handle(kept.request).0
      log.append("\(rig.process.name): \(kept.request) → \(reply.brief)")
      kept.deliver(reply)
    }
  }

  // MARK: What must hold

  private func check() throws {
    let files = disk.everything
    var unconfirmed = 0
    for (name, message) in dropped {
      let found = files.filter { $0.name == FileName(name) }
      guard found.count == 1, let file = found.first else {
        throw Failure(description: "\(name) is in \(found.count) places")
      }
      guard file.text.utf8.starts(with: message.text.utf8) else {
        throw Failure(description: "\(name): the dropped bytes were changed")
      }
      let lines = try MessageFile(text: file.text).lines
      let state = lines.last?.state
      let folder: SimDisk.Place = state == .done ? .folder(.done) : .folder(.failed)
      guard file.place == folder else {
        throw Failure(description: "\(name): \(file.place), but its line says \(state as Any)")
      }
      for recipient in message.to {
        let all = far.times(hasDigests ? "\(recipient)-\(name)" : recipient, parts: message.parts)
        // A text of which a part is missing is none.
        let times = all.max() ?? 0 > 1 ? 2 : all.min() ?? 0
        let said = lines.compactMap { line in line.results.last { $0.to == recipient }?.state }.last
        if times > 1 { throw Failure(description: "\(recipient) got \(times) of \(name)") }
        switch said {
        case .accepted where times == 0: throw Failure(description: "\(recipient) is said accepted, and got nothing")
        case .rejected where times == 1: throw Failure(description: "\(recipient) is said rejected, and got it")
        case .unconfirmed:
          unconfirmed += 1
          if recovery != .none {
            throw Failure(description: "\(recipient) is unconfirmed at a provider that can be asked")
          }
        case nil, .deferred: throw Failure(description: "\(recipient) is \(said as Any) in the end")
        default: break
        }
      }
    }
    if let call = far.changed { throw Failure(description: "\(call) came again, and said something else") }
    if unconfirmed > doubtAllowed {
      throw Failure(description: "\(unconfirmed) unconfirmed, and \(doubtAllowed) were in doubt")
    }
  }
}

extension WordRequest {
  /// How many may be in doubt when it is lost: each recipient of each message.
  fileprivate var weight: Int { recipients.count * max(1, messages.count) }
}

/// The provider's far end: carries out, answers, loses, throttles.
final class FarSide {
  private var random: SeededGenerator
  private let recovery: Recovery
  private var accepted: [String: Int] = [:]
  private var calls: [String: [(recipient: String, word: String)]] = [:]
  private var texts: [String: String] = [:]
  /// A call that was repeated or asked about, and did not say what it had said.
  private(set) var changed: String?
  var isPeaceful = false

  init(_ random: SeededGenerator, _ recovery: Recovery) {
    self.random = random
    self.recovery = recovery
  }

  /// How often somebody got each part of a text.
  func times(_ parcel: String, parts: Int) -> [Int] {
    parts == 1 ? [accepted[parcel] ?? 0] : (1...parts).map { accepted["\(parcel) (\($0)/\(parts))"] ?? 0 }
  }

  /// - Returns: the answer, and whether nobody can tell what it was.
  func handle(_ request: WordRequest) -> (Reply, mayBeLost: Bool) {
    if texts.updateValue(request.text, forKey: request.call).map({ $0 != request.text }) == true {
      changed = request.call
    }
    if request.isQuestion {
      if !isPeaceful, chance(4) { return (.lost(.init(code: "reset", message: "reset")), false) }
      guard let words = calls[request.call] else { return (.http(404), false) }
      return (.words(words), false)
    }
    if !isPeaceful {
      switch Int.random(in: 0..<20, using: &random) {
      case 0: return (.notSent(.init(code: "refused", message: "refused")), false)
      case 1: return (.lost(.init(code: "reset", message: "before")), true)
      case 2:
        carryOut(request)
        return (.lost(.init(code: "reset", message: "after")), true)
      case 3: return (.http(429, Bool.random(using: &random) ? "1" : "300"), false)
      case 4: return (.http(401), false)
      case 5 where request.recipients.count > 1 && calls[request.call] == nil:
        return
          (.words(request.recipients.map { ($0, "odd") }, status: 422), false)
      default: break
      }
    }
    return (.words(carryOut(request)), false)
  }

  @discardableResult
  private func carryOut(_ request: WordRequest) -> [(recipient: String, word: String)] {
    if recovery == .idempotencyKey, let words = calls[request.call] { return words }
    let words = request.recipients.enumerated().map { index, recipient in
      let word =
        isPeaceful ? "a" : ["a", "a", "a", "a", "d", "gone", "odd", "account", "x"].randomElement(using: &random)
      // Somebody is taken of every call.
      let isTaken = index == 0 && (word == "x" || recovery == .idempotencyKey)
      let said = isTaken ? "a" : word ?? "a"
      if said == "a" {
        // Recipients that have a message to themselves are called after it.
        let part = request.text.hasPrefix("(") ? " " + request.text.prefix { $0 != " " } : ""
        let parcels =
          recipient.contains("-") ? [recipient + part] : request.messages.map { "\(recipient)-\($0.dropFirst(3))" }
        for parcel in parcels { accepted[parcel, default: 0] += 1 }
      }
      return (recipient, said)
    }
    calls[request.call] = words
    return words
  }

  private func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }
}

/// A ledger as a process that may die uses it: a commit has happened whole, or not at all.
final class MortalLedger: ForwardingLedger, @unchecked Sendable {
  let ledger: SQLiteLedger
  private let process: SimProcess
  private let broken: Simulation.Break?

  init(_ ledger: SQLiteLedger, _ process: SimProcess, _ broken: Simulation.Break?) {
    self.ledger = ledger
    self.process = process
    self.broken = broken
  }

  func commit(_ group: GroupCommit) throws(LedgerFault) -> [Admission] {
    let all = group.proposed.map { _ in Admission.start(without: []) }
    guard process.acts() else { return all }
    var group = group
    if broken == .intent { group.proposed.removeAll() }
    if broken == .outcome { group.finished.removeAll() }
    let admissions = try ledger.commit(group)
    return broken == .intent ? all : admissions
  }

  func claim(_ ids: [IdentifierClaim], newerThan: Date) throws(LedgerFault) -> [Bool] {
    process.acts() ? try ledger.claim(ids, newerThan: newerThan) : ids.map { _ in false }
  }

  func prune(before date: Date) throws(LedgerFault) -> Int { 0 }
}
