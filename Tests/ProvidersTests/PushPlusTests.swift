import Core
import Foundation
import Testing

@testable import Providers

let pushPlus: @Sendable ([String: JSON]) throws -> PushPlus = { values in
  try PushPlus(
    settings(PushPlus.self, values.merging(["token": .string("dummypushplustoken00000000000001")]) { one, _ in one }))
}

@Suite struct PushPlusGoldenTests {
  static let cases = GoldenCase.load("pushplus")

  @Test func allCasesAreThere() {
    #expect(Self.cases.count == 6)
  }

  @Test(arguments: cases)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try pushPlus([:])
    let format: Message.Format =
      switch golden.input["template"]?.string {
      case "txt": .text
      case "markdown": .markdown
      default: .html
      }
    let options = ["channel", "option"].compactMap { name in
      golden.input[name]?.string.map { JSON.Member(name, .string($0)) }
    }
    let message = Message(
      body: golden.input["content"]?.string, title: golden.input["title"]?.string, format: format, options: options)
    let call = try provider.call(message, to: [golden.input["topic"]?.string.map { "topic:\($0)" } ?? ""])
    #expect(differences(provider.request(for: call), golden) == [])
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    switch golden.name {
    case "perk-pushplus-sdk/rate-limited-900":
      #expect(answer.advice == .suspend && answer.rest == .seconds(172_800))
      #expect(
        answer.outcomes == [
          .deferred(.quota, code: "900", reason: "请求次数过多,减少请求后2天恢复正常", retryAfter: 172_800)
            .blaming(.account)
        ])
    case "perk-pushplus-sdk/batch-three-channels":
      #expect(answer == Answer([.accepted(id: "00000000000000000000000000000001")]))
    default:
      #expect(answer == Answer([.accepted(id: "3cbc5eab19fe512e80677540fbde332a")]))
    }
  }
}

@Suite struct PushPlusTests {
  @Test func friendsShareCallsAndGroupsAndTheOwnerDoNot() throws {
    let provider = try pushPlus([:])
    let friends = (0..<10).map { "friend\($0)" }
    let request = provider.request(for: try provider.call(Message(body: "x"), to: friends))
    #expect(request.json?["to"] == .string(friends.joined(separator: ",")) && request.json?["topic"] == nil)
    #expect(PushPlus.card.recipientsPerCall == 10 && PushPlus.card.raisedRecipientsPerCall == 100)
    #expect(try provider.target("friend1").lane.capacity == nil)
    let topic = try provider.target("topic:ops")
    #expect(topic.lane.capacity == 1 && topic.wire == "ops" && topic.identity == "topic:ops")
    #expect(try provider.target("").lane.capacity == 1)
    #expect(Set([topic.lane, try provider.target("").lane, try provider.target("ops").lane]).count == 3)
    let owner = provider.request(for: try provider.call(Message(body: "x"), to: [""]))
    #expect(owner.json?.object?.keys.sorted() == ["content", "template", "token"])
  }

  @Test(arguments: [
    "a,b", "a b", "topic:", "topic:a,b", "topic:a b", "group:1", "a\n", "a\u{0}", "a\u{200B}", " ", "\u{2028}",
  ])
  func whatWouldBeReadAsSomethingElseIsRefused(_ address: String) throws {
    let provider = try pushPlus([:])
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func everyTextArrivesAsItWasWritten() throws {
    let provider = try pushPlus([:])
    for text in hostileTexts {
      let message = Message(
        body: text, title: text.lines.joined(), format: .markdown,
        options: [
          .init("option", .string(text)), .init("callback_url", .string(text)), .init("pre", .string(text)),
          .init("channel", .string("webhook")),
        ])
      let json = try #require(provider.request(for: try provider.call(message, to: ["f\"\\&"])).json)
      for name in ["content", "option", "callbackUrl", "pre"] { #expect(json[name] == .string(text)) }
      #expect(json["title"] == .string(text.lines.joined()))
      #expect(json["to"] == .string("f\"\\&") && json["token"] == .string("dummypushplustoken00000000000001"))
      #expect(json["template"] == .string("markdown") && json.object?.count == 9)
    }
  }

  @Test func limitsAreThoseOfTheAccount() throws {
    for (values, title, body) in [([:], 100, 20_000), (["member": .boolean(true)], 200, 100_000)]
      as [([String: JSON], Int, Int)]
    {
      let provider = try pushPlus(values)
      let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
      let longest = String(repeating: "字", count: body)
      _ = try provider.rendered(Message(body: longest, title: String(repeating: "字", count: title)))
      #expect(fault(Message(body: longest + "x"))?.problem.contains("at most \(body)") == true)
      #expect(fault(Message(body: "x", title: String(repeating: "字", count: title + 1)))?.field == "title")
      #expect(fault(Message(body: "x", title: "two\r\nlines"))?.field == "title")
      #expect(fault(Message())?.field == "body")
      #expect(fault(Message(body: "x", attachments: [.init(source: .data([]))]))?.field == "attachments")
    }
  }

  @Test func channelsAndTheirOptionsAreCheckedBeforeARequestIsCounted() throws {
    let provider = try pushPlus(["channel": .string("webhook"), "option": .string("bark")])
    func content(_ channel: String?, _ option: String? = nil, template: String? = nil) throws -> Content {
      let options = [("channel", channel), ("option", option), ("template", template)].compactMap { name, value in
        value.map { JSON.Member(name, .string($0)) }
      }
      return try provider.rendered(Message(body: "x", options: options))
    }
    #expect(try content(nil)["option"] == "bark" && content(nil)["channel"] == "webhook")
    #expect(try content("mail")["option"] == nil, "the configured code is for the configured channel")
    #expect(try content("wechat,cp", ",x")["option"] == ",x")
    #expect(try content("cp", "x", template: "json")["template"] == "json")
    for (channel, option, field) in [
      ("wechat,pigeon", nil, "channel"), ("", "a,b", ""), ("wechat,", nil, "channel"),
      ("wechat,cp,mail,app,qq,sms", nil, "channel"), ("wechat,cp", "x", "option"), ("wechat,cp", "a,b,c", "option"),
    ] as [(String, String?, String)] where !field.isEmpty {
      #expect(#expect(throws: MessageFault.self) { try content(channel, option) }?.field == "options.\(field)")
    }
    #expect(#expect(throws: MessageFault.self) { try content(nil, template: "x") }?.field == "options.template")
    #expect(#expect(throws: SettingFault.self) { try pushPlus(["channel": .string("pigeon")]) }?.setting == "channel")
    #expect(#expect(throws: SettingFault.self) { try pushPlus(["token": .string("")]) }?.setting == "token")
  }

  @Test(arguments: [
    (302, RecipientState.deferred, ErrorKind.credentials, true), (401, .deferred, .credentials, true),
    (403, .deferred, .credentials, true), (500, .deferred, .provider, false), (600, .rejected, .message, false),
    (805, .deferred, .credentials, false), (888, .deferred, .quota, true), (900, .deferred, .quota, true),
    (903, .deferred, .credentials, true), (905, .deferred, .credentials, true), (999, .rejected, .message, false),
    (0, .deferred, .provider, false), (4711, .deferred, .provider, false),
  ])
  func aCodeMeansWhatTheDocumentSays(
    _ code: Int, _ state: RecipientState, _ kind: ErrorKind, _ isSuspended: Bool
  ) throws {
    let provider = try pushPlus([:])
    let call = try provider.call(Message(body: "x"), to: ["a", "b"])
    let answer = provider.answer(200, #"{"code":\#(code),"msg":"text","data":null}"#, to: call)
    #expect(answer.outcomes.map(\.state) == [state, state])
    #expect(answer.outcomes[0].kind == kind && answer.outcomes[0].code == String(code))
    #expect(answer.outcomes[0].reason == "text")
    #expect(answer.outcomes[0].attempts == (kind == .provider ? 3 : nil))
    // 08:30:15 UTC is 16:30:15 in China.
    #expect(answer.outcomes[0].retryAfter == (code == 900 ? 26_985 : nil))
    #expect(answer.advice == (isSuspended ? .suspend : .proceed), "halves would be counted too")
  }

  @Test func thatTheOwnerMayNotBeSentToIsNotTheFriendsTrouble() throws {
    let provider = try pushPlus([:])
    let answer = provider.answer(200, #"{"code":805,"msg":"x"}"#, to: try provider.call(Message(body: "x"), to: [""]))
    #expect(answer.advice == .suspend)
  }

  @Test(arguments: [
    (200, "", RecipientState.unconfirmed), (200, "{\"code\"", .unconfirmed), (200, "<html>", .deferred),
    (502, "<html>", .deferred), (500, "", .deferred), (500, #"{"code":200,"data":"x"}"#, .unconfirmed),
    (400, "bad", .deferred), (200, #"{"code":200,"data":null}"#, .accepted),
  ])
  func whatIsNoProperAnswerIsJudgedByHowItLooks(_ status: Int, _ body: String, _ state: RecipientState) throws {
    let provider = try pushPlus([:])
    let answer = provider.answer(status, body, to: try provider.call(Message(body: "x"), to: ["a"]))
    #expect(answer.outcomes.map(\.state) == [state])
  }

  @Test func overSeveralChannelsOneIsEnough() throws {
    let provider = try pushPlus(["channel": .string("wechat,cp")])
    let call = try provider.call(Message(body: "x"), to: [""])
    #expect(provider.request(for: call).path == "/batchSend")
    func answer(_ data: String) -> Answer { provider.answer(200, #"{"code":200,"data":\#(data)}"#, to: call) }
    let partly = answer(#"[{"code":500,"message":"no"},{"code":200,"shortCode":"s"}]"#)
    #expect(partly == Answer([.accepted(id: "s")]))
    let refused = answer(#"[{"code":903,"message":"no"},{"code":500}]"#)
    #expect(refused.outcomes == [.deferred(.credentials, code: "903", reason: "no").blaming(.account)])
    #expect(refused.advice == .suspend && refused.rest == .untilMended)
    for data in ["null", "[]", "\"x\"", "[{}]"] { #expect(answer(data).outcomes[0].state == .unconfirmed) }
  }
}
