import Core
import Foundation
import Testing

@testable import Providers

@Suite struct TwilioAnswerTests {
  struct Row: CustomTestStringConvertible {
    var code: Int
    var status: Int
    var state: RecipientState
    var kind: ErrorKind
    var advice: Answer.Advice
    var testDescription: String { "\(status) \(code)" }
  }

  static func rows(
    _ status: Int, _ codes: [Int], _ state: RecipientState, _ kind: ErrorKind, _ advice: Answer.Advice = .proceed
  ) -> [Row] {
    codes.map { Row(code: $0, status: status, state: state, kind: kind, advice: advice) }
  }

  static let table: [Row] =
    rows(429, [20429, 99999], .deferred, .throttled, .slowDown(retryAfter: nil))
    + rows(400, [21611], .deferred, .throttled, .slowDown(retryAfter: nil))
    + rows(503, [20503], .unconfirmed, .uncertain) + rows(500, [20500, 99999], .unconfirmed, .uncertain)
    + rows(401, [20003, 20005, 20006, 20008, 20010, 99999], .deferred, .credentials, .suspend)
    + rows(403, [20003, 20403], .deferred, .credentials, .suspend)
    + rows(404, [20404], .deferred, .credentials, .suspend)
    + rows(400, [21211, 21610, 21612, 21614, 21635], .rejected, .recipient)
    + rows(400, [21408, 21608], .deferred, .credentials)
    + rows(
      400, [21601, 21603, 21606, 21607, 21212, 21401, 21407, 21657, 21659, 21701, 21702, 21703, 21704, 21705],
      .deferred, .credentials, .suspend)
    + rows(
      400, [14103, 21602, 21604, 21617, 21620, 21623, 21624, 21654, 21655, 21656, 21658], .rejected, .message)
    + rows(400, [21609], .deferred, .credentials, .suspend)
    + rows(400, [14107], .deferred, .throttled) + rows(400, [63038], .deferred, .quota, .suspend)
    + rows(400, [99999], .rejected, .message)

  @Test(arguments: table)
  func aCodeMeansWhatTheDocumentSays(_ row: Row) throws {
    let provider = try Twilio(
      settings(Twilio.self, twilioValues.merging(["status_callback": .string("https://cb")]) { $1 }))
    let call = try provider.call(Message(body: "x"), to: ["+15005550001"])
    let answer = provider.answer(
      row.status, #"{"code":\#(row.code),"message":"text","status":\#(row.status)}"#, to: call)
    #expect(answer.outcomes.map(\.state) == [row.state])
    #expect(answer.outcomes[0].kind == row.kind)
    #expect(answer.outcomes[0].code == String(row.code) && answer.outcomes[0].reason == "text")
    #expect(answer.advice == row.advice)
  }

  @Test func aBadSenderOfOneMessageDoesNotStopTheChannel() throws {
    let provider = try twilio()
    for (code, option) in [(21606, "from"), (21701, "messaging_service_sid"), (21609, "status_callback")] {
      let message = Message(body: "x", options: [.init(option, .string("typo"))])
      let answer = provider.answer(400, #"{"code":\#(code)}"#, to: try provider.call(message, to: ["+15005550001"]))
      #expect(answer.outcomes[0].state == .rejected && answer.outcomes[0].kind == .message)
      #expect(answer.advice == .proceed)
    }
  }

  @Test(arguments: [
    ("queued", RecipientState.accepted), ("accepted", .accepted), ("scheduled", .accepted), ("sending", .accepted),
    ("sent", .accepted), ("something new", .accepted), ("failed", .rejected), ("undelivered", .rejected),
    ("canceled", .rejected),
  ])
  func aMessageThatTwilioOwnsIsAcceptedUnlessItFailedAtOnce(_ status: String, _ state: RecipientState) throws {
    let provider = try twilio()
    let call = try provider.call(Message(body: "x"), to: ["+15005550001"])
    let body = #"{"sid":"SM1","status":"\#(status)","error_code":30005,"error_message":"Unknown destination"}"#
    let outcome = provider.answer(201, body, to: call).outcomes[0]
    #expect(outcome.state == state && outcome.id == "SM1")
    if state == .rejected { #expect(outcome.code == "30005" && outcome.reason == "Unknown destination") }
  }

  @Test(arguments: [
    (201, "", RecipientState.unconfirmed), (201, "{", .unconfirmed), (201, "{}", .unconfirmed),
    (201, #"{"sid":""}"#, .unconfirmed), (200, "<html>", .unconfirmed),
    (201, #"{"code":21211,"status":400}"#, .unconfirmed),
    (500, "", .unconfirmed), (502, "<html>", .unconfirmed), (504, "", .unconfirmed), (400, "<html>", .deferred),
    (403, "<html>", .deferred), (429, "", .deferred), (301, "", .deferred),
  ])
  func withoutASidThereIsNoSuccess(_ status: Int, _ body: String, _ state: RecipientState) throws {
    let provider = try twilio()
    let answer = provider.answer(status, body, to: try provider.call(Message(body: "x"), to: ["+15005550001"]))
    #expect(answer.outcomes.map(\.state) == [state])
  }

  @Test func newerErrorsHaveADetailInsteadOfAMessage() throws {
    let provider = try twilio()
    let call = try provider.call(Message(body: "x"), to: ["+15005550001"])
    let answer = provider.answer(
      400, #"{"type":"t","title":"Title","detail":"Detail","status":400,"code":21610}"#, to: call)
    #expect(answer.outcomes == [.rejected(.recipient, code: "21610", reason: "Detail").blaming(.recipient)])
  }

  @Test func aThrottleSaysHowLong() throws {
    let provider = try twilio()
    let call = try provider.call(Message(body: "x"), to: ["+15005550001"])
    let date = [HTTPHeader("retry-after", "Mon, 20 May 2024 08:31:15 GMT")]
    #expect(provider.answer(429, #"{"code":20429}"#, headers: date, to: call).advice == .slowDown(retryAfter: 60))
  }
}

@Suite struct TwilioLookupTests {
  private func page(_ messages: [String], next: String? = nil) -> HTTPResponse {
    let link = next.map { "\"\($0)\"" } ?? "null"
    let body = "{\"messages\":[\(messages.joined(separator: ","))],\"next_page_uri\":\(link)}"
    return HTTPResponse(status: 200, body: Array(body.utf8))
  }

  private func resource(
    _ sid: String, body: String = "x", created: String = "08:30:15", from: String = "+15005550006",
    service: String? = nil, to: String = "+15005550001"
  ) -> String {
    JSON.object([
      .init("sid", .string(sid)), .init("status", .string("sent")), .init("body", .string(body)),
      .init("from", .string(from)), .init("to", .string(to)),
      .init("messaging_service_sid", service.map(JSON.string) ?? .null),
      .init("date_created", .string("Mon, 20 May 2024 \(created) +0000")),
    ]).text
  }

  private func question(_ message: Message = Message(body: "x"), known: Set<String> = []) throws -> Question {
    Question(call: try twilio().call(message, to: ["+15005550001"]), startedAt: Pinned.now, knownIds: known)
  }

  @Test func onlyAMessageOfThatTextSenderAndTimeIsTheOne() throws {
    let provider = try twilio()
    let others = [
      resource("SM1", body: "y"), resource("SM2", created: "08:30:09"), resource("SM3", from: "+15005550007"),
      resource("SM4", to: "+15005550002"), resource("SM5"), resource("SM6", created: "garbage"), resource(""),
    ]
    let question = try question(known: ["SM5"])
    #expect(provider.finding(in: page(others), for: question, at: Pinned.now) == .notFound)
    let found = provider.finding(
      in: page(others + [resource("SM8", created: "08:30:20"), resource("SM7", created: "08:30:10")]),
      for: question, at: Pinned.now)
    #expect(found == .found([.accepted(id: "SM7")]))
  }

  @Test func anEqualMessageSentSinceIsNotTheLostOne() throws {
    let provider = try twilio()
    var question = try question()
    question.endedBy = Pinned.now + 30
    let later = Pinned.now + 3600
    #expect(provider.finding(in: page([resource("SM1", created: "08:31:00")]), for: question, at: later) == .notFound)
    let both = page([resource("SM1", created: "08:31:00"), resource("SM2", created: "08:30:45")])
    #expect(provider.finding(in: both, for: question, at: later) == .found([.accepted(id: "SM2")]))
  }

  @Test func timesAreComparedByTheProvidersClock() throws {
    let provider = try twilio()
    var question = try question()
    question.endedBy = Pinned.now + 30
    var reply = page([resource("SM1", created: "08:30:20"), resource("SM2", created: "08:40:20")])
    // It is 8:42 there and 8:32 here.
    reply.headers.append(HTTPHeader("date", "Mon, 20 May 2024 08:42:15 +0000"))
    #expect(
      provider.finding(in: reply, for: question, at: Pinned.now + 120) == .found([.accepted(id: "SM2")]))
  }

  @Test func aServicesMessageIsKnownByTheServiceEvenIfItsPunctuationWasReplaced() throws {
    let provider = try twilio()
    let message = Message(body: "It’s “5” – ok…", options: [.init("messaging_service_sid", .string("MG1"))])
    let question = try question(message)
    #expect(WireRequest(provider.lookup(question, at: Pinned.now, nonce: "")).queryValue("From") == nil)
    let replaced = resource("SM1", body: "It's \"5\" - ok...", service: "MG1")
    #expect(provider.finding(in: page([replaced]), for: question, at: Pinned.now) == .found([.accepted(id: "SM1")]))
    let other = resource("SM1", body: "It's \"6\" - ok...", service: "MG1")
    #expect(provider.finding(in: page([other]), for: question, at: Pinned.now) == .notFound)
    let unserved = resource("SM1", body: "It’s “5” – ok…")
    #expect(provider.finding(in: page([unserved]), for: question, at: Pinned.now) == .notFound)
  }

  @Test func textsOfPunctuationAloneAreComparedExactly() throws {
    let message = Message(body: "!!!", options: [.init("messaging_service_sid", .string("MG1"))])
    let other = resource("SM1", body: "???", service: "MG1")
    #expect(try twilio().finding(in: page([other]), for: question(message), at: Pinned.now) == .notFound)
  }

  @Test func aTrialAccountsTextHasALineBeforeIt() throws {
    let trial = resource("SM1", body: "Sent from your Twilio trial account - x")
    #expect(try twilio().finding(in: page([trial]), for: question(), at: Pinned.now) == .found([.accepted(id: "SM1")]))
  }

  @Test func furtherPagesAreFollowedButNeverToAnotherPlace() throws {
    let provider = try Twilio(settings(Twilio.self, twilioValues, endpoint: "http://127.0.0.1:1/x"))
    var question = try question()
    let next = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json?PageToken=P%20A&Page=1"
    #expect(provider.finding(in: page([], next: next), for: question, at: Pinned.now) == .more(next))
    question.cursor = next
    #expect(WireRequest(provider.lookup(question, at: Pinned.now, nonce: "")).http.url == "http://127.0.0.1:1/x" + next)
    // The same page again would never end.
    #expect(provider.finding(in: page([], next: next), for: question, at: Pinned.now) == .undecided)
    for evil in [
      "https://evil.example/2010-04-01/", "//evil.example/", "@evil.example/2010-04-01/", "/2010-04-01/ x", "/x",
    ] {
      #expect(provider.finding(in: page([], next: evil), for: question, at: Pinned.now) == .undecided)
    }
  }

  @Test func whatIsNoListDecidesNothing() throws {
    let provider = try twilio()
    for (status, body) in [(200, ""), (200, "<html>"), (200, "{}"), (401, "{\"messages\":[]}"), (500, "")] {
      let reply = HTTPResponse(status: status, body: Array(body.utf8))
      #expect(provider.finding(in: reply, for: try question(), at: Pinned.now) == .undecided)
    }
  }
}
