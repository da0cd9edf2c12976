import Core
import FoundationEssentials
import Signing

/// Huawei Cloud Message & SMS, sending API version 1. Section numbers are those of providers/huawei.md.
package struct HuaweiSMS: SteppingProvider, BillingProvider {
  package static let card = ProviderCard(
    name: "huawei-sms",
    summary: "Huawei Cloud SMS, approved templates to mainland and international numbers",
    document: "https://support.huaweicloud.com/api-msgsms/sms_05_0000.html",
    endpoint: "https://smsapi.cn-north-4.myhuaweicloud.com",
    recipientsPerCall: 500,
    mixedRecipientsPerCall: 500,
    settings: [
      SettingCard("app_key", .string, required: true, "the SMS application's key"),
      SettingCard("app_secret", .string, required: true, secret: true, "the SMS application's secret"),
      SettingCard("authentication", .string, "wsse (default) or ak_sk, the signature that the vendor recommends"),
      SettingCard("sender", .identifier, required: true, "channel number of the signature, 8823..."),
      SettingCard("signature", .string, "the signature's name, needed for universal templates only"),
      SettingCard("template", .string, "id of the template for messages that name none"),
      SettingCard("status_callback", .string, "URL that gets the delivery reports"),
      TemplateTexts.setting,
    ],
    options: [
      OptionCard("sender", .string, "channel number for this message, instead of the channel's"),
      OptionCard("signature", .string, "signature of this message, instead of the channel's"),
      OptionCard("status_callback", .string, "URL for this message, instead of the channel's"),
      OptionCard("extend", .string, "reference that delivery reports echo, 1 to 128 characters; else the call's id"),
    ],
    limits: [
      ("numbers_per_call", 500, "numbers"), ("mixed_content", mixedBytes, "bytes"), ("extend", 128, "UTF-16 units"),
    ],
    templates: .positional,
    notes: [
      "to: 11 digits, also behind +86, 86, 0086 or +; abroad: + and country code and number.",
      "template and params (an array, in the template's order) are what is sent; body, title, url and format are not.",
      "params must not contain single quotes or braces: the service refuses them.",
      "Messages of one sender share calls of up to 500 numbers, whatever their templates and params.",
      "The endpoint is the application's access address, which the console shows; other regions have other hosts.",
      "The vendor suggests at most 500 numbers a second in all: rate: 1 where calls are full.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      notices: {
        provider: "huawei-sms",
        app_key: "...", app_secret: { file: "/etc/msgspool/huawei.secret" },
        sender: "8823040504797", template: "8ff55eac1d0b478ab3c06c3c6a492300",
      }
      """)

  /// Section 1: smsContent may have 64 KB.
  private static let mixedBytes = 65_536

  private let endpoint: Endpoint
  private let key: String
  private let secret: String
  private let isSigned: Bool
  /// Reports name the call in every request, whether or not it says where they go to.
  private let wantsReceipts: Bool
  /// The channel's own values of content fields.
  private let defaults: [String: String]
  private let texts: TemplateTexts

  package init(_ settings: Settings) throws(SettingFault) {
    key = try settings.requiredToken("app_key")
    secret = try settings.required("app_secret")
    endpoint = try Endpoint(settings)
    wantsReceipts = (settings.receipts ?? .off) != .off
    texts = try TemplateTexts(settings)
    switch settings.string("authentication") {
    case nil, "wsse": isSigned = false
    case "ak_sk": isSigned = true
    default: throw SettingFault("authentication", "is neither wsse nor ak_sk")
    }
    var defaults = ["from": try settings.required("sender")]
    defaults["templateId"] = settings.string("template")
    defaults["signature"] = settings.string("signature")
    defaults["statusCallback"] = settings.string("status_callback")
    self.defaults = defaults
  }

  // MARK: What is sent (sections 2 and 3)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    Target(address, wire: try PhoneNumber.withPlus(address).number)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    guard let template = message.template.flatMap({ $0.isEmpty ? nil : $0 }) ?? defaults["templateId"] else {
      throw MessageFault("template", "is missing, and the channel has none; \(name) sends approved templates only")
    }
    let parameters = try Self.templateParas(message.params)
    let callback = try message.stringOption("status_callback") ?? defaults["statusCallback"]
    let extend = try message.stringOption("extend")
    if let extend {
      try checkLength(extend, "options.extend", atMost: 128, name)
      guard !extend.holds("{"), !extend.holds("}") else {
        throw MessageFault("options.extend", "contains a brace, which \(name) does not take")
      }
    }
    let from = try message.stringOption("sender") ?? defaults["from"]
    let signature = try message.stringOption("signature") ?? defaults["signature"]
    let fields = [
      ("from", from), ("templateId", template), ("templateParas", parameters), ("statusCallback", callback),
      ("extend", extend), ("signature", signature),
    ].compactMap { name, value in value.map { Content.Field(name, $0) } }
    // These are of the whole call; the rest is of each number.
    let content = Content(fields, mixKey: JSON.array([from, callback, extend].map { .string($0 ?? "") }).text)
    let bytes = Self.smsContent(content, to: []).utf8.count + 24
    guard bytes <= Self.mixedBytes else {
      throw MessageFault("params", "make a request of \(bytes) bytes; \(name) takes at most \(Self.mixedBytes)")
    }
    return content
  }

  /// A JSON array of strings as text.
  private static func templateParas(_ parameters: Message.Parameters?) throws(MessageFault) -> String? {
    switch parameters {
    case nil: return nil
    case .named:
      throw MessageFault("params", "expected an array of strings, in the template's order; \(card.name) has no names")
    case .positional(let values):
      for (index, value) in values.enumerated() {
        // Section 5. Refused here, one such value can't fail the others of its call.
        guard !value.utf8.contains(where: { "'{}".utf8.contains($0) }) else {
          throw MessageFault("params[\(index)]", "contains a single quote or a brace, which \(card.name) refuses")
        }
      }
      return values.isEmpty ? nil : JSON.strings(values).text
    }
  }

  /// Section 2: with the signature, as far as it is known; it hangs on the sender otherwise.
  package func units(of content: Content, to target: Target) -> Int {
    let text = texts.text(
      content["templateId"] ?? "", signature: content["signature"], .positional(content["templateParas"]))
    return Segments.ucs2(text)
  }

  /// One content with its numbers, in a call of several.
  private static func smsContent(_ content: Content, to wires: [String]) -> String {
    var members = [JSON.Member("to", .strings(wires)), .init("templateId", .string(content["templateId"] ?? ""))]
    if let signature = content["signature"] { members.append(.init("signature", .string(signature))) }
    // The parameters are JSON already.
    let parameters = content["templateParas"].map { ",\"templateParas\":\($0)" } ?? ""
    return "\(JSON.object(members).text.dropLast())\(parameters)}"
  }

  /// Section 6: what delivery reports name, where they are asked for, leads back to the call.
  private func extend(_ call: Call) -> String? {
    call.content["extend"] ?? (call.content["statusCallback"] == nil && !wantsReceipts ? nil : call.id)
  }

  private func smsContents(_ call: Call) -> String {
    var wires = call.contents.map { _ in [String]() }
    for recipient in call.recipients { wires[recipient.content].append(recipient.target.wire) }
    let entries = zip(call.contents, wires).filter { !$0.1.isEmpty }
    return "[\(entries.map(Self.smsContent).joined(separator: ","))]"
  }

  /// Different contents that are too many bytes together go in halves, and nothing is sent before.
  package func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    if call.isMixed, call.recipients.count > 1, smsContents(call).utf8.count > Self.mixedBytes {
      return .finish(
        .all(.deferred(.message, reason: "over \(Self.mixedBytes) bytes in one call"), in: call, advice: .split))
    }
    return .send(exchange(for: call, at: now, nonce: nonce))
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let reference = extend(call)
    if !call.isMixed {
      var form = [Pair("from", call.content["from"] ?? "")]
      form.append(Pair("to", call.recipients.map(\.target.wire).joined(separator: ",")))
      for name in ["templateId", "templateParas", "statusCallback", "signature"] {
        if let value = call.content[name] { form.append(Pair(name, value)) }
      }
      if let reference { form.append(Pair("extend", reference)) }
      return request(
        "/sms/batchSendSms/v1", "application/x-www-form-urlencoded", PercentEncoding.bytes(of: form), at: now,
        nonce: nonce)
    }
    var members = [JSON.Member("from", .string(call.content["from"] ?? ""))]
    if let callback = call.content["statusCallback"] { members.append(.init("statusCallback", .string(callback))) }
    if let reference { members.append(.init("extend", .string(reference))) }
    let body = "\(JSON.object(members).text.dropLast()),\"smsContent\":\(smsContents(call))}"
    return request("/sms/batchSendDiffSms/v1", "application/json", Array(body.utf8), at: now, nonce: nonce)
  }

  private func request(_ path: String, _ type: String, _ body: [UInt8], at now: Date, nonce: String) -> HTTPRequest {
    var headers = [Pair("Content-Type", type)]
    if isSigned {
      // Section 8: the vendor's own client signs the bytes of JSON bodies only.
      let isHashed = type == "application/json"
      let date = CivilTime(now).compactStamp
      headers.append(Pair("X-Sdk-Date", date))
      if !isHashed { headers.append(Pair("X-Sdk-Content-Sha256", SDKHMAC.unsignedPayload)) }
      let signature = SDKHMAC(
        method: "POST", path: endpoint.path + path, headers: headers + [Pair("host", endpoint.host)],
        bodyHash: isHashed ? CanonicalRequest.bodyHash(body) : SDKHMAC.unsignedPayload, date: date)
      headers.append(Pair("Authorization", signature.authorization(key: key, secret: secret)))
    } else {
      headers += [
        Pair("Authorization", WSSE.authorization),
        Pair("X-WSSE", WSSE.token(username: key, secret: secret, nonce: nonce, created: CivilTime(now).stamp)),
      ]
    }
    headers.append(Pair("Accept", "application/json"))
    return HTTPRequest(
      .post, endpoint.base + path, headers: headers.map { HTTPHeader($0.name, $0.value) }, body: body)
  }

  // MARK: What comes back (sections 4 and 5)

  /// Of the whole request.
  private static let codes = CodeTable<String>([
    (.once, ["E000000"]),
    (
      .credentials,
      [
        "E000001", "E000002", "E000003", "E000004", "E000005", "E000006", "E000007", "E000008", "E000020", "E000021",
        "E000022", "E000023", "E000024", "E000025", "E000026", "E000027", "E000040", "E000045", "E000101", "E000102",
        "E000103", "E000104", "E000105", "E000106", "E000109", "E000110", "E000111", "E000112", "E000620",
      ]
    ),
    // One malformed number is enough for it (section 2).
    (.tooLarge, ["E000503"]),
    // Both speak of results, and none came.
    (.inDoubt, ["000000", "E000510"]),
    (.quota, ["E000623"]),
  ])

  /// Of one number.
  private static let statuses = CodeTable<String>([
    (.throttled, ["E200015"]),
    (.recipientThrottled, ["E200048"]),
    (.message, ["E200028"]),
    (.configuration("templateId"), ["E200029", "E200030", "E200033"]),
    // The document does not say which protocol: the number's network may be what does not fit.
    (.configurationPerhaps("templateId"), ["E200031"]),
    (.configuration("from", "signature"), ["E200018", "E200036"]),
    // Its country is not enabled, which need not stop anybody else.
    (.credentialsPerhaps, ["E200024"]),
  ])

  /// The answer has no words for them.
  private static let texts = [
    "E200015": "too many messages are pending", "E200018": "the channel's check failed",
    "E200024": "sending to that country is not enabled", "E200028": "params do not match the template's variables",
    "E200029": "the template's type check failed", "E200030": "the template is not active",
    "E200031": "the protocol check failed", "E200033": "the template is of the wrong type",
    "E200036": "the channel's rate is 0", "E200048": "too many messages to this number",
  ]

  /// What the vendor says to wait when too much is pending.
  private static let pendingPause = 600.0

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let retryAfter = RetryAfter.seconds(in: response, now: now)
    let wire = JSONAnswer(response)
    let code = wire?["code"]?.text.flatMap { $0.isEmpty ? nil : $0 }
    if let code, let elements = wire?["result"]?.objects, !elements.isEmpty {
      // Which HTTP status comes with E000510 is not documented; a success inside any other failure is none.
      let isBelievable = (200..<300).contains(response.status) || code == "E000510"
      return perNumber(elements, isBelievable, retryAfter: retryAfter, in: call)
    }
    let verdict =
      code.flatMap { Self.codes[$0] }
      ?? .status(response.status, client: code == nil ? .fewTimes : .refused, server: .inDoubt)
    return verdict.answer(
      to: call, code: code ?? response.codeOfStatus, reason: wire?["description"]?.text ?? response.reasonOfStatus,
      retryAfter: retryAfter, defaults: defaults)
  }

  /// Results are matched by the number they name; one that none names stays unconfirmed.
  private func perNumber(
    _ elements: [JSONAnswer], _ isBelievable: Bool, retryAfter: Double?, in call: Call
  ) -> Answer {
    var results = NumberedResults(elements) { $0["originTo"]?.text }
    var verdicts: [AnswerClass?] = []
    let outcomes = call.recipients.map { recipient -> Outcome in
      guard let element = results.next(for: recipient.target), let status = element["status"]?.text else {
        verdicts.append(nil)
        return .unconfirmed(reason: "the answer does not name this number")
      }
      if status == "000000" || status == "E200041" {
        verdicts.append(nil)
        let id = element["smsMsgId"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        return isBelievable
          ? .accepted(id: id) : .unconfirmed(code: status, reason: "a success within a failed answer")
      }
      let verdict = Self.verdict(status).blaming(call.contents[recipient.content], defaults: defaults)
      verdicts.append(verdict)
      return verdict.outcome(
        code: status, reason: Self.texts[status] ?? "the number's status",
        retryAfter: retryAfter ?? (verdict == .throttled ? Self.pendingPause : nil))
    }
    return Answer(outcomes, by: verdicts)
  }

  /// The document puts all other E2... into class C; what is said of one number only must not stop the others.
  private static func verdict(_ status: String) -> AnswerClass {
    if let verdict = statuses[status] { return verdict }
    return status.hasPrefix("E2") ? .credentialsPerhaps : .inDoubt
  }
}
