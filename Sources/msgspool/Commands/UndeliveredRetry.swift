import Core
import FoundationEssentials
import Spooling

/// `retry --state undelivered`: what was accepted, and did not arrive as a receipt said, goes back to new/ from done/ or
/// failed/, to be sent to those again and to nobody else.
struct UndeliveredRetry: ~Copyable {
  static let word = "undelivered"

  private let spool: Spool
  private let filter: RetryFilter
  private let limit: Int
  private let isDry: Bool
  private let isNamed: Bool
  private var requeues: [Folder: Requeue]
  private var output: MessageOutput
  private var tails = TailReader()
  private var unmatched = 0

  init(_ spool: Spool, _ filter: RetryFilter, limit: Int, isDry: Bool, isNamed: Bool, asJSON: Bool) {
    self.spool = spool
    self.filter = filter
    self.limit = limit
    self.isDry = isDry
    self.isNamed = isNamed
    requeues = [
      .done: Requeue(spool, from: .done, now: Surroundings.now),
      .failed: Requeue(spool, from: .failed, now: Surroundings.now),
    ]
    output = MessageOutput(asJSON: asJSON)
  }

  consuming func run(_ named: [Walk.Found]) throws(Failure) -> ExitStatus {
    do throws(SystemFault) {
      if isNamed {
        for found in named { try look(at: found) }
      } else {
        for folder in [Folder.done, .failed] {
          var walk = try Walk(folder, of: spool)
          while let found = try walk.next() { try look(at: found) }
        }
      }
      for requeue in requeues.values { try requeue.flush() }
    } catch {
      for requeue in requeues.values { try? requeue.flush() }
      throw Failure(error)
    }
    output.flush()
    output.tellMoved(isDry: isDry)
    return isNamed && unmatched + output.refused > 0 ? .usage : .ok
  }

  private mutating func look(at found: Walk.Found) throws(SystemFault) {
    guard case .message(let file)? = spool.peek(found, limit: limit),
      !Undelivered.recipients(file.entries).isEmpty,
      filter.matches(file.lines.last, modified: .distantPast)
    else {
      if isNamed {
        unmatched += 1
        Console.warn(
          found.name.display, "has nobody to whom it was not delivered",
          hint: "see: msgspool show \(found.name.argument)")
      }
      return
    }
    guard case .tail(let tail)? = tails.read(found.name, in: found.place.descriptor, path: found.place.path) else {
      return
    }
    guard !tail.isTorn else {
      return output.refuse(
        found.name.display, "its last history line is torn; it stays where it is", hint: "msgspool check --repair")
    }
    var row = MessageRow(found, tail)
    if !isDry {
      let folder = found.place.folder
      guard try spool.reopenUndelivered(found.name, in: folder, at: Surroundings.now()),
        let moved = try requeues[folder]?.move(found.name, tail)
      else { return }
      row.moved(to: .new, moved)
    }
    output.tell(row, was: found.name.display)
  }
}
