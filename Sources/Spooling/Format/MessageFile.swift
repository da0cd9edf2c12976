import Core
import FoundationEssentials
import Glibc

/// What a spool file holds: one message as the producer dropped it, then history lines. This file and its two
/// neighbours (MessageDecoding, HistoryCoding) are the only place that knows the format's JSON keys.
///
/// A reference, as a message has many fields and comes by many hands.
package final class MessageFile: Sendable {
  package let message: Message
  package let lines: [HistoryLine]
  /// All of what stands behind the message; the attempts alone are `lines`.
  package var entries: [HistoryEntry] { mixed ?? lines.map(HistoryEntry.line) }
  /// Nil where there are only attempts.
  private let mixed: [HistoryEntry]?
  /// Whom receipts, and a person who wants those sent again, have opened again.
  package let again: Undelivered

  /// Reads a file's bytes.
  /// - Parameters:
  ///   - limit: the most bytes the message itself may have; history is not counted.
  ///   - templates: what `use` may name; nil where no spool is at hand.
  /// - Throws: `Fault` of kind `message`, naming field, found and expected.
  package init(
    _ bytes: UnsafeBufferPointer<UInt8>, limit: Int, templates: (any TemplateShelf)? = nil
  ) throws(Fault) {
    guard !bytes.isEmpty else {
      throw Fault(
        .message, "the file is empty; a JSON object is expected",
        hint: "the producer must flush (fsync) what it wrote to tmp/ before it renames it into new/")
    }
    var scanner = MessageFile.scanner(bytes, limit: limit)
    do throws(JSONFault) {
      let value = try MessageFile.value(&scanner, bytes, limit: limit)
      var to: Texts?
      guard let members = value.members(in: bytes, apart: MessageField.to.rawValue, &to) else {
        let kind = value.json(at: 0, in: bytes).kindForPeople
        throw JSONFault(offset: 0, problem: "\(kind) is no message; a JSON object is expected")
      }
      scanner.skipSpace()
      let tail = UnsafeBufferPointer(rebasing: bytes[scanner.offset...])
      guard History.canBegin(tail) else {
        throw JSONFault(
          offset: scanner.offset, problem: "something follows the message; a file holds one message only")
      }
      let entries = History.entries(in: tail)
      lines = entries.compactMap(\.line)
      let isMixed = lines.count < entries.count
      mixed = isMixed ? entries : nil
      again = isMixed ? Undelivered(entries) : Undelivered()
      var message = try MessageDecoding.message(MessageFile.filled(members, templates), to: to)
      for case .leg(let origin) in mixed ?? [] { message.passed.formUnion(origin.through) }
      self.message = message
    } catch {
      throw MessageFile.fault(error, in: bytes)
    }
  }

  /// With the template's fields where the message uses one.
  package static func filled(
    _ members: [JSON.Member], _ templates: (any TemplateShelf)?
  ) throws(JSONFault) -> [JSON.Member] {
    guard let use = members.first(where: { $0.key == MessageField.use.rawValue })?.value, use != .null else {
      return members
    }
    guard let name = use.string else {
      throw JSONFault(offset: -1, problem: "use: found \(use.kindForPeople); expected the name of a template")
    }
    guard let templates else { return members }
    return try templates.template(named: name).filled(members)
  }

  /// Whether a whole JSON value stands in front of what may be the beginning of a longer file.
  static func beginsWithValue(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var scanner = JSONScanner(bytes, at: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
    return (try? scanner.tape()) != nil
  }

  package static func overLimit(_ limit: Int) -> String {
    "the message is larger than max_message_bytes (\(limit) bytes)"
  }

  /// A file up to this size is read whole: a message within the limit, with all the history that it may gather. A larger
  /// one is not read to find out.
  package static func mostBytes(_ limit: Int) -> Int { limit * 4 + (64 << 20) }

  /// Of a large file only what may be the message is looked at: a value takes many times the memory of its text.
  private static func scanner(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> JSONScanner {
    // A byte order mark at the start is tolerated (contract, section 3).
    JSONScanner(
      UnsafeBufferPointer(rebasing: bytes.prefix(limit + 1)), at: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
  }

  private static func value(
    _ scanner: inout JSONScanner, _ bytes: UnsafeBufferPointer<UInt8>, limit: Int
  ) throws(JSONFault) -> JSONTape {
    do throws(JSONFault) {
      let value = try scanner.tape()
      if scanner.offset <= limit { return value }
    } catch {
      // A complaint about the last few bytes of what was looked at (an escape is twelve long) is about the cut.
      guard bytes.count > limit, scanner.offset + 12 > limit else { throw error }
    }
    throw JSONFault(offset: limit, problem: overLimit(limit))
  }

  /// The history of a file whose message need not be readable: the lines behind it.
  package static func history(in bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> [HistoryLine] {
    entries(in: bytes, limit: limit).compactMap(\.line)
  }

  /// All of what stands behind a message, which need not be readable: attempts, receipts, and what a person asked for.
  package static func entries(in bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> [HistoryEntry] {
    var scanner = scanner(bytes, limit: limit)
    if (try? scanner.tape()) != nil {
      scanner.skipSpace()
      return History.entries(in: UnsafeBufferPointer(rebasing: bytes[scanner.offset...]))
    }
    return History.entries(in: bytes)
  }

  private static func fault(_ fault: JSONFault, in bytes: UnsafeBufferPointer<UInt8>) -> Fault {
    if fault.offset < 0 { return Fault(.message, fault.problem) }
    var (line, start) = (1, 0)
    // The C library's search: sixteen megabytes in one line take long otherwise.
    while start < fault.offset, let base = bytes.baseAddress,
      let end = memchr(base + start, Int32(UInt8(ascii: "\n")), fault.offset - start)
    {
      line += 1
      start = UnsafeRawPointer(end) - UnsafeRawPointer(base) + 1
    }
    return Fault(
      .message, "\(fault.problem) (line \(line), column \(fault.offset - start + 1))",
      hint: "correct the file in failed/, then: msgspool retry NAME")
  }
}
