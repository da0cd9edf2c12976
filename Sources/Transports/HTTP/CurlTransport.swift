import Core
import Glibc
import Synchronization

/// Performs exchanges through libcurl, all of them on one thread of its own.
///
/// It never throws and never sends twice: what goes wrong is a `Reply`, `.notSent` only where no byte of the request
/// can have gone out. Making one costs nothing; libcurl and the thread start with the first exchange.
/// Call `shutdown` before the process exits: libcurl's thread must not outlive the libraries it uses.
package final class CurlTransport: Transport {
  package struct Policy: Sendable {
    /// Seconds to resolve, connect and agree on TLS; part of an errand's own timeout.
    package var connectTimeout: Double
    /// Bytes of an answer's body above which the exchange is broken off as lost.
    package var maxResponseBytes: Int
    /// Exchanges on the wire at once, over all channels; more wait their turn. Each holds a descriptor, and up to
    /// three while a name is resolved.
    package var maxInFlight: Int
    /// PEM file of certificate authorities to trust instead of the system's.
    package var caFile: String?
    /// Whether `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` are honoured.
    package var usesEnvironmentProxy: Bool
    /// How the files that requests name are opened; on the transport's thread.
    package var openAttachment: AttachmentOpener

    package init(
      connectTimeout: Double = 10, maxResponseBytes: Int = 8 << 20, maxInFlight: Int = 256, caFile: String? = nil,
      usesEnvironmentProxy: Bool = true,
      openAttachment: @escaping AttachmentOpener = { _ in .failed("this program sends no files") }
    ) {
      self.connectTimeout = connectTimeout
      self.maxResponseBytes = maxResponseBytes
      self.maxInFlight = max(1, maxInFlight)
      self.caFile = caFile
      self.usesEnvironmentProxy = usesEnvironmentProxy
      self.openAttachment = openAttachment
    }
  }

  package enum Shutdown: Sendable {
    /// What was handed over is finished first, as long as its timeouts allow.
    case drain
    /// Everything is answered at once: `.notSent` where nothing went out, else `.lost`, with the code `abandoned`.
    case abandon
  }

  private let mailbox: Mailbox
  private let joining = Mutex(())

  package init(_ policy: Policy = Policy()) {
    mailbox = Mailbox(policy)
  }

  deinit {
    mailbox.close(.drain)
    // Nobody is left to wait for the thread; it answers what it has and ends by itself.
    mailbox.claimThread().map { _ = pthread_detach($0) }
  }

  /// After `shutdown` the reply is `.notSent` with the code `closed`, delivered on the caller's thread.
  package func perform(_ errands: [Errand]) {
    if errands.isEmpty || mailbox.post(errands) { return }
    let failure = TransportFailure(code: "closed", message: "The transport has been shut down.")
    for errand in errands { errand.deliver(.notSent(failure)) }
  }

  /// Takes no more, and waits until everything handed over has been answered and the thread has ended. A second call
  /// may hasten the first one by `.abandon`. Called from an errand's `deliver` it does not wait.
  package func shutdown(_ manner: Shutdown = .drain) {
    mailbox.close(manner)
    if mailbox.isOnThread { return }
    joining.withLock { _ in
      mailbox.claimThread().map { _ = pthread_join($0, nil) }
    }
  }
}
