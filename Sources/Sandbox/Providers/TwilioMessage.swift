import FoundationEssentials

/// A message that the stand-in for Twilio has taken.
struct TwilioMessage: Sendable {
  var sid: String
  var account: String
  var to: String
  var from: String?
  var service: String?
  var body: String
  var media: Int
  /// Seconds since 1970.
  var created: Int
  /// When it is scheduled for, in seconds since 1970.
  var sendAt: Int?

  /// How long a message stays queued, and how long it then takes to be delivered, in seconds. Invented, but the order
  /// of things is Twilio's: "date_sent is null before sending", so that a date filter hides what is still queued.
  private static let queued = 1
  private static let underway = 4

  private var sent: Int { max(created, sendAt ?? 0) + Self.queued }

  private func isSent(_ now: Date) -> Bool { Int(now.timeIntervalSince1970) >= sent }

  private func status(_ now: Date) -> String {
    let seconds = Int(now.timeIntervalSince1970)
    if seconds >= sent + Self.underway { return "delivered" }
    if seconds >= sent { return "sent" }
    if sendAt != nil { return "scheduled" }
    return service == nil ? "queued" : "accepted"
  }

  /// The Message resource. With a Messaging Service sender and segments are not known before it is sent.
  func json(now: Date) -> WireJSON {
    let resource = "/2010-04-01/Accounts/\(account)/Messages/\(sid)"
    let sent = isSent(now)
    let dateCreated = WireJSON.string(WireTime(unix: created).rfc2822)
    let dateSent = sent ? WireJSON.string(WireTime(unix: self.sent).rfc2822) : .null
    let segments = service != nil && !sent ? 0 : TwilioRules.segments(of: body)
    return [
      "account_sid": .string(account), "api_version": "2010-04-01", "body": .string(body),
      "date_created": dateCreated, "date_sent": dateSent, "date_updated": sent ? dateSent : dateCreated,
      "direction": "outbound-api",
      "error_code": .null, "error_message": .null, "from": from.map { .string($0) } ?? .null,
      "messaging_service_sid": service.map { .string($0) } ?? .null, "num_media": .string(String(media)),
      "num_segments": .string(String(segments)), "price": .null, "price_unit": "USD", "sid": .string(sid),
      "status": .string(status(now)), "subresource_uris": ["media": .string(resource + "/Media.json")],
      "to": .string(to), "uri": .string(resource + ".json"),
    ]
  }

  /// The filters To, From, DateSent, `DateSent<` (on or before) and `DateSent>` (on or after); dates are GMT.
  func matches(_ query: [FormPair], now: Date) -> Bool {
    for filter in query {
      let fits =
        switch filter.name {
        case "To": to == filter.value
        case "From": from == filter.value
        case "DateSent": within(filter.value, now) { $0.contains($1) }
        case "DateSent<": within(filter.value, now) { $1 < $0.upperBound }
        case "DateSent>": within(filter.value, now) { $1 >= $0.lowerBound }
        default: true
        }
      if !fits { return false }
    }
    return true
  }

  /// A day stands for all its seconds, a time for itself; what is neither is no filter.
  private func within(_ text: String, _ now: Date, _ test: (Range<Int>, Int) -> Bool) -> Bool {
    guard isSent(now) else { return false }
    if let day = WireTime.unix(day: text) { return test(day..<day + 86_400, sent) }
    if let second = WireTime.unix(iso8601: text) { return test(second..<second + 1, sent) }
    return true
  }
}

/// What Twilio checks of a message before it takes it.
enum TwilioRules {
  /// "max 1600 characters"; whether these are code points or UTF-16 units is not documented, so the stricter one.
  static let longestBody = 1600
  static let mostMedia = 10
  /// Seconds that a scheduled message must lie ahead (error page 35114).
  static let schedule = 15 * 60...35 * 86_400

  /// The first error that Twilio would report, as code and message.
  static func problem(in form: [FormPair], now: Date) -> (Int, String)? {
    guard let to = form.value("To") else { return (21604, "A 'To' phone number is required.") }
    guard let sender = form.value("From") ?? form.value("MessagingServiceSid") else {
      return (21603, "A 'From' phone number is required.")
    }
    let media = form.filter { $0.name == "MediaUrl" }
    let body = form.value("Body") ?? ""
    if body.allSatisfy(\.isWhitespace), media.isEmpty, form.value("ContentSid") == nil {
      return (21602, "Message body is required.")
    }
    if !isAddress(to) { return (21211, "The 'To' number \(to) is not a valid phone number.") }
    if let service = form.value("MessagingServiceSid"), !isSid(service, "MG") {
      return (21705, "The Messaging Service Sid \(service) is invalid.")
    }
    if let from = form.value("From"), !isSender(from) {
      return (21212, "The 'From' number \(sender) is not a valid phone number, shortcode, or alphanumeric sender ID.")
    }
    if body.utf16.count > longestBody {
      return (21617, "The concatenated message body exceeds the \(longestBody) character limit")
    }
    if media.count > mostMedia { return (21623, "Number of media files exceeds allowed limit") }
    if !media.allSatisfy({ isURL($0.value) }) { return (21620, "Invalid media URL(s)") }
    return optionProblem(in: form, now: now)
  }

  private static func optionProblem(in form: [FormPair], now: Date) -> (Int, String)? {
    if let callback = form.value("StatusCallback"), !isURL(callback) {
      return (21609, "The 'StatusCallback' URL \(callback) is not a valid URL.")
    }
    if let period = form.value("ValidityPeriod"), !(1...36_000).contains(Int(period) ?? 0) {
      return (21624, "The ValidityPeriod \(period) is invalid.")
    }
    // "Without a Messaging Service the scheduling parameters are dropped and the message is sent immediately."
    if form.value("MessagingServiceSid") != nil, form.value("ScheduleType") == "fixed" {
      let ahead = form.value("SendAt").flatMap { WireTime.unix(iso8601: $0) }.map {
        $0 - Int(now.timeIntervalSince1970)
      }
      if !schedule.contains(ahead ?? 0) { return (35114, "Scheduling does not support this timestamp") }
    }
    return nil
  }

  /// E.164 with `+`, or an address on a channel ("whatsapp:+1...").
  private static func isAddress(_ text: String) -> Bool {
    if let colon = text.firstIndex(of: ":") {
      return colon > text.startIndex && text.index(after: colon) < text.endIndex
    }
    let digits = text.utf8.dropFirst()
    return text.hasPrefix("+") && 7...15 ~= digits.count && digits.first != UInt8(ascii: "0")
      && digits.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }

  /// A number, a short code or an alphanumeric sender (up to 11 of letters, digits and blanks, not digits alone).
  private static func isSender(_ text: String) -> Bool {
    if isAddress(text) { return true }
    let bytes = text.utf8
    let digits = bytes.filter { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }.count
    if digits == bytes.count { return 3...8 ~= digits }
    return bytes.count <= 11
      && text.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0"..."9" ~= $0 || " +-_&".unicodeScalars.contains($0))
      }
  }

  private static func isSid(_ text: String, _ prefix: String) -> Bool {
    text.hasPrefix(prefix) && text.utf8.count == 34 && text.utf8.dropFirst(2).allSatisfy { hexadecimalValue($0) != nil }
  }

  /// "URL; host must be valid, no underscores".
  private static func isURL(_ text: String) -> Bool {
    guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { return false }
    let host = text.dropFirst(scheme.count).prefix { !"/?#:".contains($0) }
    return host.contains(".") && !host.contains("_") && !host.contains(" ")
  }
}

extension TwilioRules {
  /// GSM 03.38, the default alphabet; the second string counts twice.
  private static let gsm = Set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
      .unicodeScalars
  ).union("abcdefghijklmnopqrstuvwxyzäöñüà".unicodeScalars)
  private static let gsmTwice = Set("|^€{}[]~\\\u{0C}".unicodeScalars)

  /// Units of an ASCII character, by its code; 0 for one that GSM-7 does not have.
  private static let gsmUnits: [Int] = (0..<128).map { code in
    let scalar = Unicode.Scalar(UInt8(code))
    return gsm.contains(scalar) ? 1 : gsmTwice.contains(scalar) ? 2 : 0
  }

  /// GSM-7 160 single, 153 each; anything else makes the whole text UCS-2, 70 single, 67 each.
  static func segments(of body: String) -> Int {
    var units = 0
    for scalar in body.unicodeScalars {
      let more =
        scalar.isASCII ? gsmUnits[Int(scalar.value)] : gsm.contains(scalar) ? 1 : gsmTwice.contains(scalar) ? 2 : 0
      if more == 0 {
        let wide = body.utf16.count
        return wide <= 70 ? 1 : (wide + 66) / 67
      }
      units += more
    }
    return units <= 160 ? 1 : (units + 152) / 153
  }
}
