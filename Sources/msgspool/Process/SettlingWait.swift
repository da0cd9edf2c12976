import Core
import FoundationEssentials
import Spooling
import Sweeping

/// `send --wait`: from the drop to what became of it, or until time is up.
struct SettlingWait {
  private let spool: Spool
  private let watch: SettlingWatch
  private let seconds: Double

  /// Made before anything is dropped, so that nothing settles unheard.
  /// - Returns: nil without `--wait`.
  init?(_ arguments: Arguments) throws(Failure) {
    guard let text = arguments["--wait"] else { return nil }
    guard let seconds = TimeSpan.seconds(text) else {
      throw Failure(
        .usage, "--wait: found \"\(text)\"; expected a span such as 30s or 5m", hint: TimeSpan.question(text))
    }
    self.seconds = seconds
    spool = try Surroundings.spool(arguments, for: .look)
    if !spool.has(.done) || !spool.has(.failed) {
      throw Failure(
        .noPermission, "--wait looks into done/ and failed/, which this user may not read; nothing was dropped",
        hint: Surroundings.remedy(spool))
    }
    do throws(SystemFault) { watch = try SettlingWatch(spool) } catch { throw Failure(error) }
  }

  /// - Returns: ok when all ended in done/, failed when one ended in failed/, else tryAgain.
  func end(of names: [FileName]) throws(Failure) -> ExitStatus {
    let start = Surroundings.clock().steady
    var pending = Set(names)
    var hasFailed = false
    // Whatever the kernel can tell, everything is looked for at the beginning, and at the end.
    var arrived: Set<FileName>? = nil
    while true {
      for name in arrived.map({ $0.intersection(pending) }) ?? pending {
        guard let isDone = try look(at: name) else { continue }
        pending.remove(name)
        hasFailed = hasFailed || !isDone
      }
      if pending.isEmpty { return hasFailed ? .failed : .ok }
      let left = seconds - (Surroundings.clock().steady - start)
      if left <= 0 { break }
      arrived = watch.wait(within: left)
      if left <= 3600, arrived?.isEmpty == true { arrived = nil }
    }
    for name in names.filter(pending.contains).prefix(SettlingWait.mostTold) { try tellUnsettled(name) }
    let rest = pending.count - SettlingWait.mostTold
    if rest > 0 { Console.note(phrase("{1} not settled either", counted(rest, "more message"))) }
    return hasFailed ? .failed : .tryAgain
  }

  private static let mostTold = 20

  /// Whether the message ended well; nil while it has not ended.
  private func look(at name: FileName) throws(Failure) -> Bool? {
    let found: [Walk.Found]
    do throws(SystemFault) { found = try spool.find(name, in: [.done, .failed]).found } catch { throw Failure(error) }
    guard let found = found.first(where: { !$0.isOdd }) else { return nil }
    var reader = RowReader(spool, nil)
    let row = reader.row(found)
    let reason = row?.error.map { ": \($0.shownWords)" } ?? ""
    if found.place.folder == .done {
      Console.note("\(name.display): \(row?.state ?? "done")\(reason)")
    } else {
      Console.warn(name.display, "\(row?.state ?? "failed")\(reason)", hint: "see: msgspool show \(name.argument)")
    }
    return found.place.folder == .done
  }

  private func tellUnsettled(_ name: FileName) throws(Failure) {
    let all: [Walk.Found]
    do throws(SystemFault) { all = try spool.find(name, in: Folder.allCases).found } catch { throw Failure(error) }
    guard let found = all.first else {
      return Console.warn(name.display, "is in no folder any more", hint: "somebody removed it")
    }
    var reader = RowReader(spool, nil)
    let row = reader.row(found)
    let due = row?.due.map { ", due \(RFC3339.string($0))" } ?? ""
    let reason = row?.error.map { ": \($0.words)" } ?? ""
    Console.warn(
      name.display, "not settled within \(TimeSpan.text(seconds)); it is in \(found.place.label)/\(due)\(reason)",
      hint: found.place.folder == .new ? "it waits for a sweep: msgspool sweep" : "see: msgspool show \(name.argument)")
  }
}
