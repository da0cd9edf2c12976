import Core
import Foundation
import Testing

@testable import Providers

@Suite struct WebhookTests {
  private func make(_ values: [String: JSON] = [:], template: String? = nil, success: String? = nil) throws -> Webhook {
    var values = values
    values["url"] = values["url"] ?? .string("https://example.com/hook?key=a%20b")
    if let template { values["template"] = try JSONScanner.value(of: Array(template.utf8)) }
    if let success { values["success"] = try JSONScanner.value(of: Array(success.utf8)) }
    return try Webhook(settings(Webhook.self, values))
  }

  private func body(_ webhook: Webhook, _ message: Message, to addresses: [String] = ["bob"]) throws -> String {
    String(decoding: webhook.request(for: try webhook.call(message, to: addresses)).http.body, as: UTF8.self)
  }

  @Test func theUsualTemplateSendsWhatThereIs() throws {
    let webhook = try make()
    #expect(try body(webhook, Message(body: "x", title: "t")) == #"{"to":"bob","title":"t","body":"x"}"#)
    #expect(try body(webhook, Message(body: "x"), to: [""]) == #"{"body":"x"}"#)
    let request = webhook.request(for: try webhook.call(Message(body: "x"), to: ["bob"])).http
    #expect(request.url == "https://example.com/hook?key=a%20b" && request.method == .post)
    #expect(
      request.headers == [HTTPHeader("Content-Type", "application/json"), HTTPHeader("Accept", "application/json")])
  }

  @Test func placesAreFilledWhereverTheyStand() throws {
    let webhook = try make(
      template: #"{"a":["{title}","x{body}y",1,null,true,{"{to}":"{params.code}"}],"id":"{id}/{call}","b":"{{}}"}"#)
    let message = Message(body: "B", params: .named([.init("code", "42"), .init("other", "x")]), id: "m1")
    #expect(try body(webhook, message) == #"{"a":["xBy",1,null,true,{"{to}":"42"}],"id":"m1/call-1","b":"{}"}"#)
    #expect(try body(make(template: #"["{body}"]"#), Message(body: "x")) == #"["x"]"#)
  }

  @Test(arguments: hostileTexts + ["{title}", "{{body}}", "}{"])
  func noTextBreaksOutOfItsPlace(text: String) throws {
    let webhook = try make(template: #"{"text":"a {body} b","only":"{body}","to":"{to}"}"#)
    let value = try #require(Value(Data(try body(webhook, Message(body: text), to: [text]).utf8)))
    #expect(
      value == .object(["text": .string("a \(text) b"), "only": .string(text), "to": .string(text)]))
  }

  @Test func severalRecipientsAreAList() throws {
    let webhook = try make(["recipients_per_call": .integer(50)])
    #expect(try body(webhook, Message(body: "x"), to: ["a", "b"]) == #"{"to":["a","b"],"body":"x"}"#)
    #expect(try body(webhook, Message(body: "x"), to: ["a"]) == #"{"to":["a"],"body":"x"}"#)
    #expect(try webhook.target("a").lane.capacity == 50 && make().target("a").lane.capacity == 1)
  }

  @Test func messagesThatLookAlikeToTheTemplateShareARequest() throws {
    let webhook = try make(template: #"{"text":"{body}"}"#)
    #expect(
      try webhook.rendered(Message(body: "x", title: "a", id: "1"))
        == webhook.rendered(Message(body: "x", id: "2")))
  }

  @Test func settingsThatCannotWorkAreRefused() throws {
    for (name, value) in [
      ("method", #""GET""#), ("headers", #"{"A B":"x"}"#), ("headers", #"{"A":"x\r\ny"}"#),
      ("headers", #"{"Host":"x"}"#),
      ("headers", #"{"A":1}"#), ("template", #"{"a":"{bdy}"}"#), ("template", #"{"a":"{"}"#),
      ("template", #"{"a":"}"}"#),
      ("template", #"{"a":"{params.}"}"#), ("success", #"{"status":[404]}"#), ("success", #"{"status":200}"#),
      ("success", #"{"field":"a"}"#), ("success", #"{"equals":1}"#), ("success", #"{"x":1}"#),
      ("recipients_per_call", "0"),
      ("success", #"{"id_header":""}"#), ("answers", #"{"x":"network"}"#), ("answers", #"{"x":1}"#),
      ("answers", #"{"":"quota"}"#), ("escape", #""markdown""#), ("repeatable", "true"),
      ("url", #""https://a/{id}""#), ("url", #""https://{to}.example.com/""#), ("url", #""https://a{call}/x""#),
      ("url", #""https://a/{""#), ("url", #""{to}""#), ("url", #""https://a/b?c=d e""#), ("url", #""ftp://a""#),
      ("url", #""https://a/?b#c""#),
    ] {
      let value = try JSONScanner.value(of: Array(value.utf8))
      let fault = #expect(throws: SettingFault.self) { try make([name: value]) }
      #expect(fault?.setting == name)
    }
    #expect(throws: SettingFault.self) { try make(["recipients_per_call": .integer(2)], template: #"{"a":"to {to}"}"#) }
    #expect(throws: SettingFault.self) {
      try make(["recipients_per_call": .integer(2), "url": .string("https://a/{to}")])
    }
  }

  @Test(arguments: [
    (#"{}"#, 200, "", "accepted"), (#"{}"#, 204, "x", "accepted"), (#"{"status":[202]}"#, 202, "", "accepted"),
    (#"{"status":[202]}"#, 200, "", "deferred"),
    (#"{"field":"a.b","equals":true}"#, 200, #"{"a":{"b":true}}"#, "accepted"),
    (#"{"field":"a","equals":0}"#, 200, #"{"a":"0"}"#, "accepted"),
    (#"{"field":"a","equals":0}"#, 200, #"{"a":1}"#, "deferred"),
    (#"{"field":"a","equals":0}"#, 200, #"{"b":0}"#, "unconfirmed"),
    (#"{"field":"a","equals":0}"#, 200, #"{"a":"#, "unconfirmed"),
    (#"{"field":"a","equals":0}"#, 200, "<html>", "deferred"), (#"{}"#, 500, "", "deferred"),
    (#"{}"#, 504, "", "unconfirmed"),
    (#"{}"#, 422, "", "rejected"), (#"{}"#, 429, "", "deferred"), (#"{}"#, 302, "", "deferred"),
  ])
  func successIsWhatTheOperatorSays(success: String, status: Int, body: String, expected: String) throws {
    let webhook = try make(success: success)
    let answer = webhook.answer(status, body, to: try webhook.call(Message(body: "x"), to: ["a"]))
    #expect(answer.outcomes.map(\.state.rawValue) == [expected])
  }

  @Test func theIdIsTakenFromWhereTheOperatorSays() throws {
    let webhook = try make(success: #"{"id":"data.id"}"#)
    let call = try webhook.call(Message(body: "x"), to: ["a"])
    #expect(webhook.answer(200, #"{"data":{"id":17}}"#, to: call).outcomes == [.accepted(id: "17")])
    #expect(webhook.answer(200, "no JSON", to: call).outcomes == [.accepted()])
  }

  @Test func whatTheTemplateHasNoPlaceForIsRefused() throws {
    let hook = try Webhook(settings(Webhook.self, ["url": .string("https://example.invalid/hook")]))
    #expect(faultyField(hook, Message(body: "x", template: "T1")) == "template")
    #expect(faultyField(hook, Message(body: "x", params: .named([.init("a", "1")]))) == "params")
    #expect(faultyField(hook, Message(body: "x", params: .positional(["1"]))) == "params")
    let other = try Webhook(
      settings(
        Webhook.self,
        [
          "url": .string("https://example.invalid/hook"),
          "template": .object([.init("t", .string("{template}")), .init("a", .string("{params.a}"))]),
        ]))
    let message = Message(body: "x", template: "T1", params: .named([.init("a", "1"), .init("b", "2")]))
    #expect(try other.rendered(message).fields == [.init("template", "T1"), .init("params.a", "1")])
  }

  // MARK: What chat services need

  @Test(arguments: hostileTexts + ["!room:example.org", "a/../b", "x?y#z", "{call}"])
  func whatStandsInTheAddressIsOnePieceOfIt(address: String) throws {
    let webhook = try make(["url": .string("https://a.example/rooms/{to}/send/{call}?x=%41")])
    let url = webhook.request(for: try webhook.call(Message(body: "x"), to: [address])).http.url
    let parts = url.components(separatedBy: "/")
    #expect(parts.count == 7 && parts[2] == "a.example" && parts[6] == "call-1?x=%41")
    #expect(parts[4].removingPercentEncoding == address)
  }

  @Test(arguments: ["", ".", "..", "..."])
  func whatWouldLeadElsewhereIsRefused(address: String) throws {
    let webhook = try make(["url": .string("https://a.example/rooms/{to}/send")])
    #expect(throws: RecipientFault.self) { try webhook.target(address) }
  }

  @Test func textIsAllThereIsAndSubjectOneLineOfIt() throws {
    let webhook = try make(template: #"{"text":"{text}","subject":"{subject}"}"#)
    let long = String(repeating: "长", count: 300)
    for (message, expected) in [
      (Message(body: "b\nc", title: "t\r\nu", url: "https://x"), ["t\r\nu\nb\nc\nhttps://x", "t u"]),
      (Message(body: "\nb\nc"), ["\nb\nc", "b"]), (Message(title: "t"), ["t", "t"]),
      (Message(body: long), [long, String(long.prefix(200))]),
    ] {
      let value = Value(Data(try body(webhook, message).utf8))
      #expect(value == .object(["text": .string(expected[0]), "subject": .string(expected[1])]))
    }
    #expect(faultyField(webhook, Message()) == "body")
  }

  @Test func textsAreEscapedAsTheFarSideNeedsIt() throws {
    let message = Message(body: "a<b>&\"c\nd")
    let template = #"{"text":"x {body}","to":"{to}"}"#
    for (escape, expected) in [("html", "x a&lt;b&gt;&amp;\"c\nd"), ("breaks", "x a<b>&\"c\n\nd")] {
      let webhook = try make(["escape": .string(escape)], template: template)
      let value = Value(Data(try body(webhook, message, to: ["<&>"]).utf8))
      #expect(value == .object(["text": .string(expected), "to": .string("<&>")]))
    }
  }

  @Test(arguments: [
    (400, "no_credit", "deferred quota"), (400, "x no_credit bad", "deferred quota"),
    (400, "bad", "rejected recipient"),
    (503, "bad", "rejected recipient"), (200, #"{"ok":false,"e":"bad"}"#, "rejected recipient"),
    (200, #"{"ok":true,"e":"bad"}"#, "accepted"), (504, "bad", "unconfirmed uncertain"), (400, "", "rejected provider"),
  ])
  func wordsInAnAnswerSayWhoseTroubleItIs(status: Int, body: String, expected: String) throws {
    let webhook = try make(
      ["answers": .object([.init("no_credit", .string("quota")), .init("bad", .string("recipient"))])],
      success: #"{"field":"ok","equals":true}"#)
    let outcome = webhook.answer(status, body, to: try webhook.call(Message(body: "x"), to: ["a"])).outcomes.first
    let words = [outcome?.state.rawValue, outcome?.kind?.rawValue].compactMap { $0 }.joined(separator: " ")
    #expect(words == expected)
  }

  @Test func aPauseIsTakenFromWhereverItIsTold() throws {
    let webhook = try make()
    let call = try webhook.call(Message(body: "x"), to: ["a"])
    let end = String(Int(Pinned.now.timeIntervalSince1970) + 30)
    for (body, headers, expected) in [
      (#"{"retry_after":64.57}"#, [], 64.57), (#"{"retry_after_ms":2000}"#, [], 2), (#"{"retry_after":-1}"#, [], nil),
      (#"{"retry_after":9}"#, [HTTPHeader("retry-after", "5")], 5), ("", [HTTPHeader("x-ratelimit-reset", end)], 30),
      ("", [HTTPHeader("x-ratelimit-reset", "7")], nil), (#"{"retry_after":1e999}"#, [], nil),
    ] as [(String, [HTTPHeader], Double?)] {
      let answer = webhook.answer(429, body, headers: headers, to: call)
      #expect(answer.outcomes.map(\.retryAfter) == [expected] && answer.outcomes[0].kind == .throttled)
    }
    // Some tell with every answer when their window ends.
    let other = webhook.answer(503, "", headers: [HTTPHeader("x-ratelimit-reset", end)], to: call)
    #expect(other.outcomes.map(\.retryAfter) == [nil])
  }

  @Test func aLostAnswerIsRepeatedWhereTheFarSideKnowsTheCall() throws {
    #expect(try Recovery(make()) == .none)
    let known = try make(["repeatable": .boolean(true)], template: #"{"id":"{call}"}"#)
    #expect(Recovery(known) == .idempotencyKey)
  }
}
