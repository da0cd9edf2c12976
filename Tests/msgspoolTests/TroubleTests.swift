import Foundation
import TestSupport
import Testing

@Suite("A channel in trouble stops, the others go on, and nothing is lost or said twice")
struct SuspensionTests {
  private static func text(_ number: Int) -> String {
    #"{"channel":"text","to":"+1212555010\#(number)","body":"hi"}"#
  }

  @Test(
    "Wrong credentials or an empty balance: the files are back in new/ unchanged, and it is said once",
    arguments: ["credentials", "quota"])
  func suspended(fault: String) async throws {
    try await withStation(faults: ["\(fault):provider=twilio"]) { station in
      try station.configure(["text": .twilio("concurrency: 2"), "push": .wxpusher()])
      for number in 0..<5 { try station.spool.drop("t\(number)", Self.text(number)) }
      try station.spool.drop("p", #"{"channel":"push","to":"UID_a","body":"hi"}"#)
      let first = try await station.sweep()
      #expect(first.status == 0 && first["left"] == 5 && first["done"] == 1)
      #expect(first.stderr.components(separatedBy: "channel text").count == 2, "\(first.stderr)")
      for number in 0..<5 {
        #expect(try station.spool.bytes("new/t\(number)") == Array(Self.text(number).utf8))
      }
      let before = try station.calls().count
      #expect(before <= 3)
      try await station.sweep()
      #expect(try station.calls().count == before + 1, "the next sweep tries with one call first")
    }
  }

  @Test("When the one call passes, the rest follows in the same sweep")
  func resumed() async throws {
    try await withStation(faults: ["credentials:count=1"]) { station in
      try station.configure(["text": .twilio("concurrency: 1")])
      for number in 0..<5 { try station.spool.drop("t\(number)", Self.text(number)) }
      #expect(try await station.sweep()["left"] == 5)
      let swept = try await station.sweep()
      #expect(swept["done"] == 5 && swept.stderr.isEmpty)
    }
  }

  @Test("A message accepted in part before the trouble is deferred, and keeps what was accepted")
  func partly() async throws {
    try await withStation(faults: ["credentials:after=1,count=1"]) { station in
      try station.configure(["push": .wxpusher("max_recipients_per_call: 1, concurrency: 1")])
      let message = #"{"channel":"push","to":["UID_a","UID_b"],"body":"hi"}"#
      try station.spool.drop("a", message)
      #expect(try await station.sweep()["deferred"] == 1)
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["UID_a": 1, "UID_b": 1])
    }
  }

  @Test(
    "Who bars those that go on is left alone until the time it named, or until the configuration has changed",
    arguments: ["quota", "credentials"])
  func barred(fault: String) async throws {
    try await withStation(faults: ["\(fault):count=1"]) { station in
      try station.configure(
        text: "{ channels: { push: { provider: \"pushplus\", endpoint: \"\(station.address)\", "
          + "token: \"0123456789abcdef0123456789abcdef\" } } }")
      try station.spool.setModified("config.json", Date() - 60)
      try station.spool.drop("a", #"{"channel":"push","body":"hi"}"#)
      for _ in 0..<2 {
        let swept = try await station.sweep()
        #expect(swept["left"] == 1 && swept.stderr.contains("bars those who go on"), "\(swept.stderr)")
        #expect(try station.calls().count == 1)
      }
      #expect(try await station.run("status").stdout.contains("not tried before"))
      try station.spool.setModified("config.json", Date() + 60)
      #expect(try await station.sweep()["done"] == 1)
    }
  }

  @Test("Who was accepted in the very answer that suspends the channel does not get it again")
  func acceptedBesideTheTrouble() async throws {
    try await withStation { station in
      // Takes whom it has credentials for, then ends with EX_NOPERM.
      let script = "\(station.spool.path)/send.sh"
      let lines = #"while read -r line; do case $line in *good*) echo '{"to":"good","state":"accepted"}';; esac; done"#
      func write(_ end: String) throws {
        let text = "#!/bin/sh\ntee -a '\(station.spool.path)/sent' | \(end)\n"
        try Data(text.utf8).write(to: URL(filePath: script))
        #expect(chmod(script, 0o755) == 0)
      }
      try write("{ \(lines); exit 77; }")
      try station.configure(text: "{ channels: { out: { provider: \"exec\", command: [\"\(script)\"] } } }")
      try station.spool.drop("both", #"{"channel":"out","to":["good","other"],"body":"hi"}"#)
      try station.spool.drop("none", #"{"channel":"out","to":"third","body":"hello"}"#)
      let swept = try await station.sweep()
      #expect(swept["deferred"] == 1 && swept["left"] == 1 && swept.stderr.contains("suspended"), "\(swept.stderr)")
      try write(#"sed 's/.*"to":"\([^"]*\)".*/{"to":"\1","state":"accepted"}/'"#)
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["done"] == 2)
      let sent = try String(contentsOfFile: "\(station.spool.path)/sent", encoding: .utf8)
      #expect(sent.components(separatedBy: #""to":"good""#).count == 2, "\(sent)")
    }
  }

  @Test("A provider that cannot be reached is tried a few times, not once per message")
  func unreachable() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio(#"endpoint: "http://127.0.0.1:1", concurrency: 1"#)])
      for number in 0..<9 { try station.spool.drop("t\(number)", Self.text(number)) }
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["deferred"] == 9 && (swept["calls"] ?? 9) <= 4)
      let line = try station.spool.last("deferred/t0")
      #expect(line["error"]?["kind"] == "network")
    }
  }
}

@Suite("Sent, and no answer came: neither sent again in silence nor dropped")
struct UnconfirmedTests {
  private static let push = #"{"channel":"push","to":["UID_a","UID_b"],"body":"hi"}"#
  private static let text = #"{"channel":"text","to":"+12125550100","body":"hi"}"#

  @Test(
    "hold: the message waits in failed/ until a person decides",
    arguments: ["reset-after:count=1", "truncate:count=1", "delay:ms=4000,count=1"])
  func hold(fault: String) async throws {
    try await withStation(faults: [fault]) { station in
      try station.configure(["push": .wxpusher("timeout: 1")])
      try station.spool.drop("a", Self.push)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["unconfirmed"] == 1)
      let line = try #require(try station.spool.history("failed/a", of: Self.push).first)
      #expect(line["state"] == "unconfirmed" && line["recipients"] == .object(["unconfirmed": 2]))
      #expect(line["error"]?["kind"] == "uncertain" && line["error"]?["hint"] != nil)
      #expect(try await station.sweep()["claimed"] == 0)
      #expect(try station.calls().count == 1)
      try station.spool.move("failed/a", "new/a")
      #expect(try await station.sweep()["done"] == 1, "a person decided to send it again")
    }
  }

  @Test("resend: it is tried again, as the operator chose")
  func resend() async throws {
    try await withStation(faults: ["reset-before:count=1"]) { station in
      try station.configure(["push": .wxpusher(#"on_unconfirmed: "resend""#)])
      try station.spool.drop("a", Self.push)
      #expect(try await station.sweep()["deferred"] == 1)
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["UID_a": 1, "UID_b": 1])
    }
  }

  @Test("A provider that can be asked is asked: what was carried out is done, with the provider's id")
  func askedAndFound() async throws {
    try await withStation(faults: ["reset-after:on=send,count=1"]) { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", Self.text)
      #expect(try await station.sweep()["deferred"] == 1)
      let waiting = try station.spool.last("deferred/a")
      #expect(waiting["recipients"] == .object(["unconfirmed": 1]))
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["+12125550100": 1])
      #expect(try station.spool.last("done/a")["results"]?.array.first?["id"]?.text?.hasPrefix("SM") == true)
    }
  }

  @Test("Not found means not carried out only after reconcile_after; then it is sent")
  func askedAndNotFound() async throws {
    try await withStation(faults: ["reset-before:on=send,count=1"]) { station in
      try station.configure(["text": .twilio("reconcile_after: \"1h\"")])
      try station.spool.drop("a", Self.text)
      try await station.sweep()
      #expect(try await station.sweep()["deferred"] == 1)
      let due = try #require(try station.spool.last("deferred/a")["due"]?.date).timeIntervalSinceNow
      #expect((3500...3600).contains(due))
      #expect(try station.accepted().isEmpty)
      try station.configure(["text": .twilio("reconcile_after: \"0s\"")])
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["+12125550100": 1])
    }
  }

  @Test("Recipients in doubt are held while others of the same message are tried again")
  func holdBesideRetry() async throws {
    try await withStation(faults: ["reset-after:count=1", "status:http=500,count=1"]) { station in
      try station.configure(["push": .wxpusher("max_recipients_per_call: 2, concurrency: 1")])
      let message = #"{"channel":"push","to":["UID_1","UID_2","UID_3","UID_4"],"body":"hi"}"#
      try station.spool.drop("a", message)
      #expect(try await station.sweep()["deferred"] == 1)
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["unconfirmed"] == 1)
      #expect(try station.accepted() == ["UID_1": 1, "UID_2": 1, "UID_3": 1, "UID_4": 1])
      let line = try station.spool.last("failed/a")
      #expect(line["recipients"] == .object(["accepted": 2, "unconfirmed": 2]))
      try station.spool.move("failed/a", "new/a")
      #expect(try await station.sweep()["done"] == 1, "a person decided to send to these two again")
      #expect(try station.accepted() == ["UID_1": 2, "UID_2": 2, "UID_3": 1, "UID_4": 1])
    }
  }

  @Test("Of two equal messages in doubt of which one was carried out, the other is sent")
  func twins() async throws {
    try await withStation(faults: ["reset-after:on=send,count=1", "reset-before:on=send,count=1"]) { station in
      try station.configure(["text": .twilio("reconcile_after: \"0s\"")])
      try station.spool.drop("a", Self.text)
      try station.spool.drop("b", Self.text)
      #expect(try await station.sweep()["deferred"] == 2)
      #expect(try await station.sweep()["done"] == 2)
      #expect(try station.accepted() == ["+12125550100": 2])
    }
  }

  @Test("A call of many that can be looked up is looked up once, and settles all its files")
  func batchFound() async throws {
    try await withStation(faults: ["reset-after:on=send,count=1"]) { station in
      try station.configure(["sms": .aliyun()])
      for file in 0..<3 {
        try station.spool.drop(
          "m\(file)", #"{"channel":"sms","to":["1380000000\#(file)","1380000001\#(file)"],"params":{"code":"1"}}"#)
      }
      #expect(try await station.sweep()["deferred"] == 3)
      #expect(try await station.sweep()["done"] == 3)
      #expect(try station.calls().count == 1)
      #expect(try station.accepted().values.allSatisfy { $0 == 1 } && station.accepted().count == 6)
    }
  }

  @Test("A message found for one that is in doubt is the one that was sent then, not an equal one sent since")
  func equalOneSince() async throws {
    try await withStation(faults: ["reset-before:on=send,count=1"]) { station in
      try station.configure(["text": .twilio("reconcile_after: \"0s\"")])
      try station.spool.drop("a", Self.text)
      try await station.sweep()
      try station.spool.move("deferred/a", "tmp/a")
      try station.spool.drop("b", Self.text)
      #expect(try await station.sweep()["done"] == 1)
      try station.spool.move("tmp/a", "deferred/a")
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["+12125550100": 2])
    }
  }

  @Test("Questions about a channel with few places all end, whatever the sends beside them meet")
  func manyQuestions() async throws {
    try await withStation(faults: ["reset-after:on=send,count=40", "throttle:on=send,after=40,count=5"]) { station in
      try station.configure(["text": .twilio("concurrency: 40")])
      for number in 10..<50 {
        try station.spool.drop("q\(number)", #"{"channel":"text","to":"+121255501\#(number)","body":"hi"}"#)
      }
      #expect(try await station.sweep()["deferred"] == 40)
      try station.configure(["text": .twilio("concurrency: 1")])
      for number in 10..<50 {
        try station.spool.drop("s\(number)", #"{"channel":"text","to":"+121255502\#(number)","body":"hi"}"#)
        try station.spool.move("new/s\(number)", "deferred/s\(number)")
        try station.spool.age("deferred/s\(number)", seconds: 1)
      }
      // With few descriptors the sweep has few messages in hand, so questions and sends come mixed.
      let swept = try await station.sweep(under: ["sh", "-c", #"ulimit -n 620; exec "$0" "$@""#])
      #expect(swept.status == 0)
      #expect((swept["done"] ?? 0) + (swept["deferred"] ?? 0) == 80)
      try await station.sweepToTheEnd()
      #expect(try station.accepted().count == 80 && station.accepted().values.allSatisfy { $0 == 1 })
    }
  }
}
