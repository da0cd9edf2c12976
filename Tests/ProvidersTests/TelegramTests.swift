import Core
import Foundation
import Testing

@testable import Providers

extension Telegram: Exemplified {
  static let specimen = Specimen(
    provider: Telegram.self, values: ["token": .string("123456789:s3cret")], message: Message(body: "text"),
    addresses: ["42"], success: (200, #"{"ok":true,"result":{"message_id":42}}"#),
    throttled: (429, #"{"ok":false,"error_code":429,"description":"Too Many Requests"}"#),
    wrongCredentials: (401, #"{"ok":false,"error_code":401,"description":"Unauthorized"}"#),
    unknownCode: (200, #"{"ok":false,"error_code":31337,"description":"OK"}"#), urlHoldsSecret: true, takesHTML: true)
}

private let telegram: @Sendable () throws -> Telegram = {
  try Telegram(settings(Telegram.self, ["token": .string("123456789:dummyTelegramBotToken00000000000000")]))
}

@Suite struct TelegramTests {
  static let sending = GoldenCase.load("telegram")

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 3)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try telegram()
    let text = golden.input["text"]?.string ?? golden.input["message"]?.string
    let call = try provider.call(Message(body: text), to: ["42"])
    let request = provider.request(for: call)
    #expect(fieldDifferences(request, golden) == [])
    #expect(request.json?["chat_id"] == .number(42))
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    if golden.name == "python-telegram-bot/flood-429" {
      let reason = "Too Many Requests: retry after 34"
      #expect(answer.outcomes == [.deferred(.throttled, code: "429", reason: reason, retryAfter: 34)])
      #expect(answer.advice == .slowDown(retryAfter: 34))
    } else {
      #expect(answer == Answer([.accepted(id: "42")]))
    }
  }

  @Test(arguments: [
    "", "@ab", "@a b", "0", "-0", "1.5", "99999999999999999", "+42", "４２", "name", "@", "topic:1", "--1",
  ])
  func wrongChatsAreRefused(_ address: String) throws {
    let provider = try telegram()
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func aChatIsANumberOrAName() throws {
    let provider = try telegram()
    #expect(try provider.target("@Channel").identity == "@channel")
    for (address, chat) in [("-1001234567890", Value.number(-1_001_234_567_890)), ("@Channel", .string("@Channel"))] {
      let request = provider.request(for: try provider.call(Message(body: "x"), to: [address]))
      #expect(request.json?["chat_id"] == chat && request.json?.object?.count == 2)
    }
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try telegram()
    for text in hostileTexts {
      let json = provider.request(for: try provider.call(Message(body: text), to: ["42"])).json
      #expect(json?["text"] == .string(text) && json?.object?.count == 2)
    }
  }

  @Test func titleAndLinkAreTextWhateverTheBodyIs() throws {
    let provider = try telegram()
    func text(_ format: Message.Format) throws -> Content {
      try provider.rendered(Message(body: "<b>", title: "a<b.", format: format, url: "https://u/?a&b"))
    }
    #expect(try text(.text)["text"] == "a<b.\n<b>\nhttps://u/?a&b")
    #expect(try text(.html)["text"] == "a&lt;b.\n<b>\nhttps://u/?a&amp;b")
    #expect(try text(.html)["parse_mode"] == "HTML")
    #expect(try text(.markdown)["text"] == "a<b\\.\n<b>\nhttps://u/?a&b")
    #expect(try text(.markdown)["parse_mode"] == "MarkdownV2")
  }

  @Test(arguments: ["\u{FE0F}\u{20E3}", "\u{301}", "\u{200D}"]) func noMarkHidesASign(mark: String) throws {
    let provider = try telegram()
    func title(_ title: String, _ format: Message.Format) throws -> Verbatim {
      Verbatim(
        try provider.rendered(Message(body: "", title: title, format: format, attachments: [.init(source: .data([]))]))[
          "caption"] ?? "")
    }
    #expect(try title("#\(mark) build *\(mark)", .markdown) == Verbatim("\\#\(mark) build \\*\(mark)"))
    #expect(try title("<\(mark)&\(mark)>\(mark)", .html) == Verbatim("&lt;\(mark)&amp;\(mark)&gt;\(mark)"))
  }

  @Test func optionsAreSwitches() throws {
    let provider = try telegram()
    let options: [JSON.Member] = [
      .init("disable_link_preview", .boolean(true)), .init("protect_content", .boolean(true)),
      .init("message_thread_id", .integer(7)),
    ]
    let message = Message(body: "x", priority: .low, options: options)
    let json = provider.request(for: try provider.call(message, to: ["42"])).json
    #expect(json?["disable_notification"] == .boolean(true) && json?["protect_content"] == .boolean(true))
    #expect(json?["message_thread_id"] == .number(7))
    #expect(json?["link_preview_options"]?["is_disabled"] == .boolean(true))
    let loud = Message(body: "x", priority: .low, options: [.init("disable_notification", .boolean(false))])
    #expect(try provider.rendered(loud)["disable_notification"] == nil)
  }

  @Test func filesGoInPartsWithTheTextAsTheirCaption() throws {
    let provider = try telegram()
    let file = AttachmentFile(directory: "/srv", path: "a.png")
    for (type, asDocument, method, name) in [
      ("image/png", false, "sendPhoto", "photo"), ("image/png", true, "sendDocument", "document"),
      ("application/pdf", false, "sendDocument", "document"),
    ] {
      let message = Message(
        body: "text", attachments: [.init(source: .path("/srv/a.png"))],
        options: asDocument ? [.init("as_document", .boolean(true))] : [])
      var call = try provider.call(message, to: ["42"])
      call.contents[0].attachments = [.init(name: "a.png", type: type, source: .file(file))]
      let request = provider.request(for: call)
      #expect(request.path.hasSuffix("/\(method)"))
      #expect(request.http.parts.map(\.name) == ["chat_id", "caption", name])
      #expect(request.part("caption")?.text == "text")
      #expect(request.part(name) == FormPart(name, fileName: "a.png", type: type, .file(file)))
    }
    let bare = Message(attachments: [.init(source: .path("/srv/a.png"))])
    #expect(faultyField(provider, bare) == nil)
  }

  @Test func limitsAreInclusiveAndCountUTF16Units() throws {
    let provider = try telegram()
    #expect(faultyField(provider, Message(body: String(repeating: "🚀", count: 2_048))) == nil)
    #expect(faultyField(provider, Message(body: String(repeating: "🚀", count: 2_048) + "x")) == "body")
    let file = Message.Attachment(source: .data([1]))
    #expect(faultyField(provider, Message(body: String(repeating: "x", count: 1_024), attachments: [file])) == nil)
    #expect(faultyField(provider, Message(body: String(repeating: "x", count: 1_025), attachments: [file])) == "body")
    #expect(faultyField(provider, Message()) == "body")
  }

  @Test func aGroupThatMovedIsSentToUnderItsNewNumber() throws {
    let provider = try telegram()
    let call = try provider.call(Message(body: "x"), to: ["-7"])
    func moved(_ chat: String) -> HTTPResponse {
      .json(
        #"{"ok":false,"error_code":400,"description":"group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":\#(chat)}}"#,
        status: 400)
    }
    let sent = HTTPResponse.json(#"{"ok":true,"result":{"message_id":1}}"#)
    let walk = Walk(provider, call, moved("-1009"), sent)
    #expect(walk.stages == [Step.sending, Step.sending] && walk.answer == Answer([.accepted(id: "1")]))
    #expect(walk.requests.map { $0.json?["chat_id"] } == [.number(-7), .number(-1_009)])
    // It is remembered, and a chat that is said to have moved to where it is ends.
    let next = Walk(provider, call, moved("-1009"), session: walk.session)
    #expect(next.requests.map { $0.json?["chat_id"] } == [.number(-1_009)])
    #expect(next.answer?.outcomes.map(\.state) == [.rejected])
  }

  @Test func whatCannotBeReadAsMarkupGoesOutOnceMoreAsItWasWritten() throws {
    let provider = try telegram()
    let words = "Bad Request: can't parse entities: Character '.' is reserved"
    let misread = HTTPResponse.json(Self.error(400, words), status: 400)
    let sent = HTTPResponse.json(#"{"ok":true,"result":{"message_id":1}}"#)
    for (format, mode) in [(Message.Format.markdown, "MarkdownV2"), (.html, "HTML")] {
      let call = try provider.call(Message(body: "a.b <c", title: "t", format: format), to: ["7"])
      let walk = Walk(provider, call, misread, sent)
      #expect(walk.requests.map { $0.json?["parse_mode"] } == [.string(mode), nil])
      #expect(walk.requests.map { $0.json?["text"] } == [.string("t\na.b <c"), .string("t\na.b <c")])
      #expect(walk.answer == Answer([.accepted(id: "1", reason: "sent as plain text: \(words)")]))
      // Once: what is refused as plain text, too, is refused.
      let again = Walk(provider, call, misread, misread)
      #expect(again.requests.count == 2 && again.answer?.outcomes.map(\.state) == [.rejected])
      #expect(again.answer?.outcomes[0].reason == words)
      // And the next one is tried as markup.
      let next = Walk(provider, call, sent, session: again.session)
      #expect(next.requests.map { $0.json?["parse_mode"] } == [.string(mode)])
      #expect(next.answer == Answer([.accepted(id: "1")]))
    }
    let plain = Walk(provider, try provider.call(Message(body: "x"), to: ["7"]), misread)
    #expect(plain.requests.count == 1 && plain.answer?.outcomes.map(\.state) == [.rejected])
  }

  @Test(arguments: ["", "token", "1234", ":abc", "12a:abc", "12:a/b", "12:a?b"])
  func whatIsNoTokenIsRefused(_ token: String) {
    let fault = #expect(throws: SettingFault.self) {
      try Telegram(settings(Telegram.self, ["token": .string(token)]))
    }
    #expect(fault?.setting == "token")
  }

  private static func error(_ code: Int, _ text: String) -> String {
    #"{"ok":false,"error_code":\#(code),"description":"\#(text)"}"#
  }

  static let rows = [
    AnswerRow(400, error(400, "Bad Request: chat not found"), .rejected, .recipient),
    AnswerRow(400, error(400, "Bad Request: message is too long"), .rejected, .message),
    AnswerRow(400, error(400, "Bad Request: can't parse entities"), .rejected, .message),
    AnswerRow(401, error(401, "Unauthorized"), .deferred, .credentials, .suspend),
    AnswerRow(404, error(404, "Not Found"), .deferred, .credentials, .suspend),
    AnswerRow(403, error(403, "Forbidden: bot was blocked by the user"), .rejected, .recipient),
    AnswerRow(413, error(413, "Request Entity Too Large"), .rejected, .message),
    AnswerRow(429, error(429, "x"), .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(500, error(500, "Internal"), .deferred, .provider), AnswerRow(502, "<html>", .deferred, .provider),
    AnswerRow(409, error(409, "Conflict"), .deferred, .provider, attempts: 3),
    AnswerRow(200, "<html>", .deferred, .provider), AnswerRow(200, "{}", .unconfirmed, .uncertain),
    AnswerRow(200, #"{"ok":true}"#, .unconfirmed, .uncertain),
  ]

  @Test(arguments: rows)
  func anAnswerMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try telegram()
    row.check(provider, try provider.call(Message(body: "x"), to: ["42"]))
  }
}
