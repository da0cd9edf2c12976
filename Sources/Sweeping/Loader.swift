import Core
import FoundationEssentials
import Spooling
import Synchronization

/// Lists what is due, claims it by rename, flushes, reads and decodes it; on a thread of its own, ahead of the sending, as
/// far as the window allows.
final class Loader: Sendable {
  enum Event: Sendable {
    case loaded([Claim])
    case notice(Notice)
    /// Waiting for room: what is gathered should go, though calls are not full.
    case full
    /// Everything due was claimed. The next due time among the deferred, as far as seen.
    case exhausted(nextDue: Date?)
    case failed(SystemFault)
  }

  /// Names claimed between two flushes of the folders.
  private static let batch = 1024

  private let folder: SweepFolder
  private let window: Window
  private let selection: Selection
  private let limit: Int
  private let now: @Sendable () -> Date
  private let post: @Sendable (Event) -> Void
  private let isStopped = Atomic(false)

  init(
    _ folder: SweepFolder, _ window: Window, _ selection: Selection, maxMessageBytes: Int,
    now: @escaping @Sendable () -> Date, post: @escaping @Sendable (Event) -> Void
  ) {
    self.folder = folder
    self.window = window
    self.selection = selection
    limit = maxMessageBytes
    self.now = now
    self.post = post
  }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
    window.close()
  }

  func run() {
    do throws(SystemFault) {
      var reader = ClaimReader(folder, limit: limit)
      var nextDue: Date?
      var quota = selection.limit ?? .max
      for origin in [Folder.deferred, .new] {
        try claim(from: origin, &reader, &quota, &nextDue)
      }
      post(.exhausted(nextDue: nextDue))
    } catch {
      post(.failed(error))
    }
  }

  private func claim(
    from origin: Folder, _ reader: inout ClaimReader, _ quota: inout Int, _ nextDue: inout Date?
  ) throws(SystemFault) {
    var listing = try folder.spool.list(origin)
    var isExhausted = false
    while !isExhausted, quota > 0, !isStopped.load(ordering: .relaxed) {
      let room = min(window.room(), Loader.batch, quota)
      guard room > 0 else {
        post(.full)
        guard window.wait() else { return }
        continue
      }
      var claimed: [FileName] = []
      while claimed.count < room {
        guard let entry = try listing.next() else {
          isExhausted = true
          break
        }
        if let name = try claim(entry, from: origin, &nextDue) { claimed.append(name) }
      }
      guard !claimed.isEmpty else { continue }
      quota -= claimed.count
      // Both folders, once for the whole batch: from here on no power cut brings a claimed file back to new/.
      try folder.flush()
      try folder.spool.flush(origin)
      try read(claimed, from: origin, &reader)
    }
  }

  /// The claimed file's name, or nil for what is not ours to take now.
  private func claim(_ entry: Listing.Entry, from origin: Folder, _ nextDue: inout Date?) throws(SystemFault)
    -> FileName?
  {
    if SpoolLayout.isIgnored(entry.name) || selection.skip.contains(entry.name) { return nil }
    let source = folder.spool.descriptor(origin)
    if entry.kind != .file {
      guard let status = try? Syscalls.status(of: entry.name, in: source) else { return nil }
      guard status.isRegularFile else {
        post(
          .notice(Notice(entry.name.display, "is no plain file, and was left alone", hint: "move it out of the spool")))
        return nil
      }
    }
    if origin == .deferred {
      guard let status = try? Syscalls.status(of: entry.name, in: source) else { return nil }
      if status.modified > now() {
        nextDue = min(nextDue ?? .distantFuture, status.modified)
        return nil
      }
    }
    if !selection.takes(entry.name, origin, folder.spool, limit) { return nil }
    do throws(SystemFault) {
      return try Spool.move(entry.name, from: source, to: folder.descriptor, path: folder.path)
    } catch {
      // One file that may not be moved (immutable, say) must not stop the others; a folder that may not be written does.
      guard error.isRefusal, folder.spool.isWritable(origin) else { throw error }
      post(.notice(Notice(entry.name.display, "may not be moved by the sweeper: \(error)", hint: error.hint)))
      return nil
    }
  }

  /// One file that can't be read is reported and left; only what would hit every file stops the sweep.
  private func read(
    _ name: FileName, from origin: Folder, with reader: inout ClaimReader
  ) throws(SystemFault) -> Claim {
    do throws(SystemFault) {
      return try reader.read(name, from: origin, now: now())
    } catch {
      if error.isShortage { throw error }
      return .left(name, notice: "could not be read: \(error)")
    }
  }

  private func read(_ names: [FileName], from origin: Folder, _ reader: inout ClaimReader) throws(SystemFault) {
    var claims: [Claim] = []
    claims.reserveCapacity(names.count)
    for name in names {
      let claim = try read(name, from: origin, with: &reader)
      window.take(messages: 1, bytes: claim.size)
      claims.append(claim)
      // Large messages go on at once, rather than waiting for a thousand of their kind.
      if window.room() == 0, claims.count < names.count {
        post(.loaded(claims))
        claims.removeAll(keepingCapacity: true)
        while window.room() == 0, !isStopped.load(ordering: .relaxed) {
          post(.full)
          guard window.wait() else { break }
        }
      }
    }
    post(.loaded(claims))
  }
}

/// Which messages a sweep is about.
package struct Selection: Sendable {
  /// Only messages of this channel.
  package var channel: String?
  package var defaultChannel: String?
  /// At most so many messages.
  package var limit: Int?
  /// Names to pass over: `watch` knows that their channel is suspended.
  package var skip: Set<FileName> = []

  package init() {}

  /// With a channel named, files are read before they are claimed, so that other channels' messages stay where they are.
  fileprivate func takes(_ name: FileName, _ origin: Folder, _ spool: Spool, _ limit: Int) -> Bool {
    guard let channel else { return true }
    guard case .message(let file)? = spool.peek(name, in: origin, limit: limit) else { return false }
    return (file.message.channel ?? defaultChannel) == channel
  }
}

extension Claim {
  /// The bytes of its file, which its message may hold in memory.
  var size: Int {
    switch self {
    case .message(let file, _), .invalid(let file, _): file.size
    case .left: 0
    }
  }
}
