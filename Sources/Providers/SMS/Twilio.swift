import Core
import FoundationEssentials
import Signing

/// Twilio Programmable Messaging: one recipient in a request. Section numbers are those of providers/twilio.md.
package struct Twilio: AskableProvider, BillingProvider {
  package static let card = ProviderCard(
    name: "twilio",
    summary: "Twilio Programmable Messaging, text messages to the world",
    document: "https://www.twilio.com/docs/messaging/api/message-resource",
    endpoint: "https://api.twilio.com",
    recipientsPerCall: 1,
    settings: [
      SettingCard("account_sid", .string, required: true, "the account's SID, AC..."),
      SettingCard("auth_token", .string, secret: true, "the account's token; or api_key_sid and api_key_secret"),
      SettingCard("api_key_sid", .string, "the SID of an API key, SK..."),
      SettingCard("api_key_secret", .string, secret: true, "the secret of the API key"),
      SettingCard("from", .string, "sender: a number, short code, name or channel address"),
      SettingCard("messaging_service_sid", .string, "the service that picks the sender, MG...; this or from"),
      SettingCard("country_code", .string, "put before numbers without +, such as 86"),
      SettingCard("status_callback", .string, "URL that Twilio tells what became of messages"),
    ],
    options: [
      OptionCard(
        "from", .string, "sender of this message; with messaging_service_sid or alone, instead of the channel's"),
      OptionCard(
        "messaging_service_sid", .string, "service for this message; with from or alone, instead of the channel's"),
      OptionCard("status_callback", .string, "URL for this message"),
      OptionCard("validity_period", .integer, "seconds that it may wait in Twilio's queue, 1 to 36000"),
      OptionCard("smart_encoded", .boolean, "whether look-alikes of GSM characters are replaced by these"),
      OptionCard("media_url", .strings, "URLs of up to 10 media files", isOnce: true),
    ],
    targetKinds: [
      ("whatsapp", "a WhatsApp number: whatsapp:+8613800138000"), ("rcs", "an RCS number: rcs:+8613800138000"),
      ("messenger", "a Messenger user id: messenger:1234567890"),
    ],
    limits: [("body", 1_600, "UTF-16 units"), ("media_url", 10, "URLs"), ("validity_period", 36_000, "seconds")],
    templates: .either,
    longTexts: .common,
    notes: [
      "to: + and 7 to 15 digits; without + the channel's country_code is put before it.",
      "body is required unless options.media_url or template is given; title and url are not used. Markdown goes as it is"
        + " written; html is refused.",
      "template is a content template's SID, HX...; params are its variables, an array for those named 1, 2, 3. It says all:"
        + " body is not sent beside it.",
      "A lost answer is looked up by recipient, sender, text and time after a minute.",
      "A number that opted out (21610) is rejected; more than 1600 UTF-16 units are refused before sending.",
    ],
    example: """
      sms: {
        provider: "twilio",
        account_sid: "AC00000000000000000000000000000000",
        auth_token: { env: "TWILIO_AUTH_TOKEN" },
        from: "+15005550006",
        country_code: "86",
      }
      """)

  let base: String
  let resource: String
  let headers: [HTTPHeader]
  /// What callbacks name, are signed with, and go to.
  let account: String
  let callbackToken: String?
  let statusCallback: String?
  private let countryCode: String?
  /// The channel's own values of content fields.
  private let defaults: [String: String]

  package init(_ settings: Settings) throws(SettingFault) {
    guard let account = settings.string("account_sid") else { throw SettingFault("account_sid", "is missing") }
    self.account = account
    callbackToken = settings.string("auth_token")
    statusCallback = settings.string("status_callback")
    base = try Endpoint(settings).base
    resource = "/2010-04-01/Accounts/\(PercentEncoding.encode(account))/Messages.json"
    headers = [
      HTTPHeader("Authorization", "Basic \(try Self.login(settings, account: account))"),
      HTTPHeader("Accept", "application/json"),
    ]
    countryCode = try settings.countryCode()
    var defaults: [String: String] = [:]
    for (setting, field) in [
      ("from", "From"), ("messaging_service_sid", "MessagingServiceSid"), ("status_callback", "StatusCallback"),
    ] {
      defaults[field] = settings.string(setting)
    }
    guard defaults["From"] != nil || defaults["MessagingServiceSid"] != nil else {
      throw SettingFault("from", "is missing: give from or messaging_service_sid")
    }
    self.defaults = defaults
  }

  private static func login(_ settings: Settings, account: String) throws(SettingFault) -> String {
    let token = settings.string("auth_token")
    let key = settings.string("api_key_sid")
    let secret = settings.string("api_key_secret")
    guard (key == nil) == (secret == nil) else {
      throw SettingFault(key == nil ? "api_key_sid" : "api_key_secret", "is missing: both are needed")
    }
    guard (token == nil) != (key == nil) else {
      throw SettingFault("auth_token", "must be given, or api_key_sid and api_key_secret instead, and not both")
    }
    let user = key ?? account
    guard !user.utf8.contains(UInt8(ascii: ":")) else {
      throw SettingFault(key == nil ? "account_sid" : "api_key_sid", "must not contain a colon")
    }
    return "\(user):\(token ?? secret ?? "")".utf8.base64
  }

  // MARK: What is sent (section 1)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    guard let colon = address.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      return Target(address, wire: try PhoneNumber.international(address[...], countryCode: countryCode))
    }
    let kind = address[..<colon]
    let value = address[address.utf8.index(after: colon)...]
    switch kind {
    case "whatsapp", "rcs":
      return Target(address, wire: "\(kind):\(try PhoneNumber.international(value, countryCode: countryCode))")
    case "messenger":
      guard !value.isEmpty, value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw RecipientFault("is not a Messenger address: expected messenger: and a user id")
      }
      return Target(address)
    default:
      throw RecipientFault("is of no known kind: expected a phone number, whatsapp:, rcs: or messenger:")
    }
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    var fields = try sender(of: message)
    let media = try message.stringsOption("media_url") ?? []
    guard media.count <= 10 else {
      throw MessageFault("options.media_url", "has \(media.count) URLs; \(name) takes at most 10")
    }
    guard !media.contains("") else { throw MessageFault("options.media_url", "holds an empty URL") }
    let template = try Self.template(of: message)
    if !template.isEmpty {
      fields += template
    } else if let body = message.body, !body.isEmpty {
      try message.requireReadable(name)
      try checkLength(body, "body", atMost: 1_600, name)
      fields.append(.init("Body", body))
    } else if media.isEmpty {
      throw MessageFault("body", "is missing or empty; \(name) sends it, or options.media_url, or a template")
    }
    fields += media.map { .init("MediaUrl", $0) }
    if let callback = try message.stringOption("status_callback") ?? defaults["StatusCallback"] {
      fields.append(.init("StatusCallback", callback))
    }
    if let period = try message.integerOption("validity_period", in: 1...36_000) {
      fields.append(.init("ValidityPeriod", String(period)))
    }
    if let smart = try message.booleanOption("smart_encoded") {
      fields.append(.init("SmartEncoded", smart ? "true" : "false"))
    }
    return Content(fields)
  }

  /// Section 4. What is no short message (WhatsApp, media) is one, and so is a content template, whose text is Twilio's.
  package func units(of content: Content, to target: Target) -> Int {
    guard let body = content["Body"], content["MediaUrl"] == nil, !target.wire.holds(":") else { return 1 }
    return Segments.gsm(body)
  }

  /// A content template and its variables (section 1), or nothing.
  private static func template(of message: Message) throws(MessageFault) -> [Content.Field] {
    guard let template = message.template, !template.isEmpty else {
      guard message.params?.isEmpty ?? true else {
        throw MessageFault("params", "goes with template only: \(card.name) puts nothing into a body")
      }
      return []
    }
    guard let digits = template.behind("HX"), digits.utf8.count == 32,
      digits.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit)
    else {
      throw MessageFault("template", "is no content template's SID: expected HX and 32 hex digits")
    }
    let variables: [JSON.Member] =
      switch message.params {
      case .named(let named)?: named.map { .init($0.name, .string($0.value)) }
      case .positional(let values)?: values.enumerated().map { .init(String($0.offset + 1), .string($0.element)) }
      case nil: []
      }
    let sid = Content.Field("ContentSid", template)
    return variables.isEmpty ? [sid] : [sid, .init("ContentVariables", JSON.object(variables).text)]
  }

  /// A message that names a sender or a service replaces both of the channel's: its sender need not be in their pool.
  private func sender(of message: Message) throws(MessageFault) -> [Content.Field] {
    var from = try message.stringOption("from")
    var service = try message.stringOption("messaging_service_sid")
    if from == nil, service == nil {
      from = defaults["From"]
      service = defaults["MessagingServiceSid"]
    }
    return [("From", from), ("MessagingServiceSid", service)].compactMap { name, value in
      value.map { Content.Field(name, $0) }
    }
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    precondition(call.recipients.count == 1, "twilio takes one recipient in a call")
    var form = [Pair("To", call.recipients[0].target.wire)]
    for field in call.content.fields { form.append(Pair(field.name, field.value)) }
    return HTTPRequest(
      .post, base + resource,
      headers: headers + [HTTPHeader("Content-Type", "application/x-www-form-urlencoded")],
      body: PercentEncoding.bytes(of: form))
  }

  // MARK: What comes back (sections 2 and 3)

  /// Codes at creation. What speaks of this recipient's number, country or route with this sender stops the channel only
  /// when a second one hears it: 21408 (the country is not enabled) and 21608 (a trial account, the number not verified).
  private static let codes = CodeTable<Int>([
    (.throttled, [20429, 21611]),
    (.inDoubt, [20500, 20503]),
    (.credentials, [20003, 20005, 20006, 20008, 20010, 20403, 20404]),
    (.credentialsPerhaps, [21408, 21608]),
    (.recipient, [21211, 21610, 21614, 21635]),
    (.recipientPerhaps, [21612]),
    (
      .configuration("From", "MessagingServiceSid"),
      [21212, 21401, 21407, 21601, 21603, 21606, 21607, 21657, 21659, 21701, 21702, 21703, 21704, 21705]
    ),
    (.message, [14103, 21602, 21604, 21617, 21620, 21623, 21624, 21654, 21655, 21656, 21658]),
    (.configuration("StatusCallback"), [21609]),
    (.recipientThrottled, [14107]),
    (.quota, [63038]),
  ])

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wire = JSONAnswer(response)
    if (200..<300).contains(response.status) {
      guard let wire, let sid = wire["sid"]?.text, !sid.isEmpty else {
        return AnswerClass.inDoubt.answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus)
      }
      return .all(Self.outcome(of: wire, sid: sid), in: call)
    }
    let code = wire?["code"]?.integer
    // An unknown code of Twilio's is judged by its HTTP status; a page of some gateway is no verdict on the message.
    let verdict =
      code.flatMap { Self.codes[$0] }
      ?? .status(response.status, client: code == nil ? .fewTimes : .message, server: .inDoubt)
    return verdict.answer(
      to: call, code: code.map(String.init) ?? response.codeOfStatus,
      // Newer services answer in the form of RFC 9457.
      reason: wire?["message"]?.text ?? wire?["detail"]?.text ?? wire?["title"]?.text ?? response.reasonOfStatus,
      retryAfter: RetryAfter.seconds(in: response, now: now), defaults: defaults)
  }

  /// Of a Message resource, just made or found later. Twilio owns it, unless it already failed.
  static func outcome(of message: JSONAnswer, sid: String) -> Outcome {
    switch message["status"]?.text {
    case let status? where ["failed", "undelivered", "canceled"].contains(status):
      var outcome = Outcome.rejected(
        .recipient, code: message["error_code"]?.text, reason: message["error_message"]?.text ?? status)
      outcome.id = sid
      return outcome
    default: return .accepted(id: sid)
    }
  }

  // MARK: Lost answers (section 5)

  /// How long Twilio may take to show a message it has accepted; the document advises to wait at least this long.
  package var settles: Double { 60 }

  package func lookup(_ question: Question, at now: Date, nonce: String) -> HTTPRequest {
    HTTPRequest(.get, base + (question.cursor ?? firstPage(of: question.call)), headers: headers)
  }

  /// Without a DateSent filter: what was not sent yet has no such date.
  private func firstPage(of call: Call) -> String {
    var query = [Pair("To", call.recipients[0].target.wire)]
    // A service picks the sender later; until then the resource may have none.
    if let from = call.content["From"], call.content["MessagingServiceSid"] == nil { query.append(Pair("From", from)) }
    query.append(Pair("PageSize", "1000"))
    return "\(resource)?\(PercentEncoding.encode(query))"
  }

  package func finding(in response: HTTPResponse, for question: Question, at now: Date) -> Finding {
    guard response.status == 200,
      let page = JSONAnswer(response), let messages = page["messages"]?.objects?.map(TwilioMessage.init)
    else { return .undecided }
    // Its clock and ours may differ by more than two calls do; its answer says what time it is there.
    let ahead = response.header("date").flatMap(CivilTime.parseHeaderDate)?.timeIntervalSince(now) ?? 0
    if let message = messages.filter({ $0.answers(question, ahead: ahead) }).min(by: { $0.created < $1.created }),
      let sid = message.sid
    {
      return .found([Self.outcome(of: message.resource, sid: sid)])
    }
    guard let next = page["next_page_uri"]?.text, !next.isEmpty else { return .notFound }
    guard Self.isOurs(next), next != question.cursor else { return .undecided }
    return .more(next)
  }

  /// The path goes behind our own endpoint, and nowhere else, since the credentials go with it.
  static func isOurs(_ page: String) -> Bool {
    page.hasPrefix("/2010-04-01/") && page.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }
}
