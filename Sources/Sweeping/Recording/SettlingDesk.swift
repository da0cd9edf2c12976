import Core
import Spooling
import Threading

/// The thread that appends history lines, flushes and renames, in groups as large as what came in meanwhile.
///
/// Unchecked: all but the inbox is touched by the one thread that calls `step`.
final class SettlingDesk: @unchecked Sendable {
  enum Event: Sendable {
    case settled([Settled])
    /// These stay in cur/SWEEP; the ledger knows, and the next sweep's rescue settles them.
    case failed(SystemFault, [Settlement])
  }

  let inbox = Inbox<[Settlement]>()
  private let post: @Sendable (Event) -> Void
  private var settler: Settler
  private var fault: SystemFault?

  init(_ folder: any SweepDisk, of disk: any SpoolDisk, post: @escaping @Sendable (Event) -> Void) {
    settler = Settler(folder, of: disk)
    self.post = post
  }

  func hand(_ settlements: [Settlement]) { inbox.post(settlements) }
  func close() { inbox.close() }

  func run() {
    while true {
      let batches = inbox.takeAll()
      if batches.isEmpty { return }
      step(batches)
    }
  }

  func step(_ batches: [[Settlement]]) {
    let batch = batches.count == 1 ? batches[0] : batches.flatMap { $0 }
    if fault == nil {
      do throws(SystemFault) {
        return post(.settled(try settler.settle(batch)))
      } catch {
        fault = error
      }
    }
    if let fault { post(.failed(fault, batch)) }
  }
}
