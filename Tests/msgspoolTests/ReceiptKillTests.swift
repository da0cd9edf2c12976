import Foundation
import TestSupport
import Testing

@Suite(
  "Killed while receipts are applied, none is lost, misapplied or told twice",
  .disabled(if: Injection.isMissing, "no strace"))
struct ReceiptKillTests {
  private static let moments = Moment.all([
    ("pwrite64", 40), ("fdatasync", 12), ("fsync", 8), ("syncfs", 2), ("write", 10), ("unlinkat", 6), ("renameat2", 6),
    ("openat", 60),
  ])

  @Test(arguments: Torture.some(moments, 14)) func killed(moment: Moment) async throws {
    // The first call's answer is lost; the others are accepted.
    try await withStation(faults: ["reset-after:on=send,count=1", "status:http=500,on=lookup"]) { station in
      try station.configure(["sms": .aliyun(#"receipts: "drop", max_recipients_per_call: 2, concurrency: 1"#)])
      var numbers: [String: [String]] = [:]
      for message in 0..<3 {
        let all = (0..<3).map { "1380013800\(message * 3 + $0)" }
        numbers["m\(message)"] = all
        let list = all.map { "\"\($0)\"" }.joined(separator: ",")
        try station.spool.drop("m\(message)", #"{"channel":"sms","to":[\#(list)],"params":{"code":"\#(message)"}}"#)
      }
      try await station.sweep()
      // Whom each call was for, by the far side's record.
      var reports: [String] = []
      for call in try station.calls() {
        let out = try #require(call.content["OutId"]?.text)
        for number in call.recipients { reports.append(aliyunReport(number, out: out, success: number.last != "4")) }
      }
      for name in station.spool.names(in: "deferred") {
        try station.spool.setModified("deferred/\(name)", Date(timeIntervalSinceNow: 3600))
      }
      try station.receive("[\(reports.joined(separator: ",")),{\"phone_number\":\"1\"}]", as: "all")
      try station.receive("[\(reports.joined(separator: ","))]", as: "twice")
      try station.receive("[1]", as: "none")
      let swept = try await station.sweep(under: moment.killing)
      #expect([0, KillTests.killed].contains(swept.status), "\(swept.stderr)")
      _ = try await station.recipients()
      #expect(try await station.sweep().status == 0)
      #expect(station.receipts("new").isEmpty)
      #expect(station.receipts("unknown") == ["all.\(reports.count + 1)", "none"])
      #expect(station.spool.names(in: "done") == ["m0", "m1", "m2"], "the doubt ended")
      for (name, all) in numbers {
        var told: [String: [String]] = [:]
        for line in String(decoding: try station.spool.bytes("done/\(name)"), as: UTF8.self).split(separator: "\n") {
          guard let line = try? Parsed(String(line)), line["receipt"] == 1 else { continue }
          for result in line["results"]?.array ?? [] {
            told[result["to"]?.text ?? "", default: []].append(result["state"]?.text ?? "")
          }
        }
        for number in all { #expect(told[number] == [number.last == "4" ? "undelivered" : "delivered"], "\(number)") }
      }
      #expect(try station.accepted().values.allSatisfy { $0 == 1 } && station.accepted().count <= 9)
      let counts = try await station.recipients()
      #expect(counts["delivered"] == 8 && counts["undelivered"] == 1, "\(counts)")
    }
  }

  /// Services that can be asked again, that tell each news once, and that hide what was not deleted.
  enum Source: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case twilio, tencent, aliyun

    var testDescription: String { rawValue }
  }

  struct Pull: Sendable, CustomTestStringConvertible {
    var source: Source
    var moment: Moment

    var testDescription: String { "\(source), \(moment.testDescription)" }
  }

  private static let pulls = Source.allCases.flatMap { source in
    Moment.all([
      ("pwrite64", 24), ("fdatasync", 10), ("fsync", 4), ("write", 6), ("sendto", 6), ("openat", 40), ("renameat2", 2),
    ]).map { Pull(source: source, moment: $0) }
  }

  @Test("Killed while a service is asked", arguments: Torture.some(pulls, 9)) func pulled(pull: Pull) async throws {
    try await withStation { station in
      let more = #"rate: 0, receipts: "pull", receipt_every: "0s", endpoint: "\#(station.address)""#
      let channel: String
      switch pull.source {
      case .twilio:
        channel =
          #"provider: "twilio", account_sid: "AC\#(String(repeating: "0", count: 32))", auth_token: "t", "#
          + #"from: "+15005550006""#
      case .tencent:
        channel =
          #"provider: "tencent-sms", secret_id: "AKID", secret_key: "s", sms_sdk_app_id: "1400006666", "#
          + #"sign_name: "Demo", template: "449739""#
      case .aliyun:
        channel =
          #"provider: "aliyun-sms", access_key_id: "LTAI", access_key_secret: "s", sign_name: "Demo", "#
          + #"template: "SMS_1", receipt_queue: "Alicom-Queue-1-SmsReport", receipt_endpoint: "\#(station.address)""#
      }
      try station.configure(text: "{ channels: { c: { \(channel), \(more) } } }")
      let numbers = (0..<3).map { "+861380013800\($0)" }
      for (index, number) in numbers.enumerated() {
        let params = pull.source == .aliyun ? #"{"code":"\#(index)"}"# : #"["\#(index)"]"#
        let content = pull.source == .twilio ? #""body":"\#(index)""# : #""params":\#(params)"#
        try station.spool.drop("m\(index)", #"{"channel":"c","to":"\#(number)",\#(content)}"#)
      }
      try await station.sweep()
      // A slow sweep may have heard of some by then.
      let sent = try await station.recipients()
      #expect((sent["awaiting"] ?? 0) + (sent["delivered"] ?? 0) == 3, "\(sent)")
      let swept = try await station.sweep(under: pull.moment.killing)
      #expect([0, KillTests.killed].contains(swept.status), "\(swept.stderr)")
      let counts = try await station.sweepUntilNobodyIsAwaited()
      #expect(counts["delivered"] == 3, "\(counts)")
      // What the ledger knew when the sweep was killed, the next one tells.
      try await station.sweep()
      for index in numbers.indices {
        let text = String(decoding: try station.spool.bytes("done/m\(index)"), as: UTF8.self)
        #expect(text.split(separator: "\n").count { $0.contains("\"receipt\":1") } == 1, "told once: \(text)")
      }
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
      #expect(station.receipts("unknown").isEmpty)
    }
  }

  @Test("Killed while somebody goes on through the fallback", arguments: Torture.some(moments, 8))
  func legs(moment: Moment) async throws {
    try await withStation { station in
      let more = #"receipts: "drop", fallback: "push", fallback_on: "undelivered""#
      let numbers = (0..<3).map { "1380013800\($0)" }
      let book = numbers.map { "\"\($0)\": \"UID_\($0)\"" }.joined(separator: ", ")
      try station.configure(["sms": .aliyun(more), "push": .wxpusher("recipients: { \(book) }")])
      let list = numbers.map { "\"\($0)\"" }.joined(separator: ",")
      try station.spool.drop("m", #"{"channel":"sms","to":[\#(list)],"params":{"code":"1"},"body":"x"}"#)
      try await station.sweep()
      let call = try #require(try station.spool.last("done/m")["calls"]?[0].text)
      let reports = numbers.map { aliyunReport($0, out: call, success: $0.last == "2") }.joined(separator: ",")
      try station.receive("[\(reports)]", as: "1")
      let swept = try await station.sweep(under: moment.killing)
      #expect([0, KillTests.killed].contains(swept.status), "\(swept.stderr)")
      #expect(try await station.recipients()["dropped"] == 3, "killed at \(moment)")
      for _ in 0..<4 { try await station.sweep() }
      let counts = try await station.recipients()
      #expect(counts["dropped"] == 3 && counts["delivered"] == 1 && counts["accepted"] == 2, "\(counts)")
      #expect(station.spool.names(in: "done") == ["m", "m.leg", "m.leg~2"], "\(station.spool.names(in: "done"))")
      let accepted = try station.accepted()
      #expect(
        accepted.values.allSatisfy { $0 == 1 } && accepted.keys.count { $0.hasPrefix("UID_") } == 2, "\(accepted)")
    }
  }
}
