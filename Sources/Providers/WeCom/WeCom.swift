import Core
import FoundationEssentials

/// What the group robot and the application messages of WeCom share. Section numbers are those of providers/wecom.md.
enum WeCom {
  static let document = "https://developer.work.weixin.qq.com/document/path/"
  static let endpoint = "https://qyapi.weixin.qq.com"
  static let mebibyte = 1_048_576

  // MARK: Texts (section 1)

  /// Bodies must be raw UTF-8 without `\u` escapes (40033), and JSON has no other way to write control characters.
  static func checkText(_ text: String, _ field: String, atMost limit: Int, _ name: String) throws(MessageFault) {
    try checkLength(text, field, atMost: limit, name, in: .bytes)
    let control = text.utf8.first { byte in (byte < 0x20 && !"\n\r\t".utf8.contains(byte)) || byte == 0x7F }
    guard let control else { return }
    throw MessageFault(field, "holds the control character \(control), which \(name) cannot send")
  }

  static func refuseTexts(beside attachment: String, of message: Message, _ name: String) throws(MessageFault) {
    for (field, text) in [("body", message.body), ("title", message.title), ("url", message.url)] {
      guard let text, !text.isEmpty else { continue }
      throw MessageFault(
        field, "cannot go with an attachment: \(name) sends \(attachment) without text",
        hint: "send the text as a message of its own")
    }
  }

  // MARK: Files (sections 1 and 2)

  /// One part named `media`, of a type that section 1 gives for all of them.
  static func upload(_ attachment: Content.Attachment, to url: String) -> HTTPRequest {
    .multipart(
      url, [],
      files: [
        FormPart("media", fileName: attachment.name, type: "application/octet-stream", attachment.source)
      ])
  }

  // MARK: Answers (section 3)

  /// 40014 and 42001 end up here when a fresh token was refused as well.
  private static let codes = CodeTable<Int>([
    (.fewTimes, [-1]),
    (.later, [6000]),
    (.throttled, [45009, 45033]),
    (
      .credentials,
      [40001, 40013, 40014, 40056, 41001, 41002, 41004, 41011, 42001, 48001, 48002, 60020, 93000, 93004, 93008, 301002]
    ),
    // The app may not write to these members; to others it may.
    (.credentialsPerhaps, [60011]),
    (.recipient, [40003, 46004, 60111]),
    (.recipientPerhaps, [40031, 40032]),
    (.nobody, [81013, 82001]),
    (
      .message,
      [
        40004, 40005, 40006, 40007, 40008, 40009, 40011, 40033, 40035, 40054, 40055, 40058, 40063, 44001, 44002, 44003,
        44004, 45001, 45002, 45003, 45004, 45007, 45008, 47001,
      ]
    ),
  ])

  /// Beyond the limit a robot is blocked for about a minute.
  static let pause = 60.0

  enum Answer {
    case ok(JSONAnswer)
    case refused(Refusal)
  }

  struct Refusal {
    var verdict: AnswerClass
    var code: String
    var reason: String
    var wait: Double?

    var isOfToken: Bool { ["40014", "42001"].contains(code) }

    func answer(to call: Call) -> Core.Answer {
      verdict.answer(to: call, code: code, reason: reason, retryAfter: wait)
    }

    /// For exchanges that deliver nothing.
    func answerBeforeSending(to call: Call) -> Core.Answer {
      verdict.beforeSending.answer(to: call, code: code, reason: reason, retryAfter: wait)
    }
  }

  /// The HTTP status is 200 for errors too: `errcode` decides, never `errmsg`, whose text changes.
  static func read(_ response: HTTPResponse, at now: Date) -> Answer {
    let wait = RetryAfter.seconds(in: response, now: now)
    guard let wire = JSONAnswer(response), let code = wire["errcode"]?.integer,
      code != 0 || (200..<300).contains(response.status)
    else {
      return .refused(
        Refusal(
          verdict: .undecoded(response), code: response.codeOfStatus, reason: response.reasonOfStatus, wait: wait))
    }
    if code == 0 { return .ok(wire) }
    return .refused(
      Refusal(
        verdict: codes[code] ?? .fewTimes, code: String(code), reason: wire["errmsg"]?.text ?? "no text",
        wait: wait ?? (code == 45009 ? pause : nil)))
  }
}

extension AnswerClass {
  /// P for every one of the recipients: smaller calls would say the same. They do not exist, or the app must not see them.
  static let nobody = AnswerClass(state: .rejected, kind: .recipient)
}
