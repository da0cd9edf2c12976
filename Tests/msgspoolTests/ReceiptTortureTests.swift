import Foundation
import TestSupport
import Testing

/// Receipts by the thousand (by the million in a long run), as strangers send them: before their call is known, twice, late,
/// in any order, forged, for nobody, half written, and some of them never; answers get lost, and whoever applies receipts is
/// killed again and again.
@Suite(
  "Of many receipts none is misapplied and none lost, whatever happens",
  .disabled(if: Calamity.isMissing, "no C compiler for what strikes"))
struct ReceiptTortureTests {
  private static let calls = Torture.isOn ? 1000 : 4
  private static let recipients = 1000
  private static let kills = Torture.isOn ? 40 : 5
  private static let secret = "s3cret"

  /// What is true of a recipient.
  private enum Truth: String { case delivered, undelivered, nobodySaid }

  private static func number(_ call: Int, _ index: Int) -> String {
    String(13_800_000_000 + call * recipients + index)
  }

  private static func truth(_ index: Int) -> Truth {
    if index % 50 == 3 { return .nobodySaid }
    return index % 7 == 0 ? .undelivered : .delivered
  }

  private static func report(_ call: Int, _ index: Int, lies: Bool = false, of out: String? = nil)
    -> String
  {
    let success = (truth(index) == .delivered) != lies
    return aliyunReport(number(call, index), out: out ?? "order-\(call)", success: success)
  }

  /// As a web server wraps it, with the URL that was called.
  private static func wrapped(_ reports: [String], secret: String = secret) -> String {
    let body = "[\(reports.joined(separator: ","))]".replacing("\"", with: "\\\"")
    return "{\"receipt_of\":\"sms\",\"url\":\"https://h/r/sms/\(secret)\",\"body\":\"\(body)\"}"
  }

  /// Batches of 50, without those of whom nobody says anything.
  private static func batches(_ call: Int) -> [(number: Int, indices: [Int])] {
    stride(from: 0, to: recipients, by: 50).map { start in
      (start / 50, (start..<start + 50).filter { truth($0) != .nobodySaid })
    }
  }

  private struct Counts {
    var forged = 0
    var nobody = 0
    var unfinished: [String: String] = [:]
  }

  @Test("The sum is exact after each kill, and in the end everybody has the state that is true")
  func torture() async throws {
    var chance = Torture.SplitMix(state: Torture.seed)
    let seed = UInt32.random(in: 1...999, using: &chance)
    let lost = Torture.isOn ? "chance=0.1,seed=\(seed)" : "after=1,count=1"
    try await withStation(
      faults: ["reset-after:on=send,\(lost)", "status:http=500,on=lookup"], timeout: .seconds(7200)
    ) { station in
      var chance = Torture.SplitMix(state: UInt64(seed))
      try station.configure([
        "sms": .aliyun(#"receipts: "drop", receipt_secret: "\#(Self.secret)", concurrency: 4"#)
      ])
      try await Self.send(station)
      let counts = try Self.drop(station, &chance)
      try await Self.strike(station, &chance)
      try await Self.finish(station, counts)
      try await Self.expectTruth(station, counts)
    }
  }

  /// With a million recipients a sweep takes minutes.
  @discardableResult
  private static func sweep(_ station: Station, with environment: [String: String] = [:]) async throws -> Ran {
    try await station.run("sweep", ["--json"], with: environment, timeout: .seconds(3600))
  }

  /// A call for each message, and some receipts that are there before.
  private static func send(_ station: Station) async throws {
    for call in 0..<calls {
      let list = (0..<recipients).map { "\"\(number(call, $0))\"" }.joined(separator: ",")
      try station.spool.drop(
        "m\(call)",
        #"{"channel":"sms","to":[\#(list)],"params":{"code":"1"},"options":{"out_id":"order-\#(call)"}}"#
      )
      if call % 2 == 0 {
        let early = batches(call)[0]
        try station.receive(wrapped(early.indices.map { report(call, $0) }), as: "early-\(call)")
      }
    }
    let swept = try await Self.sweep(station)
    #expect(swept.status == 0, "\(swept.stderr)")
    // A channel that was cut off several times in a row rests, and what it has not begun waits for the next sweep.
    for _ in 0..<20 where try station.accepted().count < calls * recipients {
      try station.spool.letDeferredFallDue()
      try await Self.sweep(station)
    }
    #expect(try station.accepted().count == calls * recipients)
    // Asked about later; receipts are what ends their doubt.
    for name in station.spool.names(in: "deferred") {
      try station.spool.setModified("deferred/\(name)", Date(timeIntervalSinceNow: 7200))
    }
    let counts = try await station.recipients()
    #expect(counts["dropped"] == calls * recipients)
  }

  /// All the rest, in the order of nothing.
  private static func drop(_ station: Station, _ chance: inout Torture.SplitMix) throws -> Counts {
    var counts = Counts()
    func name(_ what: String) -> String {
      "\(UInt64.random(in: 0 ... .max, using: &chance))-\(what)"
    }
    for call in 0..<calls {
      for batch in batches(call) {
        let whole = wrapped(batch.indices.map { report(call, $0) })
        switch Int.random(in: 0..<10, using: &chance) {
        case 0: try station.receive(whole, as: name("twice"))
        case 1:
          counts.forged += 1
          try station.receive(
            wrapped(batch.indices.map { report(call, $0, lies: true) }, secret: "guess"),
            as: name("forged"))
        case 2:
          counts.nobody += 1
          try station.receive(
            wrapped([report(call, batch.indices[0], of: "nobody-\(call)")]), as: name("nobody"))
        case 3:
          let half = name("half")
          counts.unfinished[half] = whole
          try Data(whole.utf8.prefix(whole.utf8.count / 2)).write(
            to: URL(filePath: "\(station.spool.path)/receipts/new/\(half)"))
          // Its writer is at it for as long as this run takes.
          try station.spool.setModified("receipts/new/\(half)", Date(timeIntervalSinceNow: 86_400))
          continue
        default: break
        }
        try station.receive(whole, as: name("\(call)"))
      }
    }
    return counts
  }

  /// Kills whoever applies them, at some call that changes something; the sum holds each time.
  private static func strike(_ station: Station, _ chance: inout Torture.SplitMix) async throws {
    var struck = 0
    for _ in 0..<kills {
      let at = Int.random(in: 1...(Torture.isOn ? 4000 : 250), using: &chance)
      let result = try await Calamity(.kill, at: at).strike { environment in
        try await Self.sweep(station, with: environment)
      }
      if result.at != nil { struck += 1 }
      #expect([0, Calamity.killed].contains(result.ran.status), "\(result.ran.stderr)")
      let counts = try await station.recipients()
      #expect(
        counts["dropped"] == calls * recipients,
        "killed at \(result.at ?? "nothing"), \(at): \(counts)")
    }
    #expect(struck > 0, "nothing was struck")
  }

  /// The halves are finished, and whoever changes their mind does it too late.
  private static func finish(_ station: Station, _ counts: Counts) async throws {
    for (name, whole) in counts.unfinished { try station.receive(whole, as: name) }
    let begun = Date()
    #expect(try await Self.sweep(station).status == 0)
    if Torture.isOn { print("receipts: the last sweep took \(Date().timeIntervalSince(begun)) s") }
    for call in 0..<calls {
      let late = batches(call)[1].indices.map { report(call, $0, lies: true) }
      try station.receive(wrapped(late), as: "late-\(call)")
    }
    #expect(try await Self.sweep(station).status == 0)
  }

  private static func expectTruth(_ station: Station, _ counts: Counts) async throws {
    #expect(station.receipts("new").count == counts.nobody, "\(station.receipts("new").prefix(3))")
    #expect(station.receipts("unknown").count == counts.forged)
    #expect(station.spool.names(in: "done").count == calls, "every doubt ended")
    #expect(
      station.spool.names(in: "deferred").isEmpty && station.spool.names(in: "failed").isEmpty)
    var wrong: [String] = []
    for call in 0..<calls {
      var told: [String: [String]] = [:]
      let text = String(decoding: try station.spool.bytes("done/m\(call)"), as: UTF8.self)
      for line in text.split(separator: "\n") where line.contains("\"receipt\":1") {
        for result in try Parsed(String(line))["results"]?.array ?? [] {
          told[result["to"]?.text ?? "", default: []].append(result["state"]?.text ?? "")
        }
      }
      for index in 0..<recipients {
        let expected = truth(index) == .nobodySaid ? nil : [truth(index).rawValue]
        let number = number(call, index)
        if told[number] != expected {
          wrong.append("\(number): \(told[number] ?? []), truly \(truth(index))")
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count), such as \(wrong.prefix(5))")
    #expect(try station.accepted().values.allSatisfy { $0 == 1 }, "nobody got it twice")
    let all = try await station.recipients()
    let silent = (0..<recipients).count { truth($0) == .nobodySaid } * calls
    let undelivered = (0..<recipients).count { truth($0) == .undelivered } * calls
    #expect(all["awaiting"] == silent && all["undelivered"] == undelivered, "\(all)")
    #expect(all["delivered"] == calls * recipients - silent - undelivered, "\(all)")
    // What names nobody is given up when its wait is over.
    for name in station.receipts("new") {
      try station.spool.age("receipts/new/\(name)", seconds: 80 * 3600)
    }
    try await Self.sweep(station)
    #expect(
      station.receipts("new").isEmpty
        && station.receipts("unknown").count == counts.forged + counts.nobody)
  }
}
