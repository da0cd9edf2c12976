import Core
import FoundationEssentials

/// What becomes of Tencent's messages: an array posted to the application's address (providers/tencent.md, section 3a). Not
/// signed, and without SessionContext.
extension TencentSMS: ReceiptProvider {
  package static func recognizes(_ drop: ReceiptDrop) -> Bool {
    guard let entries = CallbackJSON.objects(drop.json), !entries.isEmpty else { return false }
    return entries.contains { $0["mobile"] != nil && $0["report_status"] != nil && $0["sid"] != nil }
  }

  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    (CallbackJSON.objects(drop.json) ?? []).map { report in
      guard let sid = CallbackJSON.text(report["sid"]), let mobile = CallbackJSON.text(report["mobile"]),
        let status = CallbackJSON.text(report["report_status"])
      else { return ReceiptEntry(bad: "has no sid, no mobile or no report_status", source: report.bytes) }
      let nation = CallbackJSON.text(report["nationcode"]) ?? "86"
      let at = CallbackJSON.text(report["user_receive_time"]).flatMap { CivilTime.parsePlain($0, offset: 8 * 3_600) }
      let news = news(
        status, code: CallbackJSON.text(report["errmsg"]), reason: CallbackJSON.text(report["description"]), at: at)
      return ReceiptEntry(Receipt([.id(sid)], to: "+\(nation)\(mobile)", news), source: report.bytes)
    }
  }

  static func news(_ status: String, code: String?, reason: String?, at: Date?) -> ReceiptNews? {
    switch status {
    case "SUCCESS": ReceiptNews(.delivered, code: code, at: at)
    case "FAIL": ReceiptNews(.undelivered, code: code, reason: reason, at: at)
    default: nil
    }
  }

  package func ownReference(in content: Content) -> String? { content["SessionContext"] }
  package var endsDoubt: Bool { true }
}

/// Asked: the application's queue, which gives each report once and whose every answer is on disk before the next question.
/// Where the vendor has not switched that on, and of whom the queue has not told for some rounds, as somebody died with the
/// answer or another program has it, number by number (providers/tencent.md, section 3a).
extension TencentSMS: ReceiptAsking {
  private static let most = 100
  /// The pace of questions about numbers; the queue may be asked more often.
  package var questionsPerSecond: Double { 20 }
  /// Rounds in which only the queue is asked.
  private static let patience = 3

  /// Whom to ask about by number, next.
  private static func person(
    _ round: ReceiptRound, _ place: Int
  ) -> (index: Int, call: AwaitedCall, recipient: AwaitedCall.Recipient)? {
    let isQueueEmpty = round.notes["isEmpty"] != nil
    return round.person(place) { !isQueueEmpty || $0.asked >= patience }
  }

  package func question(
    _ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest? {
    guard let first = round.notes["numbers"].flatMap({ Int($0) }) else {
      let body = JSON.object([.init("SmsSdkAppId", .string(appID)), .init("Limit", .integer(Self.most))])
      return signed("PullSmsSendStatus", body.bytes, at: now)
    }
    guard let (index, call, recipient) = Self.person(round, round.asked - first) else { return nil }
    round.reached = index + 1
    let body = JSON.object([
      .init("BeginTime", .integer(Int(call.acceptedAt.timeIntervalSince1970) - 60)),
      .init("EndTime", .integer(Int(now.timeIntervalSince1970))), .init("Offset", .integer(0)),
      .init("Limit", .integer(Self.most)), .init("PhoneNumber", .string(recipient.target.identity)),
      .init("SmsSdkAppId", .string(appID)),
    ])
    return signed("PullSmsSendStatusByPhoneNumber", body.bytes, at: now)
  }

  package func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    var reading = ReceiptReading()
    let isQueue = round.notes["numbers"] == nil
    let body = CallbackJSON.value(of: response)?["Response"]
    guard response.status == 200, let body else {
      reading.trouble = "HTTP \(response.status)"
      return reading
    }
    if let code = body["Error"]?["Code"]?.string {
      if code.hasPrefix("RequestLimitExceeded") {
        reading.pause = 30
      } else if isQueue, !code.hasPrefix("AuthFailure"), !code.hasPrefix("InternalError") {
        // Not switched on for this application.
        round.notes["numbers"] = String(round.asked)
      } else {
        reading.trouble = code
      }
      return reading
    }
    let reports = body["PullSmsSendStatusSet"]?.array ?? []
    if isQueue, reports.isEmpty { (round.notes["isEmpty"], round.notes["numbers"]) = ("yes", String(round.asked)) }
    for report in reports {
      reading.receipts.append(Self.pulled(report))
      // Told once: what names no call yet is dropped as the callback would have been.
      if isQueue { reading.sources.append(Self.callback(report).bytes) }
    }
    return reading
  }

  private static func pulled(_ report: JSON) -> Receipt {
    let names = [
      CallbackJSON.text(report["SerialNo"]).map(ReceiptName.id),
      CallbackJSON.text(report["SessionContext"]).map(ReceiptName.reference),
    ].compactMap { $0 }
    let at = report["UserReceiveTime"]?.integer.map { Date(timeIntervalSince1970: Double($0)) }
    let status = CallbackJSON.text(report["ReportStatus"]) ?? ""
    return Receipt(
      names, to: CallbackJSON.text(report["PhoneNumber"]),
      news(status, code: CallbackJSON.text(report["Description"]), reason: nil, at: at))
  }

  /// A pulled report in the callback's words.
  private static func callback(_ report: JSON) -> JSON {
    let time = CivilTime(
      Date(timeIntervalSince1970: Double(report["UserReceiveTime"]?.integer ?? 0)), offset: 8 * 3_600)
    let stamp = "\(time.isoDay) \(time.stamp.dropFirst(11).dropLast())"
    return .object([
      .init("user_receive_time", .string(stamp)),
      .init("nationcode", .string(CallbackJSON.text(report["CountryCode"]) ?? "86")),
      .init("mobile", .string(CallbackJSON.text(report["SubscriberNumber"]) ?? "")),
      .init("report_status", .string(CallbackJSON.text(report["ReportStatus"]) ?? "")),
      .init("errmsg", .string(CallbackJSON.text(report["Description"]) ?? "")), .init("description", .string("")),
      .init("sid", .string(CallbackJSON.text(report["SerialNo"]) ?? "")),
    ])
  }
}
