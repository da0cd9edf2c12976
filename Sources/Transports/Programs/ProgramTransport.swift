import Core

/// Runs programs of this machine, several at a time, each watched by a thread of its own. As `CurlTransport` it never
/// throws and never runs anything twice.
package final class ProgramTransport: Transport {
  private let pool: WorkerPool

  /// - Parameter threads: programs running at once, over all channels that share this.
  package init(threads: Int = 8) {
    pool = WorkerPool(threads: threads) { ProgramRunner($0) }
  }

  package func perform(_ errands: [Errand]) { pool.perform(errands) }

  /// See `CurlTransport.shutdown`. Abandoned programs are ended as if their time were up.
  package func shutdown(_ manner: CurlTransport.Shutdown = .drain) { pool.shutdown(manner) }
}
