import Core
import FoundationEssentials
import Ledger
import Spooling
import Threading

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
/// Unchecked: everything is touched by the one thread that calls `run` or `once`; other threads use the mailbox only.
final class Receiver: @unchecked Sendable {
  /// Requests that one poll may lead to.
  private static let mostRequests = 100
  /// Tries for a file that comes with a message.
  private static let mostTries = 3
  /// Seconds between two looks for a login, or for the end of another receiver.
  private static let lookInterval = 2.0
  private static let longestPause = 60.0
  /// Seconds for fetching a file.
  private static let mediaTime = 60.0

  private enum Note: Sendable {
    case reply(Int, Reply)
    case stop
  }

  enum Turn: Equatable {
    /// Something came, or nothing; `isMore`: ask again at once.
    case done(isMore: Bool)
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
  private let mail = Inbox<Note>()
  private var requests = 0
  private var isStopped = false
  private var folder: InboxFolder?
  private var hold: HeldLock?
  private var hasSaidTrouble = false
  private var hasSaidOther = false
  private var connection: (transport: any Transport, cut: @Sendable () -> Void)?

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
  }

  // MARK: From other threads

  /// Ends what is under way, a poll at once.
  func stop() { mail.post(.stop) }

  // MARK: Its own thread

  /// Receives until stopped, by long polls.
  func run() {
    var pause = 0.0
    while !isStopped {
      switch turn(waits: true) {
      case .done:
        pause = 0
        hasSaidTrouble = false
      case .trouble:
        pause = min(max(1, pause * 2), Receiver.longestPause)
        rest(pause)
      case .idle: rest(Receiver.lookInterval)
      case .stopped: isStopped = true
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
    connection?.cut()
    connection = nil
    hold = nil
  }

  /// One answer of the service, taken in.
  private func turn(waits: Bool) -> Turn {
    guard case .ok = environment.sessions.standing(of: channel) else {
      hold = nil
      return .idle
    }
    guard take(waits: waits) else { return .idle }
    do throws(ReceiverTrouble) {
      return try poll(waits: waits)
    } catch {
      say(error)
      return .trouble
    }
  }

  /// The lock; whoever gets it first puts in order what another left.
  private func take(waits: Bool) -> Bool {
    if hold != nil { return true }
    guard let files = environment.sessions.files(of: channel) else { return false }
    hold = (try? files.hold(.receive)).flatMap { $0 }
    guard hold != nil else {
      if waits, !hasSaidOther {
        hasSaidOther = true
        environment.observe(
          .notice(
            Notice(
              "channel \(channel.name)", "another process receives its messages; this one takes over when that ends")))
      }
      return false
    }
    hasSaidOther = false
    do throws(ReceiverTrouble) {
      try recover()
      return true
    } catch {
      say(error)
      hold = nil
      return false
    }
  }

  private func recover() throws(ReceiverTrouble) {
    do throws(SystemFault) {
      let folder = try InboxFolder(kit.spool)
      self.folder = folder
      let leftovers = try folder.leftovers(of: channel.name)
      let known = try received(leftovers.compactMap(\.id))
      for leftover in leftovers {
        if let id = leftover.id, known.contains(Verbatim(id)) {
          try folder.publish(leftover.stem)
        } else {
          try folder.discard(leftover.stem)
        }
      }
      if !leftovers.isEmpty { try folder.flushPublished() }
    } catch {
      throw ReceiverTrouble(error)
    }
    try answer()
  }

  /// - Throws: a fault of the disk in place of the ledger's, which says the same of it.
  private func received(_ ids: [String]) throws(SystemFault) -> Set<Verbatim> {
    if ids.isEmpty { return [] }
    do throws(LedgerFault) {
      return try kit.ledger.received(ids, channel.name, newerThan: .distantPast)
    } catch {
      throw SystemFault("ledger", error.number, kit.spool.path)
    }
  }

  // MARK: Asking

  private func poll(waits: Bool) throws(ReceiverTrouble) -> Turn {
    var session = environment.sessions.session(of: channel)
    var poll = provider.poll(session, waits: waits, at: environment.now(), nonce: environment.nonce())
    for _ in 0..<Receiver.mostRequests {
      guard let reply = ask(poll.request, within: poll.timeout) else { return .stopped }
      let response: HTTPResponse
      switch reply {
      case .http(let answer): response = answer
      case .lost(let failure) where poll.mayRunOut && failure.code == "timeout": return .done(isMore: false)
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
        return try takeIn(messages, new, learnedBefore: session.learned) ? .done(isMore: isMore) : .stopped
      case .lost(let new):
        environment.sessions.storeReceived(new, was: session, of: channel)
        tell(.lost(channel: channel.name))
        return .idle
      case .trouble(let fault): throw ReceiverTrouble(fault)
      }
    }
    throw ReceiverTrouble(Fault(.provider, "one poll led to more than \(Receiver.mostRequests) requests"))
  }

  /// The reply; nil when stopped before it came.
  private func ask(_ request: HTTPRequest, within seconds: Double) -> Reply? {
    perform(.http(request), within: seconds)
  }

  /// - Parameter isPatient: when stopped, its end is waited for all the same.
  private func perform(_ exchange: Exchange, within seconds: Double, isPatient: Bool = false) -> Reply? {
    requests += 1
    let number = requests
    let connection = self.connection ?? kit.connect(channel)
    self.connection = connection
    connection.transport.perform(exchange, within: seconds) { [mail] in mail.post(.reply(number, $0)) }
    while true {
      for note in mail.takeAll() {
        switch note {
        case .stop:
          isStopped = true
          if !isPatient { return nil }
        // Of one that was given up nobody wants it any more.
        case .reply(let answered, let reply): if answered == number { return reply }
        }
      }
    }
  }

  private func rest(_ seconds: Double) {
    let end = environment.clock().steady + seconds
    while case let left = end - environment.clock().steady, left > 0 {
      for case .stop in mail.takeAll(within: left) {
        isStopped = true
        return
      }
    }
  }

  private func say(_ trouble: ReceiverTrouble) {
    if hasSaidTrouble { return }
    hasSaidTrouble = true
    environment.observe(
      .notice(
        Notice(
          "channel \(channel.name)", "receiving is in trouble: \(trouble.message)",
          hint: trouble.hint ?? "it goes on trying, ever more slowly up to once a minute")))
  }

  // MARK: Taking in

  /// - Returns: false when stopped; then nothing of it was taken in, and all of it comes again.
  private func takeIn(
    _ messages: [Incoming], _ session: Session, learnedBefore: JSON
  ) throws(ReceiverTrouble) -> Bool {
    guard let account = session.account else { return true }
    if messages.isEmpty, session.learned == learnedBefore { return true }
    var seen: Set<Verbatim> = []
    let fresh: [Incoming]
    do throws(LedgerFault) {
      let window = environment.now() - environment.configuration.deduplicateFor
      let known = try kit.ledger.received(messages.map(\.id), channel.name, newerThan: window)
      fresh = messages.filter { !known.contains(Verbatim($0.id)) && seen.insert(Verbatim($0.id)).inserted }
    } catch {
      throw ReceiverTrouble(error)
    }
    var batch = ReceivedBatch(
      channel: channel.name, now: environment.now(), login: account.since, learned: session.learned, messages: [])
    var written: [String] = []
    var talks = Talks(kit.ledger, channel.name)
    let rules = RuleBook(settings, session.contacts)
    for message in fresh {
      guard let entry = try takeIn(message, session, rules, &talks, &written) else { return false }
      batch.messages.append(entry)
      if message.isWord { batch.word = max(batch.word ?? message.at, message.at) }
    }
    // A word from ahead of our clock counts from now on.
    batch.word = batch.word.map { min($0, batch.now) }
    try record(batch, written)
    if let word = batch.word {
      kit.bringForward(channel, limit: environment.configuration.maxMessageBytes, now: environment.now())
      tell(.word(channel: channel.name, at: word))
    }
    try answer()
    return true
  }

  private func takeIn(
    _ message: Incoming, _ session: Session, _ rules: RuleBook, _ talks: inout Talks, _ written: inout [String]
  ) throws(ReceiverTrouble) -> ReceivedMessage? {
    let isWritten = settings.fillsInbox && (message.from.kind != .own || settings.keepsOwn)
    let stem = InboxFolder.stem(channel.name, message.id)
    var attached: [InboxMessage.Attached] = []
    if isWritten {
      guard let files = try fetch(message, session, stem) else { return nil }
      attached = files
    }
    let json = InboxMessage.json(message, attached, channel: channel.name, provider: channel.card.name)
    do throws(SystemFault) {
      if isWritten {
        try folder?.write(json.bytes + [UInt8(ascii: "\n")], as: stem)
        written.append(stem)
      }
    } catch {
      throw ReceiverTrouble(error)
    }
    let sender = message.group.map { "\(message.from.user) in \($0.user)" } ?? message.from.user
    let files = attached.compactMap { if case .file(let file, _) = $0 { file } else { nil } }
    let talk = try talks.talk(with: sender, message.correspondent.user)
    let work = rules.work(for: message, json: json, files: files, talk, at: environment.now())
    let entry = ReceivedMessage(
      id: message.id, at: message.at, sender: sender, text: RuleBook.gist(of: message),
      correspondent: message.correspondent, mark: message.mark, reply: work)
    talks.note(entry, at: environment.now())
    return entry
  }

  /// Steps 1 to 3.
  private func record(_ batch: ReceivedBatch, _ written: [String]) throws(ReceiverTrouble) {
    do throws(SystemFault) { if !written.isEmpty { try folder?.flush() } } catch { throw ReceiverTrouble(error) }
    do throws(LedgerFault) { try kit.ledger.receive(batch) } catch { throw ReceiverTrouble(error) }
    do throws(SystemFault) {
      for stem in written { try folder?.publish(stem) }
      if !written.isEmpty { try folder?.flushPublished() }
    } catch {
      throw ReceiverTrouble(error)
    }
  }

  // MARK: Files

  /// - Returns: nil when stopped.
  private func fetch(
    _ message: Incoming, _ session: Session, _ stem: String
  ) throws(ReceiverTrouble) -> [InboxMessage.Attached]? {
    var attached: [InboxMessage.Attached] = []
    var names: Set<String> = []
    for media in message.media {
      let result: Result<[UInt8], MediaFault>
      if let size = media.size, size > settings.maxMediaBytes {
        result = .failure(tooLarge)
      } else {
        guard let fetched = fetch(media, session) else { return nil }
        result = fetched
      }
      let bytes = (try? result.get()) ?? []
      let (otherwise, type) = InboxMessage.defaults(media, message.kind, bytes)
      let name = SafeName.made(of: media.name, otherwise: otherwise, taken: names)
      names.insert(name)
      switch result {
      case .failure(let fault): attached.append(.missing(name: name, error: fault.problem))
      case .success(let bytes):
        do throws(SystemFault) {
          try folder?.write(bytes, file: name, of: stem)
        } catch {
          throw ReceiverTrouble(error)
        }
        let path = "\(InboxFolder.filesPath)/\(stem)/\(name)"
        attached.append(.file(ReplyWork.File(name: name, type: type, path: path), bytes: bytes.count))
      }
    }
    return attached
  }

  private var tooLarge: MediaFault {
    MediaFault("is larger than the \(settings.maxMediaBytes) bytes of max_media_bytes", isPassing: false)
  }

  private func fetch(_ media: Incoming.Media, _ session: Session) -> Result<[UInt8], MediaFault>? {
    var fault = MediaFault("was not fetched", isPassing: true)
    for _ in 0..<Receiver.mostTries {
      let request = provider.request(for: media, session, at: environment.now(), nonce: environment.nonce())
      guard let reply = ask(request, within: Receiver.mediaTime) else { return nil }
      switch reply {
      case .http(let response):
        do throws(MediaFault) {
          let bytes = try provider.file(in: response, of: media)
          return bytes.count > settings.maxMediaBytes ? .failure(tooLarge) : .success(bytes)
        } catch {
          fault = error
        }
      case .lost(let failure) where failure.code == "too-large": return .failure(tooLarge)
      case .lost(let failure), .notSent(let failure): fault = MediaFault(failure.message, isPassing: true)
      case .mail, .program: break
      }
      if !fault.isPassing { break }
    }
    return .failure(fault)
  }

  // MARK: Answers

  /// Steps 4 and 5, for whatever the ledger has to be answered.
  private func answer() throws(ReceiverTrouble) {
    let open: [OpenReply]
    do throws(LedgerFault) { open = try kit.ledger.openReplies(channel.name) } catch { throw ReceiverTrouble(error) }
    for reply in open {
      do throws(LedgerFault) {
        if isStopped { return }
        try answer(reply)
      } catch {
        throw ReceiverTrouble(error)
      }
    }
  }

  private func answer(_ reply: OpenReply) throws(LedgerFault) {
    let now = environment.now()
    switch (reply.state, reply.work.kind) {
    case (.pending, _) where reply.work.expires < now: try kit.ledger.note(reply, .none, at: now)
    case (.pending, .text(let text)), (.given(let text), _): try drop(text, reply)
    case (.pending, .forward(_, _, let text, _)): try drop(text, reply)
    case (.pending, .run(let command, let input, let timeout)):
      try kit.ledger.note(reply, .begun, at: now)
      guard let text = output(of: command, input, within: timeout) else {
        return try kit.ledger.note(reply, .none, at: environment.now())
      }
      try kit.ledger.note(reply, .given(text), at: environment.now())
      try drop(text, reply)
    case (.begun, _):
      try kit.ledger.note(reply, .none, at: now)
      environment.observe(
        .notice(
          Notice(
            "channel \(channel.name)",
            "a program that was to answer \(reply.id) was cut short; it is not started again, and gives no answer")))
    case (.dropped, _), (.none, _): break
    }
  }

  /// What a program prints; nil for no answer.
  private func output(of command: [String], _ input: String, within seconds: Double) -> String? {
    let request = ProgramRequest(command: command, input: Array(input.utf8))
    // A program that was begun is never started again, so a stop waits for what it says.
    guard case .program(let response)? = perform(.program(request), within: seconds, isPatient: true),
      response.status == 0
    else { return nil }
    let text = String(decoding: response.output, as: UTF8.self)
    let end = text.unicodeScalars.reversed().drop { $0.properties.isWhitespace }
    return end.isEmpty ? nil : String(String.UnicodeScalarView(end.reversed()))
  }

  private func drop(_ text: String, _ reply: OpenReply) throws(LedgerFault) {
    let bytes = AnswerMessage.json(text, reply, kit.spool, environment.configuration).bytes + [UInt8(ascii: "\n")]
    let name = FileName("reply.\(InboxFolder.stem(channel.name, reply.id)).json")
    // What a killed receiver left of it half written, under this very name, is nobody's.
    _ = try? Syscalls.remove(name, in: kit.spool.descriptor(.tmp), path: kit.spool.path(.tmp))
    do throws(DropFault) {
      _ = try kit.spool.drop([bytes]) { _ in name }
    } catch {
      // Not marked: it is dropped when the disk takes it.
      throw LedgerFault(.io, "the answer could not be dropped: \(error.fault)", number: error.fault.number)
    }
    try kit.ledger.note(reply, .dropped(text), at: environment.now())
  }
}

/// Why receiving does not go on for now.
struct ReceiverTrouble: Error {
  var message: String
  var hint: String?

  init(_ fault: Fault) {
    (message, hint) = ([fault.code, fault.message].compactMap { $0 }.joined(separator: ": "), fault.hint)
  }

  init(_ fault: SystemFault) { (message, hint) = ("\(fault)", fault.hint) }
  init(_ fault: LedgerFault) { message = fault.message }
}

/// What was said with whom, as the ledger knows it and as this batch goes on.
private struct Talks {
  private let ledger: any PersonalLedger
  private let channel: String
  private var news: [ReceivedMessage] = []
  private var answers: [(user: String, at: Date)] = []

  init(_ ledger: any PersonalLedger, _ channel: String) {
    self.ledger = ledger
    self.channel = channel
  }

  func talk(with sender: String, _ user: String) throws(ReceiverTrouble) -> Talk {
    var talk: Talk
    do throws(LedgerFault) {
      talk = try ledger.talk(channel, sender: sender, user: user)
    } catch {
      throw ReceiverTrouble(error)
    }
    let texts = news.filter { Verbatim($0.sender) == Verbatim(sender) }.map { Talk.Said($0.text, at: $0.at) }
    talk.texts.insert(contentsOf: texts.reversed(), at: 0)
    for answer in answers where Verbatim(answer.user) == Verbatim(user) {
      // What it says is not known yet; that there is one counts.
      talk.answers.append(Talk.Said("", at: answer.at))
    }
    return talk
  }

  mutating func note(_ message: ReceivedMessage, at now: Date) {
    news.append(message)
    if let reply = message.reply { answers.append((reply.user, now)) }
  }
}
