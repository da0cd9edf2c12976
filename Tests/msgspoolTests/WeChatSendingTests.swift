import Foundation
import TestSupport
import Testing

@Suite("Sending to personal WeChat")
struct WeChatSendingTests {
  @Test("A text, a picture of 70 kB and a file arrive in their order, as parts of one message")
  func parts() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.logIn()
      let picture = try station.attach(
        "p.bin", [0xFF, 0xD8, 0xFF] + (0..<70_000).map { UInt8(truncatingIfNeeded: $0) })
      let report = try station.attach("报告.pdf", Array("%PDF-1.4".utf8))
      try station.spool.drop(
        "a",
        #"{"channel":"me","title":"标题","body":"你好 😄","url":"https://x.test","attachments":["\#(picture)","\#(report)"]}"#
      )
      #expect(try await station.sweep()["done"] == 1)
      let got = try #require(try await station.phone("received")["owner"]?.array)
      #expect(got.map { $0["kind"]?.text } == ["text", "image", "file"])
      #expect(got[0]["text"]?.text == "标题\n你好 😄\nhttps://x.test")
      #expect(got[1]["bytes"]?.int == 70_003 && got[2]["name"]?.text == "报告.pdf")
      let parts = try station.spool.last("done/a")["results"]?.array.first?["parts"]?.array
      #expect(parts?.map { $0["part"]?.text } == ["text", "p.bin", "报告.pdf"])
      #expect(parts?.allSatisfy { $0["state"]?.text == "accepted" && $0["id"]?.text != nil } == true)
    }
  }

  @Test("Parts that were accepted are not sent again: the next attempt goes on at the first that was not")
  func goesOn() async throws {
    try await withStation(faults: ["status:provider=wechat-ilink,on=upload,http=400,count=1"]) { station in
      try station.configureBot("retry: { first: 0 }")
      try await station.logIn()
      let report = try station.attach("a.pdf", Array("%PDF-1.4".utf8))
      try station.spool.drop("a", #"{"channel":"me","body":"x","attachments":["\#(report)"]}"#)
      let first = try await station.sweep()
      #expect(first["deferred"] == 1, "\(first.stderr)")
      let line = try station.spool.last("deferred/a")
      #expect(line["results"]?.array.first?["parts"]?.array.map { $0["state"]?.text } == ["accepted", "deferred"])
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["done"] == 1)
      let got = try #require(try await station.phone("received")["owner"]?.array)
      #expect(got.map { $0["kind"]?.text } == ["text", "file"])
    }
  }

  @Test("Without a word of the owner nothing is sent, and no attempt used; with one all goes at once, while watch runs")
  func allowance() async throws {
    try await withStation { station in
      try station.configureBot("per_word: 2")
      try await station.logIn(saying: nil)
      for name in ["a", "b", "c"] { try station.spool.drop(name, #"{"channel":"me","body":"\#(name)"}"#) }
      #expect(try await station.sweep()["deferred"] == 3)
      let line = try station.spool.last("deferred/a")
      #expect(line["attempt"]?.int == 0 && line["error"]?["kind"]?.text == "quota")
      #expect(line["error"]?["hint"]?.text?.contains("write anything to the bot") == true)
      #expect(try station.requests().filter { $0.outcome == "accepted" }.isEmpty)
      try await station.watching {
        try await station.say("hi")
        #expect(try await eventually { station.spool.names(in: "done").count == 2 })
        #expect(try await eventually { station.spool.names(in: "deferred").count == 1 })
        try await station.say("more")
        #expect(try await eventually { station.spool.names(in: "done").count == 3 })
      }
      #expect(try await station.textsOfOwner().count == 3)
    }
  }

  @Test("A ret -2 counts as a used-up allowance")
  func spent() async throws {
    try await withStation(faults: ["throttle:provider=wechat-ilink,on=send,count=1"]) { station in
      try station.configureBot()
      try await station.logIn()
      for name in ["a", "b"] { try station.spool.drop(name, #"{"channel":"me","body":"\#(name)"}"#) }
      #expect(try await station.sweep()["deferred"] == 2)
      let codes = try ["a", "b"].map { try station.spool.last("deferred/\($0)")["error"]?["code"]?.text }
      #expect(Set(codes.compactMap { $0 }) == ["-2", "allowance"])
      try await station.say("hi")
      #expect(try await station.sweep()["done"] == 2)
    }
  }

  @Test("What the service refuses to send to somebody else takes nothing from the owner's allowance")
  func others() async throws {
    try await withStation { station in
      try station.configureBot()
      try await station.logIn()
      try await station.say("hi", ["from": "o9x@im.wechat"])
      try station.spool.drop("a", #"{"channel":"me","to":"o9x@im.wechat","body":"x","priority":"high"}"#)
      try station.spool.drop("b", #"{"channel":"me","body":"y"}"#)
      let swept = try await station.sweep()
      #expect(swept["deferred"] == 1 && swept["done"] == 1, "\(swept.stderr)")
      #expect(try await station.textsOfOwner() == ["y"])
    }
  }

  @Test("A success without an id is unconfirmed, and three in a row suspend the channel")
  func noId() async throws {
    try await withStation(faults: ["recipient:provider=wechat-ilink,code=no-id"]) { station in
      try station.configureBot()
      try await station.logIn()
      for number in 1...4 { try station.spool.drop("\(number)", #"{"channel":"me","body":"\#(number)"}"#) }
      let swept = try await station.sweep()
      #expect(swept["unconfirmed"] == 3, "\(swept.stderr)")
      #expect(station.spool.names(in: "new").count == 1)
      let line = try station.spool.last("failed/\(station.spool.names(in: "failed")[0])")
      #expect(line["error"]?["kind"]?.text == "uncertain" && line["error"]?["code"]?.text == "no-id")
      #expect(swept.stderr.contains("WeChat takes messages but does not queue them"))
      try station.configureBot("require_message_id: false")
      #expect(try await station.sweep()["done"] == 1)
    }
  }

  @Test("A session that the service ends: messages stay in new/, no later sweep calls, and a new login goes on")
  func lost() async throws {
    try await withStation { station in
      try station.configureBot("receive: \"off\"")
      try await station.logIn()
      _ = try await station.sweep()
      try station.configureBot("receive: \"sweep\"")
      _ = try await station.sweep()
      try station.configureBot("receive: \"off\"")
      try await station.phone("kick")
      for name in ["a", "b"] { try station.spool.drop(name, #"{"channel":"me","body":"\#(name)"}"#) }
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept.stderr.contains("not logged in: run msgspool login me"))
      #expect(station.spool.names(in: "new") == ["a", "b"])
      #expect(try Parsed(try station.spool.bytes("sessions/me.json"))["state"]?.text == "ended")
      let before = try station.requests().count
      _ = try await station.sweep()
      #expect(try station.requests().count == before)
      try await station.logIn()
      try station.configureBot()
      #expect(try await station.sweep()["done"] == 2)
    }
  }

  @Test(
    "What WeChat cannot take is refused when it is claimed, and nothing of it is sent",
    arguments: [
      #"{"channel":"me","body":"x","format":"markdown"}"#, #"{"channel":"me"}"#,
      #"{"channel":"me","to":"@abc","body":"x"}"#,
      #"{"channel":"me","body":"x","attachments":[{"name":"a","base64":""}]}"#,
      #"{"channel":"me","body":"x","attachments":["FILES/empty"]}"#,
      #"{"channel":"me","body":"x","attachments":["FILES/large"]}"#,
      #"{"channel":"me","body":"x","attachments":["FILES/missing"]}"#,
      #"{"channel":"me","body":"LONG"}"#,
    ])
  func refused(message: String) async throws {
    try await withStation { station in
      try station.configureBot("max_file_bytes: 100")
      try await station.logIn()
      _ = try station.attach("empty", [])
      let large = try station.attach("large", Array(repeating: 1, count: 101))
      let folder = String(large.dropLast("/large".count))
      let text = message.replacingOccurrences(of: "FILES", with: folder)
        .replacingOccurrences(of: "LONG", with: String(repeating: "字", count: 4001))
      try station.spool.drop("a", text)
      #expect(try await station.sweep()["invalid"] == 1)
      #expect(try station.spool.last("failed/a")["error"]?["kind"]?.text == "message")
      #expect(try await station.textsOfOwner().isEmpty)
    }
  }
}
