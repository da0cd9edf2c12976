import Core
import FoundationEssentials
import Signing

/// What becomes of Aliyun's messages: SmsReport entries, pushed as an array (providers/aliyun.md, section 6). Not signed.
extension AliyunSMS: ReceiptProvider {
  package static func recognizes(_ drop: ReceiptDrop) -> Bool {
    guard let entries = CallbackJSON.objects(drop.json), !entries.isEmpty else { return false }
    return entries.contains { $0["phone_number"] != nil && ($0["biz_id"] != nil || $0["out_id"] != nil) }
  }

  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    (CallbackJSON.objects(drop.json) ?? []).map { report in
      receipt(report).map { ReceiptEntry($0, source: report.bytes) }
        ?? ReceiptEntry(bad: "has no phone_number, no biz_id or out_id, or no success", source: report.bytes)
    }
  }

  /// One report, as it is pushed and as the queue has it.
  static func receipt(_ report: JSON) -> Receipt? {
    let names = [
      CallbackJSON.text(report["biz_id"]).map(ReceiptName.id),
      CallbackJSON.text(report["out_id"]).map(ReceiptName.reference),
    ].compactMap { $0 }
    guard !names.isEmpty, let number = CallbackJSON.text(report["phone_number"]) else { return nil }
    let isDelivered: Bool
    switch report["success"] {
    case .boolean(let value)?: isDelivered = value
    case .string("true")?: isDelivered = true
    case .string("false")?: isDelivered = false
    default: return nil
    }
    let at = CallbackJSON.text(report["report_time"]).flatMap { CivilTime.parsePlain($0, offset: chinaOffset) }
    let code = CallbackJSON.text(report["err_code"])
    return Receipt(
      names, to: number,
      isDelivered
        ? ReceiptNews(.delivered, code: code, at: at)
        : ReceiptNews(.undelivered, code: code, reason: CallbackJSON.text(report["err_msg"]), at: at))
  }

  package func ownReference(in content: Content) -> String? { content["OutId"] }
  package var endsDoubt: Bool { true }
  package var takesCallsWhole: Bool { true }
  package var receiptsByDefault: ReceiptMode { receiptQueue == nil ? .off : .pull }
}

/// Asked: the account's queue of receipts where there is one, else number by number (providers/aliyun.md, section 6).
extension AliyunSMS: ReceiptAsking {
  /// The most that a call to the queue takes.
  private static let mostMessages = 16
  /// Keys of the queue are used so many seconds less than they live.
  private static let slack = 60.0
  /// Where the vendor does not say how long they live: some minutes.
  private static let keysLife = 300.0

  package func question(
    _ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest? {
    guard let queue = receiptQueue else { return numberQuestion(&round, at: now, nonce: nonce) }
    guard let keyID = session.value("mns-id", at: now), let secret = session.value("mns-secret", at: now),
      let token = session.value("mns-token", at: now)
    else {
      // Where the keys that were given are no good there is no second try in this round.
      if round.notes["keys"] != nil { return nil }
      round.notes["keys"] = "asked"
      let query = [Pair("MessageType", "SmsReport"), Pair("QueueName", queue.name)]
      return signed("QueryTokenForMnsQueue", query: query, at: now, nonce: nonce, to: queue.keys)
    }
    let keys = MNS.Keys(id: keyID, secret: secret, token: token)
    let path = "/queues/\(queue.name)/messages"
    // Deleted only now that what they said is on disk.
    if let handles = round.notes["handles"], !handles.isEmpty {
      round.notes["handles"] = nil
      round.notes["deleting"] = "yes"
      return MNS.request(.delete, queue.messages, path, body: MNS.handles(handles.pieces(at: "\n")), keys, at: now)
    }
    if round.notes["isEmpty"] != nil { return nil }
    return MNS.request(
      .get, queue.messages, "\(path)?numOfMessages=\(Self.mostMessages)&waitseconds=0", body: [], keys, at: now)
  }

  package func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    if receiptQueue == nil { return numberReading(response, &round, at: now) }
    var reading = ReceiptReading()
    if round.notes["keys"] == "asked" {
      round.notes["keys"] = "given"
      reading.session = Self.session(response, at: now)
      if reading.session == nil { reading.trouble = "QueryTokenForMnsQueue: \(Self.code(response))" }
      return reading
    }
    if round.notes["deleting"] != nil {
      round.notes["deleting"] = nil
      // What could not be deleted comes again, and is known then.
      if response.status >= 400, response.status != 404 { reading.trouble = "DeleteMessage: HTTP \(response.status)" }
      return reading
    }
    guard response.status == 200 else {
      round.notes["isEmpty"] = "yes"
      if response.status != 404 { reading.trouble = "ReceiveMessage: HTTP \(response.status)" }
      return reading
    }
    let messages = MNS.messages(in: response.body)
    if messages.isEmpty { round.notes["isEmpty"] = "yes" }
    for message in messages {
      guard let report = try? JSONScanner.value(of: message.body) else { continue }
      reading.receipts.append(Self.receipt(report) ?? Receipt([], to: nil, nil))
      reading.sources.append(report.bytes)
    }
    round.notes["handles"] = messages.map(\.handle).joined(separator: "\n")
    return reading
  }

  private static func session(_ response: HTTPResponse, at now: Date) -> Session? {
    guard response.status == 200, let keys = CallbackJSON.value(of: response)?["MessageTokenDTO"],
      let id = keys["AccessKeyId"]?.string, let secret = keys["AccessKeySecret"]?.string,
      let token = keys["SecurityToken"]?.string
    else { return nil }
    let ends = keys["ExpireTime"]?.string.flatMap { CivilTime.parsePlain($0, offset: chinaOffset) }
    let expires = ends.map { $0 - slack } ?? now + keysLife
    var session = Session()
    for (name, value) in [("mns-id", id), ("mns-secret", secret), ("mns-token", token)] {
      session.set(name, value, expires: max(expires, now + 1))
    }
    return session
  }

  private static func code(_ response: HTTPResponse) -> String {
    CallbackJSON.value(of: response)?["Code"]?.string ?? "HTTP \(response.status)"
  }

  // MARK: Number by number

  private func numberQuestion(_ round: inout ReceiptRound, at now: Date, nonce: String) -> HTTPRequest? {
    guard let (index, call, recipient) = round.person(round.asked) else { return nil }
    round.reached = index + 1
    // As it is written at home: a domestic number without its country.
    let isDomestic = PhoneNumber.mainlandMobile(recipient.target.identity) != nil
    let number = recipient.target.identity.dropFirst(isDomestic ? 3 : 1)
    let query = [
      Pair("PhoneNumber", String(number)),
      Pair("SendDate", CivilTime(call.acceptedAt, offset: Self.chinaOffset).compactDay), Pair("PageSize", "50"),
      Pair("CurrentPage", "1"),
    ]
    return signed("QuerySendDetails", query: query, at: now, nonce: nonce)
  }

  private func numberReading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    var reading = ReceiptReading()
    guard let (_, call, recipient) = round.person(round.asked - 1) else { return reading }
    let value = CallbackJSON.value(of: response)
    let code = value?["Code"]?.string
    guard response.status == 200, code == "OK" else {
      if code?.hasPrefix("Throttling") == true || response.status == 429 {
        reading.pause = RetryAfter.milliseconds(in: response) ?? RetryAfter.seconds(in: response, now: now) ?? 30
      } else {
        reading.trouble = "QuerySendDetails: \(code ?? "HTTP \(response.status)")"
      }
      return reading
    }
    let reference = call.reference ?? call.id
    let records = value?["SmsSendDetailDTOs"]?["SmsSendDetailDTO"]?.array ?? []
    for record in records where record["OutId"]?.string.map({ Verbatim($0) == Verbatim(reference) }) ?? false {
      let at = record["ReceiveDate"]?.string.flatMap { CivilTime.parsePlain($0, offset: Self.chinaOffset) }
      let said = CallbackJSON.text(record["ErrCode"])
      let news: ReceiptNews? =
        switch CallbackJSON.text(record["SendStatus"]) {
        case "3": ReceiptNews(.delivered, code: said, at: at)
        case "2": ReceiptNews(.undelivered, code: said, at: at)
        // Waiting for the carrier's word: it shows that the call was taken, and no more.
        default: nil
        }
      reading.receipts.append(Receipt([.reference(reference)], to: recipient.target.identity, news))
    }
    return reading
  }
}
