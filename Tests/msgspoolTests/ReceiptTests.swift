import Foundation
import TestSupport
import Testing

extension Station {
  /// Drops a callback's bytes as a web server would: written aside, then renamed.
  func receive(_ text: String, as name: String) throws {
    let folder = "\(spool.path)/receipts"
    for part in ["", "/tmp", "/new"] { mkdir(folder + part, 0o755) }
    try Data(text.utf8).write(to: URL(filePath: "\(folder)/tmp/\(name)"))
    try spool.move("receipts/tmp/\(name)", "receipts/new/\(name)")
  }

  func receipts(_ folder: String) -> [String] { spool.names(in: "receipts/\(folder)") }

  /// What `status --json` says of recipients; their sum must hold whenever it is asked.
  func recipients() async throws -> [String: Int] {
    let ran = try await run("status", ["--json"])
    let counts = try #require(try Parsed(ran.stdout)["recipients"])
    var all: [String: Int] = [:]
    for key in counts.keys { all[key] = counts[key]?.int }
    #expect(all["dropped"] == all.filter { $0.key != "dropped" }.values.reduce(0, +), "\(all)")
    return all
  }
}

/// One entry of Aliyun's pushed array.
func aliyunReport(_ number: String, out: String? = nil, biz: String? = nil, success: Bool = true) -> String {
  var members = [
    #""phone_number":"\#(number)""#, #""success":\#(success)"#, #""err_code":"\#(success ? "DELIVERED" : "EXPIRED")""#,
    #""report_time":"2026-11-22 17:05:00""#,
  ]
  if let out { members.append(#""out_id":"\#(out)""#) }
  if let biz { members.append(#""biz_id":"\#(biz)""#) }
  return "{\(members.joined(separator: ","))}"
}

@Suite("Receipts that are dropped") struct ReceiptTests {
  static let numbers = ["13800138000", "13800138001", "13800138002"]

  private static func message(_ numbers: [String], more: String = "") -> String {
    #"{"channel":"sms","to":[\#(numbers.map { "\"\($0)\"" }.joined(separator: ","))],"params":{"code":"1"}\#(more)}"#
  }

  private static func sms(_ more: String = "") -> Station.Channel { .aliyun(#"receipts: "drop"\#(more)"#) }

  /// A message that was accepted, and the id of its call.
  private static func accepted(_ station: Station, more: String = "") async throws -> String {
    try station.configure(["sms": sms(more)])
    try station.spool.drop("m", message(numbers))
    #expect(try await station.sweep()["done"] == 1)
    // A wait that is over at once has a line of its own behind it.
    return try #require(try station.spool.history("done/m", of: message(numbers)).first?["calls"]?[0].text)
  }

  @Test("A receipt stands behind its message's history, once, and the message does not move")
  func once() async throws {
    try await withStation { station in
      let call = try await Self.accepted(station)
      #expect(try await station.recipients()["awaiting"] == 3)
      let batch =
        "[\(aliyunReport(Self.numbers[0], out: call)),\(aliyunReport(Self.numbers[1], out: call, success: false))]"
      try station.receive(batch, as: "1")
      try await station.sweep()
      #expect(station.receipts("new").isEmpty && station.receipts("unknown").isEmpty)
      let line = try station.spool.last("done/m")
      #expect(line["receipt"] == 1 && line["channel"] == "sms")
      #expect(line["results"]?.array.map { $0["state"]?.text } == ["delivered", "undelivered"])
      #expect(line["results"]?[0]["to"]?.text == Self.numbers[0] && line["results"]?[0]["call"]?.text == call)
      // The same again, and the contrary: nothing more is said.
      let before = try station.spool.bytes("done/m")
      try station.receive(batch, as: "2")
      try station.receive("[\(aliyunReport(Self.numbers[0], out: call, success: false))]", as: "3")
      try await station.sweep()
      #expect(station.receipts("new").isEmpty)
      #expect(try station.spool.bytes("done/m") == before)
      let counts = try await station.recipients()
      #expect(counts["delivered"] == 1 && counts["undelivered"] == 1 && counts["awaiting"] == 1)
    }
  }

  @Test("What is no receipt, is forged, or names nothing, goes to unknown/ with its reason, its bytes kept")
  func unknown() async throws {
    try await withStation { station in
      let call = try await Self.accepted(station, more: #", receipt_wait: "1h", receipt_secret: "s3cret""#)
      let report = "[\(aliyunReport(Self.numbers[0], out: call))]"
      try station.receive("[1,2]", as: "json")
      try station.receive(report, as: "raw")
      let url = #""url":"https://h/receipts/s3cret""#
      func wrapped(_ body: String) -> String {
        "{\(url),\"body\":\"\(body.replacing("\"", with: "\\\""))\"}"
      }
      try station.receive(wrapped("[\(aliyunReport(Self.numbers[0], out: "nobody"))]"), as: "old")
      try station.receive(wrapped("[\(aliyunReport(Self.numbers[0], out: "nobody"))]"), as: "young")
      try station.receive(#"{"receipt_of":"smss","body":"x"}"#, as: "slip")
      try station.receive(
        wrapped("[\(aliyunReport(Self.numbers[0], out: call)),{\"phone_number\":\"1\"}]"), as: "batch")
      try station.spool.age("receipts/new/old", seconds: 3601)
      let swept = try await station.sweep()
      #expect(swept.status == 0, "\(swept.stderr)")
      #expect(station.receipts("new") == ["young"])
      #expect(station.receipts("unknown") == ["batch.2", "json", "old", "raw", "slip"])
      func reason(_ name: String) throws -> String {
        let text = String(decoding: try station.spool.bytes("receipts/unknown/\(name)"), as: UTF8.self)
        let line = try Parsed(String(text.split(separator: "\n").last ?? ""))
        #expect(line["unknown"] == 1 && line["at"]?.date != nil)
        return line["reason"]?.text ?? ""
      }
      #expect(try reason("raw").contains("signature"))
      #expect(try reason("old").contains("no call"))
      #expect(try reason("slip").contains("smss"))
      #expect(try station.spool.bytes("receipts/unknown/raw").starts(with: Array(report.utf8)))
      #expect(try await station.recipients()["delivered"] == 1, "the good entry of the batch was applied")
    }
  }

  @Test("What is half written is left for its writer to finish")
  func halfWritten() async throws {
    try await withStation { station in
      let call = try await Self.accepted(station)
      let report = "[\(aliyunReport(Self.numbers[0], out: call))]"
      try station.receive(String(report.dropLast(10)), as: "half")
      try await station.sweep()
      #expect(station.receipts("new") == ["half"] && station.receipts("unknown").isEmpty)
      try station.receive(report, as: "half")
      try await station.sweep()
      #expect(station.receipts("new").isEmpty)
      #expect(try await station.recipients()["delivered"] == 1)
    }
  }

  @Test("A receipt ends doubt: the message goes from failed/ to done/ by an ordinary line, and nothing is sent again")
  func endsDoubt() async throws {
    try await withStation(faults: ["reset-after:on=send,count=1", "status:http=500,on=lookup"]) { station in
      // Asked for nothing and held: in failed/, unconfirmed, once the look-up has found nothing.
      try station.configure(["sms": Self.sms(#", on_unconfirmed: "hold", reconcile_after: "0s""#)])
      try station.spool.drop("m", Self.message(Self.numbers))
      try await station.sweep()
      let folder = try #require(station.spool.folders(of: "m").first)
      #expect(folder == "deferred")
      let call = try #require(try station.spool.last("deferred/m")["calls"]?[0].text)
      #expect(try await station.recipients()["in_doubt"] == 3)
      try station.receive("[\(aliyunReport(Self.numbers[1], out: call, success: false))]", as: "1")
      try station.spool.setModified("deferred/m", Date(timeIntervalSinceNow: 3600))
      try await station.sweep()
      #expect(station.spool.folders(of: "m") == ["done"])
      let history = try station.spool.history("done/m", of: Self.message(Self.numbers))
      let ended = try #require(history.first { $0["state"] == "done" })
      #expect(ended["results"]?.array.allSatisfy { $0["by"] == "receipt" && $0["state"] == "accepted" } == true)
      #expect(ended["results"]?.array.count == 3, "Aliyun takes a call whole")
      #expect(history.last?["results"]?[0]["state"] == "undelivered")
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
      let counts = try await station.recipients()
      #expect(counts["undelivered"] == 1 && counts["awaiting"] == 2 && counts["in_doubt"] == 0)
    }
  }

  @Test("retry --state undelivered sends to those alone, and no other retry touches them")
  func retry() async throws {
    try await withStation { station in
      let call = try await Self.accepted(station)
      try station.receive("[\(aliyunReport(Self.numbers[1], out: call, success: false))]", as: "1")
      try await station.sweep()
      #expect(try await station.run("list", ["--undelivered"]).stdout.hasPrefix("m "))
      #expect(try await station.run("retry", ["--all"]).stdout.isEmpty)
      let dry = try await station.run("retry", ["--state", "undelivered", "--dry-run"])
      #expect(dry.stdout == "m\n" && station.spool.folders(of: "m") == ["done"])
      #expect(try await station.run("retry", ["--state", "undelivered"]).stdout == "m\n")
      let waiting = try await station.recipients()
      #expect(waiting["waiting"] == 1 && waiting["awaiting"] == 2)
      try await station.sweep()
      #expect(try station.accepted() == [Self.numbers[0]: 1, Self.numbers[1]: 2, Self.numbers[2]: 1])
      // The old call's receipts change nothing any more.
      try station.receive("[\(aliyunReport(Self.numbers[1], out: call, success: true))]", as: "2")
      try await station.sweep()
      #expect(try await station.recipients()["awaiting"] == 3)
      #expect(try await station.run("list", ["--undelivered"]).stdout.isEmpty)
    }
  }

  @Test("When the wait is over nobody has said anything, and what comes later still counts")
  func wait() async throws {
    try await withStation { station in
      let call = try await Self.accepted(station, more: #", receipt_wait: "0s""#)
      try await station.sweep()
      #expect(try await station.recipients()["no_receipt"] == 3)
      try station.receive("[\(aliyunReport(Self.numbers[0], out: call))]", as: "1")
      try await station.sweep()
      let counts = try await station.recipients()
      #expect(counts["delivered"] == 1 && counts["no_receipt"] == 2)
    }
  }

  @Test("Who was not delivered goes on through the fallback, once, by a message of its own")
  func fallback() async throws {
    try await withStation { station in
      let book = #"recipients: { "\#(Self.numbers[1])": "UID_1" }"#
      try station.configure([
        "sms": Self.sms(#", fallback: "push", fallback_on: "undelivered""#), "push": .wxpusher(book),
      ])
      try station.spool.drop(
        "m", #"{"channel":"sms","to":["\#(Self.numbers[0])","\#(Self.numbers[1])"],"params":{"code":"1"},"body":"x"}"#)
      try await station.sweep()
      let call = try #require(try station.spool.last("done/m")["calls"]?[0].text)
      let reports = Self.numbers.prefix(2).map { aliyunReport($0, out: call, success: false) }.joined(separator: ",")
      try station.receive("[\(reports)]", as: "1")
      try await station.sweep()
      #expect(station.spool.names(in: "new") == ["m.leg"], "the fallback does not know the other")
      try station.receive("[\(reports)]", as: "2")
      try await station.sweep()
      #expect(try station.accepted()["UID_1"] == nil || station.spool.names(in: "new").isEmpty)
      try await station.sweepToTheEnd()
      #expect(station.spool.names(in: "done") == ["m", "m.leg"])
      let counts = try await station.recipients()
      #expect(counts["dropped"] == 2 && counts["undelivered"] == 1 && counts["accepted"] == 1, "\(counts)")
    }
  }

  @Test("A text in parts is delivered when all of them are, and goes on as a whole when one is not", arguments: [2, 3])
  func parts(end: Int) async throws {
    try await withStation { station in
      let token = String(repeating: "0", count: 32)
      try station.configure(
        text: """
          { default_channel: "p", channels: {
            p: { provider: "pushplus", token: "\(token)", endpoint: "\(station.address)", rate: 0, receipts: "drop",
              fallback: "f", fallback_on: "undelivered" },
            f: { provider: "exec", command: ["/bin/cat"] } } }
          """)
      let body = String(repeating: "word ", count: 12_000)
      try station.spool.drop("m", #"{"body":"\#(body)","options":{"long":"split"}}"#)
      #expect(try await station.sweep()["done"] == 1)
      let parts = try #require(try station.spool.last("done/m")["results"]?[0]["parts"]?.array)
      let codes = parts.compactMap { $0["id"]?.text }
      #expect(codes.count > 2)
      for (index, code) in codes.enumerated() {
        #expect(try await station.recipients()["awaiting"] == 1, "after \(index) of \(codes.count)")
        let status = index == codes.count - 1 ? end : 2
        try station.receive(
          #"{"event":"message_complate","messageInfo":{"shortCode":"\#(code)","sendStatus":\#(status)}}"#,
          as: "p.\(index)")
        try await station.sweep()
      }
      let counts = try await station.recipients()
      #expect(counts["delivered"] == (end == 2 ? 1 : 0) && counts["waiting"] == (end == 2 ? 0 : 1), "\(counts)")
      #expect(station.spool.names(in: "new") == (end == 2 ? [] : ["m.leg"]))
      if end == 3 {
        let shown = try await station.run("show", ["m.leg"], with: ["MSGSPOOL_LANG": "en"]).stdout
        #expect(shown.contains("of m, who did not get it"), "\(shown)")
      }
    }
  }

  @Test("A watch takes what is dropped within a second")
  func watch() async throws {
    try await withStation { station in
      let call = try await Self.accepted(station)
      try station.receive("[]", as: "first")
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await station.run("watch", timeout: .seconds(60)) }
        defer { group.cancelAll() }
        // It is at work once it has dealt with what was there.
        #expect(try await eventually { station.receipts("new").isEmpty }, "the watch began")
        let start = Date()
        try station.receive("[\(aliyunReport(Self.numbers[0], out: call))]", as: "1")
        #expect(try await eventually { try station.spool.last("done/m")["receipt"] == 1 }, "the receipt is told")
        #expect(Date().timeIntervalSince(start) < (Torture.isOn ? 1 : 5))
      }
    }
  }

  @Test("prune keeps what is awaited", arguments: [true, false])
  func prune(isAwaited: Bool) async throws {
    try await withStation { station in
      let call = try await Self.accepted(station)
      if !isAwaited {
        let all = Self.numbers.map { aliyunReport($0, out: call) }.joined(separator: ",")
        try station.receive("[\(all)]", as: "1")
        try await station.sweep()
      }
      #expect(try await station.run("prune", ["--older-than", "0s"]).status == 0)
      #expect(station.spool.folders(of: "m") == (isAwaited ? ["done"] : []))
    }
  }

  @Test(
    "A wrong setting is a configuration error that names it",
    arguments: [
      (#"receipts: "ask""#, "receipts"), (#"receipts: true"#, "receipts"), (#"receipt_wait: 72"#, "receipt_wait"),
      (#"receipt_every: "soon""#, "receipt_every"), (#"fallback_on: "undelivered""#, "fallback_on"),
      (#"fallback: "sms2", fallback_on: "rejected""#, "fallback_on"),
      (#"receipt_endpoint: "https://h""#, "receipt_endpoint"),
      (#"receipt_queue: "a/b""#, "receipt_queue"),
    ])
  func settings(setting: String, name: String) async throws {
    try await withStation { station in
      try station.configure(["sms": .aliyun(setting), "sms2": .aliyun()])
      let ran = try await station.run("check")
      #expect(ran.status == 78)
      #expect((ran.stdout + ran.stderr).contains("channels.sms.\(name)"))
    }
  }

  @Test("Where no callback can be told from a forged one, check says so")
  func withoutToken() async throws {
    try await withStation { station in
      let twilio =
        #"provider: "twilio", account_sid: "AC00000000000000000000000000000000", from: "+15005550006", "#
        + #"api_key_sid: "SK00000000000000000000000000000000", api_key_secret: "x""#
      for (mode, isTold) in [("drop", true), ("pull", false)] {
        try station.configure(text: #"{ channels: { t: { \#(twilio), receipts: "\#(mode)" } } }"#)
        let ran = try await station.run("check")
        #expect((ran.stdout + ran.stderr).contains("channels.t.auth_token") == isTold, "\(ran.stdout)\(ran.stderr)")
      }
    }
  }

  @Test("The report tells how far recipients got as soon as anybody is awaited")
  func awaitedInReport() async throws {
    try await withStation { station in
      _ = try await Self.accepted(station)
      let text = try await station.run("report", with: ["MSGSPOOL_LANG": "en"]).stdout
      #expect(text.contains("dropped → accepted → delivered") && text.contains("3 unknown"), "\(text)")
    }
  }

  @Test("A provider that never tells, or cannot be asked, is no source of receipts")
  func sources() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher(#"receipts: "drop""#)])
      #expect(try await station.run("check").status == 78)
    }
  }
}
