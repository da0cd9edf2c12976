import Core
import FoundationEssentials
import Glibc

/// Which messages in failed/ a person wants to have sent again.
package struct RetryFilter: Sendable {
  package var channel: String?
  package var provider: String?
  package var kind: ErrorKind?
  package var state: MessageState?
  /// Only what failed then or later.
  package var since: Date?

  package init() {}

  package enum Answer: Sendable, Hashable {
    case take
    case skip
    /// Nobody knows whether it arrived, and nobody has said that it may be sent twice.
    case unconfirmed
    /// Its last line was torn: what it says of accepted recipients is in the ledger alone.
    case torn
    /// Its last line belongs in another folder.
    case misplaced(MessageState)
  }

  package func answer(_ tail: Tail) -> Answer {
    let last = tail.last
    guard matches(last, modified: tail.modified) else { return .skip }
    if let kind, last?.error?.kind != kind { return .skip }
    // A file without history was put there by hand, which says as much as failed.
    if let state, (last?.state ?? .failed) != state { return .skip }
    if tail.isTorn { return .torn }
    if let last, SpoolLayout.folder(of: last.state) != .failed { return .misplaced(last.state) }
    return last?.state == .unconfirmed && state != .unconfirmed ? .unconfirmed : .take
  }

  /// Whether channel, provider and time are the ones asked for: what is told of messages in any folder.
  /// - Parameter modified: the file's own time, which counts where it has no line.
  package func matches(_ last: HistoryLine?, modified: Date) -> Bool {
    if let channel, last?.channel != channel { return false }
    if let provider, last?.provider != provider { return false }
    return since.map { (last?.at ?? modified) >= $0 } ?? true
  }
}

/// Moves messages from failed/ or hold/ back to where they wait.
package struct Requeue {
  private let spool: Spool
  private let source: Folder
  private let now: @Sendable () -> Date
  private var targets: Set<Folder> = []

  package init(_ spool: Spool, from source: Folder = .failed, now: @escaping @Sendable () -> Date) {
    self.spool = spool
    self.source = source
    self.now = now
  }

  /// - Returns: the name it got in new/; nil when the file is gone meanwhile.
  package mutating func move(_ name: FileName, _ tail: Tail) throws(SystemFault) -> FileName? {
    // Before the move: a sweep may claim the file right after it, and `status` tells how long the oldest has waited.
    guard try refresh(name, tail) else { return nil }
    return try move(name, to: .new)
  }

  /// Moves a file as it is: one that was deferred when it was set aside still has its due time.
  package mutating func move(_ name: FileName, to target: Folder) throws(SystemFault) -> FileName? {
    let moved = try Spool.move(
      name, from: spool.descriptor(source), to: spool.descriptor(target), path: spool.path(target))
    if moved != nil { targets.insert(target) }
    return moved
  }

  /// Once for all that was moved.
  package func flush() throws(SystemFault) {
    if targets.isEmpty { return }
    // The new name first: a power cut between the two may show the message twice under one inode, but never loses it.
    for target in targets { try spool.flush(target) }
    try spool.flush(source)
  }

  /// Lets it look as new as it is in new/, where `status` tells how long the oldest has waited.
  private func refresh(_ name: FileName, _ tail: Tail) throws(SystemFault) -> Bool {
    // What does not parse and was written just now is taken for a producer's unfinished work and left for a later sweep
    // (`ClaimReader.grace`). This one is finished, so its new life begins a moment earlier.
    let isFinished = tail.last == nil || tail.last?.state == .invalid
    let begin = now().timeIntervalSince1970 - (isFinished ? ClaimReader.grace + 1 : 0)
    do throws(SystemFault) {
      return try spool.setTime(of: name, in: source, to: Date(timeIntervalSince1970: begin))
    } catch {
      // Another's file may be renamed all the same: how old it looks is only told.
      guard error.isRefusal else { throw error }
      return true
    }
  }
}

extension Spool {
  /// Sets a file's time, which in new/ is its age and in deferred/ when it is due.
  /// - Returns: false when the file is gone meanwhile.
  package func setTime(of name: FileName, in folder: Folder, to date: Date) throws(SystemFault) -> Bool {
    let path = "\(path(folder))/\(name.display)"
    let descriptor: Int32
    do throws(SystemFault) {
      descriptor = try Syscalls.retry("open", path) {
        name.withPointer {
          openat(self.descriptor(folder), $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        }
      }
    } catch {
      if error.number == ENOENT { return false }
      throw error
    }
    defer { close(descriptor) }
    if futimens(descriptor, Syscalls.times(date)) == 0 { return true }
    // Another's file that we may write: its time can be set to now, and to nothing else.
    if errno == EPERM, futimens(descriptor, nil) == 0 { return true }
    throw SystemFault("futimens", errno, path)
  }
}
