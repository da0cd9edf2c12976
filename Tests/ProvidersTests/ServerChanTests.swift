import Core
import Foundation
import Testing

@testable import Providers

let serverChan: @Sendable (String) throws -> ServerChan = { key in
  try ServerChan(settings(ServerChan.self, ["sendkey": .string(key)]))
}
let turboKey = "SCT000000TdummySendKey0000000000"
let thirdKey = "sctp123tdummysendkey0000000000"

@Suite struct ServerChanGoldenTests {
  static let cases = GoldenCase.load("serverchan")

  @Test func allCasesAreThere() {
    #expect(Self.cases.count == 6)
  }

  /// Two clients send forms, one of them with an alias; the service takes JSON as well, which is what we send.
  private func asJSON(_ golden: GoldenCase) -> GoldenCase {
    var golden = golden
    guard !golden.form.isEmpty else { return golden }
    golden.json = .object(
      Dictionary(uniqueKeysWithValues: golden.form.map { ($0[0] == "text" ? "title" : $0[0], .string($0[1])) }))
    golden.form = []
    golden.headers["content-type"] = "application/json"
    return golden
  }

  @Test(arguments: cases)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try serverChan(try #require(golden.input["sendkey"]?.string))
    var options: [JSON.Member] = []
    if let short = golden.input["short"]?.string { options.append(.init("short", .string(short))) }
    if let channel = golden.input["channel"]?.number { options.append(.init("channel", .string(String(channel)))) }
    if let tags = golden.input["tags"]?.string {
      options.append(.init("tags", .strings(tags.split(separator: "|").map(String.init))))
    }
    // What other clients send is Markdown, whatever they call it.
    let message = Message(
      body: golden.input["desp"]?.string, title: golden.input["title"]?.string, format: .markdown, options: options)
    let call = try provider.call(message, to: [""])
    let request = provider.request(for: call)
    #expect(differences(request, asJSON(golden)) == [])
    #expect(request.host == golden.headers["host"])
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    if golden.name == "serverchan-sdk/turbo-bad-key-answer" {
      #expect(
        answer
          == .all(
            .deferred(.credentials, code: "40001", reason: "[AUTH]错误的Key").blaming(.account), in: call, advice: .suspend
          ))
    } else {
      let isTurbo = golden.host == "sctapi.ftqq.com"
      var accepted = Outcome.accepted(id: isTurbo ? "97909234" : "1")
      // By which what became of it is asked.
      accepted.readKey = answer.outcomes.first?.readKey
      #expect(answer == Answer([accepted]) && (accepted.readKey != nil) == isTurbo)
    }
  }
}

extension GoldenCase {
  fileprivate var host: String? { headers["host"] }
}

@Suite struct ServerChanTests {
  @Test(arguments: [
    (turboKey, "https://sctapi.ftqq.com/\(turboKey).send"),
    (thirdKey, "https://123.push.ft07.com/send/\(thirdKey).send"),
    ("sctp7tx", "https://7.push.ft07.com/send/sctp7tx.send"),
  ])
  func theKeyTellsTheServicesApart(_ key: String, _ url: String) throws {
    let provider = try serverChan(key)
    #expect(provider.request(for: try provider.call(Message(body: "x"), to: [""])).http.url == url)
    let own = try ServerChan(settings(ServerChan.self, ["sendkey": .string(key)], endpoint: "http://127.0.0.1:1/a"))
    let path = url.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" }
    let request = own.request(for: try own.call(Message(body: "x"), to: [""]))
    #expect(request.http.url == "http://127.0.0.1:1/a\(path)")
  }

  @Test(arguments: [
    "", "SCU123", "sctp", "sctpt", "sctp12", "sctpxt", "abc", "SCT/../x", "SCT1?a=b", "SCT1 ", "SCT１", "sctp1.evil/t",
  ])
  func whatIsNoKeyIsRefused(_ key: String) {
    let fault = #expect(throws: SettingFault.self) { try serverChan(key) }
    #expect(fault?.setting == "sendkey" && (key.utf8.count < 6 || fault?.problem.contains(key) == false))
  }

  @Test func onlyTheOwnerIsARecipient() throws {
    #expect(try serverChan(turboKey).target("") == Target(""))
    #expect(throws: RecipientFault.self) { try serverChan(turboKey).target("somebody") }
  }

  @Test func everyTextArrivesAsItWasWritten() throws {
    for text in hostileTexts {
      let title = String(text.filter { !$0.isNewline }.prefix(10))
      let turbo = try serverChan(turboKey)
      let message = Message(
        body: text, title: title, format: .markdown,
        options: [
          .init("short", .string(text)), .init("openid", .strings([text, "b"])), .init("noip", .boolean(true)),
        ])
      let json = try #require(turbo.request(for: try turbo.call(message, to: [""])).json)
      #expect(
        json
          == .object([
            "title": .string(title), "desp": .string(text), "short": .string(text), "openid": .string("\(text),b"),
            "noip": .string("1"),
          ]))
      let third = try serverChan(thirdKey)
      let tagged = Message(body: text, title: title, options: [.init("tags", .strings([text, "b"]))])
      #expect(third.request(for: try third.call(tagged, to: [""])).json?["tags"] == .string("\(text)|b"))
    }
  }

  @Test func aTitleIsMadeOfTheBodyWhereThereIsNone() throws {
    let provider = try serverChan(turboKey)
    func fields(_ body: String) throws -> [String?] {
      let content = try provider.rendered(Message(body: body))
      return [content["title"], content["desp"]]
    }
    #expect(try fields("short") == ["short", nil])
    #expect(try fields("\n \nfirst\nsecond") == ["first", "\n \nfirst  \nsecond"])
    let long = String(repeating: "字", count: 40)
    #expect(try fields(long) == [String(repeating: "字", count: 32), long])
    let emoji = String(repeating: "👩‍💻", count: 10)  // 5 units each
    #expect(try fields(emoji) == [String(repeating: "👩‍💻", count: 6), emoji])
    #expect(try provider.rendered(Message(body: "t", title: "t"))["desp"] == "t")
  }

  @Test func aPlainTextKeepsItsLinesAndALinkHasOneOfItsOwn() throws {
    let provider = try serverChan(turboKey)
    func desp(_ body: String?, _ format: Message.Format = .text, url: String? = nil, title: String? = "t") throws
      -> String?
    {
      try provider.rendered(Message(body: body, title: title, format: format, url: url))["desp"]
    }
    #expect(try desp("a\nb\r\nc\n") == "a  \nb  \nc\n")
    #expect(try desp("a\n\nb\n \nc") == "a\n\nb\n \nc", "paragraphs are apart already")
    #expect(try desp("a\nb", .markdown) == "a\nb", "Markdown is its writer's")
    #expect(try desp("a\nb", url: "https://e.example/?a=1&b_c") == "a  \nb\n\nhttps://e.example/?a=1&b_c")
    #expect(try desp("a", .markdown, url: "https://e.example") == "a\n\nhttps://e.example")
    #expect(try desp(nil, url: "https://e.example") == "https://e.example")
    // What is all in the title is not said twice.
    #expect(try desp("short", url: "https://e.example", title: nil) == "https://e.example")
  }

  @Test func aTitleThatIsTooLongIsRefusedUnlessItMayBeCut() throws {
    let provider = try serverChan(turboKey)
    let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
    _ = try provider.rendered(Message(title: String(repeating: "字", count: 32)))
    #expect(fault(Message(title: String(repeating: "字", count: 33)))?.problem.contains("at most 32") == true)
    #expect(fault(Message(title: "a\nb"))?.field == "title")
    #expect(fault(Message())?.field == "title")
    #expect(fault(Message(body: " \n"))?.field == "title")
    let cut = [JSON.Member("cut_title", .boolean(true))]
    let content = try provider.rendered(Message(title: "a\n" + String(repeating: "字", count: 33), options: cut))
    #expect(content["title"] == "a " + String(repeating: "字", count: 30))
    _ = try provider.rendered(Message(body: String(repeating: "x", count: 32_768), title: "t"))
    #expect(fault(Message(body: String(repeating: "字", count: 10_923), title: "t"))?.field == "body")
    #expect(fault(Message(body: "x", attachments: [.init(source: .data([]))]))?.field == "attachments")
  }

  @Test func optionsOfTheOtherServiceAreRefused() throws {
    func fault(_ key: String, _ name: String, _ value: JSON) throws -> String? {
      let provider = try serverChan(key)
      let message = Message(body: "x", options: [.init(name, value)])
      return #expect(throws: MessageFault.self) { try provider.rendered(message) }?.field
    }
    #expect(try fault(turboKey, "tags", .strings(["a"])) == "options.tags")
    for (name, value) in [("channel", JSON.string("9")), ("openid", .strings(["a"])), ("noip", .boolean(true))] {
      #expect(try fault(thirdKey, name, value) == "options.\(name)")
    }
    for channel in ["9|66|1", "|", "9|", "x"] {
      #expect(try fault(turboKey, "channel", .string(channel)) == "options.channel")
    }
    let content = try serverChan(turboKey).rendered(Message(body: "x", options: [.init("channel", .string("9|66"))]))
    #expect(content["channel"] == "9|66")
  }

  @Test(
    arguments: [
      (200, #"{"code":0}"#, RecipientState.accepted, nil, false),
      (200, #"{"code":"0","data":[]}"#, .accepted, nil, false),
      (200, #"{"code":0,"data":{"errno":1,"error":"no"}}"#, .unconfirmed, .uncertain, false),
      (500, #"{"code":0}"#, .unconfirmed, .uncertain, false),
      (400, #"{"code":40001,"message":"[AUTH]错误的Key","scode":461}"#, .deferred, .credentials, true),
      (200, #"{"code":40001,"message":"[AUTH]错误的Key"}"#, .deferred, .credentials, true),
      (400, #"{"code":40001,"message":"[AUTH]超过当天的发送次数限制[5]，请稍后再试"}"#, .deferred, .quota, true),
      (400, #"{"code":40001,"message":"Key","scode":471}"#, .deferred, .quota, true),
      (400, #"{"code":471}"#, .deferred, .quota, true),
      (400, #"{"code":40001}"#, .deferred, .credentials, true), (429, "", .deferred, .quota, true),
      (429, #"{"code":1}"#, .deferred, .quota, true), (500, "", .deferred, .provider, false),
      (502, "<html>", .deferred, .provider, false), (503, #"{"code":7}"#, .deferred, .provider, false),
      (400, #"{"code":40002,"message":"title 不能为空"}"#, .rejected, .message, false),
      (400, #"{"code":40002,"message":"内容过长"}"#, .rejected, .message, false),
      (400, #"{"code":40002,"message":"?"}"#, .deferred, .provider, false),
      (200, #"{"code":40002,"message":"?"}"#, .deferred, .provider, false), (200, "", .unconfirmed, .uncertain, false),
      (200, "<html>", .deferred, .provider, false), (404, "", .deferred, .credentials, true),
    ] as [(Int, String, RecipientState, ErrorKind?, Bool)])
  func anAnswerMeansWhatTheDocumentSays(
    _ status: Int, _ body: String, _ state: RecipientState, _ kind: ErrorKind?, _ isSuspended: Bool
  ) throws {
    let provider = try serverChan(turboKey)
    let answer = provider.answer(status, body, to: try provider.call(Message(body: "x"), to: [""]))
    #expect(answer.outcomes.map(\.state) == [state])
    #expect(answer.outcomes[0].kind == kind)
    #expect(answer.advice == (isSuspended ? .suspend : .proceed))
  }

  @Test func aUsedUpQuotaLastsUntilMidnightInChina() throws {
    let provider = try serverChan(turboKey)
    let call = try provider.call(Message(body: "x"), to: [""])
    let quota = provider.answer(400, #"{"code":40001,"message":"超过当天的发送次数限制[5]"}"#, to: call)
    #expect(quota.outcomes[0].retryAfter == 26_985)
    #expect(provider.answer(429, "", to: call).outcomes[0].retryAfter == 10_800)
  }
}

@Suite struct ServerFanTests {
  private func make(_ values: [String: JSON] = [:]) throws -> ServerFan {
    try ServerFan(settings(ServerFan.self, values.merging(["token": .string("t0ken")]) { one, _ in one }))
  }

  @Test func theRequestIsTheDocumentedOne() throws {
    for (values, options, path) in [
      ([:], [], "/message/auto"), (["type": .string("info")], [], "/message/info"),
      (["agent": .boolean(true)], [.init("type", .string("warning"))], "/agent/message/warning"),
      (["agent": .boolean(false)], [.init("type", .string("text"))], "/message/text"),
    ] as [([String: JSON], [JSON.Member], String)] {
      let provider = try make(values)
      for text in hostileTexts {
        let message = Message(body: text, title: text, options: options)
        let request = provider.request(for: try provider.call(message, to: [""]))
        #expect(request.http.url == "https://api.letserver.run\(path)" && request.http.method == .post)
        #expect(request.header("authorization") == "Bearer t0ken" && request.mediaType == "application/json")
        #expect(request.json == .object(["message": .string("\(text)\n\(text)")]))
      }
    }
  }

  @Test func whatCannotBeSentIsNamed() throws {
    let provider = try make()
    let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
    #expect(fault(Message())?.field == "body")
    #expect(fault(Message(body: "x", options: [.init("type", .string("loud"))]))?.field == "options.type")
    #expect(fault(Message(body: "x", attachments: [.init(source: .data([]))]))?.field == "attachments")
    #expect(throws: RecipientFault.self) { try provider.target("x") }
    for (name, value) in [("type", "loud"), ("token", "a\nb"), ("token", "")] {
      #expect(#expect(throws: SettingFault.self) { try make([name: .string(value)]) }?.setting == name)
    }
  }

  @Test(
    arguments: [
      (202, "", RecipientState.accepted, nil, false), (202, "{}", .unconfirmed, .uncertain, false),
      (200, "", .unconfirmed, .uncertain, false), (401, "", .deferred, .credentials, true),
      (429, "", .deferred, .quota, true),
      (400, #"{"error":"InvalidMessage","message":"no"}"#, .rejected, .message, false),
      (422, "", .rejected, .message, false), (500, "", .deferred, .provider, false),
      (503, "<html>", .deferred, .provider, false), (404, "", .deferred, .credentials, true),
    ] as [(Int, String, RecipientState, ErrorKind?, Bool)])
  func anAnswerMeansWhatTheDocumentSays(
    _ status: Int, _ body: String, _ state: RecipientState, _ kind: ErrorKind?, _ isSuspended: Bool
  ) throws {
    let provider = try make()
    let answer = provider.answer(status, body, to: try provider.call(Message(body: "x"), to: [""]))
    #expect(answer.outcomes.map(\.state) == [state])
    #expect(answer.outcomes[0].kind == kind)
    #expect(answer.advice == (isSuspended ? .suspend : .proceed))
    if status == 400 { #expect(answer.outcomes[0].code == "InvalidMessage" && answer.outcomes[0].reason == "no") }
  }
}
