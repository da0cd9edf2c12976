import Core

/// How far a channel's recipients got: dropped, accepted by the provider, and what became of it then.
package struct Funnel: Sendable, Hashable {
  /// Everybody who was sent to, or was to be.
  package private(set) var dropped = 0
  package private(set) var accepted = 0
  package private(set) var delivered = 0
  package private(set) var undelivered = 0
  /// The wait for a receipt is over.
  package private(set) var noReceipt = 0

  package init() {}

  /// Accepted, and nobody has said what became of it: a receipt is awaited, or the channel has none.
  package var unknown: Int { accepted - delivered - undelivered - noReceipt }

  /// Whether anything is known of what became of those who were accepted.
  package var hasReceipts: Bool { unknown < accepted }

  /// - Parameters:
  ///   - state: what a recipient's newest attempt came to.
  ///   - receipt: what was said of it since.
  mutating func add(_ state: RecipientState, _ receipt: ReceiptState?) {
    dropped += 1
    guard state == .accepted else { return }
    accepted += 1
    switch receipt?.counted {
    case .delivered?: delivered += 1
    case .undelivered?: undelivered += 1
    case .noReceipt?: noReceipt += 1
    default: break
    }
  }
}
