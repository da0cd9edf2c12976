import Core
import FoundationEssentials

/// What a ledger knows of a recipient that is awaited.
package struct KnownReceipt: Sendable, Hashable {
  /// Nil while nobody has told what became of it.
  package var state: ReceiptState?
  /// No answer has said that it was accepted.
  package var isInDoubt: Bool

  package init(state: ReceiptState?, isInDoubt: Bool = false) {
    self.state = state
    self.isInDoubt = isInDoubt
  }
}

/// What a receipt changes, by what is known of its recipient.
package struct ReceiptRule: Sendable, Hashable {
  /// The state that stands from now on, where it is another than before.
  package var state: ReceiptState?
  /// It was accepted: somebody who can know speaks of it.
  package var endsDoubt: Bool

  /// Final states never go back: the first one stands, whatever comes later, and the same news twice is none.
  /// `no_receipt` is the wait's end and nobody's word: what comes later still counts.
  /// - Parameter news: nil where the receipt says that it is under way.
  package static func judge(_ known: KnownReceipt, _ news: ReceiptState?) -> ReceiptRule {
    let isOpen = known.state == nil || (known.state == .noReceipt && news != .noReceipt)
    return ReceiptRule(state: isOpen ? news : nil, endsDoubt: known.isInDoubt && news != .noReceipt)
  }
}

/// Which call a receipt is about, where its name stands for several: far ends count from one after every start, give the
/// same id to everybody, and give it again when a message is repeated. Only calls of the receipt's own channel come here, and
/// only those of which it names a recipient.
package enum ReceiptChoice {
  /// One of them.
  package struct Candidate: Sendable, Hashable {
    /// Calls that are awaited are numbered in their order.
    package var call: Int
    /// Whether a recipient that is meant has no state yet.
    package var isOpen: Bool

    package init(call: Int, isOpen: Bool) {
      self.call = call
      self.isOpen = isOpen
    }

    fileprivate func excels(_ other: Candidate) -> Bool { isOpen == other.isOpen ? call > other.call : isOpen }
  }

  /// Candidates that are looked at for one name: what stands for more than so many calls names none of them.
  package static let most = 4096

  /// The index of the one that is meant: one that is still open, and of those the newest. Nil of none.
  package static func best(of candidates: [Candidate]) -> Int? {
    candidates.indices.reduce(nil) { best, index in
      best.map { candidates[index].excels(candidates[$0]) ? index : $0 } ?? index
    }
  }

  /// Whether a receipt that names nobody can mean only one.
  /// - Parameters:
  ///   - recipients: different ones of the call that are known by the name.
  ///   - isOwn: the name is that recipient's own id, and not the call's.
  ///   - members: all whom the call was for, refused ones included; nil where nobody knows any more.
  package static func isCertain(recipients: Int, isOwn: Bool, members: Int?) -> Bool {
    recipients == 1 && (isOwn || members ?? 1 == 1)
  }

  /// Whether a receipt is to wait for the answer to a newer call of the same name, where there is one: it would be no news of
  /// the older one.
  /// - Parameter isByReference: the name is the producer's own, who may use it again; an id is the far end's word about a
  ///   call that it has answered.
  package static func waits(forNewerThan chosen: Candidate, isByReference: Bool) -> Bool {
    isByReference && !chosen.isOpen
  }
}

/// When a call is asked about.
package enum ReceiptPause {
  private static let first = 30.0
  private static let longest = 1800.0

  /// Seconds from one question to the next.
  /// - Parameters:
  ///   - asked: questions so far; 0 is the pause before the first.
  ///   - every: the channel's `receipt_every`; nil doubles from 30 s to 30 min.
  ///   - least: the provider's own minimum between two questions.
  package static func seconds(after asked: Int, every: Double?, least: Double) -> Double {
    let pause = every ?? min(longest, first * Double(1 << min(asked, 10)))
    return max(pause, asked > 0 ? least : 0)
  }
}

/// How long recipients were under way, in classes: what a histogram counts.
package enum ReceiptSeconds {
  /// Upper bounds, in seconds; what is beyond the last has no bound.
  package static let bounds: [Double] = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400, 259_200]

  /// The class of so many seconds; `bounds.count` is beyond all of them.
  package static func index(_ seconds: Double) -> Int { bounds.firstIndex { seconds <= $0 } ?? bounds.count }

  /// The value below which so much of the sorted values lies (nearest rank); nil of none.
  package static func quantile(_ part: Double, of sorted: [Double]) -> Double? {
    guard !sorted.isEmpty else { return nil }
    let rank = Int((part * Double(sorted.count)).rounded(.up))
    return sorted[min(max(rank, 1), sorted.count) - 1]
  }
}
