import Synchronization

/// How many messages, and how many of their bytes, may be between claim and settlement: what keeps memory flat however
/// long the backlog is. The loader takes, whoever settles gives back.
final class Window: Sendable {
  private struct Return: Sendable {
    var messages: Int
    var bytes: Int
  }

  /// Bytes of message files in hand; a single larger message still goes through, alone.
  static let bytes = 64 << 20

  let messages: Int
  private let returns = Inbox<Return>()
  private let free: Mutex<(messages: Int, bytes: Int)>

  init(messages: Int) {
    self.messages = messages
    free = Mutex((messages, Window.bytes))
  }

  /// Room for so many more messages right now; 0 while their bytes fill the window.
  func room() -> Int {
    free.withLock { $0.bytes > 0 ? $0.messages : 0 }
  }

  func take(messages: Int, bytes: Int) {
    free.withLock {
      $0.messages -= messages
      $0.bytes -= bytes
    }
  }

  func giveBack(messages: Int, bytes: Int) {
    returns.post(Return(messages: messages, bytes: bytes))
  }

  /// Waits until something is given back; false when the window was closed.
  func wait() -> Bool {
    let returned = returns.takeAll()
    free.withLock {
      for item in returned {
        $0.messages += item.messages
        $0.bytes += item.bytes
      }
    }
    return !returned.isEmpty
  }

  func close() { returns.close() }
}
