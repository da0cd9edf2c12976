import Core
import Foundation
import Sweeping
import Testing

@testable import Providers

extension Pushover: Exemplified {
  static let specimen = Specimen(
    provider: Pushover.self, values: ["token": .string("s3cretToken0000000000000000000")],
    message: Message(body: "text"), addresses: [userKey(1), userKey(2)],
    success: (200, #"{"status":1,"request":"r-1"}"#), throttled: (429, "slow down"),
    wrongCredentials: (400, #"{"token":"invalid","errors":["application token is invalid"],"status":0}"#),
    unknownCode: (200, #"{"status":31337,"request":"r-1"}"#), takesHTML: true)
}

private func userKey(_ number: Int) -> String {
  let digits = String(number)
  return "uDummyUserKey" + String(repeating: "0", count: 17 - digits.count) + digits
}

private let pushover: @Sendable () throws -> Pushover = {
  try Pushover(settings(Pushover.self, ["token": .string("aDummyAppToken0000000000000000")]))
}

@Suite struct PushoverRequestTests {
  static let sending = GoldenCase.load("pushover") { !$0.contains("limits") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 6)
  }

  /// The recorded inputs are the API's own parameters; this is the message that means the same.
  private func message(_ input: Value) -> Message {
    var options: [JSON.Member] = []
    if let devices = input["device"]?.strings { options.append(.init("device", .strings(devices))) }
    if let sound = input["sound"]?.string { options.append(.init("sound", .string(sound))) }
    for name in ["ttl", "timestamp"] {
      if let number = input[name]?.number { options.append(.init(name, .integer(number))) }
    }
    return Message(
      body: input["message"]?.string, title: input["title"]?.string,
      format: input["html"]?.number == 1 ? .html : .text, priority: input["priority"]?.number == 1 ? .high : .normal,
      options: options)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try pushover()
    let to = try #require(golden.input["user"]?.string)
    // One case is of a key that is refused before sending; its answer counts all the same.
    let target = to == "bad" ? Target(to) : try provider.target(to)
    let call = Call(
      id: "call-1", contents: [try provider.rendered(message(golden.input))], recipients: [.init(target)])
    let request = provider.request(for: call)
    // Quirks: html=False; a repeated device, ALL_DEVICES; default title, sound and priority.
    var ignoring: Set<String> = golden.input["html"] == nil ? ["html"] : ["device"]
    if golden.name == "apprise/quota-429" { ignoring = ["device", "title", "sound", "priority"] }
    #expect(fieldDifferences(request, golden, ignoring: ignoring) == [])
    #expect(request.query.isEmpty && request.mediaType == "application/x-www-form-urlencoded")
    if golden.input["ttl"] != nil { #expect(request.formValue("device") == "droid2,iphone") }
    let answer = provider.answer(
      .http(try #require(golden.response)), to: call, at: Date(timeIntervalSince1970: 1_701_410_000))
    switch golden.name {
    case "apprise/quota-429":
      let reason = "application has reached its monthly message limit"
      #expect(
        answer.outcomes == [.deferred(.quota, code: "HTTP 429", reason: reason, retryAfter: 400).blaming(.account)])
      #expect(answer.advice == .suspend && answer.rest == .seconds(400))
    case "pushover_complete/invalid-user-answer":
      #expect(throws: RecipientFault.self) { try provider.target(to) }
      #expect(
        answer
          == Answer([.rejected(.recipient, code: "HTTP 400", reason: "user identifier is invalid").blaming(.recipient)])
      )
    default: #expect(answer == Answer([.accepted(id: "647d2300-702c-4b38-8b2f-d56326ae460b")]))
    }
  }

  @Test func fiftyKeysShareACallAndDevicesKeepItToOne() throws {
    let provider = try pushover()
    let keys = (0..<50).map(userKey)
    let request = provider.request(for: try provider.call(Message(body: "x"), to: keys))
    #expect(request.formValue("user") == keys.joined(separator: ","))
    for (message, calls) in [(Message(body: "x"), 1), (.with("device", .strings(["droid2"])), 3)] {
      let content = try provider.rendered(message)
      var grouper = Grouper<Int>(capacity: 50)
      for number in 0..<3 { grouper.add(.init(try provider.target(userKey(number)), content, .normal, number)) }
      grouper.flush()
      var batches = 0
      while grouper.next() != nil { batches += 1 }
      #expect(batches == calls)
    }
  }

  @Test(arguments: ["", "bad", userKey(1) + "0", String(userKey(1).dropLast()) + "-", "ü" + userKey(1).dropFirst(2)])
  func wrongKeysAreRefused(_ address: String) throws {
    let provider = try pushover()
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func everyFieldArrivesAsItWasWrittenInAFormAndInParts() throws {
    let provider = try pushover()
    for text in hostileTexts {
      let message = Message(
        body: text, title: text, url: text,
        options: [.init("url_title", .string(text)), .init("sound", .string(text))])
      var call = try provider.call(message, to: [userKey(1)])
      let fields = [
        "token": "aDummyAppToken0000000000000000", "user": userKey(1), "message": text, "title": text, "url": text,
        "url_title": text, "sound": text,
      ]
      #expect(provider.request(for: call).fields == fields)
      let file = AttachmentFile(directory: "/srv", path: "a.png")
      call.contents[0].attachments = [.init(name: "a\".png", type: "image/png", source: .file(file))]
      let request = provider.request(for: call)
      #expect(request.http.body.isEmpty && request.header("content-type") == nil)
      #expect(request.fields.filter { $0.key != "attachment" } == fields)
      #expect(
        request.part("attachment") == FormPart("attachment", fileName: "a\".png", type: "image/png", .file(file)))
    }
  }

  @Test func limitsAreInclusiveAndCountCodePoints() throws {
    let provider = try pushover()
    for (text, count) in [("x", 1), ("🚀", 1), ("e\u{301}", 2)] {
      let fits = String(repeating: text, count: 1_024 / count)
      #expect(faultyField(provider, Message(body: fits)) == nil)
      #expect(faultyField(provider, Message(body: fits + "x")) == "body")
    }
    let fault = #expect(throws: MessageFault.self) {
      try provider.rendered(Message(body: String(repeating: "字", count: 1_025)))
    }
    #expect(fault?.problem == "has 1025 characters; pushover takes at most 1024")
    #expect(faultyField(provider, Message(body: "x", title: String(repeating: "t", count: 250))) == nil)
    #expect(faultyField(provider, Message(body: "x", title: String(repeating: "t", count: 251))) == "title")
    #expect(faultyField(provider, Message(body: "x", url: String(repeating: "u", count: 513))) == "url")
    let long = JSON.string(String(repeating: "u", count: 101))
    #expect(faultyField(provider, .with("url_title", long)) == "options.url_title")
    #expect(faultyField(provider, Message()) == "body")
    #expect(faultyField(provider, Message(body: "x", format: .markdown)) == "format")
    #expect(
      faultyField(provider, Message(body: "x", format: .html, options: [.init("monospace", .boolean(true))]))
        == "options.monospace")
    #expect(faultyField(provider, .with("device", .strings(["a b"]))) == "options.device")
    let big = Message.Attachment(source: .data(Array(repeating: 0, count: 5_242_881)))
    #expect(faultyField(provider, Message(body: "x", attachments: [big])) == "attachments[0]")
  }

  @Test func anEmergencyNeedsItsTimesAndNothingElseHasThem() throws {
    let provider = try pushover()
    let two = JSON.Member("priority", .integer(2))
    let retry = JSON.Member("retry", .integer(30))
    let expire = JSON.Member("expire", .integer(10_800))
    func field(_ options: [JSON.Member]) -> String? { faultyField(provider, Message(body: "x", options: options)) }
    #expect(field([two]) == "options.retry")
    #expect(field([two, retry]) == "options.expire")
    #expect(field([retry]) == "options.retry")
    #expect(field([.init("tags", .strings(["a"]))]) == "options.tags")
    #expect(field([two, .init("retry", .integer(29)), expire]) == "options.retry")
    #expect(field([two, retry, .init("expire", .integer(10_801))]) == "options.expire")
    let message = Message(
      body: "x", priority: .low,
      options: [two, retry, expire, .init("callback", .string("https://cb")), .init("tags", .strings(["a", "b"]))])
    let call = try provider.call(message, to: [userKey(1)])
    let fields = provider.request(for: call).fields
    #expect(fields["priority"] == "2" && fields["retry"] == "30" && fields["expire"] == "10800")
    #expect(fields["callback"] == "https://cb" && fields["tags"] == "a,b")
    let answer = provider.answer(200, #"{"status":1,"request":"r","receipt":"R0"}"#, to: call)
    #expect(answer.outcomes == [.accepted(id: "R0")])
  }

  @Test func aMessagesPriorityIsPushovers() throws {
    let provider = try pushover()
    for (priority, expected) in [(Message.Priority.low, "-1"), (.normal, nil), (.high, "1")] as [(_, String?)] {
      #expect(try provider.rendered(Message(body: "x", priority: priority))["priority"] == expected)
    }
  }
}

@Suite struct PushoverAnswerTests {
  private static func refusal(_ fields: String, _ text: String) -> String {
    "{\(fields)\"errors\":[\"\(text)\"],\"status\":0,\"request\":\"r\"}"
  }

  static let rows = [
    AnswerRow(400, refusal(#""token":"invalid","#, "application token is invalid"), .deferred, .credentials, .suspend),
    AnswerRow(400, refusal("", "application token is invalid"), .deferred, .credentials, .suspend),
    AnswerRow(
      400, refusal(#""user":"invalid","#, "user identifier is invalid"), .rejected, .recipient, several: .split),
    AnswerRow(400, refusal("", "user key is invalid"), .rejected, .recipient, several: .split),
    AnswerRow(400, refusal(#""device":"invalid","#, "device name is invalid"), .rejected, .recipient, several: .split),
    AnswerRow(400, refusal(#""message":"cannot be blank","#, "message cannot be blank"), .rejected, .message),
    AnswerRow(400, refusal("", "something new"), .rejected, .message),
    AnswerRow(200, refusal("", "something new"), .rejected, .message),
    AnswerRow(413, refusal("", "attachment too large"), .rejected, .message), AnswerRow(413, "", .rejected, .message),
    AnswerRow(429, refusal("", "limit"), .deferred, .quota, .suspend),
    AnswerRow(429, "<html>", .deferred, .throttled, .slowDown(retryAfter: nil)),
    AnswerRow(418, "teapot", .rejected, .message), AnswerRow(500, "oops", .deferred, .provider),
    AnswerRow(503, refusal("", "busy"), .deferred, .provider), AnswerRow(200, "<html>", .deferred, .provider),
    AnswerRow(200, "{}", .unconfirmed, .uncertain), AnswerRow(200, "", .unconfirmed, .uncertain),
  ]

  @Test(arguments: rows)
  func anAnswerMeansWhatTheDocumentSays(_ row: AnswerRow) throws {
    let provider = try pushover()
    for count in [1, 3] { row.check(provider, try provider.call(Message(body: "x"), to: (0..<count).map(userKey))) }
  }

  @Test func theQuotaLastsUntilItsResetAndNoLongerThanADay() throws {
    let provider = try pushover()
    let call = try provider.call(Message(body: "x"), to: [userKey(1)])
    for (reset, wait) in [("1716193915", 100.0), ("1717000000", 86_400), ("1", nil)] as [(String, Double?)] {
      let answer = provider.answer(
        429, Self.refusal("", "limit"), headers: [HTTPHeader("x-limit-app-reset", reset)], to: call)
      #expect(answer.outcomes[0].retryAfter == wait)
    }
  }
}
