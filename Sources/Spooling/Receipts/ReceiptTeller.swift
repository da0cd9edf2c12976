import CSystem
import Core
import FoundationEssentials
import Glibc

/// News of recipients of one file, for the lines behind its history.
package struct FileNews: Sendable {
  package struct Item: Sendable {
    package var call: String
    package var channel: String
    package var to: String
    package var address: String?
    package var news: ReceiptNews?
    package var endsDoubt: Bool
    /// The message of its own by which the recipient goes on.
    package var leg: String?

    package init(
      call: String, channel: String, to: String, address: String?, news: ReceiptNews?, endsDoubt: Bool,
      leg: String? = nil
    ) {
      self.call = call
      self.channel = channel
      self.to = to
      self.address = address
      self.news = news
      self.endsDoubt = endsDoubt
      self.leg = leg
    }
  }

  package var place: FilePlace
  package var items: [Item]
  /// Some of them may be in the file already, from before a crash.
  package var mayBeTold: Bool

  package init(_ place: FilePlace, items: [Item], mayBeTold: Bool) {
    self.place = place
    self.items = items
    self.mayBeTold = mayBeTold
  }
}

/// Writes receipts behind the history of settled files, each once, and ends doubts (receipts.md, section 3).
///
/// Files stay where they are and are not claimed: what is appended here sends nothing, so that no crash can make a sweep
/// of it. The order for one file is: lines appended (1), flushed (2), where a doubt ended renamed to where its new line says
/// and both folders flushed (3), the ledger told that it is written (4). What each crash leaves:
///
/// | crash after | in the spool | in the ledger | the next who applies receipts |
/// | --- | --- | --- | --- |
/// | before 1 | the file as it was | news, to be told | does all of it |
/// | in 1 | a torn line, or zeros | the same | puts a newline first; readers pass the torn line over |
/// | 1 or 2 | the lines, perhaps in memory alone | the same | finds them in the file, flushes them, goes on at 3 |
/// | 2, of a doubt that ended | failed/X or deferred/X whose last line says `done` | the same | renames it |
/// | 2, and a sweep claims deferred/X | cur/S/X with that line | the same | the sweep finds nobody left to send to, and settles it by the line |
/// | 3 | done/X | the same | finds everything there |
/// | 4 | done/X | told | nothing to do |
///
/// A receipt's line needs its message's file settled: behind one in deferred/ it would change the due time, and one that
/// is in cur/ is its sweep's. Those wait in the ledger until it is. A file that is nowhere any more gets nothing.
/// Which file it is, `ReceiptFiles` tells, by what stands in it.
package struct ReceiptTeller {
  package enum Told: Sendable, Hashable {
    /// Everything is in the file.
    case told
    /// The file is waiting, or was moved meanwhile: later.
    case later
  }

  /// Files up to which each is flushed by itself.
  private static let few = 4

  private let spool: Spool
  private let limit: Int

  /// - Parameter limit: `max_message_bytes`.
  package init(_ spool: Spool, limit: Int) {
    self.spool = spool
    self.limit = limit
  }

  /// Steps 1 to 3 for all of these.
  package func tell(_ all: [FileNews], at now: Date) throws(SystemFault) -> [Told] {
    var told: [Told] = []
    var moves: [(name: FileName, from: Folder, to: Folder, due: Date?)] = []
    let flushesEach = all.count <= ReceiptTeller.few
    for news in all { told.append(try tell(news, at: now, flushes: flushesEach, &moves)) }
    if !flushesEach { try spool.flushAll() }
    try move(moves)
    return told
  }

  private func tell(
    _ news: FileNews, at now: Date, flushes: Bool,
    _ moves: inout [(name: FileName, from: Folder, to: Folder, due: Date?)]
  ) throws(SystemFault) -> Told {
    let place = news.place
    guard let file = try OpenFile(place.name, in: place.folder, of: spool, limit: limit) else { return .later }
    defer { file.close() }
    // Another one has its name by now.
    if file.inode != place.inode { return .later }
    let needsEntries = news.mayBeTold || news.items.contains(where: \.endsDoubt)
    let entries = needsEntries ? try file.entries(limit: limit) : nil
    var bytes: [UInt8] = []
    var move: (to: Folder, due: Date?)?
    let ended = news.items.filter(\.endsDoubt)
    if !ended.isEmpty, let entries { move = endDoubt(of: ended, entries, at: now, in: place.folder, &bytes) }
    // Behind a deferred message nothing is written but that its doubt ended.
    let isSettled = place.folder != .deferred || (move.map { $0.to != .deferred } ?? false)
    let told = isSettled ? write(news, entries, at: now, &bytes) : news.items.allSatisfy { $0.news == nil }
    if !bytes.isEmpty { try append(bytes, to: file, flushes: flushes) }
    if let move {
      if move.to == .deferred, let due = move.due {
        setTime(due, file)
      } else {
        moves.append((place.name, place.folder, move.to, nil))
      }
    }
    return told ? .told : .later
  }

  /// The lines that end doubts, and where the message belongs then; nil where nothing is to be done.
  private func endDoubt(
    of items: [FileNews.Item], _ entries: [HistoryEntry], at now: Date, in folder: Folder, _ bytes: inout [UInt8]
  ) -> (to: Folder, due: Date?)? {
    var all = entries
    var last: HistoryLine?
    var calls: [String] = []
    for item in items where !calls.contains(where: { Verbatim($0) == Verbatim(item.call) }) { calls.append(item.call) }
    for call in calls {
      let recipients = items.filter { Verbatim($0.call) == Verbatim(call) }.map { (to: $0.to, address: $0.address) }
      guard let line = DoubtEnd.line(all, call: call, recipients, at: now) else { continue }
      History.write(line, to: &bytes)
      all.append(.line(line))
      last = line
    }
    if let last { return (SpoolLayout.folder(of: last.state), last.due) }
    // Written before a crash, and not moved any more.
    guard case .line(let line)? = entries.last(where: { if case .line = $0 { true } else { false } }),
      line.results.contains(where: \.isByReceipt), SpoolLayout.folder(of: line.state) != folder
    else { return nil }
    return (SpoolLayout.folder(of: line.state), line.due)
  }

  /// A line for each channel, of what the file does not tell yet.
  private func write(
    _ news: FileNews, _ entries: [HistoryEntry]?, at now: Date, _ bytes: inout [UInt8]
  ) -> Bool {
    let told = news.mayBeTold ? ReceiptTeller.told(entries ?? []) : []
    var lines: [ReceiptLine] = []
    for item in news.items {
      guard let said = item.news else { continue }
      let result = ReceiptLine.Result(
        to: item.to, state: said.state, at: said.at, code: said.code, reason: said.reason, call: item.call,
        leg: item.leg)
      if told.contains(Word(result)) { continue }
      if let index = lines.firstIndex(where: { $0.channel == item.channel }) {
        lines[index].results.append(result)
      } else {
        lines.append(ReceiptLine(at: now, channel: item.channel, results: [result]))
      }
    }
    for line in lines { ReceiptCoding.write(line, to: &bytes) }
    return true
  }

  private struct Word: Hashable {
    var to: Verbatim
    var call: Verbatim
    var state: ReceiptState
    var leg: String?

    init(_ result: ReceiptLine.Result) {
      (to, call, state, leg) = (Verbatim(result.to), Verbatim(result.call), result.state, result.leg)
    }
  }

  private static func told(_ entries: [HistoryEntry]) -> Set<Word> {
    Set(
      entries.flatMap { entry -> [Word] in
        if case .receipt(let line) = entry { line.results.map(Word.init) } else { [] }
      })
  }

  // MARK: Writing

  private func append(_ lines: [UInt8], to file: OpenFile, flushes: Bool) throws(SystemFault) {
    let status = try Syscalls.status(file.descriptor, path: file.path)
    let bytes = try Syscalls.lineEnd(of: file.descriptor, status, path: file.path) + lines
    do throws(SystemFault) {
      try Syscalls.writeAll(bytes, to: file.descriptor, path: file.path)
      if flushes { try Syscalls.sync(file.descriptor, path: file.path) }
    } catch {
      // Half a line on a full disk: taken back, unless somebody has written behind it.
      if let now = try? Syscalls.status(file.descriptor, path: file.path),
        now.st_size <= status.st_size + off_t(bytes.count)
      {
        _ = ftruncate(file.descriptor, status.st_size)
      }
      throw error
    }
  }

  private func setTime(_ due: Date, _ file: OpenFile) { _ = futimens(file.descriptor, Syscalls.times(due)) }

  private func move(
    _ moves: [(name: FileName, from: Folder, to: Folder, due: Date?)]
  ) throws(SystemFault) {
    var touched: Set<Folder> = []
    for move in moves where move.from != move.to {
      let moved = try Spool.move(
        move.name, from: spool.descriptor(move.from), to: spool.descriptor(move.to), path: spool.path(move.to))
      if moved != nil { touched.formUnion([move.from, move.to]) }
    }
    // The new names first: a power cut between the two shows a message twice, and loses none.
    for folder in [Folder.done, .failed, .deferred] where touched.contains(folder) { try spool.flush(folder) }
  }
}
