import Foundation
import TestSupport
import Testing

@Suite("What happened is appended to the file, and what was dropped is never changed")
struct OutcomeTests {
  private static let text = #"{"channel":"text","to":"+12125550100","body":"hi"}"#

  @Test("The line of a message that is done has the contract's keys, and the result is the last line")
  func doneLine() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      let message = #"{"channel":"push","to":["UID_a","UID_b"],"body":"hi"}"#
      try station.spool.drop("a", message)
      try await station.sweep()
      let line = try station.spool.last("done/a")
      #expect(
        line.keys == [
          "msgspool", "at", "state", "channel", "provider", "attempt", "recipients", "calls", "results", "dropped",
          "sweep",
        ])
      #expect(line["msgspool"] == 1 && line["state"] == "done" && line["attempt"] == 1)
      #expect(line["channel"] == "push" && line["provider"] == "wxpusher")
      #expect(line["at"]?.date != nil && line["recipients"] == .object(["accepted": 2]))
      #expect(line["calls"]?.array.count == 1)
      let results = line["results"]?.array ?? []
      #expect(results.map { $0["to"] } == ["UID_a", "UID_b"])
      #expect(results.allSatisfy { $0.keys == ["to", "state", "id"] && $0["state"] == "accepted" })
      #expect(try station.spool.history("done/a", of: message + "\n").count == 1, "a newline first, as there was none")
    }
  }

  @Test("The line of a failed message says whose fault it is, with the provider's own code and words")
  func failedLine() async throws {
    try await withStation(faults: ["recipient"]) { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", Self.text + "\n")
      try await station.sweep()
      let line = try #require(try station.spool.history("failed/a", of: Self.text + "\n").first)
      #expect(line["state"] == "failed" && line["recipients"] == .object(["rejected": 1]))
      #expect(line["error"]?["kind"] == "recipient" && line["error"]?["code"] == "21211")
      #expect(line["error"]?.keys == ["kind", "code", "message", "hint"])
      let result = try #require(line["results"]?.array.first)
      #expect(result.keys == ["to", "state", "code", "reason"] && result["code"] == "21211")
    }
  }

  @Test("A retry by hand sends to whom it was not accepted, and to nobody else")
  func retryByHand() async throws {
    try await withStation(faults: ["recipient:to=+12125550101,count=1"]) { station in
      try station.configure(["text": .twilio()])
      let message = #"{"channel":"text","to":["+12125550100","+12125550101"],"body":"hi"}"#
      try station.spool.drop("a", message)
      #expect(try await station.sweep()["failed"] == 1)
      try station.spool.move("failed/a", "new/a")
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["+12125550100": 1, "+12125550101": 1])
      #expect(try station.calls().count == 3)
      let history = try station.spool.history("done/a", of: message)
      #expect(history.map { $0["state"] } == ["failed", "done"] && history[1]["attempt"] == 1)
    }
  }

  @Test("A message that is done and put back by hand is done again without a call")
  func doneAgain() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", Self.text)
      try await station.sweep()
      try station.spool.move("done/a", "new/a")
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.calls().count == 1)
    }
  }

  @Test("Secrets that a provider repeats are masked, and control characters are escaped")
  func providersText() async throws {
    try await withStation(faults: ["status:http=400,body={\"message\":\"bad token-for-tests \\u001b[31m\"}"]) {
      station in
      try station.configure(["text": .twilio("retry: { attempts: 1 }")])
      try station.spool.drop("a", Self.text)
      let swept = try await station.sweep("--verbose")
      let file = String(decoding: try station.spool.bytes("failed/a"), as: UTF8.self)
      #expect(!file.contains("token-for-tests") && file.contains("***"))
      #expect(!file.contains("\u{1B}"))
      #expect(!swept.stderr.contains("token-for-tests") && !swept.stderr.contains("\u{1B}"))
    }
  }

  @Test("The summary has the contract's keys, and failures do not change the exit status but for --strict")
  func summary() async throws {
    try await withStation(faults: ["recipient"]) { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", Self.text)
      let swept = try await station.sweep()
      #expect(swept.status == 0)
      #expect(
        swept.summary.keys == [
          "claimed", "done", "deferred", "failed", "unconfirmed", "invalid", "left", "calls", "recipients", "seconds",
        ])
      #expect(swept["claimed"] == 1 && swept["failed"] == 1 && swept["calls"] == 1)
      try station.spool.drop("b", Self.text)
      #expect(try await station.sweep("--strict").status == 1)
      #expect(try await station.sweep("--strict").status == 0)
    }
  }

  @Test("Wrong words, no spool and a wrong configuration have exit statuses of their own, and say what to do")
  func exitStatuses() async throws {
    try await withStation { station in
      #expect(try await station.sweep().status == 78, "no configuration")
      try station.configure(text: #"{ channels: { text: { provider: "twillio" } } }"#)
      let misspelt = try await station.sweep()
      #expect(misspelt.status == 78 && misspelt.stderr.contains("twilio"))
      try station.configure(["text": .twilio()])
      let wrong = try await station.sweep("--chanel", "text")
      #expect(wrong.status == 64 && wrong.stderr.contains("--channel"))
      #expect(try await station.sweep("--channel", "txt").status == 64)
      try FileManager.default.removeItem(atPath: station.spool.path)
      let none = try await station.sweep()
      #expect(none.status == 66 && none.stderr.contains("msgspool init"))
    }
  }

  @Test("--channel and --limit leave the rest where it is; a dry run touches nothing")
  func selection() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio(), "push": .wxpusher()])
      for number in 0..<3 {
        try station.spool.drop("t\(number)", #"{"channel":"text","to":"+1212555010\#(number)","body":"hi"}"#)
        try station.spool.drop("p\(number)", #"{"channel":"push","to":"UID_\#(number)","body":"hi"}"#)
      }
      let dry = try await station.run("sweep", ["--dry-run", "--json"])
      #expect(dry.status == 0 && station.spool.names(in: "new").count == 6)
      #expect(try station.calls().isEmpty)
      let last = try Parsed(String(dry.stdout.split(separator: "\n").last ?? ""))
      #expect(last["calls"] == 4 && last["recipients"] == 6)
      #expect(try await station.sweep("--channel", "push")["done"] == 3)
      #expect(station.spool.names(in: "new") == ["t0", "t1", "t2"])
      #expect(try await station.sweep("--limit", "2")["done"] == 2)
      #expect(station.spool.names(in: "new").count == 1)
    }
  }

  @Test("A dry run knows what the ledger knows: ids that went through, and how much of the day is used")
  func dryRun() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher("daily: 3"), "text": .twilio()])
      try station.spool.drop("a", #"{"channel":"text","to":"+12125550100","body":"hi","id":"one"}"#)
      try station.spool.drop("b", #"{"channel":"push","to":["UID_a","UID_b"],"body":"hi"}"#)
      #expect(try await station.sweep()["done"] == 2)
      try station.spool.drop("c", #"{"channel":"text","to":"+12125550100","body":"hi","id":"one"}"#)
      for name in ["d", "e"] {
        try station.spool.drop(name, #"{"channel":"text","to":"+12125550100","body":"hi","id":"two"}"#)
      }
      try station.spool.drop("f", #"{"channel":"push","to":["UID_c","UID_d"],"body":"hi"}"#)
      let before = try station.calls().count
      let dry = try await station.run("sweep", ["--dry-run", "--json"])
      let last = try Parsed(String(dry.stdout.split(separator: "\n").last ?? ""))
      #expect(last["claimed"] == 4 && last["calls"] == 2 && last["recipients"] == 2)
      #expect(last["done"] == 2 && last["deferred"] == 1, "two duplicates, and one over the day")
      #expect(try station.calls().count == before)
      // And a sweep does just that.
      let swept = try await station.sweep()
      #expect(swept["calls"] == 2 && swept["recipients"] == 2)
    }
  }
}

@Suite("A second message with the same id is settled and not sent")
struct IdentifierTests {
  private static func message(_ id: String, channel: String = "text") -> String {
    #"{"channel":"\#(channel)","to":"+12125550100","body":"hi","id":"\#(id)"}"#
  }

  @Test("In one sweep and in the next; another id, another channel and an old id are free")
  func duplicates() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio(), "other": .twilio()], #"deduplicate_for: "1h""#)
      try station.spool.drop("a", Self.message("x"))
      try station.spool.drop("b", Self.message("x"))
      let first = try await station.sweep()
      #expect(first["done"] == 2 && first["calls"] == 1)
      try station.spool.drop("c", Self.message("x"))
      try station.spool.drop("d", Self.message("y"))
      try station.spool.drop("e", Self.message("x", channel: "other"))
      let second = try await station.sweep()
      #expect(second["done"] == 3 && second["calls"] == 2)
      let line = try station.spool.last("done/c")
      #expect(line["state"] == "duplicate" && line["results"]?.array.isEmpty == true)
      #expect(line["error"]?["kind"] == "message")
    }
  }

  @Test("The id of a message that failed is free again; that of a deferred one is not")
  func afterFailure() async throws {
    try await withStation(faults: ["recipient:count=1", "throttle:after=1,count=1,retry-after=60"]) { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", Self.message("x"))
      #expect(try await station.sweep()["failed"] == 1)
      try station.spool.drop("b", Self.message("x"))
      #expect(try await station.sweep()["deferred"] == 1)
      try station.spool.drop("c", Self.message("x"))
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.spool.last("done/c")["state"] == "duplicate")
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["+12125550100": 1])
    }
  }

  @Test("A message is no duplicate of itself: put back unchanged, retried by hand, renamed")
  func itself() async throws {
    try await withStation(faults: ["credentials:count=1", "recipient:after=1,count=1"]) { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", Self.message("x"))
      #expect(try await station.sweep()["left"] == 1)
      #expect(try await station.sweep()["failed"] == 1)
      try station.spool.move("failed/a", "new/renamed")
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["+12125550100": 1])
    }
  }

  @Test("The id of a message whose sweep was killed stays its own", .disabled(if: Injection.isMissing, "no strace"))
  func afterKill() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      let message = #"{"channel":"push","to":"UID_a","body":"hi","id":"x"}"#
      try station.spool.drop("a", message)
      try await station.sweep(under: Injection.strace("write", "signal=KILL", when: "1"))
      try await station.sweepToTheEnd()
      // The next file may well get the inode of the one that was removed.
      for name in station.spool.names(in: "done") + station.spool.names(in: "failed") {
        let folder = station.spool.folders(of: name)[0]
        try FileManager.default.removeItem(atPath: "\(station.spool[folder])/\(name)")
      }
      try station.spool.drop("b", message)
      try await station.sweep()
      #expect(try station.accepted() == ["UID_a": 1])
      #expect(try station.spool.last("done/b")["state"] == "duplicate")
    }
  }
}

@Suite("Recipients by name, and what happens to those who are finally refused")
struct RouteTests {
  @Test("A name in the address book is replaced by its addresses, any other word is an address")
  func addressBook() async throws {
    try await withStation { station in
      try station.configure([
        "text": .twilio(#"recipients: { ops: ["+12125550101", "+12125550102"], boss: "+12125550103" }"#)
      ])
      let message = #"{"channel":"text","to":["ops","boss","+12125550104","+12125550101"],"body":"hi"}"#
      try station.spool.drop("a", message)
      #expect(try await station.sweep()["done"] == 1)
      #expect(Set(try station.accepted().keys) == Set((1...4).map { "+1212555010\($0)" }))
      let results = try station.spool.last("done/a")["results"]?.array ?? []
      #expect(results.map { $0["to"]?.text } == (1...4).map { "+1212555010\($0)" })
    }
  }

  @Test("An address that cannot be one is rejected without a call, and the others are sent to")
  func badAddress() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", #"{"channel":"text","to":["nobody","+12125550100"],"body":"hi"}"#)
      #expect(try await station.sweep()["failed"] == 1)
      let line = try station.spool.last("failed/a")
      #expect(line["recipients"] == .object(["accepted": 1, "rejected": 1]))
      #expect(try station.calls().count == 1)
    }
  }

  @Test("Refused there as well, the line has the attempt and what both said")
  func fallbackInVain() async throws {
    try await withStation(faults: ["recipient:provider=twilio"]) { station in
      try station.configure(["text": .twilio(#"fallback: "push""#), "push": .wxpusher()])
      try station.spool.drop("a", #"{"channel":"text","to":"+12125550101","body":"hi"}"#)
      #expect(try await station.sweep()["failed"] == 1)
      let line = try station.spool.last("failed/a")
      let result = try #require(line["results"]?.array.first)
      #expect(line["attempt"] == 1 && result["code"] == "21211" && result["channel"] == "push")
      #expect(result["reason"]?.text?.contains("before the fallback: ") == true)
    }
  }

  @Test("Who is refused goes through the fallback channel, whose own book knows the original name")
  func fallback() async throws {
    try await withStation(faults: ["recipient:provider=twilio,to=+12125550101"]) { station in
      try station.configure([
        "text": .twilio(#"fallback: "push", recipients: { ann: "+12125550101", bob: "+12125550102" }"#),
        "push": .wxpusher(#"recipients: { ann: "UID_ann", bob: "UID_bob" }"#),
      ])
      let message = #"{"channel":"text","to":["ann","bob"],"body":"hi"}"#
      try station.spool.drop("a", message)
      #expect(try await station.sweep()["done"] == 1)
      #expect(try station.accepted() == ["+12125550102": 1, "UID_ann": 1])
      let results = try station.spool.last("done/a")["results"]?.array ?? []
      let ann = try #require(results.first { $0["to"] == "+12125550101" })
      #expect(ann["state"] == "accepted" && ann["channel"] == "push")
      #expect(results.first { $0["to"] == "+12125550102" }?["channel"] == nil)
    }
  }

  @Test("Fallbacks that lead back to where they began end as failed")
  func fallbackCircle() async throws {
    try await withStation(faults: ["recipient"]) { station in
      let book = #"recipients: { ann: "+12125550101" }"#
      try station.configure([
        "one": .twilio(#"fallback: "two", \#(book)"#), "two": .twilio(#"fallback: "one", \#(book)"#),
      ])
      try station.spool.drop("a", #"{"channel":"one","to":"ann","body":"hi"}"#)
      let swept = try await station.sweep()
      #expect(swept["failed"] == 1 && swept["calls"] == 2)
    }
  }

  @Test("A message without a channel takes the default one")
  func defaultChannel() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()], #"default_channel: "text""#)
      try station.spool.drop("a", #"{"to":"+12125550100","body":"hi"}"#)
      #expect(try await station.sweep()["done"] == 1)
    }
  }
}
