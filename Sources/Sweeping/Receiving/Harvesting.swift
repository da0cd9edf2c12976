import Core
import FoundationEssentials
import Ledger
import Spooling

/// Steps 1 to 3 of receiving (`Receiver`), and the answers behind them: what one answer of the service brought goes into the
/// inbox and the ledger, whole or not at all.
struct Harvesting {
  let channel: Channel
  let settings: PersonalSettings
  let environment: SweepEnvironment
  let kit: ReceivingKit
  let folder: InboxFolder
  let media: MediaFetcher
  let answering: Answering
  let tell: @Sendable (ReceiverNews) -> Void

  /// - Returns: false when stopped; then nothing of it was taken in, and all of it comes again.
  func takeIn(
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
    if batch.messages.contains(where: { $0.mark != nil }) {
      kit.bringDoubtsForward(channel, limit: environment.configuration.maxMessageBytes, now: environment.now())
    }
    try answering.answer()
    return true
  }

  private func takeIn(
    _ message: Incoming, _ session: Session, _ rules: RuleBook, _ talks: inout Talks, _ written: inout [String]
  ) throws(ReceiverTrouble) -> ReceivedMessage? {
    let isWritten = settings.fillsInbox && (message.from.kind != .own || settings.keepsOwn)
    let stem = InboxFolder.stem(channel.name, message.id)
    var attached: [InboxMessage.Attached] = []
    if isWritten {
      guard let files = try media.fetch(message, session, stem) else { return nil }
      attached = files
    }
    let json = InboxMessage.json(message, attached, channel: channel.name, provider: channel.card.name)
    do throws(SystemFault) {
      if isWritten {
        try folder.write(json.bytes + [UInt8(ascii: "\n")], as: stem)
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
    do throws(SystemFault) { if !written.isEmpty { try folder.flush() } } catch { throw ReceiverTrouble(error) }
    do throws(LedgerFault) { try kit.ledger.receive(batch) } catch { throw ReceiverTrouble(error) }
    do throws(SystemFault) {
      for stem in written { try folder.publish(stem) }
      if !written.isEmpty { try folder.flushPublished() }
    } catch {
      throw ReceiverTrouble(error)
    }
  }

  // MARK: After another

  /// Puts in order what another left, or what a full disk kept from being done: the ledger knows what is to be published.
  func recover() throws(ReceiverTrouble) {
    do throws(SystemFault) {
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
    try answering.answer()
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
}
