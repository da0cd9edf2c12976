import Core
import FoundationEssentials
import Ledger
import Spooling

/// Receives for one channel: asks the service, fetches what came with messages, writes them into the inbox, and has the
/// rules' answers dropped. One process at a time does so for a session, by the kernel lock on SESSION.receive.
///
/// For each answer of the service: files and messages into inbox/tmp and flushed (1) → one commit: the ids, the new cursor,
/// which rule answers which (2) → renamed into inbox/files and inbox/new (3) → the answers dropped into new/ (4) → marked so
/// (5). What each crash leaves, and what the next receiver does about it:
///
/// | crash after | in inbox/tmp | in the ledger | next receiver |
/// | --- | --- | --- | --- |
/// | before or in 1 | files, some of them torn | nothing | removed: the old cursor brings all of it again |
/// | 1 | all, whole | nothing | removed; comes again |
/// | 2 | all, whole | ids, cursor, answers to give | renamed (3), then 4 |
/// | in 3 | what is not renamed yet | ids, cursor, answers to give | renamed, then 4 |
/// | 3 | nothing | answers to give | 4 |
/// | 4 | nothing | an answer to give, and its file is in new/ or further | dropped again under the same `id`: the second is a duplicate, and is not sent |
/// | a program begun | nothing | an answer begun | given up, and said: a program is never started twice |
/// | a program ended, its answer noted | nothing | an answer given | 4 |
/// | 5 | nothing | all done | nothing |
///
/// `MediaFetcher` fetches, `Harvesting` does steps 1 to 3, `Answering` the rest, and `ReceiverLine` waits for the service.
///
/// Unchecked: everything is touched by the one thread that calls `run` or `once`; others may only `stop`, which is the
/// line's.
final class Receiver: @unchecked Sendable {
  /// Requests that one poll may lead to.
  private static let mostRequests = 100
  /// Seconds between two looks for a login, or for the end of another receiver.
  private static let lookInterval = 2.0
  private static let longestPause = 60.0
  /// Seconds between two polls of which the first was answered at once, and brought nothing.
  private static let breath = 1.0

  enum Turn: Equatable {
    /// Something came; `isMore`: there is more to ask for at once.
    case done(isMore: Bool)
    case nothing
    case trouble
    /// The session is over, or there is none.
    case idle
    case stopped
  }

  let channel: Channel
  private let provider: any ReceivingProvider
  private let settings: PersonalSettings
  private let environment: SweepEnvironment
  private let kit: ReceivingKit
  private let tell: @Sendable (ReceiverNews) -> Void
  private let line: ReceiverLine
  /// There as long as this process is the one that receives.
  private var hold: HeldLock?
  private var harvesting: Harvesting?
  /// What another left, or trouble, is put in order.
  private var isInOrder = false
  private var hasSaidTrouble = false
  private var hasSaidOther = false

  /// Nil for a channel on which nothing can be received.
  init?(
    _ channel: Channel, _ environment: SweepEnvironment, _ kit: ReceivingKit,
    tell: @escaping @Sendable (ReceiverNews) -> Void
  ) {
    guard let provider = channel.receiving, let settings = channel.personal else { return nil }
    self.channel = channel
    self.provider = provider
    self.settings = settings
    self.environment = environment
    self.kit = kit
    self.tell = tell
    line = ReceiverLine(channel, kit, clock: environment.clock)
  }

  // MARK: From other threads

  /// Ends what is under way, a poll at once.
  func stop() { line.stop() }

  // MARK: Its own thread

  /// Receives until stopped, by long polls.
  func run() {
    var pause = 0.0
    while !line.isStopped {
      let began = environment.clock().steady
      switch turn(waits: true) {
      case .done:
        pause = 0
        hasSaidTrouble = false
      case .nothing:
        pause = 0
        hasSaidTrouble = false
        // A service that does not hold the poll is not asked without a breath.
        if environment.clock().steady - began < Receiver.breath { line.rest(Receiver.breath) }
      case .trouble:
        pause = min(max(1, pause * 2), Receiver.longestPause)
        line.rest(pause)
      case .idle: line.rest(Receiver.lookInterval)
      case .stopped: return close()
      }
    }
    close()
  }

  /// Asks once, for what is there already.
  func once() {
    defer { close() }
    for _ in 0..<Receiver.mostRequests {
      guard case .done(isMore: true) = turn(waits: false) else { return }
    }
  }

  private func close() {
    line.close()
    hold = nil
  }

  /// One answer of the service, taken in.
  private func turn(waits: Bool) -> Turn {
    guard case .ok = environment.sessions.standing(of: channel) else {
      hold = nil
      return .idle
    }
    do throws(ReceiverTrouble) {
      guard let harvesting = try take(waits: waits) else { return .idle }
      return try poll(harvesting, waits: waits)
    } catch {
      isInOrder = false
      say(error)
      return .trouble
    }
  }

  /// The lock, and everything in order behind it; nil while another process receives.
  private func take(waits: Bool) throws(ReceiverTrouble) -> Harvesting? {
    if hold == nil {
      guard let files = environment.sessions.files(of: channel) else { return nil }
      do throws(SystemFault) { hold = try files.hold(.receive) } catch { throw ReceiverTrouble(error) }
      isInOrder = false
    }
    guard hold != nil else {
      if waits { sayOther() }
      return nil
    }
    hasSaidOther = false
    let harvesting: Harvesting
    if let known = self.harvesting { harvesting = known } else { harvesting = try makeHarvesting() }
    self.harvesting = harvesting
    if !isInOrder { try harvesting.recover() }
    isInOrder = true
    return harvesting
  }

  private func makeHarvesting() throws(ReceiverTrouble) -> Harvesting {
    let folder: InboxFolder
    do throws(SystemFault) { folder = try InboxFolder(kit.spool) } catch { throw ReceiverTrouble(error) }
    return Harvesting(
      channel: channel, settings: settings, environment: environment, kit: kit, folder: folder,
      media: MediaFetcher(
        provider: provider, limit: settings.maxMediaBytes, environment: environment, line: line, folder: folder),
      answering: Answering(channel: channel, environment: environment, kit: kit, line: line), tell: tell)
  }

  // MARK: Asking

  private func poll(_ harvesting: Harvesting, waits: Bool) throws(ReceiverTrouble) -> Turn {
    var session = environment.sessions.session(of: channel)
    var poll = provider.poll(session, waits: waits, at: environment.now(), nonce: environment.nonce())
    for _ in 0..<Receiver.mostRequests {
      guard let reply = line.perform(.http(poll.request), within: poll.timeout) else { return .stopped }
      let response: HTTPResponse
      switch reply {
      case .http(let answer): response = answer
      case .lost(let failure) where poll.mayRunOut && failure.code == "timeout": return .nothing
      // What is only nice to know is done without.
      case .lost where poll.isOptional, .notSent where poll.isOptional: response = HTTPResponse(status: 503, body: [])
      case .lost(let failure), .notSent(let failure):
        throw ReceiverTrouble(Fault(.network, code: failure.code, failure.message))
      case .mail, .program: throw ReceiverTrouble(Fault(.network, "no answer"))
      }
      switch provider.harvest(response, after: poll.stage, session, at: environment.now(), nonce: environment.nonce()) {
      case .ask(let next, let new):
        if let new {
          environment.sessions.storeReceived(new, was: session, of: channel)
          session = new
        }
        poll = next
      case .batch(let messages, let new, let isMore):
        environment.sessions.storeReceived(new, was: session, of: channel)
        let isTaken = try harvesting.takeIn(messages, new, learnedBefore: session.learned)
        if !isTaken { return .stopped }
        return isMore || !messages.isEmpty || new.learned != session.learned ? .done(isMore: isMore) : .nothing
      case .lost(let new):
        environment.sessions.storeReceived(new, was: session, of: channel)
        tell(.lost(channel: channel.name))
        return .idle
      case .trouble(let fault): throw ReceiverTrouble(fault)
      }
    }
    throw ReceiverTrouble(Fault(.provider, "one poll led to more than \(Receiver.mostRequests) requests"))
  }

  // MARK: What is said

  private func say(_ trouble: ReceiverTrouble) {
    if hasSaidTrouble { return }
    hasSaidTrouble = true
    environment.observe(
      .notice(
        Notice(
          "channel \(channel.name)", "receiving is in trouble: \(trouble.message)",
          hint: trouble.hint ?? "it goes on trying, ever more slowly up to once a minute")))
  }

  private func sayOther() {
    if hasSaidOther { return }
    hasSaidOther = true
    environment.observe(
      .notice(
        Notice("channel \(channel.name)", "another process receives its messages; this one takes over when that ends")))
  }
}
