import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling

/// Recipients that were accepted and did not get it go on through their channel's fallback (`fallback_on`), once: by a
/// message of its own beside the first, `NAME.leg`, which any sweep sends. Once is once: a leg is known by a line behind it,
/// and has no leg of its own; and it doesn't go back to a channel that its recipient has been through.
///
/// The decision is an intent in the ledger (1) before the leg is dropped (2), and the ledger is told that it was (3) before
/// the first message's line says so. A crash after 1 leaves an intent without a file: it is dropped then. One after 2 leaves
/// a file of that name somewhere in the spool: it is known by its name, and not dropped again.
final class FallbackLegs {
  private let environment: SweepEnvironment
  private let spool: Spool
  private let ledger: any ReceiptLedger
  private let files: ReceiptFiles
  private let configuration: Configuration

  init(_ environment: SweepEnvironment, _ spool: Spool, _ ledger: any ReceiptLedger, _ files: ReceiptFiles) {
    self.environment = environment
    self.spool = spool
    self.files = files
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
  /// - Parameter news: with the file that they are of, those of one file beside each other.
  /// - Returns: the legs' names by the news they follow; nothing for those whom the fallback does not know.
  func take(_ news: [(place: FilePlace, receipt: UntoldReceipt)]) throws(SweepTrouble) -> [UntoldReceipt.Key: String] {
    var names: [UntoldReceipt.Key: String] = [:]
    var numbers: [Verbatim: Int] = [:]
    var promised: Set<Verbatim>?
    var last: (place: FilePlace, message: Original?)?
    for (place, item) in news {
      let file = item.member.file
      if last?.place != place { last = (place, self.message(place)) }
      guard let state = item.news?.state, let message = last?.message, !message.isLeg,
        let text = text(of: message, item, at: environment.now())
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
    let open: [FallbackLeg]
    do throws(LedgerFault) { open = try ledger.openLegs() } catch { throw SweepTrouble(fault: error) }
    if open.isEmpty { return }
    let wanted = open.map { WantedFile(call: $0.call, file: $0.file, to: $0.to) }
    let places: [WantedFile: ReceiptFiles.Place]
    do throws(SystemFault) { places = try files.places(of: Set(wanted)) } catch { throw SweepTrouble(receipts: error) }
    for (leg, wanted) in zip(open, wanted) {
      do throws(LedgerFault) {
        _ = try drop(leg) {
          guard case .settled(let place)? = places[wanted], let original = message(place) else { return nil }
          return channel(of: original).flatMap { text(of: original, $0, leg, at: environment.now()) }
        }
      } catch {
        throw SweepTrouble(fault: error)
      }
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
    let name = FileName(display: file)
    var number = numbers[Verbatim(file)] ?? 0
    var candidate: FileName
    while true {
      number += 1
      candidate = name.with(number < 2 ? ".leg" : ".leg~\(number)")
      if promised.contains(Verbatim(candidate.display)) { continue }
      let found: [Walk.Found]
      do throws(SystemFault) { found = try spool.find(candidate, in: Folder.allCases).found } catch {
        throw SweepTrouble(fault: error)
      }
      if found.isEmpty { break }
    }
    numbers[Verbatim(file)] = number
    return candidate
  }

  // MARK: The message

  private struct Original {
    var message: Message
    /// With those of its template, if it has one: the leg needs none.
    var members: [JSON.Member]
    /// Somebody's way on already.
    var isLeg: Bool
    /// How those stand who were sent the text in parts; put together once for all of a file's recipients.
    private var parted: [Verbatim: [Standing]] = [:]

    init(_ file: MessageFile, _ members: [JSON.Member]) {
      message = file.message
      self.members = members
      isLeg = file.entries.contains { if case .leg = $0 { true } else { false } }
      let isParted = file.entries.contains { $0.line?.results.contains { $0.parts.count > 1 } ?? false }
      if isParted { parted = Standing.all(file.entries) }
    }

    /// The calls of the attempt that one of them sent a part of the text in; none where it went in one.
    func calls(ofPartsTo to: String, beside call: String) -> [String] {
      parted[Verbatim(to)]?.first { $0.result.parts.count > 1 && $0.isOf(call) }?.calls ?? []
    }
  }

  private func message(_ place: FilePlace) -> Original? {
    let path = "\(spool.path(place.folder))/\(place.name.display)"
    let limit = configuration.maxMessageBytes
    guard let bytes = try? spool.read(place.name, in: spool.descriptor(place.folder), path: path, limit: limit) else {
      return nil
    }
    return bytes.withUnsafeBufferPointer { buffer -> Original? in
      guard let file = try? MessageFile(buffer, limit: limit, templates: spool.templates),
        let own = RawFile(buffer).message?.members,
        let members = try? MessageFile.filled(own, spool.templates)
      else { return nil }
      return Original(file, members)
    }
  }

  private func channel(of original: Original) -> String? {
    original.message.channel ?? configuration.defaultChannel
  }

  private func text(of original: Original, _ item: UntoldReceipt, at now: Date) -> [UInt8]? {
    let leg = FallbackLeg(
      file: item.member.file, to: item.member.to, call: item.call, state: item.news?.state ?? .undelivered, name: "")
    return text(of: original, item.channel, leg, at: now)
  }

  /// The leg as it is dropped; nil where the fallback does not know the recipient, or cannot send such a message.
  private func text(of original: Original, _ channelName: String, _ leg: FallbackLeg, at now: Date) -> [UInt8]? {
    guard let channel = configuration.channels[channelName], let name = channel.fallback,
      let next = configuration.channels[name]
    else { return nil }
    let to = leg.to
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
    var bytes = JSON.object(members).bytes + [UInt8(ascii: "\n")]
    ReceiptCoding.write(
      LegOrigin(at: now, of: leg.file, to: to, call: leg.call, through: [channelName]), to: &bytes)
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
