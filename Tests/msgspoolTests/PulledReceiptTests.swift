import Foundation
import TestSupport
import Testing

extension Station {
  /// Sweeps until nobody is awaited; the far side tells after some seconds.
  func sweepUntilNobodyIsAwaited() async throws -> [String: Int] {
    let end = Date(timeIntervalSinceNow: 60)
    while true {
      let counts = try await recipients()
      if counts["awaiting"] == 0 || Date() > end { return counts }
      let swept = try await sweep()
      #expect(swept.status == 0, "\(swept.stderr)")
    }
  }
}

@Suite("Receipts that are asked for") struct PulledReceiptTests {
  /// Asked in every sweep.
  private static let often = #"receipt_every: "0s""#

  private func channel(_ station: Station, _ settings: String) throws {
    try station.configure(
      text: "{ channels: { c: { \(settings), rate: 0, endpoint: \"\(station.address)\", \(Self.often) } } }")
  }

  @Test("Twilio is asked by itself, and what it says stands behind the message", arguments: [1, 25])
  func twilio(count: Int) async throws {
    try await withStation { station in
      try station.configure(["sms": .twilio(Self.often)])
      for number in 0..<count {
        try station.spool.drop("m\(number)", #"{"channel":"sms","to":"+1212555\#(1000 + number)","body":"x"}"#)
      }
      try await station.sweep()
      #expect(try await station.recipients()["awaiting"] == count)
      #expect(try await station.sweepUntilNobodyIsAwaited()["delivered"] == count)
      #expect(try station.spool.last("done/m0")["results"]?[0]["state"] == "delivered")
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
    }
  }

  @Test("A throttle forgets nobody who is awaited")
  func throttled() async throws {
    try await withStation(faults: ["throttle:on=lookup,count=2,retry-after=1"]) { station in
      try station.configure(["sms": .twilio(Self.often)])
      try station.spool.drop("m", #"{"channel":"sms","to":"+12125550100","body":"x"}"#)
      try await station.sweep()
      #expect(try await station.sweepUntilNobodyIsAwaited()["delivered"] == 1)
    }
  }

  @Test("Who leaves receipts off is asked for nothing")
  func off() async throws {
    try await withStation { station in
      try station.configure(["sms": .twilio(#"receipts: "off""#)])
      try station.spool.drop("m", #"{"channel":"sms","to":"+12125550100","body":"x"}"#)
      try await station.sweep()
      try await station.sweep()
      #expect(try station.requests().count == 1)
      #expect(try await station.recipients()["accepted"] == 1)
      #expect(!FileManager.default.fileExists(atPath: "\(station.spool.path)/receipts"))
    }
  }

  @Test("Aliyun's queue is emptied, each message deleted once what it says is on the disk")
  func aliyunsQueue() async throws {
    try await withStation(faults: ["undelivered:count=1", "twice:count=1"]) { station in
      let queue = #"receipt_queue: "Alicom-Queue-1-SmsReport", receipt_endpoint: "\#(station.address)""#
      try station.configure(["sms": .aliyun("\(queue), \(Self.often), concurrency: 1")])
      let numbers = (0..<40).map { "138001380\(10 + $0)" }
      for (index, part) in [numbers[..<2], numbers[2...]].enumerated() {
        let list = part.map { "\"\($0)\"" }.joined(separator: ",")
        try station.spool.drop("m\(index)", #"{"channel":"sms","to":[\#(list)],"params":{"code":"\#(index)"}}"#)
        try await station.sweep()
      }
      let counts = try await station.sweepUntilNobodyIsAwaited()
      #expect(counts["undelivered"] == 2 && counts["delivered"] == 38, "\(counts)")
      // Each once behind its message, though the first call's came twice.
      #expect(try station.spool.last("done/m0")["results"]?.array.count == 2)
      #expect(station.receipts("new").isEmpty && station.receipts("unknown").isEmpty)
      // 42 of them, 16 at a time.
      #expect(try station.requests().count { $0.status == 204 } >= 3)
    }
  }

  @Test("Aliyun without a queue is asked number by number")
  func aliyunsNumbers() async throws {
    try await withStation { station in
      try station.configure(["sms": .aliyun(#"receipts: "pull", \#(Self.often)"#)])
      try station.spool.drop("m", #"{"channel":"sms","to":["13800138000","13800138001"],"params":{"code":"1"}}"#)
      try await station.sweep()
      #expect(try await station.sweepUntilNobodyIsAwaited()["delivered"] == 2)
    }
  }

  private static let tencent =
    #"provider: "tencent-sms", secret_id: "AKID", secret_key: "s", sms_sdk_app_id: "1400006666", sign_name: "Demo", "#
    + #"template: "449739", receipts: "pull""#

  @Test("Tencent's queue gives each receipt once; what was lost with an answer is asked for by number")
  func tencent() async throws {
    // The first answer of the queue that holds something gets lost: it is gone from there.
    try await withStation(faults: ["undelivered:count=1", "reset-after:on=lookup,after=1,count=1"]) { station in
      try channel(station, Self.tencent)
      for number in 0..<2 {
        try station.spool.drop("m\(number)", #"{"channel":"c","to":"+861380013800\#(number)","params":["\#(number)"]}"#)
        try await station.sweep()
      }
      let counts = try await station.sweepUntilNobodyIsAwaited()
      // By number the far side knows of deliveries alone.
      #expect((counts["delivered"] ?? 0) + (counts["undelivered"] ?? 0) == 2, "\(counts)")
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
    }
  }

  @Test("ServerChan Turbo is asked with the message's own key, which is shown to nobody")
  func serverChan() async throws {
    try await withStation { station in
      try channel(station, #"provider: "serverchan", sendkey: "SCT123456Tsandbox""#)
      try station.spool.drop("m", #"{"channel":"c","title":"hello"}"#)
      try await station.sweep()
      let counts = try await station.sweepUntilNobodyIsAwaited()
      #expect(counts["delivered"] == 1, "\(counts)")
      let file = String(decoding: try station.spool.bytes("done/m"), as: UTF8.self)
      let show = try await station.run("show", ["m", "--json"]).stdout
      #expect(!file.contains("readkey") && !show.contains("readkey"))
      // The key is the sandbox's SCT and 32 digits, beside the channel's own, which is masked.
      #expect(file.firstMatch(of: /SCT[0-9a-f]{32}/) == nil && show.firstMatch(of: /SCT[0-9a-f]{32}/) == nil)
    }
  }

  @Test("OneSignal's sums are kept with the call and shown; nobody is called delivered by them")
  func oneSignal() async throws {
    try await withStation { station in
      try channel(
        station, #"provider: "onesignal", app_id: "00000000-0000-4000-8000-000000000001", api_key: "sandbox""#)
      let ids = (2...4).map { "\"00000000-0000-4000-8000-00000000000\($0)\"" }.joined(separator: ",")
      try station.spool.drop("m", #"{"channel":"c","to":[\#(ids)],"body":"x"}"#)
      try await station.sweep()
      try await station.sweep()
      #expect(try await station.recipients()["awaiting"] == 3)
      #expect(try await station.run("show", ["m"]).stdout.contains("of the call: 3 successful"))
      let report = try Parsed(try await station.run("report", ["--json"]).stdout)
      #expect(report["channels"]?[0]["sums"]?["successful"]?.int == 3)
      #expect(report["channels"]?[0]["funnel"]?["unknown"]?.int == 3)
      // It has said all that it will say.
      let asked = try station.requests().count
      try await station.sweep()
      #expect(try station.requests().count == asked)
    }
  }

  @Test("WxPusher informs, and is asked only where somebody wants that")
  func wxPusher() async throws {
    try await withStation { station in
      try station.configure(["c": .wxpusher(#"receipts: "pull", \#(Self.often)"#)])
      try station.spool.drop("m", #"{"channel":"c","to":["UID_1","UID_2"],"body":"x"}"#)
      try await station.sweep()
      try await station.sweep()
      #expect(try await station.recipients()["awaiting"] == 2)
      #expect(try await station.run("show", ["m"]).stdout.contains("2 status 1"))
    }
  }

  @Test("Of a text that several messages shared each of them hears what became of it")
  func digest() async throws {
    try await withStation { station in
      try station.configure(["sms": .twilio(#"digest: { every: "1m" }, \#(Self.often)"#)])
      for number in 0..<3 {
        try station.spool.drop("m\(number)", #"{"channel":"sms","to":"+12125550100","body":"x\#(number)"}"#)
      }
      try await station.sweep()
      try station.spool.letDeferredFallDue()
      try await station.sweep()
      #expect(try station.calls().count == 1)
      #expect(try await station.sweepUntilNobodyIsAwaited()["delivered"] == 3)
      for number in 0..<3 { #expect(try station.spool.last("done/m\(number)")["receipt"] == 1) }
    }
  }

  @Test("A sweep that is told to stop asks nothing more")
  func stopped() async throws {
    try await withStation(faults: ["delay:ms=400,on=lookup"]) { station in
      try station.configure(["sms": .twilio(Self.often)])
      let count = 18
      for number in 0..<count {
        try station.spool.drop("m\(number)", #"{"channel":"sms","to":"+1212555\#(1000 + number)","body":"x"}"#)
      }
      let script = #""$0" sweep --spool "$1" & echo $! > "$1/pid"; wait $!"#
      async let ran = run("/bin/sh", ["-c", script, station.program, station.spool.path], timeout: .seconds(120))
      let end = Date(timeIntervalSinceNow: 60)
      while try station.requests().count < count + 2, Date() < end { try await Task.sleep(for: .milliseconds(10)) }
      let pid = try #require(Int32(String(contentsOfFile: "\(station.spool.path)/pid", encoding: .utf8).dropLast()))
      kill(pid, SIGTERM)
      _ = try await ran
      #expect(try station.requests().count < 2 * count)
      #expect(try await station.recipients()["awaiting"] ?? 0 > 0)
    }
  }
}
