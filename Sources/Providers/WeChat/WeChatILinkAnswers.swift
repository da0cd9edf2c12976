import Core
import FoundationEssentials

// What comes back: section 5 of providers/wechat-ilink.md, and of wechat.md.

extension WeChatILink {
  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    judged(ILinkAnswer(response), response, call, sent: true)
  }

  /// - Parameter sent: it answers the call that delivers.
  func judged(_ wire: ILinkAnswer, _ response: HTTPResponse, _ call: Call, sent: Bool) -> Answer {
    if wire.isSessionOver { return .sessionLost(code: "-14", wire.words ?? "the session is over", in: call) }
    guard response.status == 200 else {
      let reason = wire.words ?? "HTTP \(response.status)"
      let code = String(response.status)
      // A gateway that gave up waiting says nothing of what was done behind it.
      if sent, [408, 504, 524].contains(response.status) {
        return .all(.unconfirmed(code: code, reason: reason), in: call, advice: .slowDown(retryAfter: nil))
      }
      if response.status == 401 || response.status == 403 {
        return .sessionLost(code: code, reason, in: call)
      }
      return .all(
        .deferred(response.status == 429 ? .throttled : .provider, code: code, reason: reason), in: call,
        advice: .slowDown(retryAfter: nil))
    }
    if wire.code == -2 {
      var answer = Answer.all(
        .unallowed(code: "-2", reason: wire.words ?? "the owner has to write to the bot first"), in: call)
      answer.isAllowanceSpent = true
      return answer
    }
    if wire.isRefusal {
      return .all(
        .deferred(.provider, code: wire.code.map { String($0) }, reason: wire.words ?? "no reason given"), in: call)
    }
    if let id = wire.messageId { return .all(.accepted(id: id), in: call) }
    guard wire.isObject else {
      return sent
        ? .all(.unconfirmed(code: "answer", reason: "the answer is no JSON object"), in: call)
        : .all(.deferred(.provider, code: "answer", reason: "the answer is no JSON object"), in: call)
    }
    if !requiresId { return .all(.accepted(), in: call) }
    return .all(
      .unconfirmed(
        code: Outcome.noIdCode,
        reason: "WeChat took the message and gave it no id: such messages are not known to arrive"),
      in: call)
  }
}

/// An answer of the service, as far as all of them are alike.
struct ILinkAnswer {
  let body: JSON
  let isObject: Bool

  init(_ response: HTTPResponse) {
    let value = try? JSONScanner.value(of: response.body)
    isObject = value?.members != nil
    body = value ?? .null
  }

  private func number(_ name: String) -> Int? { body[name].flatMap { $0.integer ?? $0.string.flatMap { Int($0) } } }

  /// What tells of a failure: `errcode` or `ret`, whichever is not zero.
  var code: Int? { [number("errcode"), number("ret")].compactMap { $0 }.first { $0 != 0 } }
  var isRefusal: Bool { code != nil }
  var isSessionOver: Bool { number("errcode") == -14 || number("ret") == -14 }

  var words: String? { body["errmsg"]?.string.flatMap { $0.isEmpty ? nil : $0 } }

  /// A number, or a text of digits.
  var messageId: String? {
    switch body["message_id"] {
    case .string(let text)?: text.isEmpty || text == "0" ? nil : text
    case .number(let digits)?: digits == "0" ? nil : digits
    default: nil
    }
  }

  /// A header's words, which may be percent-encoded.
  static func word(_ text: String) -> String { String(text.prefix(500)) }
}
