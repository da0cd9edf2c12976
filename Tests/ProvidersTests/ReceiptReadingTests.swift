import Core
import Foundation
import TestSupport
import Testing

@testable import Providers

private func drop(_ text: String, _ name: String = "x", channels: [String] = []) -> ReceiptDrop {
  ReceiptDrop(Array(text.utf8), name: name, channels: channels)
}

private func receipts(_ provider: any ReceiptProvider.Type, _ text: String) -> [Receipt] {
  let drop = drop(text)
  guard provider.recognizes(drop) else { return [] }
  return provider.entries(in: drop).compactMap { if case .receipt(let receipt) = $0.content { receipt } else { nil } }
}

private let all: [any ReceiptProvider.Type] = [
  HuaweiSMS.self, AliyunSMS.self, TencentSMS.self, Twilio.self, PushPlus.self, Pushover.self, Email.self, Webhook.self,
]

private let huaweiFormSaid =
  "smsMsgId=id1&total=1&sequence=1&status=DELIVRD&source=2&updateTime=2026-11-22T09%3A05%3A00Z&extend=call-1&to=%2B8613800138000"
private let huaweiBatchSaid =
  #"{"statusReportList":[{"smsMsgId":"id1","status":"DELIVRD","extend":"c"},{"smsMsgId":"id2","status":"UNDELIV","to":"+8613800138001"}]}"#
private let aliyunArraySaid =
  #"[{"phone_number":"13800138000","send_time":"2026-11-22 17:00:00","report_time":"2026-11-22 17:05:00","success":true,"err_code":"DELIVERED","err_msg":"","sms_size":"1","biz_id":"0001^0","out_id":"call-1"}]"#
private let tencentArraySaid =
  #"[{"user_receive_time":"2026-11-22 17:05:00","nationcode":"86","mobile":"13800138000","report_status":"FAIL","errmsg":"MK:0001","description":"off","sid":"5000:1045710669157053657849499619"}]"#
private let twilioFormSaid = "AccountSid=AC1&MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003&To=%2B12125550100"
private let pushPlusSaid =
  #"{"event":"message_complate","messageInfo":{"message":"","shortCode":"abc","sendStatus":2}}"#
private let pushoverSaid =
  "receipt=r30&acknowledged=1&acknowledged_at=1795338000&acknowledged_by=u30&acknowledged_by_device=phone"
private let plainSaid = #"{"id":"007","to":"somebody","state":"undelivered","code":"E1"}"#

@Suite("What services call back with") struct ReceiptReadingTests {
  @Test(arguments: [
    (huaweiFormSaid, "huawei-sms"), (huaweiBatchSaid, "huawei-sms"), (aliyunArraySaid, "aliyun-sms"),
    (tencentArraySaid, "tencent-sms"),
    (twilioFormSaid, "twilio"), (pushPlusSaid, "pushplus"), (pushoverSaid, "pushover"), (plainSaid, "webhook"),
  ]) func theShapeTellsTheProvider(text: String, name: String) {
    #expect(all.filter { $0.recognizes(drop(text)) }.map { $0.card.name } == [name])
  }

  @Test(arguments: [
    "", "hello", "{}", "[]", "[1]", "a=b", #"{"event":"add_friend","friendInfo":{}}"#, #"{"body":"x"}"#, "\u{0}",
  ]) func whatIsNoReceiptIsNobodys(text: String) {
    #expect(!all.contains { $0.recognizes(drop(text)) })
  }

  @Test("The JSON of a drop is read once, by the drop itself, however many channels look at it")
  func readOnce() throws {
    #expect(drop(aliyunArraySaid).json?.array?.count == 1 && drop(huaweiFormSaid).json == nil)
    let quoted = plainSaid.replacing("\"", with: "\\\"")
    let wrapped = drop(#"{"receipt_of":"c","body":"\#(quoted)"}"#)
    #expect(wrapped.isWrapped && wrapped.json?["id"]?.string == "007")
    for file in try Repository.files(below: "Sources/Providers", ending: "Receipts.swift") {
      let text = try Repository.text(file)
      #expect(!text.contains("JSONScanner.value(of: drop"), "\(file)")
    }
  }

  @Test func huaweiNamesTheNumberAndTheCall() throws {
    let receipt = try #require(receipts(HuaweiSMS.self, huaweiFormSaid).first)
    #expect(receipt.names == [.id("id1"), .reference("call-1")] && receipt.to == "+8613800138000")
    #expect(receipt.news?.state == .delivered)
    #expect(receipts(HuaweiSMS.self, huaweiBatchSaid).map { $0.news?.state } == [.delivered, .undelivered])
  }

  @Test func huaweisUnderWayIsNoStateAndALongTextIsThereWithItsLastPart() {
    func state(_ more: String) -> ReceiptState? { receipts(HuaweiSMS.self, "smsMsgId=i&\(more)").first?.news?.state }
    #expect(state("status=ACCEPTD") == nil && state("status=UNKNOWN") == nil)
    #expect(state("status=DELIVRD&total=2&sequence=1") == nil)
    #expect(state("status=DELIVRD&total=2&sequence=2") == .delivered)
    #expect(state("status=EXPIRED&total=2&sequence=1") == .undelivered)
  }

  @Test(arguments: [
    "EXPIRED", "DELETED", "UNDELIV", "REJECTD", "MILIMIT", "LIMIT", "BEYONDN", "KEYWORD", "BLACK", "MBBLACK", "RTE_ERR",
    "E200018", "MK:0001", "24",
  ]) func huaweisFailuresAreTheVendorsWords(word: String) {
    let form = "smsMsgId=i&to=%2B8613800138000&status="
    #expect(receipts(HuaweiSMS.self, form + word.replacing(":", with: "%3A")).first?.news?.state == .undelivered)
    // The beginning of a word that somebody is still writing is none. (A supplier's number says the same as its beginning.)
    for end in 1..<word.count where word != "24" {
      #expect(receipts(HuaweiSMS.self, form + word.prefix(end)).isEmpty, "\(word.prefix(end))")
    }
  }

  @Test(arguments: ["", "DELI", "DELIVRDX", "delivrd", "000", "E2000", "K:0001", "-1", "SENT"])
  func whatIsNoWordOfHuaweisIsNoState(word: String) {
    let entries = HuaweiSMS.entries(in: drop("smsMsgId=i&to=%2B8613800138000&status=\(word)"))
    #expect(entries.count == 1 && entries.allSatisfy { $0.isBad })
  }

  @Test(arguments: ["\n", "\r\n", "\n\n"]) func aFormMayEndWithALine(end: String) {
    #expect(receipts(HuaweiSMS.self, huaweiFormSaid + end) == receipts(HuaweiSMS.self, huaweiFormSaid))
    #expect(receipts(Pushover.self, pushoverSaid + end).count == 1)
  }

  @Test func aliyunsAndTencentsIdsAreText() throws {
    let aliyun = try #require(receipts(AliyunSMS.self, aliyunArraySaid).first)
    #expect(aliyun.names == [.id("0001^0"), .reference("call-1")])
    #expect(aliyun.news == ReceiptNews(.delivered, code: "DELIVERED", at: Date(timeIntervalSince1970: 1_795_338_300)))
    let tencent = try #require(receipts(TencentSMS.self, tencentArraySaid).first)
    #expect(tencent.names == [.id("5000:1045710669157053657849499619")] && tencent.to == "+8613800138000")
    #expect(tencent.news?.state == .undelivered && tencent.news?.code == "MK:0001")
    // Longer than any integer, and still itself.
    let number = receipts(
      TencentSMS.self, #"[{"mobile":13800138000,"report_status":"SUCCESS","sid":12345678901234567890123}]"#)
    #expect(number.first?.names == [.id("12345678901234567890123")])
  }

  @Test func ofABatchTheBadEntriesAreKeptByThemselves() {
    let text = #"[{"phone_number":"13800138000","success":true,"biz_id":"b"},{"phone_number":"1"},7]"#
    let entries = AliyunSMS.entries(in: drop(text))
    #expect(entries.count == 3)
    #expect(entries.dropFirst().allSatisfy { if case .bad = $0.content { true } else { false } })
    #expect(String(decoding: entries[1].source, as: UTF8.self) == #"{"phone_number":"1"}"#)
  }

  @Test func pushPlusAndPushoverSpeakOfTheWholeCall() throws {
    #expect(receipts(PushPlus.self, pushPlusSaid).first == Receipt(ofAll: [.id("abc")], .init(.delivered, code: "2")))
    // Of a group's key a member acknowledges, whom nobody here knows: the receipt is the call's.
    let emergency = try #require(receipts(Pushover.self, pushoverSaid).first)
    #expect(emergency.to == nil && emergency.isOfAll && emergency.news?.state == .acknowledged)
  }

  @Test func ourOwnWordsTakeOurOwnStatesAlone() {
    #expect(receipts(Webhook.self, plainSaid).first?.names == [.id("007"), .reference("007")])
    #expect(receipts(Webhook.self, #"{"id":7,"state":"read"}"#).first?.names == [.id("7"), .reference("7")])
    for to in ["[\"u1\"]", "{}", "true"] {
      let entries = Webhook.entries(in: drop(#"{"id":"1","to":\#(to),"state":"undelivered"}"#))
      #expect(entries.allSatisfy { $0.isBad }, "\(to)")
    }
    for more in ["", #""to":null,"#, #""to":"","#] {
      let said = receipts(Webhook.self, #"{"id":"1",\#(more)"state":"undelivered"}"#).first
      #expect(said?.to == nil && said?.isOfAll == false)
    }
    for state in ["sent", "no_receipt", ""] {
      #expect(receipts(Webhook.self, #"{"id":"1","state":"\#(state)"}"#).isEmpty)
    }
  }
}

@Suite("Who names a channel, and who signs") struct ReceiptDropTests {
  @Test func theNameOfTheFileOrTheWrapperNamesTheChannel() {
    #expect(drop("{}", "sms.123", channels: ["sms", "smsx"]).channel == "sms")
    #expect(drop("{}", "a.b.123", channels: ["a", "a.b"]).channel == "a.b")
    #expect(drop("{}", "smsx", channels: ["sms"]).channel == nil)
    let wrapped = drop(
      #"{"receipt_of":"other","headers":{"X-A":"1"},"url":"https://h/","body":"a=b"}"#, "sms.1", channels: ["sms"])
    #expect(wrapped.channel == "other" && wrapped.header("x-a") == "1" && wrapped.body == Array("a=b".utf8))
  }

  @Test func theSecretIsAPieceOfTheURL() {
    func carries(_ url: String) -> Bool {
      drop(#"{"url":"\#(url)","body":"x"}"#).carries("s3cret")
    }
    #expect(carries("https://h/receipts/sms/s3cret") && carries("https://h/?k=s3cret&x=1"))
    #expect(!carries("https://h/s3cret2") && !carries("https://h/") && !carries("https://s3cretx/"))
  }

  @Test(arguments: ["YWJj=", "a+b", "a=b=c", "a&b", "a/b", "a#b", "a?b", "a%41b", "密"])
  func anySecretCanBeOne(secret: String) {
    let escaped = secret.utf8.map { String(format: "%%%02X", $0) }.joined()
    func carries(_ url: String) -> Bool {
      drop(JSON.object([.init("url", .string(url)), .init("body", .string("x"))]).text).carries(secret)
    }
    #expect(carries("https://h/receipts/v/\(escaped)") && carries("https://h/?k=\(escaped)&x=1"))
    #expect(carries("https://h/receipts/v/\(escaped.lowercased())"))
    #expect(!carries("https://h/receipts/v/\(escaped)x") && !carries("https://h/?k=x\(escaped)"))
    if !secret.utf8.contains(where: { "/?&#".utf8.contains($0) }) {
      #expect(carries("https://h/receipts/v/\(secret)") && carries("https://h/?k=\(secret)"))
    }
  }

  private func twilio(_ more: [String: JSON] = [:]) throws -> Twilio {
    try Twilio(
      settings(
        Twilio.self,
        ["account_sid": .string("AC1"), "auth_token": .string("12345"), "from": .string("+15005550006")].merging(more) {
          $1
        }))
  }

  private func signatures(_ form: String, _ url: String) -> [String] {
    CallbackForm(Array(form.utf8)).map { Twilio.signatures(of: $0, url, token: "12345") } ?? []
  }

  private func signed(_ form: String, url: String?, _ signature: String) -> ReceiptDrop {
    var members: [JSON.Member] = [
      .init("headers", .object([.init("X-Twilio-Signature", .string(signature))])), .init("body", .string(form)),
    ]
    if let url { members.append(.init("url", .string(url))) }
    return drop(JSON.object(members).text)
  }

  /// The vendor's own example (providers/twilio.md, T22), with what a status callback has besides.
  @Test func theVendorsCheckValueIsGenuine() {
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    let form = "CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%2B18005551212"
    // Of that example nothing names an account: what is checked here is the signature.
    let parts = signatures(form, url)
    #expect(parts.contains("0/KCTR6DLpKmkAf8muzZqo1nDgQ="))
  }

  @Test func onlyWhatIsSignedByTheAccountCounts() throws {
    let form = "AccountSid=AC1&MessageSid=SM1&MessageStatus=delivered&To=%2B12125550100"
    let url = "https://h.example/cb"
    let good = try #require(signatures(form, url).first)
    #expect(try twilio().isGenuine(signed(form, url: url, good)))
    #expect(try !twilio().isGenuine(signed(form, url: url, "AAAA")))
    #expect(try !twilio().isGenuine(signed(form.replacing("delivered", with: "failed"), url: url, good)))
    #expect(try !twilio().isGenuine(signed(form, url: "https://other.example/cb", good)))
    #expect(
      try twilio().isGenuine(signed(form, url: "https://h.example:443/cb", good)), "standard ports may be left out")
    #expect(try !twilio().isGenuine(signed(form, url: nil, good)))
    #expect(try twilio(["status_callback": .string(url)]).isGenuine(signed(form, url: nil, good)))
    #expect(try !twilio().isGenuine(drop(form)), "a raw body carries no signature")
    let stranger = form.replacing("AC1", with: "AC2")
    let theirs = try #require(signatures(stranger, url).first)
    #expect(try !twilio().isGenuine(signed(stranger, url: url, theirs)), "another account's call")
  }
}

@Suite("Reports of mail systems") struct DeliveryStatusTests {
  private func report(
    action: String = "failed", type: String = "multipart/report; report-type=delivery-status; boundary=\"b;1\"",
    returned: String = "Message-ID: <uuid@example.com>\nSubject: x\n", newline: String = "\n",
    to: String = "alerts@example.com"
  ) -> String {
    """
    From: MAILER-DAEMON@mx.example
    To: \(to)
    Content-Type: \(type)
    MIME-Version: 1.0

    --b;1
    Content-Type: text/plainSaid

    It did not work.
    --b;1
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mx.example
    Original-Envelope-Id: env-1

    Original-Recipient: rfc822;user@example.net
    Final-Recipient: rfc822; alias@example.org
    Action: \(action)
    Status: 5.1.1
    Diagnostic-Code: smtp; 550 5.1.1
      no such user
    Last-Attempt-Date: Sun, 22 Nov 2026 09:05:00 +0000

    Final-Recipient: rfc822; second@example.net
    Action: delivered
    Status: 2.0.0

    --b;1
    Content-Type: text/rfc822-headers

    \(returned)
    --b;1--
    """.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: newline)
  }

  @Test(arguments: ["\n", "\r\n"]) func eachRecipientHasItsOwnEnd(newline: String) throws {
    let found = receipts(Email.self, report(newline: newline))
    #expect(found.map(\.to) == ["user@example.net", "second@example.net"])
    #expect(found.map { $0.news?.state } == [.undelivered, .delivered])
    #expect(found[0].names == [.reference("env-1"), .reference("uuid@example.com")])
    #expect(found[0].news?.code == "5.1.1" && found[0].news?.reason == "550 5.1.1 no such user")
    #expect(found[0].news?.at == Date(timeIntervalSince1970: 1_795_338_300))
  }

  @Test(arguments: ["delayed", "expanded", "relayed"]) func whatIsUnderWayIsNoState(action: String) {
    #expect(receipts(Email.self, report(action: action)).first?.news == nil)
  }

  @Test func aHolidaysAnswerAndABounceOfItsOwnKindAreNone() {
    #expect(receipts(Email.self, "Auto-Submitted: auto-replied\nContent-Type: text/plainSaid\n\nI am away.\n").isEmpty)
    #expect(
      receipts(Email.self, report(type: "multipart/report; report-type=disposition-notification; boundary=b")).isEmpty)
  }

  @Test func oneThatIsCutIsNoWholeReport() {
    let whole = report()
    let cut = whole.prefix(upTo: whole.range(of: "uuid@example.com")?.lowerBound ?? whole.endIndex)
      .replacingOccurrences(of: "Original-Envelope-Id: env-1\n", with: "")
    let entries = Email.entries(in: drop(cut))
    #expect(entries.count == 2 && entries.allSatisfy { $0.isBad })
  }

  @Test func lettersBeforeTheSignAreNoOthersWhateverTheirCase() throws {
    let email = try Email(
      settings(
        Email.self,
        ["from": .string("a@example.com"), "url": .string("smtp://127.0.0.1:25"), "security": .string("none")]))
    let target = try email.target("First.Last@Example.com")
    #expect(email.receiptIdentity(of: target) == email.identity(ofReceiptFor: "first.last@example.com"))
    #expect(email.receiptIdentity(of: target) != email.identity(ofReceiptFor: "firstlast@example.com"))
  }

  @Test func theAddressItCameToNamesTheCall() {
    let found = receipts(Email.self, report(to: "<alerts+20261122T090000-g-1-000001=user=example.net@example.com>"))
    #expect(found.first?.names.last == .reference("20261122T090000-g-1-000001"))
  }
}
