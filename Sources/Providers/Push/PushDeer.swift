import Core
import FoundationEssentials
import Signing

/// PushDeer: push messages to its apps. Section numbers are those of providers/extras.md: all of it is section 7.
package struct PushDeer: HTTPProvider {
  package static let card = ProviderCard(
    name: "pushdeer",
    summary: "PushDeer, push messages to its apps, through its server or one's own",
    document: "https://www.pushdeer.com/dev.html",
    endpoint: "https://api2.pushdeer.com",
    // The service takes lists, but stops at the first key it does not know and does not say where.
    recipientsPerCall: 1,
    settings: [],
    options: [OptionCard("image", .boolean, "whether body is the URL of a picture to show")],
    limits: [("keys_per_call", 1, "keys")],
    // 60 a minute.
    rate: 1,
    notes: [
      "to: push keys, PDU...; each has a call of its own.",
      "body is required; title is the head line and url a line of its own; format is text or markdown.",
      "A key whose owner has no device is rejected: nobody was reached.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      phones: {
        provider: "pushdeer",
        recipients: { me: ["PDU..."] },
      }
      """)

  private let url: String

  package init(_ settings: Settings) throws(SettingFault) {
    url = try Endpoint(settings).base + "/message/push"
  }

  // MARK: What is sent

  package func target(_ address: String) throws(RecipientFault) -> Target {
    guard address.isToken(1...128) else {
      throw RecipientFault("is no push key: expected letters and digits, PDU...")
    }
    return Target(address)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireFormat([.text, .markdown], name)
    let body = try message.requiredBody(name)
    if try message.booleanOption("image") ?? false {
      for (field, text) in [("title", message.title), ("url", message.url)] where text?.isEmpty == false {
        throw MessageFault(field, "cannot go with a picture: \(name) sends it without text")
      }
      return Content([.init("text", body), .init("type", "image")])
    }
    let separator = message.format == .text ? "\n" : "\n\n"
    let whole = [body, message.url ?? ""].filter { !$0.isEmpty }.joined(separator: separator)
    let type = Content.Field("type", message.format.rawValue)
    guard let title = message.title, !title.isEmpty else { return Content([.init("text", whole), type]) }
    return Content([.init("text", title), .init("desp", whole), type])
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    precondition(call.recipients.count == 1, "pushdeer takes one key in a call")
    let key = Pair("pushkey", call.recipients[0].target.wire)
    return .form(url, [key] + call.content.fields.map { Pair($0.name, $0.value) })
  }

  // MARK: What comes back

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wait = RetryAfter.seconds(in: response, now: now)
    let isSuccess = (200..<300).contains(response.status)
    guard let wire = JSONAnswer(response), let code = wire["code"]?.integer,
      isSuccess || (400..<429).contains(response.status)
    else {
      // 5xx is also what an unknown key gets, so it is not tried for ever.
      return AnswerClass.undecoded(response, server: .fewTimes)
        .answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: wait)
    }
    guard code == 0, isSuccess else {
      // Wrong arguments and stopped accounts share one code.
      let verdict: AnswerClass = code == 0 ? .fewTimes : .recipientPerhaps
      return verdict.answer(to: call, code: String(code), reason: wire["error"]?.text ?? "no text", retryAfter: wait)
    }
    // JSON in strings, one for each of the owner's devices.
    guard let devices = wire["content"]?["result"]?.list else {
      return .all(.unconfirmed(code: "0", reason: "the answer names no devices"), in: call)
    }
    if devices.isEmpty {
      return .all(
        .rejected(.recipient, code: "0", reason: "nobody was reached: the key's owner has no device")
          .blaming(.recipient), in: call)
    }
    return devices.contains(where: Self.reached)
      ? .all(.accepted(), in: call) : .all(.unconfirmed(code: "0", reason: "the answer names no success"), in: call)
  }

  private static func reached(_ device: JSONAnswer) -> Bool {
    JSONAnswer(bytes: Array((device.text ?? "").utf8))?["success"]?.text == "ok"
  }
}
