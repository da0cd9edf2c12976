import Core
import Foundation
import Ledger
import SQLiteLedger
import Spooling
import Synchronization
import TestSupport

@testable import Sweeping

/// An engine on a simulated disk, taken step by step: the test is its threads, its clock and its network.
final class Rig {
  let clock: ManualClock
  let disk: SimDisk
  let process: SimProcess
  let spool: SimSpool
  let ledger: any Ledger
  let transport: KeptTransport
  let engine: Engine
  private let sweep: String
  private let lookout: Mutex<[Watcher.Sight]> = Mutex([])
  let seen: Seen
  /// It had always something to do.
  private(set) var isRestless = false
  /// Recipients by call.
  private var asked: [String: [String]] = [:]

  /// - Parameters:
  ///   - window: messages in hand.
  ///   - stretch: recipients of one message under way at once.
  ///   - disk, ledger, clock: those of an earlier rig, to go on with.
  init(
    _ configuration: Configuration, isEndless: Bool = false, selection: Selection = Selection(), window: Int = 64,
    stretch: Int = 16_384, disk: SimDisk? = nil, ledger: (any Ledger)? = nil, process: SimProcess = SimProcess("one"),
    random: @escaping @Sendable () -> Double = { 0.5 }
  ) throws {
    let clock = disk?.clock ?? ManualClock()
    self.clock = clock
    self.disk = disk ?? SimDisk(clock)
    self.process = process
    let transport = KeptTransport(process)
    self.transport = transport
    spool = SimSpool(self.disk, process)
    let seen = Seen()
    self.seen = seen
    self.ledger = try ledger ?? Rig.ledger()
    var environment = SweepEnvironment(
      spool: spool, ledger: self.ledger, configuration: configuration, transport: { _ in transport },
      clock: { clock.now }, random: random, nonce: { "0" }, observe: { seen.add($0) })
    environment.window = window
    environment.stretch = stretch
    var selection = selection
    selection.isEndless = isEndless
    let number = Rig.count.withLock { count in
      count += 1
      return count
    }
    let id = "20261122T090000-\(self.ledger.generation)-\(String(format: "%08d", number))"
    engine = try Engine(environment, selection, id: id)
    sweep = id
    if isEndless { self.disk.watchers[id] = { [unowned self] sight in lookout.withLock { $0.append(sight) } } }
  }

  private static let count = Mutex(0)

  static func ledger() throws -> SQLiteLedger {
    try SQLiteLedger(":memory:", now: TestSupport.moment("2026-11-22T08:00:00Z"), generation: "abcdef")
  }

  func rescue() throws -> SweepSummary {
    var rescue = Rescue(engine.environment)
    try rescue.run()
    return rescue.summary
  }

  // MARK: Steps

  /// A step of the source, if it has something to do.
  func stepSource() -> Bool {
    let sights = lookout.withLock { sights in
      defer { sights.removeAll() }
      return sights
    }
    let source = engine.parts.source
    if !sights.isEmpty {
      for sight in sights {
        switch sight {
        case .arrived(let name): source.ask(.arrived([name]))
        case .deferred(let name): source.ask(.deferred([name]))
        case .created(let name): source.ask(.created([name]))
        default: break
        }
      }
    }
    if source.inbox.isClosed { return false }
    let requests = source.inbox.takeNow()
    guard !requests.isEmpty || source.hasMore else { return false }
    source.step(requests)
    return true
  }

  func stepDesk() -> Bool {
    let batches = engine.parts.desk.inbox.takeNow()
    if batches.isEmpty { return false }
    engine.parts.desk.step(batches)
    return true
  }

  func stepEngine() -> Bool {
    let events = engine.inbox.takeNow()
    let isTime = engine.patience.map { $0 <= 0 } ?? false
    guard !events.isEmpty || isTime else { return false }
    engine.turn(events)
    return true
  }

  /// Until only an answer or time brings something to do.
  func settle() {
    engine.turn([])
    var steps = 0
    while stepSource() || stepEngine() || stepDesk() {
      steps += 1
      if steps > 10_000 {
        isRestless = true
        return
      }
    }
  }

  /// Time passes, and the engine takes notice.
  func advance(_ seconds: Double) {
    clock.advance(seconds)
    settle()
  }

  /// The end of a sweep: whatever it still holds goes back.
  @discardableResult
  func end() -> SweepSummary {
    engine.end()
    retire()
    return engine.summary
  }

  /// Nobody tells it anything any more.
  func retire() { disk.watchers[sweep] = nil }

  /// Why it does not end.
  var state: String {
    let parts = engine.parts
    return "hand \(parts.hand.isEmpty), calls \(parts.calls.isIdle), recorder \(parts.recorder.isIdle), "
      + "dry \(parts.source.isDry), wanting \(parts.share.isWanting), room \(parts.share.room()), "
      + "more \(parts.source.hasMore), patience \(engine.patience as Any)"
  }

  // MARK: The far end

  /// Answers the oldest request on the wire: a word for each recipient, the last one for all that are left.
  func answer(_ words: String..., status: Int = 200) {
    guard let request = transport.waiting.first else { preconditionFailure("nothing is on the wire") }
    let recipients = request.isQuestion ? asked[request.call] ?? [] : request.recipients
    asked[request.call] = recipients
    let all = words + Array(repeating: words.last ?? "a", count: recipients.count)
    reply(.words(zip(recipients, all).map { ($0, $1) }, status: status))
  }

  func throttle(_ seconds: String) { reply(.http(429, seconds)) }
  func deny() { reply(.http(401)) }
  func lose() {
    if let request = transport.waiting.first { asked[request.call] = request.recipients }
    reply(.lost(.init(code: "reset", message: "reset")))
  }

  func reply(_ reply: Reply) {
    guard let kept = transport.take() else { preconditionFailure("nothing is on the wire") }
    kept.deliver(reply)
    settle()
  }

  /// Accepts everything, until nothing is on the wire.
  func acceptAll() {
    while !transport.waiting.isEmpty { answer("a") }
  }

  // MARK: What is where

  func names(_ folder: Folder) -> [String] { disk.names(in: .folder(folder)).map(\.display) }

  /// The history of a file, wherever it is.
  func history(_ name: String) throws -> [HistoryLine] {
    let file = disk.everything.first { $0.name == FileName(name) }
    return try MessageFile(text: file?.text ?? "").lines
  }
}

extension Channel {
  static func word(
    _ name: String = "word", recovery: Recovery = .none, _ change: (Channel) -> Void = { _ in }
  ) -> Channel {
    let provider: any Provider =
      switch recovery {
      case .none, .echo: WordProvider()
      case .idempotencyKey: RepeatableWordProvider()
      case .lookup(let settles): AskableWordProvider(settles: settles)
      }
    let channel = Channel(name, provider)
    channel.zone = .gmt
    change(channel)
    return channel
  }
}

/// What an engine told.
final class Seen: Sendable {
  private let events = Mutex<[SweepEvent]>([])
  func add(_ event: SweepEvent) { events.withLock { $0.append(event) } }
  var notices: [Notice] {
    events.withLock { events in
      events.compactMap { if case .notice(let notice) = $0 { notice } else { nil } }
    }
  }
}

/// A message's text with defaults for everything.
func message(
  to: [String] = ["r1"], body: String = "hi", channel: String = "word", priority: String? = nil, id: String? = nil,
  more: String = ""
) -> String {
  var fields = [
    #""channel":"\#(channel)""#, #""to":[\#(to.map { "\"\($0)\"" }.joined(separator: ","))]"#, #""body":"\#(body)""#,
  ]
  if let priority { fields.append(#""priority":"\#(priority)""#) }
  if let id { fields.append(#""id":"\#(id)""#) }
  if !more.isEmpty { fields.append(more) }
  return "{\(fields.joined(separator: ","))}\n"
}
