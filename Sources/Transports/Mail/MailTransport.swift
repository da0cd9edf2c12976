import Core

/// Hands mails to their servers, several at a time, each on a thread of its own. As `CurlTransport` it never throws
/// and never sends twice.
package final class MailTransport: Transport {
  private let pool: WorkerPool

  /// - Parameters:
  ///   - policy: as for HTTP; answers are bounded by their own lines.
  ///   - threads: mails under way at once, over all channels that share this.
  package init(_ policy: CurlTransport.Policy = .init(), threads: Int = 16) {
    pool = WorkerPool(threads: threads) { MailTransfer(policy, $0) }
  }

  package func perform(_ errands: [Errand]) { pool.perform(errands) }

  /// See `CurlTransport.shutdown`. What is abandoned ends within about a second.
  package func shutdown(_ manner: CurlTransport.Shutdown = .drain) { pool.shutdown(manner) }
}
