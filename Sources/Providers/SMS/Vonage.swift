import Core
import FoundationEssentials
import Signing

/// Vonage's SMS API, formerly Nexmo's: one recipient in a request. Section numbers are those of providers/vonage.md.
package struct Vonage: HTTPProvider, BillingProvider {
  package static let card = ProviderCard(
    name: "vonage",
    summary: "Vonage (Nexmo) SMS, text messages to the world",
    document: "https://developer.vonage.com/en/api/sms",
    endpoint: "https://rest.nexmo.com",
    recipientsPerCall: 1,
    settings: [
      SettingCard("api_key", .string, required: true, "the account's key"),
      SettingCard("api_secret", .string, required: true, secret: true, "the account's secret"),
      SettingCard("from", .identifier, required: true, "sender: a number without +, or a name"),
      SettingCard("country_code", .identifier, "put before numbers without +, such as 86"),
      SettingCard("callback", .string, "URL that gets the delivery receipts"),
    ],
    options: [
      OptionCard("from", .string, "sender of this message, instead of the channel's"),
      OptionCard("callback", .string, "URL for this message, instead of the channel's"),
      OptionCard("ttl", .integer, "milliseconds that delivery is tried, 20000 to 604800000"),
      OptionCard(
        "client_ref", .string, "reference that receipts echo, at most 100 characters; by default the call's id"),
    ],
    limits: [("client_ref", 100, "UTF-16 units"), ("ttl", 604_800_000, "milliseconds")],
    // Section 4, by default.
    rate: 30,
    notes: [
      "to: + and 7 to 15 digits; without + the channel's country_code is put before it.",
      "body is required; title and url are not used. Markdown goes as it is written; html is refused.",
      "A text beyond the GSM alphabet is sent as Unicode, with 70 characters a part instead of 160.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      sms: {
        provider: "vonage",
        api_key: "abcd1234", api_secret: { env: "VONAGE_API_SECRET" },
        from: "Acme",
      }
      """)

  private let url: String
  private let key: String
  private let secret: String
  private let countryCode: String?
  /// The channel's own values of content fields.
  private let defaults: [String: String]

  package init(_ settings: Settings) throws(SettingFault) {
    key = try settings.required("api_key")
    secret = try settings.required("api_secret")
    url = try Endpoint(settings).base + "/sms/json"
    countryCode = try settings.countryCode()
    var defaults = ["from": try settings.required("from")]
    defaults["callback"] = settings.string("callback")
    self.defaults = defaults
  }

  // MARK: What is sent (section 1)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    let number = try PhoneNumber.international(address[...], countryCode: countryCode)
    return Target(address, wire: String(number.dropFirst()), identity: number)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireReadable(name)
    let body = try message.requiredBody(name)
    var fields = [Content.Field("from", try message.stringOption("from") ?? defaults["from"] ?? "")]
    fields.append(.init("text", body))
    // What is beyond the alphabet would arrive as question marks.
    if !Segments.isGSM(body) { fields.append(.init("type", "unicode")) }
    if let time = try message.integerOption("ttl", in: 20_000...604_800_000) {
      fields.append(.init("ttl", String(time)))
    }
    if let callback = try message.stringOption("callback") ?? defaults["callback"] {
      fields.append(.init("callback", callback))
    }
    if let reference = try message.stringOption("client_ref") {
      try checkLength(reference, "options.client_ref", atMost: 100, name)
      fields.append(.init("client-ref", reference))
    }
    return Content(fields)
  }

  /// Section 1: a part for each element of the answer.
  package func units(of content: Content, to target: Target) -> Int { Segments.gsm(content["text"] ?? "") }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    precondition(call.recipients.count == 1, "vonage takes one recipient in a call")
    var form = [Pair("api_key", key), Pair("api_secret", secret), Pair("to", call.recipients[0].target.wire)]
    form += call.content.fields.map { Pair($0.name, $0.value) }
    if call.content["client-ref"] == nil { form.append(Pair("client-ref", call.id)) }
    return .form(url, form)
  }

  // MARK: What comes back (sections 2 and 3)

  private static let codes = CodeTable<Int>([
    (.throttled, [1, 10]),
    (.message, [2, 12, 16, 20]),
    (.credentials, [4, 8, 11, 14, 19, 32]),
    (.inDoubt, [5]),
    (.recipientPerhaps, [6, 22]),
    (.recipient, [7, 33]),
    (.quota, [9]),
    (.configuration("from"), [15]),
    (.configuration("callback"), [23]),
    (.credentialsPerhaps, [29]),
  ])

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wait = RetryAfter.seconds(in: response, now: now)
    guard let parts = JSONAnswer(response)?["messages"]?.objects, let first = parts.first else {
      return AnswerClass.undecoded(response, server: .inDoubt)
        .answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: wait)
    }
    let refused = parts.filter { $0["status"]?.text != "0" }
    guard let refusal = refused.first else {
      return (200..<300).contains(response.status)
        ? .all(.accepted(id: first["message-id"]?.text), in: call)
        : AnswerClass.inDoubt.answer(to: call, code: response.codeOfStatus, reason: "a success within a failed answer")
    }
    let code = refusal["status"]?.integer
    let verdict: AnswerClass =
      refused.count < parts.count || code == nil ? .inDoubt : code.flatMap { Self.codes[$0] } ?? .refused
    return verdict.answer(
      to: call, code: code.map(String.init) ?? response.codeOfStatus, reason: refusal["error-text"]?.text,
      retryAfter: wait, defaults: defaults)
  }
}
