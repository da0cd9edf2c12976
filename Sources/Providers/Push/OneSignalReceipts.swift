import Core
import FoundationEssentials
import Signing

/// What becomes of OneSignal's messages: sums of a call, which name nobody (providers/onesignal.md, section 5). They are kept
/// as sums. Of people they tell only where they leave no choice: nobody got it, or everybody did.
extension OneSignal: ReceiptProvider {
  package static var hasCallbacks: Bool { false }
  package static func recognizes(_ drop: ReceiptDrop) -> Bool { false }
  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] { [] }
  package var receiptsByDefault: ReceiptMode { .pull }
}

extension OneSignal: ReceiptAsking {
  /// Section 4 of providers/onesignal.md.
  package var questionsPerSecond: Double { 1 }

  /// In the order in which a message comes by them.
  private static let words = ["successful", "received", "failed", "errored", "remaining"]

  package func question(
    _ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest? {
    guard round.asked < round.calls.count else { return nil }
    round.reached = round.asked + 1
    let query = PercentEncoding.encode([Pair("app_id", appID)])
    let id = PercentEncoding.encode(round.calls[round.asked].anyId ?? "")
    return HTTPRequest(.get, "\(url)/\(id)?\(query)", headers: headers.filter { $0.name != "Content-Type" })
  }

  package func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    var reading = ReceiptReading()
    // Messages are kept for so long and no longer.
    guard let value = reading.value(of: response, pause: 30, at: now) else { return reading }
    guard round.calls.indices.contains(round.asked - 1) else { return reading }
    let call = round.calls[round.asked - 1]
    guard value.members != nil else {
      reading.trouble = "HTTP \(response.status)"
      return reading
    }
    let counts = Self.words.compactMap { word in
      value[word]?.integer.map { ReceiptSums.Count(word, max(0, $0)) }
    }
    let isOver = value["remaining"]?.integer == 0 && value["completed_at"]?.number != nil
    if !counts.isEmpty { reading.sums = [ReceiptSums(call: call.id, counts, isFinal: isOver)] }
    guard isOver, let id = call.anyId, let state = Self.state(of: call, value) else { return reading }
    let at = value["completed_at"]?.number.map { Date(timeIntervalSince1970: $0) }
    let reason = state == .undelivered ? "no device got it" : nil
    reading.receipts = [Receipt(ofAll: [.id(id)], ReceiptNews(state, reason: reason, at: at))]
    return reading
  }

  /// `successful` is what push services took, and no delivery; `received` is what devices confirmed, where the app asks them.
  private static func state(of call: AwaitedCall, _ value: JSON) -> ReceiptState? {
    func count(_ word: String) -> Int { value[word]?.integer ?? 0 }
    let lanes = Set(call.recipients.map(\.target.lane))
    if count("successful") == 0, count("received") == 0, count("failed") + count("errored") > 0 { return .undelivered }
    // A subscription is one device; a user may have several, and a segment is anybody.
    guard call.recipients.count == call.open, count("received") > 0 else { return nil }
    if lanes == [subscriptions], count("received") == call.open { return .delivered }
    return lanes == [users] && call.open == 1 ? .delivered : nil
  }
}
