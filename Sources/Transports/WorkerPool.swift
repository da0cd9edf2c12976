import Core
import Glibc
import Synchronization
import Threading

/// Does one blocking exchange after the other. Made, used and freed on one thread of a pool.
protocol Performer: AnyObject {
  func perform(_ exchange: Exchange, within seconds: Double) -> Reply
}

/// A few threads for exchanges that block, started when there is work for them.
final class WorkerPool: Sendable {
  typealias Shutdown = CurlTransport.Shutdown

  private let queue: WorkQueue
  private let limit: Int
  private let threads = Mutex<[pthread_t]>([])
  /// How many of them, from the first on, have been joined.
  private let joined = Mutex(0)
  private let make: @Sendable (WorkQueue) -> any Performer

  /// - Parameter make: called on each thread, once.
  init(threads limit: Int, _ make: @escaping @Sendable (WorkQueue) -> any Performer) {
    self.limit = max(1, limit)
    self.make = make
    queue = WorkQueue()
  }

  deinit {
    queue.close(.drain)
    // Nobody is left to wait for them; they answer what there is and end by themselves.
    let count = joined.withLock { $0 }
    for thread in threads.withLock({ $0.dropFirst(count) }) { pthread_detach(thread) }
  }

  func perform(_ errands: [Errand]) {
    if errands.isEmpty { return }
    guard let wanted = queue.post(errands) else {
      let failure = TransportFailure(code: "closed", message: "The transport has been shut down.")
      for errand in errands { errand.deliver(.notSent(failure)) }
      return
    }
    let isWorking = threads.withLock { threads -> Bool in
      while threads.count < min(limit, wanted), let thread = startThread() { threads.append(thread) }
      return !threads.isEmpty
    }
    if isWorking { return }
    let failure = TransportFailure(code: "failed", message: "The system has no thread to give.")
    for errand in queue.takeAll() { errand.deliver(.notSent(failure)) }
  }

  /// See `CurlTransport.shutdown`.
  func shutdown(_ manner: Shutdown) {
    queue.close(manner)
    if manner == .abandon {
      for errand in queue.takeAll() { errand.deliver(.notSent(.abandoned)) }
    }
    // Joined without holding the list: a thread that ends may still be handing over an errand.
    if threads.withLock({ $0.contains { pthread_equal($0, pthread_self()) != 0 } }) { return }
    joined.withLock { joined in
      while let thread = threads.withLock({ joined < $0.count ? $0[joined] : nil }) {
        pthread_join(thread, nil)
        joined += 1
      }
    }
  }

  private func startThread() -> pthread_t? {
    let (queue, make) = (queue, make)
    return startQuietThread {
      let performer = make(queue)
      while let errand = queue.next() {
        errand.deliver(performer.perform(errand.exchange, within: errand.timeout))
        queue.finished()
      }
    }
  }
}

/// What the threads of a pool take their errands from.
final class WorkQueue: @unchecked Sendable {
  // Unchecked: what varies is touched with the monitor's lock held, and by nobody else; `abandoned` is atomic.
  private let monitor = Monitor()
  private var errands: [Errand] = []
  private var position = 0
  private var busy = 0
  private var isClosed = false
  private let abandoned = Atomic(false)

  /// What is under way is to be broken off.
  var isAbandoned: Bool { abandoned.load(ordering: .relaxed) }

  /// - Returns: how many threads there is work for, or nil when the queue is closed and the errands are the caller's.
  func post(_ new: [Errand]) -> Int? {
    monitor.locked {
      if isClosed { return nil }
      errands += new
      monitor.broadcast()
      return busy + errands.count - position
    }
  }

  /// Waits for one; nil once closed and empty.
  func next() -> Errand? {
    monitor.locked {
      while position == errands.count {
        if isClosed { return nil }
        monitor.wait()
      }
      defer {
        position += 1
        if position == errands.count { (errands, position) = ([], 0) }
      }
      busy += 1
      return errands[position]
    }
  }

  func finished() { monitor.locked { busy -= 1 } }

  func takeAll() -> [Errand] {
    monitor.locked {
      defer { (errands, position) = ([], 0) }
      return Array(errands[position...])
    }
  }

  /// Abandoning overrules draining, never the other way round.
  func close(_ manner: CurlTransport.Shutdown) {
    if manner == .abandon { abandoned.store(true, ordering: .relaxed) }
    monitor.locked {
      isClosed = true
      monitor.broadcast()
    }
  }
}

extension TransportFailure {
  static let abandoned = TransportFailure(
    code: "abandoned", message: "The exchange was abandoned by a shutdown.")
}
