import Core
import Digests
import FoundationEssentials
import Signing

/// What becomes of Twilio's messages: signed forms to StatusCallback (providers/twilio.md, section 5a).
extension Twilio: ReceiptProvider {
  package static func recognizes(_ drop: ReceiptDrop) -> Bool {
    guard let form = CallbackForm(drop.body) else { return false }
    return (form["MessageSid"] ?? form["SmsSid"]) != nil && (form["MessageStatus"] ?? form["SmsStatus"]) != nil
  }

  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    guard let form = CallbackForm(drop.body), let sid = form["MessageSid"] ?? form["SmsSid"],
      let status = form["MessageStatus"] ?? form["SmsStatus"]
    else { return [] }
    let code = form["ErrorCode"].flatMap { $0.isEmpty ? nil : $0 }
    let news = news(status, code: code, reason: form["ErrorMessage"], at: nil)
    return [ReceiptEntry(Receipt([.id(sid)], to: form["To"], news), source: drop.body)]
  }

  /// Of a status, in a callback or a Message resource. Some carriers tell nothing: `sent` can stay for ever.
  static func news(_ status: String, code: String?, reason: String?, at: Date?) -> ReceiptNews? {
    switch status {
    case "delivered": ReceiptNews(.delivered, at: at)
    case "read": ReceiptNews(.read, at: at)
    case "undelivered", "failed", "canceled":
      ReceiptNews(.undelivered, code: code, reason: reason.flatMap { $0.isEmpty ? nil : $0 } ?? status, at: at)
    default: nil
    }
  }

  /// The account's, and signed with its token over the URL that was called.
  package func isGenuine(_ drop: ReceiptDrop) -> Bool {
    guard drop.isWrapped, let callbackToken, let form = CallbackForm(drop.body), form["AccountSid"] == account,
      let url = drop.url ?? statusCallback, let said = drop.header("x-twilio-signature")
    else { return false }
    return Self.signatures(of: form, url, token: callbackToken).contains { $0.hasSameBytes(as: said) }
  }

  /// Twilio itself is inconsistent about standard ports: its own validator takes both.
  static func signatures(of form: CallbackForm, _ url: String, token: String) -> [String] {
    let parameters = signed(form.pairs)
    return spellings(of: url).map { Digest.sha1.hmac(key: token.utf8, ($0 + parameters).utf8).base64 }
  }

  /// Each parameter sorted by name, name then value; of a name that repeats its distinct values, sorted.
  private static func signed(_ pairs: [Pair]) -> String {
    let distinct = Set(pairs.map { [$0.name, $0.value] })
    let sorted = distinct.sorted { one, other in
      one[0].hasSameBytes(as: other[0])
        ? one[1].utf8.lexicographicallyPrecedes(other[1].utf8) : one[0].utf8.lexicographicallyPrecedes(other[0].utf8)
    }
    return sorted.joined().joined()
  }

  /// The URL, with the standard port and without.
  private static func spellings(of url: String) -> [String] {
    let pieces = url.pieces(at: "/")
    guard pieces.count > 2, pieces[1].isEmpty else { return [url] }
    let standard = pieces[0] == "https:" ? "443" : "80"
    let host = pieces[2].pieces(at: "?")[0]
    let behind = pieces[2].utf8.dropFirst(host.utf8.count)
    let named = host.pieces(at: ":")
    guard named.count == 1 || named.last == standard else { return [url] }
    let other = named.count == 1 ? "\(host):\(standard)" : named.dropLast().joined(separator: ":")
    let authority = other + String(decoding: behind, as: UTF8.self)
    return [url, (pieces[..<2] + [authority] + pieces[3...]).joined(separator: "/")]
  }

  package var receiptsByDefault: ReceiptMode { .pull }
  /// An API key signs calls, and no callback.
  package var missingForCallbacks: String? { callbackToken == nil ? "auth_token" : nil }
}

/// Asked by SID; where many are awaited, by the list of what was sent since.
extension Twilio: ReceiptAsking {
  /// Up to here each has a question of its own.
  private static let few = 20
  /// Pages of the list that are read in a round: it may hold what others sent.
  private static let mostPages = 100

  package func question(
    _ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest? {
    let sids = round.calls.compactMap(\.anyId)
    guard sids.count > Self.few else {
      guard round.asked < sids.count else { return nil }
      round.reached = round.asked + 1
      let path = resource.dropLast(".json".count) + "/\(PercentEncoding.encode(sids[round.asked])).json"
      return HTTPRequest(.get, base + path, headers: headers)
    }
    guard round.asked < Self.mostPages else { return nil }
    if round.asked > 0 {
      guard let next = round.notes["next"] else { return nil }
      return HTTPRequest(.get, base + next, headers: headers)
    }
    // Whole days, GMT: the documented form of the filter, whose operator is part of its name.
    let oldest = round.calls.map(\.acceptedAt).min() ?? now
    let query = PercentEncoding.encode([Pair("DateSent>", CivilTime(oldest).isoDay), Pair("PageSize", "1000")])
    return HTTPRequest(.get, "\(base)\(resource)?\(query)", headers: headers)
  }

  package func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    var reading = ReceiptReading()
    guard let value = reading.value(of: response, pause: 30, at: now) else { return reading }
    guard let messages = value["messages"]?.array else {
      reading.receipts = [Self.receipt(value)].compactMap { $0 }
      return reading
    }
    reading.receipts = messages.compactMap(Self.receipt)
    let next = value["next_page_uri"]?.string
    round.notes["next"] = next.map { Self.isOurs($0) } ?? false && next != round.notes["next"] ? next : nil
    return reading
  }

  /// Of a Message resource.
  private static func receipt(_ message: JSON) -> Receipt? {
    guard let sid = message["sid"]?.string, !sid.isEmpty, let status = message["status"]?.string,
      let news = news(
        status, code: CallbackJSON.text(message["error_code"]), reason: message["error_message"]?.string,
        at: message["date_updated"]?.string.flatMap(CivilTime.parseHeaderDate))
    else { return nil }
    return Receipt([.id(sid)], to: message["to"]?.string, news)
  }
}
