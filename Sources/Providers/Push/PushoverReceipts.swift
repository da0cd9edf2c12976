import Core
import FoundationEssentials
import Signing

/// What becomes of Pushover's emergencies: acknowledged by whom and when (providers/pushover.md, section 5). The receipt is the
/// call's, whoever of those who got it acknowledged: of a group's key it names a member, whom nobody here knows. Nothing is
/// told of other messages. Not signed.
extension Pushover: ReceiptProvider {
  package func givesReceipts(for content: Content) -> Bool { content["priority"] == "2" }

  package static func recognizes(_ drop: ReceiptDrop) -> Bool {
    guard let form = CallbackForm(drop.body) else { return false }
    return form["receipt"] != nil && form["acknowledged"] != nil
  }

  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    guard let form = CallbackForm(drop.body), let receipt = form["receipt"], !receipt.isEmpty else { return [] }
    let at = form["acknowledged_at"].flatMap { Int($0) }.map { Date(timeIntervalSince1970: Double($0)) }
    let news =
      form["acknowledged"] == "1"
      ? ReceiptNews(
        .acknowledged, reason: form["acknowledged_by_device"].flatMap { $0.isEmpty ? nil : "on \($0)" }, at: at)
      : nil
    return [ReceiptEntry(Receipt(ofAll: [.id(receipt)], news), source: drop.body)]
  }

  package var receiptsByDefault: ReceiptMode { .pull }
}

/// Asked by receipt, one question in 5 seconds.
extension Pushover: ReceiptAsking {
  package var receiptPause: Double { 5 }
  package var callsPerRound: Int { 1 }

  package func question(
    _ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest? {
    // Of one call in a round.
    guard round.asked == 0, let receipt = receipt(round), receipt.utf8.allSatisfy({ $0 > 0x2F && $0 < 0x7B }) else {
      return nil
    }
    let query = PercentEncoding.encode([Pair("token", token)])
    return HTTPRequest(.get, "\(base)/1/receipts/\(PercentEncoding.encode(receipt)).json?\(query)")
  }

  private func receipt(_ round: ReceiptRound) -> String? {
    round.calls.first?.anyId
  }

  package func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    var reading = ReceiptReading()
    // Kept for a week.
    guard let value = reading.value(of: response, pause: 60, at: now) else { return reading }
    guard value["status"]?.integer == 1, let receipt = receipt(round) else {
      reading.trouble = "HTTP \(response.status)"
      return reading
    }
    func time(_ name: String) -> Date? {
      value[name]?.integer.flatMap { $0 > 0 ? Date(timeIntervalSince1970: Double($0)) : nil }
    }
    if value["acknowledged"]?.integer == 1 {
      let device = CallbackJSON.text(value["acknowledged_by_device"]).map { "on \($0)" }
      reading.receipts = [
        Receipt(ofAll: [.id(receipt)], ReceiptNews(.acknowledged, reason: device, at: time("acknowledged_at")))
      ]
    } else if value["expired"]?.integer == 1 {
      reading.receipts = [
        Receipt(
          ofAll: [.id(receipt)],
          ReceiptNews(.undelivered, code: "expired", reason: "nobody acknowledged it", at: time("expires_at")))
      ]
    }
    return reading
  }
}
