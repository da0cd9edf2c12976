import Core
import FoundationEssentials
import Glibc

/// Removes what is settled and old. Never touches new/, cur/ and deferred/.
package struct Pruning: ~Copyable {
  /// What a producer has not touched in tmp/ for so long, it has forgotten (36 hours, as maildir has it).
  package static let forgotten = 36 * 3600.0

  private let spool: Spool
  private let isDry: Bool
  private var tails = TailReader()
  /// Messages removed from done/ and failed/, and files removed from tmp/.
  package private(set) var removed: [Folder: Int] = [:]
  /// Bytes in them.
  package private(set) var bytes = 0
  /// Of those from failed/: messages of which nobody knew whether they arrived.
  package private(set) var unconfirmed = 0
  /// Old, and left alone: no plain files, and ones whose history does not say that they belong there.
  package private(set) var left = 0
  /// Old, and left alone as a receipt is awaited of a recipient.
  package private(set) var awaited = 0
  /// Files, as `FileName.display`, of which one is.
  private let awaitedFiles: Set<String>

  /// - Parameters:
  ///   - isDry: only counts.
  ///   - awaited: files of which a receipt is awaited, as `FileName.display`: they stay.
  package init(_ spool: Spool, isDry: Bool, awaited: Set<String> = []) {
    self.spool = spool
    self.isDry = isDry
    awaitedFiles = awaited
  }

  /// Removes messages that were settled before `date`: by their last line or by their file's time, whichever is older.
  package mutating func prune(_ folder: Folder, before date: Date) throws(SystemFault) {
    var walk = try Walk(folder, of: spool)
    while let found = try walk.next() {
      guard case .tail(let tail)? = tails.read(found.name, in: found.place.descriptor, path: found.place.path) else {
        left += 1
        continue
      }
      guard min(tail.last?.at ?? tail.modified, tail.modified) < date else { continue }
      // The truth about it is elsewhere: `check` mends that first.
      if tail.isTorn || tail.last.map({ SpoolLayout.folder(of: $0.state) != folder }) ?? false {
        left += 1
        continue
      }
      // Its calls may know it by the name that it had before it got a number.
      if !awaitedFiles.isEmpty, found.name.family.contains(where: { awaitedFiles.contains($0.display) }) {
        awaited += 1
        continue
      }
      guard try remove(found, tail.facts) else { continue }
      if tail.last?.state == .unconfirmed { unconfirmed += 1 }
    }
    try flush(folder)
  }

  /// Removes plain files from tmp/ that nobody has written to for `forgotten`.
  package mutating func pruneForgotten(now: Date) throws(SystemFault) {
    var walk = try Walk(.tmp, of: spool, includesIgnored: true)
    while let found = try walk.next() {
      if found.isOdd { continue }
      guard let facts = try? FileFacts(of: found.name, in: found.place.descriptor), facts.isRegular,
        !SpoolLayout.keepsFolder(found.name, facts), now.timeIntervalSince(facts.modified) > Pruning.forgotten
      else { continue }
      _ = try remove(found, facts)
    }
    try flush(.tmp)
  }

  private mutating func remove(_ found: Walk.Found, _ facts: FileFacts) throws(SystemFault) -> Bool {
    if !isDry, found.name.withPointer({ unlinkat(found.place.descriptor, $0, 0) }) != 0 {
      if errno == ENOENT { return false }
      throw SystemFault("unlink", errno, "\(found.place.path)/\(found.name.display)")
    }
    removed[found.place.folder, default: 0] += 1
    bytes += facts.size
    return true
  }

  private func flush(_ folder: Folder) throws(SystemFault) {
    if !isDry, removed[folder] ?? 0 > 0 { try spool.flush(folder) }
  }
}
