import Core
import Foundation
import Testing

@testable import Providers

/// A round of questions with a far end that answers by script.
private struct Dialogue {
  var round: ReceiptRound
  var session = Session()
  var asked: [HTTPRequest] = []
  var receipts: [Receipt] = []
  var sources: [[UInt8]] = []
  var sums: [ReceiptSums] = []
  var trouble: String?
  var pause: Double?

  init(_ provider: any ReceiptAsking, _ calls: [AwaitedCall], _ answer: (HTTPRequest) -> (Int, String)) {
    round = ReceiptRound(calls)
    while asked.count < 50, trouble == nil, pause == nil,
      let request = provider.question(&round, session, at: Pinned.now, nonce: Pinned.nonce)
    {
      asked.append(request)
      round.asked += 1
      let (status, body) = answer(request)
      let reading = provider.reading(HTTPResponse(status: status, body: Array(body.utf8)), &round, at: Pinned.now)
      receipts += reading.receipts
      sources += reading.sources
      sums += reading.sums
      if let new = reading.session { session = new }
      (trouble, pause) = (reading.trouble, reading.pause)
    }
  }

  var urls: [String] { asked.map(\.url) }
}

private func call(
  _ provider: any Provider, _ recipients: [(String, String?)], id: String = "c1", shared: String? = nil,
  readKey: String? = nil
) throws -> AwaitedCall {
  AwaitedCall(
    id: id, sharedId: shared, reference: nil, acceptedAt: Pinned.now,
    recipients: try recipients.map { .init(id: $0.1, try provider.target($0.0), readKey: readKey) })
}

@Suite("Services are asked what became of it") struct ReceiptAskingTests {
  private let twilio: Twilio
  private let queue: AliyunSMS
  private let aliyun: AliyunSMS
  private let tencent: TencentSMS

  init() throws {
    twilio = try Twilio(
      settings(
        Twilio.self, ["account_sid": .string("AC1"), "auth_token": .string("t"), "from": .string("+15005550006")],
        endpoint: "https://twilio.test"))
    let keys: [String: JSON] = [
      "access_key_id": .string("LTAI"), "access_key_secret": .string("s"), "sign_name": .string("n"),
      "template": .string("SMS_1"),
    ]
    aliyun = try AliyunSMS(settings(AliyunSMS.self, keys, endpoint: "https://aliyun.test"))
    queue = try AliyunSMS(
      settings(
        AliyunSMS.self,
        keys.merging([
          "receipt_queue": .string("Alicom-Queue-1-SmsReport"), "receipt_endpoint": .string("https://queue.test"),
        ]) { $1 }, endpoint: "https://aliyun.test"))
    tencent = try TencentSMS(
      settings(
        TencentSMS.self,
        ["secret_id": .string("AKID"), "secret_key": .string("s"), "sms_sdk_app_id": .string("1400")],
        endpoint: "https://tencent.test"))
  }

  @Test func twilioIsAskedByItsIds() throws {
    let calls = try (0..<2).map { try call(twilio, [("+1212555010\($0)", "SM\($0)")], id: "c\($0)") }
    let dialogue = Dialogue(twilio, calls) { request in
      request.url.contains("SM0")
        ? (
          200,
          #"{"sid":"SM0","status":"delivered","to":"+12125550100","date_updated":"Mon, 20 May 2024 08:30:15 +0000"}"#
        )
        : (200, #"{"sid":"SM1","status":"sent","to":"+12125550101"}"#)
    }
    #expect(dialogue.urls == (0..<2).map { "https://twilio.test/2010-04-01/Accounts/AC1/Messages/SM\($0).json" })
    #expect(dialogue.receipts == [Receipt([.id("SM0")], to: "+12125550100", .init(.delivered, at: Pinned.now))])
  }

  @Test func ofManyTheListIsReadPageByPage() throws {
    let calls = try (0..<30).map { try call(twilio, [("+12125550100", "SM\($0)")], id: "c\($0)") }
    let dialogue = Dialogue(twilio, calls) { request in
      request.url.contains("Page=1")
        ? (200, #"{"messages":[{"sid":"SM9","status":"failed","error_code":30003,"to":"+1"}],"next_page_uri":null}"#)
        : (200, #"{"messages":[],"next_page_uri":"/2010-04-01/Accounts/AC1/Messages.json?Page=1"}"#)
    }
    #expect(dialogue.urls.count == 2)
    #expect(dialogue.urls[0].contains("DateSent%3E=2024-05-20") && dialogue.urls[0].contains("PageSize=1000"))
    #expect(dialogue.receipts.first?.news?.state == .undelivered && dialogue.receipts.first?.news?.code == "30003")
  }

  @Test func credentialsGoNowhereElse() throws {
    let calls = try (0..<30).map { try call(twilio, [("+12125550100", "SM\($0)")], id: "c\($0)") }
    let dialogue = Dialogue(twilio, calls) { _ in
      (200, #"{"messages":[],"next_page_uri":"@evil.example/2010-04-01/"}"#)
    }
    #expect(dialogue.urls.count == 1)
  }

  @Test(arguments: [429, 500, 401]) func aServiceThatDoesNotSayIsAskedLater(status: Int) throws {
    let dialogue = Dialogue(twilio, [try call(twilio, [("+12125550100", "SM1")])]) { _ in (status, "") }
    #expect(dialogue.receipts.isEmpty && (dialogue.trouble != nil || dialogue.pause != nil))
  }

  @Test func aliyunsQueueIsEmptiedAndEachMessageDeletedOnlyThen() throws {
    let report = #"{"phone_number":"13800138000","success":true,"biz_id":"1^0","out_id":"c1"}"#
    let message =
      "<Message><ReceiptHandle>h&amp;1</ReceiptHandle><MessageBody>\(Data(report.utf8).base64EncodedString())</MessageBody></Message>"
    var deleted = false
    let dialogue = Dialogue(queue, [try call(queue, [("13800138000", nil)], shared: "1^0")]) { request in
      if request.url.contains("/queues/") {
        if request.method == .delete {
          deleted = true
          return (204, "")
        }
        return deleted
          ? (404, "<Error><Code>MessageNotExist</Code></Error>")
          : (200, "<?xml version=\"1.0\"?><Messages xmlns=\"http://mns.aliyuncs.com/doc/v1/\">\(message)</Messages>")
      }
      return (
        200,
        #"{"Code":"OK","MessageTokenDTO":{"AccessKeyId":"STS.1","AccessKeySecret":"x","SecurityToken":"tok","ExpireTime":"2024-05-20 17:00:00"}}"#
      )
    }
    #expect(dialogue.asked.map(\.method) == [.post, .get, .delete, .get])
    #expect(
      dialogue.urls[0].hasPrefix("https://queue.test/?")
        && dialogue.urls[0].contains("QueueName=Alicom-Queue-1-SmsReport"))
    #expect(String(decoding: dialogue.asked[2].body, as: UTF8.self).contains("<ReceiptHandle>h&amp;1</ReceiptHandle>"))
    #expect(dialogue.asked[1].headers.contains { $0.name == "Authorization" && $0.value.hasPrefix("MNS STS.1:") })
    #expect(dialogue.receipts.map(\.names) == [[.id("1^0"), .reference("c1")]])
    #expect(dialogue.sources == [Array(report.utf8)], "what can't be taken yet is not lost")
  }

  @Test func withoutAQueueAliyunIsAskedNumberByNumber() throws {
    let dialogue = Dialogue(
      aliyun, [try call(aliyun, [("13800138000", nil), ("+86 13800138001".replacing(" ", with: ""), nil)])]
    ) { request in
      let isFirst = request.url.contains("PhoneNumber=13800138000")
      return (
        200,
        #"{"Code":"OK","TotalCount":1,"SmsSendDetailDTOs":{"SmsSendDetailDTO":[{"OutId":"\#(isFirst ? "c1" : "other")","SendStatus":2,"ErrCode":"EXPIRED"}]}}"#
      )
    }
    #expect(dialogue.urls.count == 2 && dialogue.urls[0].contains("SendDate=20240520"))
    #expect(
      dialogue.receipts == [Receipt([.reference("c1")], to: "+8613800138000", .init(.undelivered, code: "EXPIRED"))])
  }

  @Test func tencentsQueueGivesEachOnceAndElseItIsNumberByNumber() throws {
    let report =
      #"{"UserReceiveTime":1716193815,"CountryCode":"86","SubscriberNumber":"13800138000","PhoneNumber":"+8613800138000","SerialNo":"5:1","ReportStatus":"SUCCESS","Description":"DELIVRD","SessionContext":""}"#
    var isEmpty = false
    let pulled = Dialogue(tencent, [try call(tencent, [("13800138000", "5:1")])]) { _ in
      defer { isEmpty = true }
      return (200, #"{"Response":{"PullSmsSendStatusSet":[\#(isEmpty ? "" : report)]}}"#)
    }
    #expect(pulled.asked.count == 2 && pulled.trouble == nil && pulled.receipts.first?.names == [.id("5:1")])
    // The source is what a callback would have been.
    let again = TencentSMS.entries(in: ReceiptDrop(pulled.sources[0]))
    #expect(
      again.map(\.content) == [
        .receipt(Receipt([.id("5:1")], to: "+8613800138000", .init(.delivered, code: "DELIVRD", at: Pinned.now)))
      ])
    let asked = Dialogue(tencent, [try call(tencent, [("13800138000", "5:1")])]) { request in
      request.headers.contains { $0.value == "PullSmsSendStatus" }
        ? (200, #"{"Response":{"Error":{"Code":"FailedOperation.NotEnableStatusReport","Message":""}}}"#)
        : (200, #"{"Response":{"PullSmsSendStatusSet":[\#(report)]}}"#)
    }
    #expect(asked.asked.count == 2 && asked.receipts.count == 1 && asked.sources.isEmpty)
  }

  @Test func pushoversEmergenciesAreAcknowledgedOrExpire() throws {
    let pushover = try Pushover(
      settings(Pushover.self, ["token": .string(String(repeating: "a", count: 30))], endpoint: "https://po.test"))
    let user = String(repeating: "u", count: 30)
    let calls = [try call(pushover, [(user, "r1")])]
    let yes = Dialogue(pushover, calls) { _ in
      (200, #"{"status":1,"acknowledged":1,"acknowledged_at":1716193815,"acknowledged_by":"\#(user)","expired":0}"#)
    }
    #expect(yes.receipts == [Receipt(ofAll: [.id("r1")], .init(.acknowledged, at: Pinned.now))])
    let no = Dialogue(pushover, calls) { _ in (200, #"{"status":1,"acknowledged":0,"expired":1,"expires_at":0}"#) }
    #expect(no.receipts.first?.news?.state == .undelivered && no.receipts.first?.to == nil)
    let wait = Dialogue(pushover, calls) { _ in (200, #"{"status":1,"acknowledged":0,"expired":0}"#) }
    #expect(wait.receipts.isEmpty && wait.trouble == nil && wait.asked.count == 1)
    #expect(pushover.receiptPause == 5)
  }

  @Test func pushPlusNeedsAKeyOfItsOwn() throws {
    let values: [String: JSON] = ["token": .string("tok"), "secret_key": .string("sec")]
    let pushPlus = try PushPlus(settings(PushPlus.self, values, endpoint: "https://pp.test"))
    let dialogue = Dialogue(pushPlus, [try call(pushPlus, [("", "code1")])]) { request in
      request.method == .post
        ? (200, #"{"code":200,"data":{"accessKey":"k","expiresIn":7200}}"#)
        : (200, #"{"code":200,"data":{"status":3,"errorMessage":"off","updateTime":"2024-05-20 16:30:15"}}"#)
    }
    #expect(dialogue.urls.last == "https://pp.test/api/open/message/sendMessageResult?shortCode=code1")
    #expect(
      dialogue.receipts == [
        Receipt(ofAll: [.id("code1")], .init(.undelivered, code: "3", reason: "off", at: Pinned.now))
      ])
    var missing = settings(PushPlus.self, ["token": .string("tok")])
    missing.receipts = .pull
    #expect(throws: SettingFault.self) { try PushPlus(missing) }
  }

  // MARK: Sums, and what is never final

  private func oneSignal(
    _ to: [String], _ answer: String, status: Int = 200
  ) throws -> (provider: OneSignal, dialogue: Dialogue) {
    let values: [String: JSON] = [
      "app_id": .string("00000000-0000-4000-8000-000000000001"), "api_key": .string("os_v2_app_k"),
    ]
    let provider = try OneSignal(settings(OneSignal.self, values, endpoint: "https://os.test"))
    let ids = to.map { ($0, nil as String?) }
    let awaited = try call(provider, ids, shared: "n1")
    return (provider, Dialogue(provider, [awaited]) { _ in (status, answer) })
  }

  private static let devices = (2...4).map { "00000000-0000-4000-8000-00000000000\($0)" }

  @Test func oneSignalsSumsAreKeptAndNameNobody() throws {
    let (provider, dialogue) = try oneSignal(
      Self.devices, #"{"successful":2,"received":1,"failed":1,"errored":0,"remaining":0,"completed_at":1716193815}"#)
    #expect(dialogue.urls == ["https://os.test/notifications/n1?app_id=00000000-0000-4000-8000-000000000001"])
    #expect(dialogue.asked[0].headers.contains { $0.value == "Key os_v2_app_k" })
    #expect(dialogue.receipts.isEmpty && dialogue.sums.map(\.isFinal) == [true])
    #expect(dialogue.sums[0].counts.map { "\($0.count) \($0.name)" }.first == "2 successful")
    #expect(provider.receiptsByDefault == .pull && provider.questionsPerSecond == 1)
  }

  @Test(
    "Where sums leave no choice they tell of everybody; what a push service took is no delivery",
    arguments: [
      (#""successful":3,"received":3,"failed":0"#, ReceiptState.delivered),
      (#""successful":0,"received":0,"failed":2,"errored":1"#, .undelivered),
      (#""successful":3,"failed":0"#, nil), (#""successful":1,"failed":2"#, nil),
      (#""successful":0,"failed":0"#, nil),
    ] as [(String, ReceiptState?)])
  func unanimous(counts: String, state: ReceiptState?) throws {
    let (_, over) = try oneSignal(Self.devices, #"{\#(counts),"remaining":0,"completed_at":1716193815}"#)
    #expect(over.receipts.compactMap(\.news?.state) == (state.map { [$0] } ?? []))
    #expect(over.receipts.allSatisfy { $0.to == nil })
    let (_, underWay) = try oneSignal(Self.devices, "{\(counts),\"remaining\":1}")
    #expect(underWay.receipts.isEmpty && underWay.sums.map(\.isFinal) == [false])
  }

  @Test func aUserOrASegmentMayHaveManyDevices() throws {
    let said = #"{"successful":1,"received":1,"remaining":0,"completed_at":1716193815}"#
    #expect(try oneSignal(["external:1"], said).dialogue.receipts.count == 1)
    #expect(try oneSignal(["external:1", "external:2"], said).dialogue.receipts.isEmpty)
    #expect(try oneSignal(["segment:Active"], said).dialogue.receipts.isEmpty)
    #expect(try oneSignal(["external:1"], "{}", status: 429).dialogue.pause == 30)
    #expect(try oneSignal(["external:1"], "{}", status: 401).dialogue.trouble != nil)
  }

  private func serverChan(_ key: String, _ mode: ReceiptMode? = nil) throws -> ServerChan {
    var settings = settings(ServerChan.self, ["sendkey": .string(key)], endpoint: "https://sc.test")
    settings.receipts = mode
    return try ServerChan(settings)
  }

  @Test(
    arguments: [
      ("", nil), (#"{"errcode":0,"errmsg":"ok"}"#, ReceiptState.delivered),
      (#"{"errcode":43004,"errmsg":"require subscribe"}"#, .undelivered), ("soon", nil),
    ] as [(String, ReceiptState?)])
  func turboIsAskedWithTheMessagesOwnKey(status: String, state: ReceiptState?) throws {
    let turbo = try serverChan("SCT1Tx")
    let awaited = try call(turbo, [("", "97")], readKey: "SCTr&k")
    let dialogue = Dialogue(turbo, [awaited]) { _ in
      let data = JSON.object([.init("wxstatus", .string(status))]).text
      return (200, #"{"code":0,"data":\#(data)}"#)
    }
    #expect(dialogue.urls == ["https://sc.test/push?id=97&readkey=SCTr%26k"])
    #expect(dialogue.receipts.compactMap(\.news?.state) == (state.map { [$0] } ?? []) && dialogue.trouble == nil)
  }

  @Test func theReadKeyComesWithTheAnswerAndGoesNoFurther() throws {
    let turbo = try serverChan("SCT1Tx")
    let content = try turbo.content(of: Message(title: "t"))
    let sent = Call(id: "c", contents: [content], recipients: [.init(try turbo.target(""), content: 0, key: "")])
    let body = #"{"code":0,"message":"","data":{"pushid":"97","readkey":"SCTr","error":"SUCCESS","errno":0}}"#
    let outcome = turbo.answer(HTTPResponse(status: 200, body: Array(body.utf8)), to: sent, at: Pinned.now).outcomes[0]
    #expect(outcome.id == "97" && outcome.readKey == "SCTr")
    #expect(turbo.receiptsByDefault == .pull)
    let third = try serverChan("sctp1tx")
    #expect(third.receiptsByDefault == .off && !third.givesReceipts(for: content))
    #expect(throws: SettingFault.self) { try serverChan("sctp1tx", .pull) }
  }

  @Test func wxPusherInformsAndSettlesNothing() throws {
    let wxPusher = try WxPusher(
      settings(WxPusher.self, ["app_token": .string("AT_x")], endpoint: "https://wx.test"))
    let awaited = try call(wxPusher, (0..<30).map { ("UID_\($0)", "\($0)") })
    var number = 0
    let dialogue = Dialogue(wxPusher, [awaited]) { _ in
      number += 1
      return (200, #"{"code":1000,"data":\#(number == 1 ? "\"waiting\"" : "1"),"success":true}"#)
    }
    #expect(dialogue.urls.count == 20 && dialogue.urls[0] == "https://wx.test/api/send/query/status?sendRecordId=0")
    #expect(dialogue.receipts.isEmpty && wxPusher.receiptsByDefault == .off)
    #expect(
      dialogue.sums == [ReceiptSums(call: "c1", [.init("status 1", 19), .init("status waiting", 1)], isFinal: false)])
  }
}
