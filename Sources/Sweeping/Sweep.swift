import Core
import FoundationEssentials
import Ledgers
import Spooling

/// Everything a sweep needs from outside, injected.
package struct SweepEnvironment: Sendable {
  package var spool: Spool
  package var ledger: any Ledger
  package var configuration: Configuration
  /// The transport for a channel (channels may trust different certificates).
  package var transport: @Sendable (Channel) -> any Transport
  package var now: @Sendable () -> Date
  /// Evenly spread over 0..<1.
  package var random: @Sendable () -> Double
  /// 32 lower-case hex digits, never the same twice.
  package var nonce: @Sendable () -> String
  package var observe: @Sendable (SweepEvent) -> Void
  /// Messages in hand at the most.
  package var window = 16_384
  /// What providers remember between calls.
  package var sessions = SessionStore()
  /// Channels that are suspended and not to be tried yet.
  package var rested: Set<String> = []

  package init(
    spool: Spool, ledger: any Ledger, configuration: Configuration,
    transport: @escaping @Sendable (Channel) -> any Transport, now: @escaping @Sendable () -> Date,
    random: @escaping @Sendable () -> Double, nonce: @escaping @Sendable () -> String,
    observe: @escaping @Sendable (SweepEvent) -> Void
  ) {
    self.spool = spool
    self.ledger = ledger
    self.configuration = configuration
    self.transport = transport
    self.now = now
    self.random = random
    self.nonce = nonce
    self.observe = observe
  }
}

/// One pass over what is due: rescue → claim → decode → route → group → pace → record intent → send → classify → record
/// outcome → settle → report.
///
/// The loader's, the transport's and the settling threads post events; everything is decided on the thread that runs
/// `run`, one event after the other. The stages are in the files named after them.
package final class Sweep {
  enum Event: Sendable {
    case loader(Loader.Event)
    case replied(flight: Int, Reply)
    case settled([Settlement])
    case unsettled(SystemFault, [Settlement])
    case stop
  }

  let environment: SweepEnvironment
  let folder: SweepFolder
  let router: Router
  let window: Window
  let inbox: Inbox<Event>
  let loader: Loader
  let desk: SettlingDesk
  /// What was done so far, also when `run` ends with trouble.
  package internal(set) var summary = SweepSummary()

  /// Where messages wait for their calls.
  var runners: [String: ChannelRunner] = [:]
  var flights: [Int: Flight] = [:]
  var questions = Questions()
  /// Providers' ids that questions of this sweep have found: one message can't answer for two lost calls.
  var foundIds: Set<String> = []
  /// What the next group commit records beside new intents.
  var pending = GroupCommit(now: .distantPast)
  /// What a ledger in trouble did not take.
  var unrecorded: [GroupCommit] = []
  /// What is settled once that commit is on disk.
  var settlements: [Settlement] = []
  /// When the first of them came.
  var settlementsSince: Date?

  /// Messages claimed and not yet settled or held back.
  var inHand: [ObjectIdentifier: Job] = [:]
  var unsettled = 0
  /// Messages that go back because their channel is suspended, for `watch`, which need not claim them again at once;
  /// up to a limit, as a backlog of any size may.
  package var held: Set<FileName> = []
  /// Files that go back for other reasons: half written, two names.
  package var leftAlone: Set<FileName> = []
  static let heldLimit = 100_000
  /// Files whose line could not be written.
  var stuck: Set<FileName> = []
  var isExhausted = false
  var isLoaderWaiting = false
  /// The window was filled, or everything is in it: from then on small calls go out too, and questions are asked.
  var isPrimed = false
  var isStopping = false
  var trouble: SweepTrouble?
  var callCount = 0
  var flightCount = 0
  private var suspended: [String: Suspension] = [:]

  /// Locks cur/SWEEP; nothing is claimed yet.
  package init(_ environment: SweepEnvironment, _ selection: Selection, id: String) throws(SystemFault) {
    self.environment = environment
    folder = try SweepFolder.begin(id, in: environment.spool)
    router = Router(environment.configuration)
    window = Window(messages: environment.window)
    let inbox = Inbox<Event>()
    self.inbox = inbox
    loader = Loader(
      folder, window, selection, maxMessageBytes: environment.configuration.maxMessageBytes, now: environment.now
    ) { inbox.post(.loader($0)) }
    desk = SettlingDesk(folder) { inbox.post($0) }
  }

  /// Unique, sortable by time, and naming the ledger that can answer for it.
  package static func makeId(now: Date, ledger: any Ledger, nonce: String) -> String {
    let time = RFC3339.string(now).prefix(19).filter { $0 != "-" && $0 != ":" }
    return "\(time)-\(ledger.generation)-\(nonce.prefix(8))"
  }

  /// Finishes what is in flight, sends nothing more, and returns the rest. From any thread.
  package var stopper: @Sendable () -> Void {
    let inbox = inbox
    return { inbox.post(.stop) }
  }

  /// - Throws: `SweepTrouble` when nothing more could be recorded; what was in doubt then is for the next sweep's rescue.
  package func run() throws(SweepTrouble) -> SweepSummary {
    let start = environment.now()
    prepare()
    let noThread = SweepTrouble(
      .tryAgain, "no thread could be started", hint: "raise the limit on processes (ulimit -u)")
    guard let settling = Worker({ [desk] in desk.run() }) else { throw noThread }
    // The loader last: it claims at once.
    guard let loading = Worker({ [loader] in loader.run() }) else {
      desk.close()
      settling.join()
      throw noThread
    }
    while !isFinished {
      for event in inbox.takeAll(within: patience) { absorb(event) }
      gather()
      dispatch()
      report(since: start)
    }
    loader.stop()
    loading.join()
    desk.close()
    settling.join()
    // The trouble may have been a passing one; where it was not, the history lines say it all.
    for group in unrecorded {
      guard (try? environment.ledger.commit(group)) != nil else { break }
    }
    returnRest()
    report(since: start)
    if let trouble { throw trouble }
    return summary
  }

  private var isFinished: Bool {
    (isExhausted || isStopping) && inHand.isEmpty && unsettled == 0 && flights.isEmpty && pending.isEmpty
  }

  /// Seconds until time alone brings something to do; nil while only an event can.
  private var patience: Double? {
    let now = environment.now()
    let settling = settlementsSince.map { $0 + Sweep.gatheringTime }
    return (runners.values.compactMap { $0.wakeUp(now: now) } + [settling].compactMap { $0 }).min()
      .map { max(0.001, $0.timeIntervalSince(now)) }
  }

  private func prepare() {
    pending = GroupCommit(now: environment.now())
    do throws(LedgerFault) {
      for suspension in try environment.ledger.suspensions() { suspended[suspension.channel] = suspension }
    } catch {
      stop(for: error)
    }
  }

  private func absorb(_ event: Event) {
    switch event {
    case .loader(let event): absorb(event)
    case .replied(let flight, let reply): land(flight, reply)
    case .settled(let settlements): settled(settlements)
    case .unsettled(let fault, let settlements):
      unsettled -= settlements.count
      stuck.formUnion(settlements.map(\.file.name))
      stop(for: fault)
    case .stop: stop()
    }
  }

  private func absorb(_ event: Loader.Event) {
    switch event {
    case .loaded(let claims): intake(claims)
    case .notice(let notice):
      summary.left += 1
      environment.observe(.notice(notice))
    case .full:
      isLoaderWaiting = true
      isPrimed = true
    case .exhausted(let nextDue):
      isExhausted = true
      isPrimed = true
      summary.nextDue = nextDue
    case .failed(let fault):
      isExhausted = true
      stop(for: fault)
    }
  }

  /// The channel's runner, made at its first use in this sweep.
  func withRunner<Result>(of channel: Channel, _ body: (inout ChannelRunner) -> Result) -> Result {
    body(&runners[channel.name, default: newRunner(of: channel)])
  }

  private func newRunner(of channel: Channel) -> ChannelRunner {
    var runner = ChannelRunner(channel, wasSuspended: suspended[channel.name] != nil)
    guard let suspension = suspended[channel.name] else { return runner }
    let holds = suspension.holds(at: environment.now(), configurationChanged: environment.configuration.modified)
    if holds || environment.rested.contains(channel.name) { runner.suspend(suspension) }
    if holds { environment.observe(.notice(suspension.notice)) }
    return runner
  }

  /// The runners' names, apart from the dictionary: going through its own keys would have every change copy all of it.
  var channelNames: [String] { Array(runners.keys) }

  func wasSuspended(_ channel: String) -> Bool { suspended[channel] != nil }
  func resumed(_ channel: String) { suspended[channel] = nil }

  private var lastReport = Date.distantPast

  private func report(since start: Date) {
    let now = environment.now()
    summary.seconds = max(0, now.timeIntervalSince(start))
    guard now.timeIntervalSince(lastReport) >= 0.1 || isFinished else { return }
    lastReport = now
    environment.observe(.progress(summary))
  }
}
