import Core
import FoundationEssentials
import Ledgers
import Spooling

/// The thread that appends history lines, flushes and renames, in groups as large as what came in meanwhile.
final class SettlingDesk: Sendable {
  private let folder: SweepFolder
  private let inbox = Inbox<[Settlement]>()
  private let post: @Sendable (Sweep.Event) -> Void

  init(_ folder: SweepFolder, post: @escaping @Sendable (Sweep.Event) -> Void) {
    self.folder = folder
    self.post = post
  }

  func hand(_ settlements: [Settlement]) { inbox.post(settlements) }
  func close() { inbox.close() }

  func run() {
    var settler = Settler(folder)
    var fault: SystemFault?
    while true {
      let batch = inbox.takeAll().flatMap { $0 }
      if batch.isEmpty { return }
      if fault == nil {
        do throws(SystemFault) {
          try settler.settle(batch)
          post(.settled(batch))
          continue
        } catch {
          fault = error
        }
      }
      // What could not be recorded stays in cur/SWEEP; the ledger knows, and the next sweep's rescue settles it.
      if let fault { post(.unsettled(fault, batch)) }
    }
  }
}

extension Sweep {
  /// A job without open legs gets its line and goes to be settled, after the commit that holds its outcomes.
  func finish(_ job: Job) {
    let circumstances = Verdict.Circumstances(
      now: environment.now(), sweep: folder.id, dropped: job.dropped, random: environment.random())
    guard let line = Verdict.line(job.itinerary, job.finalResults, calls: job.calls, circumstances) else {
      inHand[ObjectIdentifier(job)] = nil
      if held.count < Sweep.heldLimit { held.insert(job.file.name) }
      if let id = job.id, job.itinerary.attempts == 0 {
        // Nothing of it was ever sent: whoever comes back with the id, an edited copy perhaps, may have it.
        pending.settledIds.append(
          SettledIdentifier(
            channel: job.itinerary.channel.name, id: id, inode: job.file.inode, isFree: true))
      }
      return hold(job.file)
    }
    if let id = job.id, line.state.isFinal {
      let isFree = line.state == .failed || line.state == .expired
      pending.settledIds.append(
        SettledIdentifier(channel: job.itinerary.channel.name, id: id, inode: job.file.inode, isFree: isFree))
    }
    inHand[ObjectIdentifier(job)] = nil
    settle(job.file, line)
  }

  func settle(_ file: ClaimedFile, _ line: HistoryLine) {
    settlements.append(Settlement(file, line))
    unsettled += 1
  }

  /// Keeps a claimed file in cur/SWEEP, out of memory, until the sweep ends and returns it unchanged.
  func hold(_ file: ClaimedFile) {
    summary.left += 1
    window.giveBack(messages: 1, bytes: file.size)
  }

  func settled(_ settlements: [Settlement]) {
    unsettled -= settlements.count
    for settlement in settlements {
      guard let line = settlement.line else { continue }
      summary.count(line.state)
      environment.observe(.settled(name: settlement.file.name.display, line))
    }
    window.giveBack(messages: settlements.count, bytes: settlements.reduce(0) { $0 + $1.file.size })
  }

  /// Whatever is still in cur/SWEEP goes back to new/, unless something happened to it that is not in its history: that
  /// is for the next sweep's rescue, which knows it by the ledger.
  func returnRest() {
    let kept = stuck.union(inHand.values.filter { !$0.calls.isEmpty }.map(\.file.name))
    do throws(SystemFault) {
      var listing = try folder.list()
      while let entry = try listing.next() {
        if kept.contains(entry.name) { continue }
        if entry.name.bytes.first == UInt8(ascii: ".") {
          folder.remove(entry.name)
          continue
        }
        _ = try Spool.move(
          entry.name, from: folder.descriptor, to: environment.spool.descriptor(.new),
          path: environment.spool.path(.new))
      }
      if summary.claimed + summary.left > 0 { try environment.spool.flushAll() }
    } catch {
      stop(for: error)
    }
    folder.end()
  }
}
