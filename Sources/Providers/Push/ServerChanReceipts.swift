import Core
import FoundationEssentials
import Signing

/// What becomes of messages by ServerChan Turbo, which is asked by push id and that message's read key (providers/serverchan.md,
/// section 5). ServerChan 3 does not tell.
extension ServerChan: ReceiptProvider {
  package static var hasCallbacks: Bool { false }
  package static func recognizes(_ drop: ReceiptDrop) -> Bool { false }
  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] { [] }
  package func givesReceipts(for content: Content) -> Bool { isTurbo }
  package var receiptsByDefault: ReceiptMode { isTurbo ? .pull : .off }
}

extension ServerChan: ReceiptAsking {
  /// One that is refused holds up no other.
  package var callsPerRound: Int { 1 }

  package func question(
    _ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest? {
    guard isTurbo, round.asked == 0, let recipient = round.calls.first?.recipients.first, let id = recipient.id,
      let key = recipient.readKey
    else { return nil }
    let query = PercentEncoding.encode([Pair("id", id), Pair("readkey", key)])
    return HTTPRequest(.get, "\(base)/push?\(query)", headers: [HTTPHeader("Accept", "application/json")])
  }

  package func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    var reading = ReceiptReading()
    if response.status == 429 {
      reading.pause = RetryAfter.seconds(in: response, now: now) ?? 60
      return reading
    }
    guard response.status == 200, let value = CallbackJSON.value(of: response), let data = value["data"],
      value["code"]?.integer ?? 0 == 0
    else {
      // Kept for some time, and then no more.
      if response.status >= 500 || response.status == 200 { reading.trouble = "HTTP \(response.status)" }
      return reading
    }
    // Empty while it is under way.
    guard let id = round.calls.first?.recipients.first?.id, let status = data["wxstatus"]?.string, !status.isEmpty,
      let said = try? JSONScanner.value(of: Array(status.utf8)), let code = CallbackJSON.text(said["errcode"])
    else { return reading }
    let news =
      code == "0"
      ? ReceiptNews(.delivered)
      : ReceiptNews(.undelivered, code: code, reason: CallbackJSON.text(said["errmsg"]))
    reading.receipts = [Receipt(ofAll: [.id(id)], news)]
    return reading
  }
}
