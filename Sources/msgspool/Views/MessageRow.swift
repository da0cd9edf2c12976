import Core
import FoundationEssentials
import Spooling

/// A message as list, show and retry print it: where it is and what became of it last.
struct MessageRow {
  /// As shown; can be given back to show and retry.
  var name: String
  /// `failed`, or `cur/SWEEP` for people.
  var place: String
  var folder: Folder
  /// A `MessageState`, or `new`, `claimed`, `unfinished`, `odd`, `unreadable`.
  var state: String
  var channel: String?
  var at: Date?
  var due: Date?
  var error: Fault?

  private init(_ found: Walk.Found, state: String) {
    name = found.name.display
    place = found.place.label
    folder = found.place.folder
    self.state = state
  }

  /// A settled or deferred file, known by its last line.
  init(_ found: Walk.Found, _ tail: Tail) {
    self.init(found, state: tail.last?.state.rawValue ?? folderWord(found.place.folder))
    channel = tail.last?.channel
    at = tail.last?.at ?? tail.modified
    // A wait that somebody wanted is no error; the due time tells of it.
    if let last = tail.last, !last.isPatience { error = last.error }
    // The file's own time counts, whatever its line once said.
    if folder == .deferred { due = tail.modified }
    if tail.isTorn, error == nil { error = Fault(.message, "its last history line is torn", hint: "msgspool check") }
  }

  static func odd(_ found: Walk.Found) -> MessageRow {
    var row = MessageRow(found, state: "odd")
    row.error = Fault(.message, "is no plain file", hint: "move it out of the spool")
    return row
  }

  static func unreadable(_ found: Walk.Found, _ fault: SystemFault) -> MessageRow {
    var row = MessageRow(found, state: "unreadable")
    row.error = Fault(.message, "\(fault)", hint: "let the producer write it with a readable mode (umask 022)")
    return row
  }

  /// A message that waits or is in hand, known by what it asks for.
  static func waiting(
    _ found: Walk.Found, _ content: Result<MessageFile, Fault>?, _ facts: FileFacts?, _ configuration: Configuration?
  ) -> MessageRow {
    var row = MessageRow(found, state: folderWord(found.place.folder))
    row.at = facts?.modified
    switch content {
    case nil: break
    case .failure(let fault)?:
      row.state = MessageState.invalid.rawValue
      row.error = fault
    case .success(let file)?:
      row.channel = file.message.channel ?? configuration?.defaultChannel
      guard let configuration, row.folder == .new else { break }
      if case .finish(.invalid, let fault, _) = Router(configuration).routeAtOnce(
        file.message, Progress(file.lines, again: file.again))
      {
        row.state = MessageState.invalid.rawValue
        row.error = fault
      }
    }
    return row
  }

  /// A command has moved it.
  mutating func moved(to folder: Folder, _ name: FileName) {
    self.name = name.display
    self.folder = folder
    place = folder.rawValue
  }

  // MARK: Output

  /// The contract's keys, absent ones null, so that every row has the same.
  var members: [JSON.Member] {
    [
      .init("name", .string(name)), .init("folder", .string(folder.rawValue)), .init("state", .string(state)),
      .init("channel", channel.map(JSON.string) ?? .null),
      .init("at", at.map { .string(RFC3339.string($0)) } ?? .null),
      .init("due", due.map { .string(RFC3339.string($0)) } ?? .null),
      .init("error", error.map { JSON($0) } ?? .null),
    ]
  }

  /// One line; on a narrow terminal the error stands below it. Names are whole, as they are handles.
  func text(now: Date) -> String {
    let (name, state) = (Columns.pad(name, 32), Columns.pad(state, 11))
    let rest = Columns.pad((channel ?? "-").safeText, 10) + " " + Columns.pad(when(now), 10)
    var line = "\(name) \(Console.styled(state, style)) \(rest)"
    guard let error else { return Columns.trimmed(line) + "\n" }
    let reason = error.shownWords.safeText
    let used = Columns.width("\(name) \(state) \(rest) ")
    // Where too little room is left to say it, it gets lines of its own.
    if let columns = Console.outputColumns, columns - used < min(MessageRow.readable, Columns.width(reason)) {
      return Columns.trimmed(line) + "\n" + Columns.wrapped(reason, indent: 4, columns: columns - 1)
    }
    line += " " + (Console.outputColumns.map { Columns.cut(reason, $0 - used) } ?? reason)
    return Columns.trimmed(line) + "\n"
  }

  /// Columns in which a reason can be read.
  private static let readable = 40

  private func when(_ now: Date) -> String {
    if let due, due > now { return phrase("in {1}", TimeSpan.text(due.timeIntervalSince(now))) }
    return at.map { TimeSpan.text(now.timeIntervalSince($0)) } ?? "-"
  }

  private var style: Console.Style {
    switch state {
    case "done", "duplicate": .green
    case "new", "claimed", "deferred", "unfinished": .dim
    case "unconfirmed": .yellow
    default: .red
    }
  }
}

/// What a message in that folder is when no line says more.
private func folderWord(_ folder: Folder) -> String {
  switch folder {
  case .tmp: "unfinished"
  case .cur: "claimed"
  case .hold: "held"
  case .new, .deferred, .done, .failed: folder.rawValue
  }
}

/// Looks into files as far as their folder needs it: settled ones have all that a row tells in their last line.
struct RowReader: ~Copyable {
  private let spool: Spool
  private let configuration: Configuration?
  /// Bytes of a message.
  private let limit: Int
  private var tails = TailReader()

  init(_ spool: Spool, _ configuration: Configuration?) {
    self.spool = spool
    self.configuration = configuration
    limit = (configuration ?? Configuration()).maxMessageBytes
  }

  /// Whether receipts say of somebody that the newest call did not reach them.
  func isUndelivered(_ found: Walk.Found) -> Bool {
    guard !found.isOdd, case .message(let file)? = spool.peek(found, limit: limit) else { return false }
    return !Undelivered.recipients(file.entries).isEmpty
  }

  /// Nil when the file is gone meanwhile.
  mutating func row(_ found: Walk.Found) -> MessageRow? {
    var row = look(found)
    // An error may name what its producer wrote.
    if let configuration, let error = row?.error { row?.error?.message = configuration.masked(error.message) }
    return row
  }

  private mutating func look(_ found: Walk.Found) -> MessageRow? {
    if found.isOdd { return .odd(found) }
    switch found.place.folder {
    case .tmp, .new, .cur, .hold:
      let facts = try? FileFacts(of: found.name, in: found.place.descriptor)
      switch spool.peek(found, limit: limit) {
      case .message(let file)?: return .waiting(found, .success(file), facts, configuration)
      // A producer is still at work on it.
      case .invalid? where found.place.folder == .tmp: return .waiting(found, nil, facts, nil)
      case .invalid(let fault, _)?: return .waiting(found, .failure(fault), facts, configuration)
      case .unreadable(let fault)?: return .unreadable(found, fault)
      case .odd?: return .odd(found)
      case nil: return nil
      }
    case .deferred, .done, .failed:
      switch tails.read(found.name, in: found.place.descriptor, path: found.place.path) {
      case .tail(let tail)?: return MessageRow(found, tail)
      case .unreadable(let fault)?: return .unreadable(found, fault)
      case .odd?: return .odd(found)
      case nil: return nil
      }
    }
  }
}
