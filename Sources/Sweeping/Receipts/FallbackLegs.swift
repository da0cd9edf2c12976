import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling

/// Recipients that were accepted and did not get it go on through their channel's fallback (`fallback_on`), once: by a
/// message of its own beside the first, `NAME.leg`, which any sweep sends.
///
/// The decision is an intent in the ledger (1) before the leg is dropped (2), and the ledger is told that it was (3) before
/// the first message's line says so. A crash after 1 leaves an intent without a file: it is dropped then. One after 2 leaves
/// a file of that name somewhere in the spool: it is known by its name, and not dropped again.
final class FallbackLegs {
  private let environment: SweepEnvironment
  private let spool: Spool
  private let ledger: any ReceiptLedger
  private let configuration: Configuration

  init(_ environment: SweepEnvironment, _ spool: Spool, _ ledger: any ReceiptLedger) {
    self.environment = environment
    self.spool = spool
    self.ledger = ledger
    configuration = environment.configuration
  }

  /// Those whose channels want that; the others' news are told as they are.
  func wants(_ news: UntoldReceipt) -> Bool {
    guard let state = news.news?.state, news.member.address == nil, let channel = configuration.channels[news.channel]
    else { return false }
    return channel.fallbackOn.contains(state) && channel.fallback != nil
  }

  /// What is on disk of a leg, when it returns.
  /// - Parameter news: those of one file beside each other.
  /// - Returns: the legs' names by the news they follow; nothing for those whom the fallback does not know.
  func take(_ news: [UntoldReceipt]) throws(SweepTrouble) -> [UntoldReceipt.Key: String] {
    var names: [UntoldReceipt.Key: String] = [:]
    var numbers: [Verbatim: Int] = [:]
    var promised: Set<Verbatim>?
    var last: (file: String, message: Original?)?
    for item in news {
      let file = item.member.file
      if last.map({ Verbatim($0.file) != Verbatim(file) }) ?? true { last = (file, self.message(file)) }
      guard let state = item.news?.state, let message = last?.message,
        let text = text(of: message, item.channel, to: item.member.to)
      else { continue }
      do throws(LedgerFault) {
        // Intended before a crash, or by an earlier state of this call: there is no second one.
        var known = try ledger.leg(of: file, to: item.member.to, call: item.call)
        // Of a text in several parts the whole of it went on when the first of them was missing.
        for call in message.calls(ofPartsTo: item.member.to, beside: item.call) where known == nil {
          known = try ledger.leg(of: file, to: item.member.to, call: call)
        }
        if let known {
          names[item.key] = known
          continue
        }
      } catch {
        throw SweepTrouble(fault: error)
      }
      let name = try freeName(file, &numbers, try self.promised(&promised))
      let leg = FallbackLeg(file: file, to: item.member.to, call: item.call, state: state, name: name.display)
      do throws(LedgerFault) {
        // One process at a time applies receipts: it is new.
        for leg in try ledger.intendLegs([leg], at: environment.now()) {
          if let dropped = try drop(leg, { text }) { names[item.key] = dropped }
        }
      } catch {
        throw SweepTrouble(fault: error)
      }
    }
    return names
  }

  /// What was intended, and perhaps dropped, when somebody died.
  func recover() throws(SweepTrouble) {
    do throws(LedgerFault) {
      for leg in try ledger.openLegs() {
        _ = try drop(leg) {
          message(leg.file).flatMap { original in
            channel(of: original).flatMap { text(of: original, $0, to: leg.to) }
          }
        }
      }
    } catch {
      throw SweepTrouble(fault: error)
    }
  }

  /// - Parameter text: nil where its message is not there any more, or can't be sent.
  /// - Returns: its name; nil where it was not dropped.
  private func drop(_ leg: FallbackLeg, _ text: () -> [UInt8]?) throws(LedgerFault) -> String? {
    var name = leg.name
    let all = (try? spool.find(FileName(display: leg.name), in: Folder.allCases))?.found ?? []
    if !all.contains(where: { $0.place.folder != .tmp }) {
      guard let text = text() else {
        try ledger.dropped([leg])
        return nil
      }
      do throws(DropFault) {
        // Not under its own name, which may be a producer's in tmp/.
        name = try spool.drop(text, as: FileName(display: leg.name), aside: FileName(".msgspool-leg.\(getpid())"))
          .display
      } catch {
        environment.observe(
          .notice(Notice(leg.name, "could not be dropped: \(error.fault)", hint: error.fault.hint)))
        return nil
      }
    }
    try ledger.dropped([leg])
    return name
  }

  /// Names of legs that were intended and could not be dropped yet: no file has them, and yet they are taken, as what has
  /// one counts as dropped. Read once, where somebody asks.
  private func promised(_ known: inout Set<Verbatim>?) throws(SweepTrouble) -> Set<Verbatim> {
    if let known { return known }
    do throws(LedgerFault) {
      let names = Set(try ledger.openLegs().map { Verbatim($0.name) })
      known = names
      return names
    } catch {
      throw SweepTrouble(fault: error)
    }
  }

  /// `NAME.leg`, `NAME.leg~2`, ...: the first that nobody has, and no other leg is to have.
  /// - Parameter numbers: the last that was given out, for each file.
  private func freeName(
    _ file: String, _ numbers: inout [Verbatim: Int], _ promised: Set<Verbatim>
  ) throws(SweepTrouble) -> FileName {
    let base = FileName(bytes: Array(FileName(display: file).bytes) + Array(".leg".utf8))
    var number = numbers[Verbatim(file)] ?? 0
    while true {
      number += 1
      let candidate = base.numbered(number)
      if promised.contains(Verbatim(candidate.display)) { continue }
      let found: [Walk.Found]
      do throws(SystemFault) { found = try spool.find(candidate, in: Folder.allCases).found } catch {
        throw SweepTrouble(fault: error)
      }
      if found.isEmpty { break }
    }
    numbers[Verbatim(file)] = number
    return base.numbered(number)
  }

  // MARK: The message

  private struct Original {
    var message: Message
    var members: [JSON.Member]
    /// How those stand who were sent the text in parts; put together once for all of a file's recipients.
    private var parted: [Verbatim: [Standing]] = [:]

    init(_ file: MessageFile, _ members: [JSON.Member]) {
      message = file.message
      self.members = members
      let isParted = file.entries.contains { $0.line?.results.contains { $0.parts.count > 1 } ?? false }
      if isParted { parted = Standing.all(file.entries) }
    }

    /// The calls of the attempt that one of them sent a part of the text in; none where it went in one.
    func calls(ofPartsTo to: String, beside call: String) -> [String] {
      parted[Verbatim(to)]?.first { $0.result.parts.count > 1 && $0.isOf(call) }?.calls ?? []
    }
  }

  private func message(_ file: String) -> Original? {
    let name = FileName(display: file)
    for number in 1...9 {
      for folder in [Folder.done, .failed] {
        let path = "\(spool.path(folder))/\(name.numbered(number).display)"
        guard
          let bytes = try? spool.read(
            name.numbered(number), in: spool.descriptor(folder), path: path, limit: configuration.maxMessageBytes)
        else { continue }
        let original = bytes.withUnsafeBufferPointer { buffer -> Original? in
          guard let file = try? MessageFile(buffer, limit: configuration.maxMessageBytes, templates: spool.templates),
            let members = RawFile(buffer).message?.members
          else { return nil }
          return Original(file, members)
        }
        if let original { return original }
      }
    }
    return nil
  }

  private func channel(of original: Original) -> String? {
    original.message.channel ?? configuration.defaultChannel
  }

  /// The leg as it is dropped; nil where the fallback does not know the recipient, or cannot send such a message.
  private func text(of original: Original, _ channelName: String, to: String) -> [UInt8]? {
    guard let channel = configuration.channels[channelName], let name = channel.fallback,
      let next = configuration.channels[name]
    else { return nil }
    // The word in `to` that it came from: what the fallback's book knows.
    let words = original.message.to ?? []
    let word =
      words.first { word in channel.contacts(of: word).contains { Verbatim($0.shown) == Verbatim(to) } } ?? to
    let isOwn = next.card.hasOwnTarget && next.recipients[Verbatim(word)] == nil
    let isKnown =
      isOwn || next.contacts(of: word).contains { (try? next.provider.target($0.address)) != nil }
    guard isKnown else { return nil }
    // Its own id, times and options are the first channel's business, and so is an approved template: a service that has
    // none sends the body.
    var left: Set<String> = ["channel", "to", "id", "send_at", "options"]
    if next.card.templates == .none { left.formUnion(["template", "params"]) }
    if next.card.templates == .bare { left.insert("params") }
    // Those of a template of the spool's own.
    if original.members.contains(where: { $0.key == "use" }) { left.remove("params") }
    var members = original.members.filter { !left.contains($0.key) }
    if let options = original.members.first(where: { $0.key == "options" })?.value.members {
      // Who had a copy has it.
      let copies = next.copying.map { type(of: $0).copyOptions } ?? []
      let known = options.filter { option in
        next.card.options.contains { $0.name == option.key } && !copies.contains(option.key)
      }
      if !known.isEmpty { members.append(.init("options", .object(known))) }
    }
    members.insert(.init("channel", .string(name)), at: 0)
    if !isOwn { members.insert(.init("to", .strings([word])), at: 1) }
    let bytes = JSON.object(members).bytes + [UInt8(ascii: "\n")]
    return canBeSent(bytes) ? bytes : nil
  }

  /// Whether the leg is a message that its channel takes: one that is invalid would be nobody's.
  private func canBeSent(_ leg: [UInt8]) -> Bool {
    leg.withUnsafeBufferPointer { buffer in
      guard let file = try? MessageFile(buffer, limit: configuration.maxMessageBytes, templates: spool.templates) else {
        return false
      }
      if case .finish(.invalid, _, _) = Router(configuration).routeAtOnce(file.message, Progress([])) { return false }
      return true
    }
  }
}
