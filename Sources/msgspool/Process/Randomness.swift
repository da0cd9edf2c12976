import Glibc
import Synchronization

/// The system's random numbers, fetched by the block: one at a time, each costs a system call.
struct Randomness: RandomNumberGenerator {
  /// As many bytes as the system gives at once, whatever signals come.
  private static let words = 32

  private static let shared = Mutex(Randomness())

  private var block: [UInt64] = []

  static func with<Result: Sendable>(_ body: (inout Randomness) -> Result) -> Result {
    shared.withLock { body(&$0) }
  }

  mutating func next() -> UInt64 {
    if block.isEmpty {
      block = Array(repeating: 0, count: Randomness.words)
      let status = block.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
      precondition(status == 0, "the system has no random numbers")
    }
    return block.removeLast()
  }
}
