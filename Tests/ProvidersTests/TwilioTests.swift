import Core
import Foundation
import Testing

@testable import Providers

let twilioValues: [String: JSON] = [
  "account_sid": .string("AC00000000000000000000000000000001"), "auth_token": .string("dummy_auth_token_not_a_secret"),
  "from": .string("+15005550006"), "country_code": .string("86"),
]

let twilio: @Sendable () throws -> Twilio = { try Twilio(settings(Twilio.self, twilioValues)) }

@Suite struct TwilioGoldenTests {
  static let sending = GoldenCase.load("twilio") { $0.hasPrefix("create") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 7)
  }

  @Test(arguments: sending)
  func ourRequestMeansTheRecordedOne(_ golden: GoldenCase) throws {
    let provider = try twilio()
    var options: [JSON.Member] = []
    for (name, option) in [("MessagingServiceSid", "messaging_service_sid"), ("StatusCallback", "status_callback")] {
      if let value = golden.input[name]?.string { options.append(.init(option, .string(value))) }
    }
    if let period = golden.input["ValidityPeriod"]?.number {
      options.append(.init("validity_period", .integer(period)))
    }
    let content = try provider.rendered(Message(body: golden.input["Body"]?.string, options: options))
    let to = try #require(golden.input["To"]?.string)
    // One case is of a number that is refused before sending; its answer counts all the same.
    let target = golden.name == "create_error_21211" ? Target(to) : try provider.target(to)
    let call = Call(id: "call-1", contents: [content], recipients: [.init(target)])
    let request = provider.request(for: call)
    #expect(differences(request, golden) == [])
    #expect(request.header("authorization") == golden.headers["authorization"])
    let answer = provider.answer(.http(try #require(golden.response)), to: call, at: Pinned.now)
    if golden.name == "create_error_21211" {
      #expect(throws: RecipientFault.self) { try provider.target(to) }
      let reason = "The 'To' number +1abc is not a valid phone number."
      #expect(answer == Answer([.rejected(.recipient, code: "21211", reason: reason).blaming(.recipient)]))
    } else {
      #expect(answer == Answer([.accepted(id: "SM00000000000000000000000000000004")]))
    }
  }

  @Test func theListIsTheRecordedOneWithoutTheDatesThatHideQueuedMessages() throws {
    let golden = try #require(GoldenCase.named("list_to_and_range", in: "twilio"))
    let provider = try twilio()
    let call = try provider.call(Message(body: "x"), to: ["+8613800138000"])
    let question = Question(call: call, startedAt: Pinned.now)
    let request = WireRequest(provider.lookup(question, at: Pinned.now, nonce: Pinned.nonce))
    #expect(differences(request, golden, ignoring: ["DateSent<", "DateSent>", "From"]) == [])
    #expect(request.queryValue("From") == "+15005550006")
    #expect(request.header("authorization") == golden.headers["authorization"])
    // The recorded answer is about another number, so it isn't ours; asked about that one, it is.
    let reply = try #require(golden.response)
    #expect(provider.finding(in: reply, for: question, at: Pinned.now) == .notFound)
    let theirs = Question(
      call: try provider.call(Message(body: "x"), to: ["+15005550001"]), startedAt: Pinned.now)
    let finding = provider.finding(in: reply, for: theirs, at: Pinned.now)
    #expect(finding == .found([.accepted(id: "SM00000000000000000000000000000004")]))
  }

  @Test func aMessageThatFailedMeanwhileIsFoundAsFailed() throws {
    let golden = try #require(GoldenCase.named("fetch_by_sid", in: "twilio"))
    let resource = String(decoding: try #require(golden.response).body, as: UTF8.self)
    let provider = try twilio()
    let question = Question(
      call: try provider.call(Message(body: "x"), to: ["+15005550001"]), startedAt: Pinned.now)
    let page = HTTPResponse(status: 200, body: Array("{\"messages\":[\(resource)],\"next_page_uri\":null}".utf8))
    guard case .found(let outcomes) = provider.finding(in: page, for: question, at: Pinned.now) else {
      Issue.record("not found")
      return
    }
    #expect(outcomes.map(\.state) == [.rejected])
    #expect(outcomes[0].code == "30003" && outcomes[0].id == "SM00000000000000000000000000000004")
  }
}

@Suite struct TwilioRequestTests {
  @Test(arguments: [
    ("+8613800138000", "+8613800138000"), ("13800138000", "+8613800138000"), ("+1234567", "+1234567"),
    ("+123456789012345", "+123456789012345"), ("whatsapp:+15005550001", "whatsapp:+15005550001"),
    ("whatsapp:13800138000", "whatsapp:+8613800138000"), ("rcs:+15005550001", "rcs:+15005550001"),
    ("messenger:1234567890", "messenger:1234567890"),
  ])
  func addressesGoOutInTwiliosForm(_ address: String, _ wire: String) throws {
    let target = try twilio().target(address)
    #expect(target.wire == wire && target.identity == wire && target.address == address)
  }

  @Test(arguments: [
    "", "+", "+123456", "+1234567890123456", "+0123456789", "+1 500 555", "0013800138000", "12345678901234", "1234",
    "whatsapp:", "whatsapp:+1", "messenger:", "messenger:a b", "topic:1", ":", "+1500555\n0001", "+１５００５５５０００１",
    "a@b.c",
  ])
  func whatTwilioCannotReachIsRefused(_ address: String) throws {
    let provider = try twilio()
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func withoutACountryCodeThePlusIsNeeded() throws {
    var values = twilioValues
    values["country_code"] = nil
    let provider = try Twilio(settings(Twilio.self, values))
    #expect(throws: RecipientFault.self) { try provider.target("13800138000") }
    #expect(try provider.target("+8613800138000").wire == "+8613800138000")
  }

  @Test(
    arguments: [
      (["auth_token": nil], "auth_token"), (["api_key_sid": "SK1"], "api_key_secret"),
      (["api_key_secret": "s"], "api_key_sid"), (["api_key_sid": "SK1", "api_key_secret": "s"], "auth_token"),
      (["from": nil], "from"), (["country_code": "x"], "country_code"), (["country_code": "0086"], "country_code"),
      (["account_sid": "AC:1"], "account_sid"),
    ] as [([String: String?], String)])
  func settingsThatContradictEachOtherAreRefused(_ changes: [String: String?], _ setting: String) {
    var values = twilioValues
    for (name, value) in changes { values[name] = value.map(JSON.string) }
    let fault = #expect(throws: SettingFault.self) { try Twilio(settings(Twilio.self, values)) }
    #expect(fault?.setting == setting)
  }

  @Test func anApiKeyLogsInForTheAccountInThePath() throws {
    var values = twilioValues
    values["auth_token"] = nil
    values["api_key_sid"] = .string("SK1")
    values["api_key_secret"] = .string("secret")
    let provider = try Twilio(settings(Twilio.self, values, endpoint: "http://localhost:9/twilio"))
    let request = provider.request(for: try provider.call(Message(body: "x"), to: ["+15005550001"]))
    #expect(request.header("authorization") == "Basic " + Data("SK1:secret".utf8).base64EncodedString())
    #expect(
      request.http.url
        == "http://localhost:9/twilio/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json")
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try twilio()
    for text in hostileTexts {
      let message = Message(
        body: text,
        options: [
          .init("from", .string(text)), .init("messaging_service_sid", .string(text)),
          .init("status_callback", .string(text)), .init("media_url", .strings([text, text])),
          .init("smart_encoded", .boolean(true)),
        ])
      let request = provider.request(for: try provider.call(message, to: ["+15005550001"]))
      #expect(
        request.form == [
          ["To", "+15005550001"], ["From", text], ["MessagingServiceSid", text], ["Body", text], ["MediaUrl", text],
          ["MediaUrl", text], ["StatusCallback", text], ["SmartEncoded", "true"],
        ])
    }
  }

  @Test func aMessagesSenderReplacesBothOfTheChannels() throws {
    let values = twilioValues.merging(["messaging_service_sid": .string("MG1")]) { $1 }
    let provider = try Twilio(settings(Twilio.self, values))
    let channel = try provider.rendered(Message(body: "x"))
    #expect(channel["From"] == "+15005550006" && channel["MessagingServiceSid"] == "MG1")
    let own = try provider.rendered(Message(body: "x", options: [.init("from", .string("Shop"))]))
    #expect(own["From"] == "Shop" && own["MessagingServiceSid"] == nil)
  }

  @Test func aTemplateIsAContentSIDWithItsVariables() throws {
    let provider = try twilio()
    let sid = "HX" + String(repeating: "0a", count: 16)
    func fields(_ params: Message.Parameters?, body: String? = nil) throws -> [String?] {
      let content = try provider.rendered(Message(body: body, template: sid, params: params))
      return ["ContentSid", "ContentVariables", "Body"].map { content[$0] }
    }
    #expect(try fields(nil) == [sid, nil, nil])
    #expect(try fields(.positional(["a", "b"]), body: "x") == [sid, #"{"1":"a","2":"b"}"#, nil])
    #expect(try fields(.named([.init("2", "b"), .init("name", "\"")])) == [sid, #"{"2":"b","name":"\""}"#, nil])
    for template in [
      "SMS_123", "HX", "HX" + String(repeating: "g", count: 32), "hx" + String(repeating: "0", count: 32),
    ] {
      #expect(faultyField(provider, Message(body: "x", template: template)) == "template")
    }
    #expect(faultyField(provider, Message(body: "x", params: .positional(["1"]))) == "params")
  }

  @Test func limitsAreInclusiveAndCountUTF16Units() throws {
    let provider = try twilio()
    let fault = { (message: Message) in #expect(throws: MessageFault.self) { try provider.rendered(message) } }
    for text in ["x", "字"] {
      _ = try provider.rendered(Message(body: String(repeating: text, count: 1_600)))
      #expect(fault(Message(body: String(repeating: text, count: 1_601)))?.field == "body")
    }
    _ = try provider.rendered(Message(body: String(repeating: "🚀", count: 800)))
    #expect(fault(Message(body: String(repeating: "🚀", count: 801)))?.field == "body")
    #expect(fault(Message())?.field == "body")
    func option(_ name: String, _ value: JSON) -> Message { Message(body: "x", options: [.init(name, value)]) }
    for seconds in [1, 36_000] { _ = try provider.rendered(option("validity_period", .integer(seconds))) }
    for seconds in [0, 36_001] {
      #expect(fault(option("validity_period", .integer(seconds)))?.field == "options.validity_period")
    }
    let urls = Array(repeating: "https://example.com/a.png", count: 11)
    _ = try provider.rendered(option("media_url", .strings(Array(urls.prefix(10)))))
    #expect(fault(option("media_url", .strings(urls)))?.field == "options.media_url")
    #expect(fault(option("media_url", .strings([""])))?.field == "options.media_url")
    #expect(fault(option("media_url", .array([.boolean(true)])))?.field == "options.media_url")
    #expect(fault(option("smart_encoded", .string("yes")))?.field == "options.smart_encoded")
    let picture = Message(options: [.init("media_url", .string("https://example.com/a.png"))])
    #expect(try provider.rendered(picture)["Body"] == nil)
  }
}
