import Core
import FoundationEssentials
import Threading

/// One receiver's connection to its service, and the wait on it, which another thread can end.
///
/// Unchecked: `stop` only posts to the mailbox, and may be called by anybody; all else belongs to the receiver's thread.
final class ReceiverLine: @unchecked Sendable {
  private enum Note: Sendable {
    case reply(Int, Reply)
    case stop
  }

  private let channel: Channel
  private let kit: ReceivingKit
  private let clock: @Sendable () -> Moment
  private let mail = Inbox<Note>()
  private var requests = 0
  private var connection: (transport: any Transport, cut: @Sendable () -> Void)?
  private(set) var isStopped = false

  init(_ channel: Channel, _ kit: ReceivingKit, clock: @escaping @Sendable () -> Moment) {
    self.channel = channel
    self.kit = kit
    self.clock = clock
  }

  /// Ends what is under way, a poll at once.
  func stop() { mail.post(.stop) }

  /// The reply; nil when stopped before it came.
  /// - Parameter isPatient: when stopped, its end is waited for all the same.
  func perform(_ exchange: Exchange, within seconds: Double, isPatient: Bool = false) -> Reply? {
    requests += 1
    let number = requests
    let connection = self.connection ?? kit.connect(channel)
    self.connection = connection
    connection.transport.perform(exchange, within: seconds) { [mail] in mail.post(.reply(number, $0)) }
    while true {
      for note in mail.takeAll() {
        switch note {
        case .stop:
          isStopped = true
          if !isPatient { return nil }
        // Of one that was given up nobody wants it any more.
        case .reply(let answered, let reply): if answered == number { return reply }
        }
      }
    }
  }

  /// Waits so long, or until stopped.
  func rest(_ seconds: Double) {
    let end = clock().steady + seconds
    while !isStopped, case let left = end - clock().steady, left > 0 {
      for case .stop in mail.takeAll(within: left) { isStopped = true }
    }
  }

  func close() {
    connection?.cut()
    connection = nil
  }
}
