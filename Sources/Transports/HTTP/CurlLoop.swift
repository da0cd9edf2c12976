import CCurl
import Core

/// What the transport's thread runs: errands from the mailbox through libcurl's multi interface to their replies.
/// Made, used and freed on that thread.
struct CurlLoop {
  private let mailbox: Mailbox
  private let multi: UnsafeMutableRawPointer
  /// Errands that found no place yet: `queue[next...]`.
  private var queue: [Errand] = []
  private var next = 0
  private var idle: [Transfer] = []
  /// By the address of the easy handle.
  private var active: [UnsafeMutableRawPointer: Transfer] = [:]

  /// Nil when libcurl can be used. It is opened here, once in a process: a sweep with nothing to send must not pay for it
  /// and for the TLS library.
  static let obstacle: TransportFailure? =
    if !msgspool_curl_opens() {
      TransportFailure(code: "failed", message: "libcurl.so.4 cannot be opened (on Debian: apt install libcurl4).")
    } else if curl_start() != CURLE_OK {
      TransportFailure(code: "failed", message: "libcurl could not be started.")
    } else {
      nil
    }

  static func run(_ mailbox: Mailbox) {
    if obstacle == nil, let multi = msgspool_curl_multi_init() {
      var loop = CurlLoop(mailbox: mailbox, multi: multi)
      loop.run()
      loop.idle.removeAll()
      msgspool_curl_multi_cleanup(multi)
      return
    }
    mailbox.close(.abandon)
    let failure = obstacle ?? .outOfMemory
    for errand in mailbox.collect().errands { errand.deliver(.notSent(failure)) }
  }

  private init(mailbox: Mailbox, multi: UnsafeMutableRawPointer) {
    self.mailbox = mailbox
    self.multi = multi
    // Its default follows the number of transfers at the moment and closes connections that the next batch needs.
    curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, mailbox.policy.maxInFlight)
  }

  private mutating func run() {
    while true {
      let collected = mailbox.collect()
      if queue.isEmpty { queue = collected.errands } else { queue += collected.errands }
      if collected.closing == .abandon {
        giveUp(.abandoned)
      }
      startQueued()
      if active.isEmpty, collected.closing != nil { return }
      step(closing: collected.closing)
    }
  }

  /// Lets libcurl do what can be done now, delivers what is finished, and waits when that was nothing.
  private mutating func step(closing: CurlTransport.Shutdown?) {
    var running: Int32 = 0
    var status = msgspool_curl_multi_perform(multi, &running)
    if status == CURLM_OK {
      if deliverFinished() { return }
      guard mailbox.mayWait(on: multi, having: closing) else { return }
      // libcurl shortens this to its own nearest deadline.
      status = msgspool_curl_multi_poll(multi, nil, 0, 60_000, nil)
    }
    if status != CURLM_OK {
      // Out of memory, or `poll` failed: nothing in flight can be brought to an end any more.
      let reason = String(cString: msgspool_curl_multi_strerror(status))
      giveUp(TransportFailure(code: "failed", message: "libcurl cannot go on: \(reason)."))
    }
  }

  private mutating func startQueued() {
    while next < queue.count, active.count < mailbox.policy.maxInFlight {
      let errand = queue[next]
      next += 1
      guard let transfer = idle.popLast() ?? Transfer(mailbox.policy) else {
        errand.deliver(.notSent(.outOfMemory))
        continue
      }
      if let failure = transfer.prepare(errand) {
        idle.append(transfer)
        errand.deliver(.notSent(failure))
      } else if msgspool_curl_multi_add_handle(multi, transfer.easy) != CURLM_OK {
        // Not put back among the idle ones: its handle is in an unknown state.
        errand.deliver(.notSent(.outOfMemory))
      } else {
        active[transfer.easy] = transfer
      }
    }
    if next == queue.count {
      queue.removeAll(keepingCapacity: queue.capacity <= 4096)
      next = 0
    }
  }

  /// True when there were any.
  private mutating func deliverFinished() -> Bool {
    var any = false
    var left: Int32 = 0
    while let message = msgspool_curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
      // The message is libcurl's and dies with the removal of its handle.
      let result = message.pointee.data.result
      msgspool_curl_multi_remove_handle(multi, easy)
      guard let transfer = active.removeValue(forKey: easy) else { continue }
      any = true
      let (reply, deliver) = transfer.finish(result)
      idle.append(transfer)
      deliver(reply)
    }
    return any
  }

  private mutating func giveUp(_ failure: TransportFailure) {
    for transfer in active.values {
      msgspool_curl_multi_remove_handle(multi, transfer.easy)
      let (reply, deliver) = transfer.giveUp(failure)
      idle.append(transfer)
      deliver(reply)
    }
    active.removeAll()
    for errand in queue[next...] { errand.deliver(.notSent(failure)) }
    queue.removeAll()
    next = 0
  }
}
