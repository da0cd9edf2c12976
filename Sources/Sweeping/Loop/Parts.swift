import Core
import Ledger
import Spooling
import Threading

/// What happens to an engine.
enum Event: Sendable {
  case source(SourceEvent)
  case replied(flight: Int, Reply)
  case settling(SettlingDesk.Event)
  /// Another sweep began beside this one, or claims something.
  case neighbour
  /// Another sweep has ended, and may have left something.
  case orphaned
  /// What a rescue settled beside the sweep, and whether other sweeps are still there.
  case rescued(SweepSummary, othersLive: Bool)
  /// A folder of the spool is another now.
  case replaced
  case reload(Configuration)
  /// Somebody has logged in to a channel, or out.
  case login(String)
  case received(ReceiverNews)
  case stop
  case failed(SweepTrouble)
}

/// An engine's parts, wired, and what concerns all of them. Each piece of state has one owner (Documentation/engine.md).
final class Parts {
  let selection: Selection
  let folder: any SweepDisk
  let share: Share
  let source: FileSource
  let desk: SettlingDesk
  let rescuer: Rescuer
  let logins: LoginLookout
  let receivers: Receivers
  let tally = Tally()
  let recorder: Recorder
  let hand: Hand
  let intake: Intake
  let channels: Channels
  let calls: Calls
  let questions: Questions
  let dispatcher: Dispatcher
  private var environment: SweepEnvironment

  init(
    _ environment: SweepEnvironment, _ selection: Selection, id: String, _ inbox: Inbox<Event>
  ) throws(SystemFault) {
    self.environment = environment
    self.selection = selection
    folder = try environment.spool.begin(id)
    share = Share(messages: environment.window)
    source = FileSource(
      environment.spool, folder, share, selection, environment.configuration, clock: environment.clock
    ) { inbox.post(.source($0)) }
    desk = SettlingDesk(folder, of: environment.spool) { inbox.post(.settling($0)) }
    rescuer = Rescuer { inbox.post($0) }
    logins = LoginLookout(environment.sessions) { inbox.post($0) }
    logins.reload(environment.configuration)
    receivers = Receivers(environment) { inbox.post($0) }
    recorder = Recorder(environment.ledger, desk, window: environment.window)
    recorder.operatorsChannel = environment.configuration.onFailure?.channel
    recorder.awaitsReceipts = ReceiptStage.isWanted(environment.configuration)
    hand = Hand(environment, sweep: id, recorder)
    intake = Intake(environment, sweep: id, hand, recorder, tally)
    channels = Channels(environment, isEndless: selection.isEndless, share, hand, recorder)
    calls = Calls(environment, sweep: id, channels, hand, recorder, tally) { inbox.post(.replied(flight: $0, $1)) }
    questions = Questions(environment, channels, calls, hand, recorder)
    dispatcher = Dispatcher(environment, channels, calls, questions, recorder, tally, share)
  }

  /// Nothing is in hand, on the wire, or on its way to the disk.
  var isIdle: Bool { hand.isEmpty && calls.isIdle && recorder.isIdle }

  /// Puts everybody who is new in hand where it belongs now; some end at once, and their fallbacks follow.
  func board(isStopping: Bool) {
    while case let passengers = hand.takeBoarding(), !passengers.isEmpty {
      let now = environment.clock()
      // Neighbours are mostly of one channel.
      var last: Channel?
      for passenger in passengers {
        if last?.name != passenger.leg.channel { last = environment.configuration.channels[passenger.leg.channel] }
        guard let channel = last else {
          hand.release(passenger)
          continue
        }
        switch passenger.leg.start {
        case .decided(let outcome): hand.conclude(passenger, outcome, of: nil, channel)
        case _ where isStopping: hand.release(passenger)
        case .ask(let call): questions.add(call, passenger)
        case .send: channels.queue(passenger, at: now)
        }
      }
    }
  }

  /// Looks, beside the sweep, for others that have died.
  func rescue() { rescuer.ask(environment) }

  /// Everybody who waits goes back, to be routed anew by what is configured now.
  func reload(_ new: Configuration) {
    let now = environment.clock()
    environment.configuration = new
    environment.sessions.removeAll()
    hand.router = Router(new)
    recorder.operatorsChannel = new.onFailure?.channel
    recorder.awaitsReceipts = ReceiptStage.isWanted(new)
    intake.reload(new)
    hand.cutLists(due: now.date)
    questions.reload(new, at: now.date)
    logins.reload(new)
    if selection.isEndless { receivers.reload(new) }
    channels.reload(new, at: now)
  }

  func stop() {
    source.stop()
    intake.stop()
    calls.isStopping = true
    hand.cutLists(due: nil)
    channels.releaseAll()
    questions.stop()
  }
}
