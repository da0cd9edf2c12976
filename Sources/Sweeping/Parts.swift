import Core
import Ledgers
import Spooling

/// What happens to an engine.
enum Event: Sendable {
  case source(SourceEvent)
  case replied(flight: Int, Reply)
  case settling(SettlingDesk.Event)
  /// Another sweep began beside this one, or claims something.
  case neighbour
  /// What a rescue settled beside the sweep, and whether other sweeps are still there.
  case rescued(SweepSummary, othersLive: Bool)
  /// A folder of the spool is another now.
  case replaced
  case reload(Configuration)
  case stop
  case failed(SweepTrouble)
}

/// An engine's parts, wired. Each piece of state has one owner among them (Sources/Sweeping/OWNERS.md).
final class Parts {
  let selection: Selection
  let folder: any SweepDisk
  let share: Share
  let source: FileSource
  let desk: SettlingDesk
  let tally = Tally()
  let recorder: Recorder
  let hand: Hand
  let intake: Intake
  let channels: Channels
  let calls: Calls
  let questions: Questions
  let dispatcher: Dispatcher
  let rescuer: Rescuer

  init(
    _ environment: SweepEnvironment, _ selection: Selection, id: String, _ inbox: Inbox<Event>
  ) throws(SystemFault) {
    self.selection = selection
    folder = try environment.spool.begin(id)
    share = Share(messages: environment.window)
    source = FileSource(
      environment.spool, folder, share, selection, environment.configuration, clock: environment.clock
    ) { inbox.post(.source($0)) }
    desk = SettlingDesk(folder, of: environment.spool) { inbox.post(.settling($0)) }
    recorder = Recorder(environment.ledger, desk, window: environment.window)
    hand = Hand(environment, sweep: id, recorder)
    intake = Intake(environment, sweep: id, hand, recorder, tally)
    channels = Channels(environment, isEndless: selection.isEndless, share, hand, recorder)
    calls = Calls(environment, sweep: id, channels, hand, recorder, tally) { inbox.post(.replied(flight: $0, $1)) }
    questions = Questions(environment, channels, calls, hand, recorder)
    rescuer = Rescuer { inbox.post($0) }
    dispatcher = Dispatcher(environment, channels, calls, questions, recorder, tally, share)
  }
}
