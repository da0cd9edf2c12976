import Foundation
import TestSupport
import Testing

@Suite("Digests: a night of alerts is a message an hour")
struct DigestCommandTests {
  private let rule = #"digest: { every: "1h", max: 1000, title: "{count} alerts" }"#

  /// Drops alerts as they came in an hour, and puts them off as a sweep of that hour did.
  private func night(_ station: Station, hours: Int, alerts: Int) async throws {
    for number in 0..<alerts {
      try station.spool.drop(
        "m\(String(format: "%05d", number))",
        #"{"channel":"push","to":["UID_a"],"title":"Disk","body":"alert \#(number % 50)"}"#)
    }
    #expect(try await station.sweep()["deferred"] == alerts)
    // The window is over.
    for name in station.spool.names(in: "deferred") { try station.spool.age("deferred/\(name)", seconds: 1) }
  }

  @Test("2801 alerts of ten hours are ten messages, and each alert is done")
  func alerts() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher(rule)])
      var sent = 0
      for hour in 0..<10 {
        let alerts = hour == 0 ? 281 : 280
        try await night(station, hours: 1, alerts: alerts)
        let swept = try await station.sweep()
        #expect(swept["done"] == alerts && swept["calls"] == 1 && swept["recipients"] == 1)
        sent += alerts
        // The next hour's have the same names.
        if hour == 9 { break }
        for name in station.spool.names(in: "done") { try station.spool.move("done/\(name)", "\(hour)-\(name)") }
      }
      #expect(sent == 2801)
      let calls = try station.calls()
      #expect(calls.count == 10 && calls.allSatisfy { $0.recipients == ["UID_a"] && $0.outcome == "accepted" })
      let summary = calls[0].content["summary"]?.text ?? ""
      #expect(summary == "281 alerts")
      let text = calls[0].content["content"]?.text ?? ""
      #expect(text.hasPrefix("6 × Disk\nalert 0\n\n") && text.contains("\n\n5 × Disk\nalert 49"))
      let shown = try await station.run("show", ["m00000"])
      #expect(shown.stdout.contains("in a digest of 280 messages"))
    }
  }

  @Test("A dry run counts a digest as the one message that it is, and show tells what one waits for")
  func dryRun() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher(rule)])
      try await night(station, hours: 1, alerts: 5)
      let dry = try await station.run("sweep", ["--dry-run"])
      #expect(dry.stdout.contains("for 1 recipient of 5 messages") && dry.stdout.contains("1 call for 1 recipient"))
      let shown = try await station.run("show", ["m00000"])
      #expect(shown.stdout.contains("waits for its digest until"))
    }
  }

  @Test("What is urgent does not wait, and flush does not let the others wait")
  func urgent() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher(rule)])
      for name in ["a", "b"] { try station.spool.drop(name, #"{"channel":"push","to":"UID_a","body":"\#(name)"}"#) }
      try station.spool.drop("h", #"{"channel":"push","to":"UID_a","body":"h","priority":"high"}"#)
      let swept = try await station.sweep()
      #expect(swept["done"] == 1 && swept["deferred"] == 2)
      #expect(try await station.run("flush").status == 0)
      #expect(try await station.sweep()["calls"] == 1)
      #expect(try station.calls().map { $0.content["content"]?.text } == ["h", "a\n\nb"])
    }
  }
}
