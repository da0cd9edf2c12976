import Foundation
import TestSupport
import Testing

/// What went wrong in other programs, and in prototypes of this one.
@Suite("Others' bugs with receipts") struct ReceiptBugTests {
  private static let numbers = ["13800138000", "13800138001"]

  private static func message(_ numbers: [String], out: String? = nil) -> String {
    let list = numbers.map { "\"\($0)\"" }.joined(separator: ",")
    let options = out.map { #","options":{"out_id":"\#($0)"}"# } ?? ""
    return #"{"channel":"sms","to":[\#(list)],"params":{"code":"1"}\#(options)}"#
  }

  @Test("A receipt that is there before its call waits, and counts when the call is known")
  func beforeTheCall() async throws {
    try await withStation { station in
      try station.configure(["sms": .aliyun(#"receipts: "drop""#)])
      try station.receive("[\(aliyunReport(Self.numbers[0], out: "order-7"))]", as: "1")
      try await station.sweep()
      #expect(station.receipts("new") == ["1"] && station.receipts("unknown").isEmpty)
      try station.spool.drop("m", Self.message([Self.numbers[0]], out: "order-7"))
      try await station.sweep()
      #expect(station.receipts("new").isEmpty)
      #expect(try await station.recipients()["delivered"] == 1)
    }
  }

  @Test("A receipt that comes while the answer to its call is on its way is not for nobody")
  func beforeTheAnswer() async throws {
    let spool = try TemporarySpool()
    for part in ["", "/tmp", "/new"] { mkdir("\(spool.path)/receipts\(part)", 0o755) }
    try await withStation(
      faults: ["early:on=send", "delay:ms=1500,on=send"], sandbox: ["--callbacks", "\(spool.path)/receipts"],
      spool: spool
    ) { station in
      // What names no call is given up at once; a call that has no answer yet is none of those.
      try station.configure(["sms": .aliyun(#"receipts: "drop", receipt_wait: "30s""#)])
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await station.run("watch", timeout: .seconds(60)) }
        defer { group.cancelAll() }
        try station.spool.drop("m", Self.message(Self.numbers))
        let end = Date(timeIntervalSinceNow: 50)
        while station.receipts("new").isEmpty, station.spool.folders(of: "m") != ["done"], Date() < end {
          try await Task.sleep(for: .milliseconds(10))
        }
        while try await station.recipients()["delivered"] != 2, Date() < end {
          try await Task.sleep(for: .milliseconds(50))
        }
      }
      #expect(try await station.recipients()["delivered"] == 2)
      #expect(station.receipts("unknown").isEmpty)
    }
  }

  @Test("Ids are text: zeros in front are part of them, and a number is what it says")
  func zeros() async throws {
    try await withStation { station in
      let program = "\(station.spool.path)/far-end"
      try Data("#!/bin/sh\ncat >/dev/null\necho '{\"to\":\"a\",\"state\":\"accepted\",\"id\":\"0071\"}'\n".utf8).write(
        to: URL(filePath: program))
      chmod(program, 0o755)
      try station.configure(
        text:
          #"{ channels: { c: { provider: "exec", command: ["\#(program)"], receipts: "drop", receipt_wait: "1h" } } }"#)
      try station.spool.drop("m", #"{"channel":"c","to":"a","body":"x"}"#)
      let swept = try await station.sweep()
      #expect(swept["done"] == 1, "\(swept.stderr) \(swept.ran.stdout)")
      for (index, id) in ["71", #""71""#, #""71.0""#, "7.1e1", #""00071""#].enumerated() {
        try station.receive(#"{"id":\#(id),"to":"a","state":"delivered"}"#, as: "\(index)")
        try station.spool.age("receipts/new/\(index)", seconds: 4000)
      }
      try await station.sweep()
      #expect(station.receipts("unknown").count == 5)
      #expect(try await station.recipients()["awaiting"] == 1)
      try station.receive(#"{"id":"0071","to":"a","state":"undelivered","code":"007"}"#, as: "right")
      try await station.sweep()
      #expect(try await station.recipients()["undelivered"] == 1)
      #expect(try station.spool.last("done/m")["results"]?[0]["code"]?.text == "007")
    }
  }

  @Test("One that is forged by another account's channel, or names another's recipient, changes nothing")
  func anothersCall() async throws {
    try await withStation { station in
      try station.configure([
        "sms": .aliyun(#"receipts: "drop", receipt_wait: "30s""#),
        "other": .aliyun(#"receipts: "drop", receipt_wait: "30s", receipt_secret: "theirs""#),
      ])
      try station.spool.drop("m", Self.message([Self.numbers[0]]))
      try await station.sweep()
      let call = try #require(try station.spool.last("done/m")["calls"]?[0].text)
      let lie = "[\(aliyunReport(Self.numbers[0], out: call, success: false))]"
      let quoted = lie.replacing("\"", with: "\\\"")
      try station.receive(#"{"receipt_of":"other","url":"https://h/theirs","body":"\#(quoted)"}"#, as: "wrapped")
      try station.receive("[\(aliyunReport(Self.numbers[1], out: call, success: false))]", as: "stranger")
      try station.receive(lie, as: "other.named")
      for name in station.receipts("new") { try station.spool.age("receipts/new/\(name)", seconds: 60) }
      let before = try station.spool.bytes("done/m")
      try await station.sweep()
      #expect(station.receipts("new").isEmpty && station.receipts("unknown").count == 3)
      #expect(try station.spool.bytes("done/m") == before)
      let recipients = try await station.recipients()
      #expect(recipients["undelivered"] == 0 && recipients["awaiting"] == 1)
    }
  }

  @Test(
    "A file that moves because its doubt ended is not sent again, whenever its mover is killed",
    .disabled(if: Injection.isMissing, "no strace"),
    arguments: Torture.some(Moment.all([("renameat2", 4), ("write", 6), ("fsync", 6), ("fdatasync", 6)]), 6))
  func movedAndKilled(moment: Moment) async throws {
    try await withStation(faults: ["reset-after:on=send,count=1", "status:http=500,on=lookup"]) { station in
      try station.configure(["sms": .aliyun(#"receipts: "drop""#)])
      try station.spool.drop("m", Self.message(Self.numbers))
      try await station.sweep()
      #expect(station.spool.folders(of: "m") == ["deferred"])
      let call = try #require(try station.calls().first?.content["OutId"]?.text)
      try station.receive("[\(aliyunReport(Self.numbers[0], out: call))]", as: "1")
      // Not due now: it is the receipt that moves it.
      try station.spool.setModified("deferred/m", Date(timeIntervalSinceNow: 3600))
      try await station.sweep(under: moment.killing)
      // Whatever was left is claimed by the next sweep, as it is due.
      if station.spool.folders(of: "m") == ["deferred"] { try station.spool.letDeferredFallDue() }
      for _ in 0..<3 { try await station.sweep() }
      #expect(station.spool.folders(of: "m") == ["done"])
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
      let counts = try await station.recipients()
      #expect(counts["delivered"] == 1 && counts["awaiting"] == 1, "\(counts)")
    }
  }

  @Test("A receipt's line behind a deferred file hides its last attempt from nobody")
  func lineBehindDeferred() async throws {
    try await withStation(faults: ["reset-after:on=send,count=1", "status:http=500,on=lookup"]) { station in
      try station.configure(["sms": .aliyun(#"receipts: "drop", max_recipients_per_call: 1, concurrency: 1"#)])
      try station.spool.drop("m", Self.message(Self.numbers))
      try await station.sweep()
      #expect(station.spool.folders(of: "m") == ["deferred"])
      let calls = try station.calls()
      let (lost, other) = (calls[0], calls[1])
      // One that a program wrote that knew no better.
      let line = #"{"msgspool":1,"receipt":1,"at":"2026-11-22T09:00:00Z","channel":"sms","results":[]}"# + "\n"
      let file = try FileHandle(forWritingTo: URL(filePath: "\(station.spool.path)/deferred/m"))
      try file.seekToEnd()
      try file.write(contentsOf: Data(line.utf8))
      try file.close()
      try station.receive("[\(aliyunReport(other.recipients[0], out: other.content["OutId"]?.text))]", as: "1")
      try station.spool.letDeferredFallDue()
      try await station.sweep()
      #expect(try station.accepted().values.allSatisfy { $0 == 1 }, "who is in doubt is asked about, and not sent to")
      #expect(try await station.recipients()["in_doubt"] == 1)
      try station.receive("[\(aliyunReport(lost.recipients[0], out: lost.content["OutId"]?.text))]", as: "2")
      try await station.sweep()
      try station.spool.letDeferredFallDue()
      for _ in 0..<2 { try await station.sweep() }
      #expect(station.spool.folders(of: "m") == ["done"])
      #expect(try await station.recipients()["delivered"] == 2)
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
    }
  }
}
