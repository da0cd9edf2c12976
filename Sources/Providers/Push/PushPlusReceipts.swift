import Core
import FoundationEssentials
import Signing

/// What becomes of PushPlus' messages: a callback when the push is done (providers/pushplus.md, section 3). It names no
/// friend: one short code speaks of the whole call. Not signed.
extension PushPlus: ReceiptProvider {
  /// As the service spells it, and as it may one day.
  private static let events: Set<String> = ["message_complate", "message_complete"]

  package static func recognizes(_ drop: ReceiptDrop) -> Bool {
    guard let value = drop.json, let event = value["event"]?.string else { return false }
    return events.contains(event) && value["messageInfo"]?.members != nil
  }

  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    let info = drop.json?["messageInfo"]
    guard let code = CallbackJSON.text(info?["shortCode"]), let status = CallbackJSON.text(info?["sendStatus"]) else {
      return [ReceiptEntry(bad: "has no shortCode or no sendStatus", source: drop.body)]
    }
    let news = news(status, CallbackJSON.text(info?["message"]), at: nil)
    return [ReceiptEntry(Receipt(ofAll: [.id(code)], news), source: drop.body)]
  }

  /// 0 not sent, 1 sending, 2 sent, 3 failed.
  static func news(_ status: String, _ message: String?, at: Date?) -> ReceiptNews? {
    switch status {
    case "2": ReceiptNews(.delivered, code: status, at: at)
    case "3": ReceiptNews(.undelivered, code: status, reason: message, at: at)
    default: nil
    }
  }
}

/// Asked by short code, with an access key that lives two hours (providers/pushplus.md, section 6).
extension PushPlus: ReceiptAsking {
  /// Keys are used so many seconds less than they live.
  private static let slack = 60.0

  package func question(
    _ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest? {
    guard let secretKey else { return nil }
    guard let key = session.value("access-key", at: now) else {
      // Where the key that was given is no good there is no second try in this round.
      if round.notes["key"] != nil { return nil }
      round.notes["key"] = "asked"
      let body = JSON.object([.init("token", .string(token)), .init("secretKey", .string(secretKey))])
      return HTTPRequest(
        .post, base + "/api/common/openApi/getAccessKey", headers: [HTTPHeader("Content-Type", "application/json")],
        body: body.bytes)
    }
    let index = Int(round.notes["next"] ?? "0") ?? 0
    round.reached = index + 1
    guard round.calls.indices.contains(index),
      let code = round.calls[index].anyId
    else { return nil }
    let query = PercentEncoding.encode([Pair("shortCode", code)])
    return HTTPRequest(
      .get, "\(base)/api/open/message/sendMessageResult?\(query)", headers: [HTTPHeader("access-key", key)])
  }

  package func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    var reading = ReceiptReading()
    let value = CallbackJSON.value(of: response)
    guard response.status == 200, let code = value?["code"]?.integer, code == 200 else {
      reading.trouble = value?["code"].flatMap { CallbackJSON.text($0) } ?? "HTTP \(response.status)"
      return reading
    }
    if round.notes["key"] == "asked" {
      round.notes["key"] = "given"
      guard let key = value?["data"]?["accessKey"]?.string else {
        reading.trouble = "no access key came"
        return reading
      }
      var session = Session()
      let life = value?["data"]?["expiresIn"]?.number ?? 7200
      session.set("access-key", key, expires: now + max(1, life - Self.slack))
      reading.session = session
      return reading
    }
    let index = Int(round.notes["next"] ?? "0") ?? 0
    round.notes["next"] = String(index + 1)
    guard round.calls.indices.contains(index), let status = CallbackJSON.text(value?["data"]?["status"]),
      let short = round.calls[index].anyId
    else { return reading }
    let at = value?["data"]?["updateTime"]?.string.flatMap { CivilTime.parsePlain($0, offset: 8 * 3_600) }
    let news = Self.news(status, CallbackJSON.text(value?["data"]?["errorMessage"]), at: at)
    reading.receipts = [Receipt(ofAll: [.id(short)], news)]
    return reading
  }
}
