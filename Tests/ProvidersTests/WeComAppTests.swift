import Core
import Foundation
import Testing

@testable import Providers

private let weComAppValues: [String: JSON] = [
  "corp_id": .string("wwdummycorpid00000"), "agent_id": .string("1000002"), "secret": .string("dummy-corp-secret"),
]

extension WeComApp: Exemplified {
  static let specimen = Specimen(
    provider: WeComApp.self, values: weComAppValues.merging(["secret": .string("s3cret")]) { $1 },
    message: Message(body: "text"), addresses: ["zhangsan", "lisi"],
    success: (200, #"{"errcode":0,"errmsg":"ok","msgid":"M1"}"#),
    throttled: (200, #"{"errcode":45009,"errmsg":"m"}"#), wrongCredentials: (200, #"{"errcode":40001,"errmsg":"m"}"#),
    unknownCode: (200, #"{"errcode":31337,"errmsg":"ok"}"#), pause: 60)
}

let weComApp: @Sendable () throws -> WeComApp = { try WeComApp(settings(WeComApp.self, weComAppValues)) }

private let token = HTTPResponse.json(#"{"errcode":0,"errmsg":"ok","access_token":"T1","expires_in":7200}"#)
private let expired = HTTPResponse.json(#"{"errcode":42001,"errmsg":"access_token expired"}"#)
private let sent = HTTPResponse.json(#"{"errcode":0,"errmsg":"ok","msgid":"M1"}"#)

@Suite struct WeComAppStepTests {
  static let sending = GoldenCase.load("wecom") { $0.contains("app-") }

  @Test func allSendingCasesAreThere() {
    #expect(Self.sending.count == 2)
  }

  @Test(arguments: sending)
  func ourRequestsMeanTheRecordedOnes(_ golden: GoldenCase) throws {
    let provider = try weComApp()
    let users = (golden.input["touser"]?.string ?? "").split(separator: "|").map(String.init)
    let call = try provider.call(Message(body: golden.input["content"]?.string), to: users)
    let answers = golden.responses
    let walk =
      answers.count == 2
      ? Walk(provider, call, answers[0], answers[1])
      : Walk(provider, call, answers[0], answers[1], answers[2], answers[3])
    let rounds = answers.count / 2
    #expect(walk.stages == (0..<rounds).flatMap { _ in ["token", Step.sending] })
    #expect(differences(try #require(walk.requests.last), golden) == [])
    let recorded = golden.root["exchanges"]?.array?[0]["request"]
    #expect(walk.requests[0].path == recorded?["path"]?.string)
    #expect(Value.array(walk.requests[0].query.map { .array($0.map(Value.string)) }) == recorded?["query"])
    #expect(walk.answer == Answer(users.map { _ in .accepted(id: "DUMMY_MSGID") }))
  }

  @Test func aTokenIsKeptUntilShortlyBeforeItsEnd() throws {
    let provider = try weComApp()
    let call = try provider.call(Message(body: "x"), to: ["a"])
    let first = Walk(provider, call, token, sent)
    #expect(first.stages == ["token", Step.sending])
    let second = Walk(provider, call, sent, session: first.session)
    #expect(second.stages == [Step.sending] && second.requests[0].queryValue("access_token") == "T1")
    let later = Walk(provider, call, session: first.session, at: Pinned.now + 6_900)
    #expect(later.stages == ["token"])
  }

  @Test func aTokenThatIsRefusedIsRenewedOnceInACall() throws {
    let provider = try weComApp()
    let call = try provider.call(Message(body: "x"), to: ["a"])
    var session = Session()
    session.set("token", "OLD", expires: Pinned.now + 60)
    for code in [40014, 42001] {
      let refused = HTTPResponse.json(#"{"errcode":\#(code)}"#)
      let walk = Walk(provider, call, refused, token, sent, session: session)
      #expect(walk.stages == [Step.sending, "token", Step.sending])
      #expect(walk.requests[2].queryValue("access_token") == "T1")
      #expect(walk.answer == Answer([.accepted(id: "M1")]))
      let twice = Walk(provider, call, refused, token, refused, session: session)
      #expect(twice.answer?.advice == .suspend && twice.answer?.outcomes[0].kind == .credentials)
      // The next call may renew it again.
      #expect(Walk(provider, call, refused, session: twice.session).stages == [Step.sending, "token"])
    }
  }

  @Test func aTokenThatIsNotGivenLeavesNobodyInDoubt() throws {
    let provider = try weComApp()
    let call = try provider.call(Message(body: "x"), to: ["a", "b"])
    for (response, kind) in [
      (HTTPResponse.json(""), ErrorKind.provider), (.json("{\"errcode\":0"), .provider),
      (.json(#"{"errcode":0}"#), .provider), (.json(#"{"errcode":40001,"errmsg":"m"}"#), .credentials),
      (.json(#"{"errcode":40013}"#), .credentials), (.json(#"{"errcode":45009}"#), .throttled),
      (.json("<html>", status: 502), .provider), (.json(#"{"errcode":42001}"#), .credentials),
    ] {
      let walk = Walk(provider, call, response)
      #expect(walk.answer?.outcomes.count == 2)
      #expect(walk.answer?.outcomes.allSatisfy { $0.state == .deferred && $0.kind == kind } == true)
    }
  }

  @Test func aFileIsUploadedWithTheTokenAndStreamedFromTheDisk() throws {
    let provider = try weComApp()
    var call = try provider.call(Message(attachments: [.init(source: .path("/srv/a.pdf"))]), to: ["a"])
    let file = AttachmentFile(directory: "/srv", path: "a.pdf")
    for (type, kind) in [
      ("application/pdf", "file"), ("image/png", "image"), ("audio/amr", "voice"), ("video/mp4", "video"),
    ] {
      call.contents[0].attachments = [.init(name: "a.pdf", type: type, source: .file(file))]
      let media = HTTPResponse.json(#"{"errcode":0,"media_id":"MEDIA"}"#)
      let walk = Walk(provider, call, token, expired, token, media, sent)
      #expect(walk.stages == ["token", "upload", "token", "upload", Step.sending])
      #expect(walk.requests[1].path == "/cgi-bin/media/upload" && walk.requests[1].queryValue("type") == kind)
      #expect(walk.requests[1].part("media")?.source == .file(file))
      #expect(walk.requests[4].json?[kind]?["media_id"] == .string("MEDIA"))
      #expect(walk.requests[4].json?["msgtype"] == .string(kind))
      #expect(walk.answer == Answer([.accepted(id: "M1")]))
    }
    call.contents[0].attachments[0] = .init(
      name: "a.amr", type: "audio/amr", source: .bytes(Array(repeating: 0, count: 2 * 1_048_576 + 1)))
    #expect(Walk(provider, call, token).requests[1].queryValue("type") == "file")
    let failed = Walk(provider, call, token, .json(#"{"errcode":40006}"#))
    #expect(failed.answer?.outcomes[0].state == .rejected)
  }
}

@Suite struct WeComAppTests {
  @Test func recipientsThatTheAnswerNamesAreRejectedWhateverTheirCase() throws {
    let provider = try weComApp()
    let call = try provider.call(Message(body: "x"), to: ["ZhangSan", "lisi", "Wang"])
    let body =
      #"{"errcode":0,"errmsg":"ok","invaliduser":"zhangsan","unlicenseduser":"wang","invalidparty":"lisi","msgid":"M"}"#
    let answer = provider.answer(200, body, to: call)
    #expect(answer.outcomes.map(\.state) == [.rejected, .accepted, .rejected])
    #expect(answer.outcomes.map(\.code) == ["invaliduser", nil, "unlicenseduser"])
    #expect(answer.outcomes[1].id == "M" && answer.advice == .proceed)
    let parties = provider.answer(
      200, #"{"errcode":0,"invalidparty":"2","invaliduser":"3"}"#,
      to: try provider.call(Message(body: "x"), to: ["party:2", "party:3"]))
    #expect(parties.outcomes.map(\.state) == [.rejected, .accepted])
  }

  @Test func peopleDepartmentsAndTagsHaveTheirOwnCalls() throws {
    let provider = try weComApp()
    for (addresses, field, value) in [
      (["a", "B.c-d_e@f"], "touser", "a|B.c-d_e@f"), (["party:02", "party:3"], "toparty", "2|3"),
      (["tag:7"], "totag", "7"), (["@all"], "touser", "@all"),
    ] {
      let request = provider.request(for: try provider.call(Message(body: "x"), to: addresses))
      #expect(request.json?[field] == .string(value))
      #expect(request.json?.object?.keys.sorted() == ["agentid", "msgtype", "text", field].sorted())
    }
    #expect(try provider.target("party:2").lane.capacity == 100)
    #expect(try provider.target("@all").lane.capacity == 1)
    #expect(try provider.target("a").lane.capacity == nil)
    #expect(try provider.target("Li").identity == provider.target("lI").identity)
  }

  @Test(arguments: ["", "a b", "a|b", "party:", "party:x", "party:0", "tag:-1", "a:b", "a\n", "a\u{200B}", "@all,b"])
  func wrongAddressesAreRefused(_ address: String) throws {
    let provider = try weComApp()
    #expect(throws: RecipientFault.self) { try provider.target(address) }
  }

  @Test func whatTheServiceWouldCutIsRefusedUnlessCuttingIsAskedFor() throws {
    let provider = try weComApp()
    let long = String(repeating: "字", count: 683)
    #expect(faultyField(provider, Message(body: String(long.dropLast()))) == nil)
    #expect(faultyField(provider, Message(body: long)) == "body")
    let cut = try provider.rendered(Message(body: long, options: [.init("cut", .boolean(true))]))
    #expect(cut["content"] == String(long.dropLast()))
    #expect(faultyField(provider, Message(body: "x", format: .html)) == "format")
    #expect(faultyField(provider, Message(body: "x\u{1B}")) == "body")
    #expect(faultyField(provider, Message(title: "x", attachments: [.init(source: .data([1]))])) == "title")
    #expect(faultyField(provider, .with("duplicate_check_interval", .integer(14_401))) != nil)
  }

  @Test func switchesAreNumbersAndLeftOutWhenOff() throws {
    let provider = try WeComApp(
      settings(WeComApp.self, weComAppValues.merging(["duplicate_check_interval": .integer(3_600)]) { $1 }))
    func json(_ options: [JSON.Member]) throws -> Value? {
      provider.request(for: try provider.call(Message(body: "x", options: options), to: ["a"])).json
    }
    let plain = try json([.init("safe", .boolean(false))])
    #expect(plain?["enable_duplicate_check"] == .number(1))
    #expect(plain?["duplicate_check_interval"] == .number(3_600))
    #expect(plain?["safe"] == nil)
    let other = try json([.init("safe", .boolean(true)), .init("duplicate_check_interval", .integer(0))])
    #expect(other?["safe"] == .number(1) && other?["enable_duplicate_check"] == nil)
  }

  @Test(arguments: [
    ("agent_id", JSON.string("0")), ("agent_id", .string("x")), ("corp_id", .string("")),
    ("duplicate_check_interval", .integer(14_401)),
  ])
  func wrongSettingsAreRefused(_ name: String, _ value: JSON) {
    let fault = #expect(throws: SettingFault.self) {
      try WeComApp(settings(WeComApp.self, weComAppValues.merging([name: value]) { $1 }))
    }
    #expect(fault?.setting == name)
  }

  @Test func everyFieldArrivesAsItWasWritten() throws {
    let provider = try weComApp()
    for text in hostileTexts where !text.utf8.contains(where: { ($0 < 0x20 && $0 != 0x0D && $0 != 0x0A) || $0 == 0x7F })
    {
      let json = provider.request(for: try provider.call(Message(body: text, title: text), to: ["a\"}"])).json
      #expect(json?["text"]?["content"] == .string("\(text)\n\(text)"))
      #expect(json?["touser"] == .string("a\"}") && json?.object?.count == 4)
    }
  }
}
