import Core
import FoundationEssentials
import Ledger
import Spooling
import Threading

/// An engine on real threads, from its first look to its folder's end.
extension Engine {
  /// Unique, sortable by time, and naming the ledger that can answer for it.
  package static func makeId(now: Date, ledger: any Ledger, nonce: String) -> String {
    let time = RFC3339.string(now).prefix(19).filter { $0 != "-" && $0 != ":" }
    return "\(time)-\(ledger.generation)-\(nonce.prefix(8))"
  }

  /// - Parameter watcher: what tells an endless sweep of arrivals.
  /// - Throws: `SweepTrouble` when nothing more could be recorded; what was in doubt then is for the next sweep's rescue.
  package func run(_ watcher: Watcher? = nil) throws(SweepTrouble) -> SweepSummary {
    let start = environment.clock().steady
    let (source, desk, rescuer, logins) = (parts.source, parts.desk, parts.rescuer, parts.logins)
    let lookout = watcher.map { watcher in
      Lookout(watcher, source, sweep: parts.folder.id) { [inbox] in inbox.post($0) }
    }
    // Before anything is claimed: what the ledger knows of suspended channels.
    turn([])
    // The source last: it claims at once.
    var bodies: [@Sendable () -> Void] = [{ desk.run() }]
    if let lookout { bodies += [{ lookout.run() }, { rescuer.run() }, { logins.run() }] }
    bodies.append { source.run() }
    let workers = bodies.compactMap { Worker($0) }
    if lookout != nil { parts.receivers.start() }
    let hasThreads = workers.count == bodies.count
    var reported = start
    while hasThreads, !isFinished {
      turn(inbox.takeAll(within: patience))
      let now = environment.clock().steady
      if now - reported < 0.1 { continue }
      reported = now
      report(since: start)
    }
    source.stop()
    lookout?.stop()
    rescuer.close()
    logins.close()
    parts.receivers.stop()
    desk.close()
    workers.forEach { $0.join() }
    end()
    report(since: start)
    guard hasThreads else {
      throw SweepTrouble(.tryAgain, "no thread could be started", hint: "raise the limit on processes (ulimit -u)")
    }
    // Of a spool that is no longer there nothing can be told but that.
    if let trouble, !isReplaced { throw trouble }
    return summary
  }

  private func report(since start: Double) {
    parts.tally.summary.seconds = environment.clock().steady - start
    environment.observe(.progress(summary))
  }

  /// Whatever is still in cur/SWEEP goes back to new/, unless something happened to it that is not in its history: that
  /// is for the next sweep's rescue, which knows it by the ledger.
  func end() {
    parts.recorder.retryUnrecorded()
    parts.recorder.recordMeters(at: environment.now())
    if !parts.selection.isEndless { parts.tally.summary.left += parts.share.passedOver }
    let kept = parts.recorder.stuck.union(parts.hand.inDoubt)
    let origins = untaken()
    do throws(SystemFault) {
      var hasMoved = false
      let names = try parts.folder.names()
      while let entry = try names.next() {
        if kept.contains(entry.name) { continue }
        if entry.name.bytes.first == UInt8(ascii: ".") {
          parts.folder.remove(entry.name)
          continue
        }
        try parts.folder.put(entry.name, into: origins[entry.name] ?? .new)
        hasMoved = true
      }
      if hasMoved || summary.claimed + summary.left > 0 { try environment.spool.flushAll() }
    } catch {
      if trouble == nil { trouble = SweepTrouble(fault: error) }
    }
    parts.folder.end()
  }

  /// Where those came from that were claimed and never taken in: they go back there, so that what was deferred is not taken
  /// for a retry by hand.
  private func untaken() -> [FileName: Folder] {
    var origins: [FileName: Folder] = [:]
    for event in inbox.takeNow() {
      guard case .source(.claimed(let claims, _)) = event else { continue }
      for claim in claims {
        switch claim {
        case .message(let file, _), .invalid(let file, _): origins[file.name] = file.origin
        case .left: break
        }
      }
    }
    return origins
  }
}
