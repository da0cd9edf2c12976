import Core
import FoundationEssentials
import Glibc

/// The end of a message's stay in cur/: its line is appended, flushed, and the file renamed to where it belongs.
package final class Settlement: Sendable {
  package let file: ClaimedFile
  /// Nil for a message that goes back unchanged.
  package let line: HistoryLine?

  package init(_ file: ClaimedFile, _ line: HistoryLine?) {
    self.file = file
    self.line = line
  }

  package var folder: Folder { line.map { SpoolLayout.folder(of: $0.state) } ?? .new }
}

/// Settles messages in groups, so that one flush serves thousands. Outcomes are in the ledger before anything gets here;
/// what a crash leaves undone in here, the rescuer does again (see Rescue).
package struct Settler {
  /// Up to here files are flushed one by one; beyond, one flush of the file system is cheaper.
  private static let fewFiles = 4

  private let folder: SweepFolder
  private var bytes: [UInt8] = []

  package init(_ folder: SweepFolder) {
    self.folder = folder
  }

  /// - Throws: at the first thing that could not be recorded. What was renamed before is settled; the rest stays in cur/.
  package mutating func settle(_ settlements: [Settlement]) throws(SystemFault) {
    let flushesEach = settlements.count <= Settler.fewFiles
    for settlement in settlements {
      guard let line = settlement.line else { continue }
      try append(line, to: settlement.file, flush: flushesEach)
    }
    if !flushesEach { try folder.spool.flushAll() }
    for settlement in settlements { try move(settlement) }
  }

  private mutating func append(_ line: HistoryLine, to file: ClaimedFile, flush: Bool) throws(SystemFault) {
    let path = "\(folder.path)/\(file.name.display)"
    var descriptor = file.descriptor
    if descriptor < 0 {
      descriptor = try Syscalls.retry("open", path) {
        file.name.withPointer {
          openat(folder.descriptor, $0, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        }
      }
    }
    defer { if file.descriptor < 0 { close(descriptor) } }

    bytes.removeAll(keepingCapacity: true)
    if !file.endsWithNewline { bytes.append(UInt8(ascii: "\n")) }
    History.write(line, to: &bytes)
    do throws(SystemFault) {
      try bytes.withUnsafeBytes { buffer -> Result<Void, SystemFault> in
        do throws(SystemFault) {
          return .success(try Syscalls.writeAll(buffer, to: descriptor, path: path))
        } catch {
          return .failure(error)
        }
      }.get()
      if let due = line.due, line.state == .deferred { try setDue(due, descriptor, path) }
      if flush { try Syscalls.sync(descriptor, path: path) }
    } catch {
      // Half a line on a full disk: taken back, so that the next try finds the file as it was.
      _ = ftruncate(descriptor, off_t(file.size))
      throw error
    }
  }

  /// The due time of a deferred message is its mtime: a listing with stat is all the queue there is.
  private func setDue(_ due: Date, _ descriptor: Int32, _ path: String) throws(SystemFault) {
    let seconds = due.timeIntervalSince1970.rounded(.down)
    let nanoseconds = ((due.timeIntervalSince1970 - seconds) * 1e9).rounded(.down)
    let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
    let times = [time, time]
    try Syscalls.retry("futimens", path) { futimens(descriptor, times) }
  }

  private func move(_ settlement: Settlement) throws(SystemFault) {
    let target = settlement.folder
    _ = try Spool.move(
      settlement.file.name, from: folder.descriptor, to: folder.spool.descriptor(target),
      path: folder.spool.path(target))
  }
}
