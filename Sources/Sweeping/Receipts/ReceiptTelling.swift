import Core
import FoundationEssentials
import Ledger
import Spooling

/// Steps 4 and 5 of `ReceiptStage`: news are written behind the history of the message that they are of, and the ledger is
/// told that they are. Which file that is, its own history says: names repeat.
final class ReceiptTelling {
  /// News that are told together.
  private static let most = 4096
  /// Seconds until a file that can't be told now is looked for again.
  private static let later = 60.0

  private let environment: SweepEnvironment
  private let ledger: any ReceiptLedger
  private let files: ReceiptFiles
  private let teller: ReceiptTeller
  private let legs: FallbackLegs

  init(_ environment: SweepEnvironment, _ spool: Spool, _ ledger: any ReceiptLedger) {
    self.environment = environment
    self.ledger = ledger
    let limit = environment.configuration.maxMessageBytes
    files = ReceiptFiles(spool, limit: limit)
    teller = ReceiptTeller(spool, limit: limit)
    legs = FallbackLegs(environment, spool, ledger, files)
  }

  /// What was intended, and perhaps dropped, when somebody died.
  func recover() throws(SweepTrouble) { try legs.recover() }

  /// News of one file, in the order of its calls and their recipients.
  private struct Group {
    let place: FilePlace
    var receipts: [UntoldReceipt] = []
  }

  /// Everything that is to be told.
  /// - Parameter began: news from before may be in their files already: whoever wrote them may have died before it said so.
  func tell(since began: Date) throws(SweepTrouble) {
    while true {
      let now = environment.now()
      let untold: [UntoldReceipt]
      do throws(LedgerFault) { untold = try ledger.untold(limit: ReceiptTelling.most, at: now) } catch {
        throw SweepTrouble(fault: error)
      }
      if untold.isEmpty { return }
      let (groups, waiting, gone, renamed) = try sorted(untold)
      // Before the line that says so.
      let names = try legs.take(
        groups.flatMap { group in group.receipts.filter(legs.wants).map { (place: group.place, receipt: $0) } })
      var (done, later) = (gone.map(\.key), waiting.map(\.key))
      let told: [ReceiptTeller.Told]
      do throws(SystemFault) {
        told = try teller.tell(groups.map { news($0, names, since: began) }, at: now)
      } catch {
        throw SweepTrouble(receipts: error)
      }
      for (group, told) in zip(groups, told) {
        let keys = group.receipts.map(\.key)
        if told == .later { later += keys } else { done += keys }
      }
      do throws(LedgerFault) {
        try ledger.tell(done, later: later, at: now + ReceiptTelling.later)
        try note(renamed, at: now)
      } catch {
        throw SweepTrouble(fault: error)
      }
      if untold.count < ReceiptTelling.most { return }
    }
  }

  /// News by their files; those whose files are waiting; those whose files are gone; and files that had to be looked for.
  private func sorted(
    _ untold: [UntoldReceipt]
  ) throws(SweepTrouble) -> (groups: [Group], waiting: [UntoldReceipt], gone: [UntoldReceipt], renamed: [RenamedFile]) {
    struct Part: Hashable {
      var call: Verbatim
      var file: Verbatim
    }
    // One of a call's recipients stands for all whom it was for because of that file.
    var parts: [Part: WantedFile] = [:]
    for item in untold {
      let part = Part(call: Verbatim(item.call), file: Verbatim(item.member.file))
      if parts[part] == nil {
        parts[part] = WantedFile(call: item.call, file: item.member.file, name: item.name, to: item.member.to)
      }
    }
    let places: [WantedFile: ReceiptFiles.Place]
    do throws(SystemFault) { places = try files.places(of: Set(parts.values)) } catch {
      throw SweepTrouble(receipts: error)
    }
    var groups: [FilePlace: Group] = [:]
    var (waiting, gone): ([UntoldReceipt], [UntoldReceipt]) = ([], [])
    for item in untold {
      let part = parts[Part(call: Verbatim(item.call), file: Verbatim(item.member.file))]
      switch part.flatMap({ places[$0] }) {
      case .settled(let place)?: groups[place, default: Group(place: place)].receipts.append(item)
      case .waiting?: waiting.append(item)
      case .nowhere?, nil: gone.append(item)
      }
    }
    let renamed = places.compactMap { wanted, place -> RenamedFile? in
      guard case .settled(let place) = place, place.folder != .deferred,
        place.name.display != wanted.name ?? wanted.file.text
      else { return nil }
      return RenamedFile(calls: [wanted.call.text], file: wanted.file.text, name: place.name.display)
    }
    return (groups.values.sorted { $0.place.name < $1.place.name }, waiting, gone, renamed)
  }

  /// Where the next news of them are looked for first.
  private func note(_ renamed: [RenamedFile], at now: Date) throws(LedgerFault) {
    if renamed.isEmpty { return }
    var group = GroupCommit(now: now)
    group.renamed = renamed
    _ = try ledger.commit(group)
  }

  private func news(_ group: Group, _ legs: [UntoldReceipt.Key: String], since began: Date) -> FileNews {
    let items = group.receipts.sorted { ($0.key.call, $0.key.place) < ($1.key.call, $1.key.place) }.map { untold in
      FileNews.Item(
        call: untold.call, channel: untold.channel, to: untold.member.to, address: untold.member.address,
        news: untold.news, endsDoubt: untold.endsDoubt, leg: legs[untold.key])
    }
    return FileNews(
      group.place, items: items,
      mayBeTold: group.receipts.contains { $0.noted < began || $0.noted > environment.now() })
  }
}

extension SweepTrouble {
  /// Receipts could not be recorded; what was sent is.
  init(receipts fault: SystemFault) {
    self.init(fault: fault)
    message = "receipts cannot be recorded: \(fault)"
  }
}
