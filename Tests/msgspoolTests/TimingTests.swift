import Foundation
import TestSupport
import Testing

@Suite("Messages go when they are due, and no sooner")
struct TimingTests {
  private static let text = #"{"channel":"text","to":"+12125550100","body":"hi"}"#

  @Test("send_at waits in deferred/ with the due time as mtime, and uses up no attempt")
  func sendAt() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      let due = Int(Date().timeIntervalSince1970) + 3600
      let message = #"{"channel":"text","to":"+12125550100","body":"later","send_at":\#(due)}"#
      try station.spool.drop("a", message)
      let swept = try await station.sweep()
      #expect(swept["deferred"] == 1 && swept["calls"] == 0)
      let line = try #require(try station.spool.history("deferred/a", of: message).first)
      #expect(line["state"] == "deferred" && line["attempt"] == 0)
      #expect(line["due"]?.date?.timeIntervalSince1970 == Double(due))
      #expect(try station.spool.modified("deferred/a").timeIntervalSince1970 == Double(due))
      #expect(try await station.sweep()["claimed"] == 0)
    }
  }

  @Test("A send_at that has passed goes at once; an RFC 3339 one with its own offset too")
  func sendAtPast() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      let at = #""send_at":"2020-01-01T08:00:00+08:00""#
      try station.spool.drop("a", #"{"channel":"text","to":"+12125550100","body":"now",\#(at)}"#)
      #expect(try await station.sweep()["done"] == 1)
    }
  }

  @Test("Past expires_at it fails as expired, and nothing is sent")
  func expiresAt() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", #"{"channel":"text","to":"+12125550100","body":"late","expires_at":1600000000}"#)
      #expect(try await station.sweep()["failed"] == 1)
      let line = try station.spool.last("failed/a")
      #expect(line["state"] == "expired" && line["error"]?["kind"] == "message")
      #expect(try station.calls().isEmpty)
    }
  }

  @Test("What expires while a sweep waits for its pace is not sent")
  func expiresMeanwhile() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio("rate: 1, concurrency: 1")])
      let expires = Int(Date().timeIntervalSince1970) + 2
      for number in 0..<5 {
        let to = "+1212555010\(number)"
        try station.spool.drop(
          "m\(number)", #"{"channel":"text","to":"\#(to)","body":"hi","expires_at":\#(expires)}"#)
      }
      try await station.sweep()
      #expect(try station.calls().allSatisfy { $0.at.timeIntervalSince1970 < Double(expires) + 0.5 })
      try await station.sweep()
      let states = try station.spool.names(in: "failed").map { try station.spool.last("failed/\($0)")["state"]?.text }
      #expect(states.count >= 2 && states.allSatisfy { $0 == "expired" })
    }
  }

  @Test("What could not be sent for expire_after since its drop has expired, however often it was tried")
  func expireAfter() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio(#"expire_after: "1h""#)])
      for (name, age) in [("old", 3700.0), ("young", 3500)] {
        let dropped = ISO8601DateFormatter().string(from: Date() - age)
        let line = #"{"msgspool":1,"at":"\#(dropped)","state":"deferred","attempt":1,"dropped":"\#(dropped)"}"#
        try station.spool.drop(name, "\(Self.text)\n\(line)\n")
        try station.spool.move("new/\(name)", "deferred/\(name)")
      }
      try station.spool.letDeferredFallDue()
      // The time that a producer's copy kept says nothing.
      try station.spool.drop("copied", Self.text)
      try station.spool.age("new/copied", seconds: 86400 * 8)
      let swept = try await station.sweep()
      #expect(swept["done"] == 2 && swept["failed"] == 1)
      #expect(try station.spool.last("failed/old")["state"] == "expired")
    }
  }

  @Test("mv deferred/X new/X is a retry by hand, which starts a new age; a sweep that puts it back there does not")
  func retriedByHand() async throws {
    try await withStation(faults: ["credentials:count=1"]) { station in
      try station.configure(["text": .twilio(#"expire_after: "1h""#)])
      let dropped = ISO8601DateFormatter().string(from: Date() - 3700)
      let line = #"{"msgspool":1,"at":"\#(dropped)","state":"deferred","attempt":1,"dropped":"\#(dropped)"}"#
      try station.spool.drop("a", "\(Self.text)\n\(line)\n")
      #expect(try await station.run("sweep", ["--dry-run"]).stdout.contains("1 call"))
      // Its age goes on from here, though the channel's trouble sends it back to new/.
      #expect(try await station.sweep()["left"] == 1)
      #expect(station.spool.names(in: "new") == ["a"])
      try station.configure(["text": .twilio(#"expire_after: "0.001s""#)])
      #expect(try await station.run("sweep", ["--dry-run"]).stdout.contains("1 expired"))
      try station.configure(["text": .twilio(#"expire_after: "1h""#)])
      #expect(try await station.sweep()["done"] == 1)
    }
  }

  /// Quiet hours until an hour from now, whenever this runs.
  private static var quietNow: String {
    let clock = { (offset: Double) -> String in
      let seconds = Int(Date(timeIntervalSinceNow: offset).timeIntervalSince1970) % 86400
      let (hour, minute) = (seconds / 3600, seconds / 60 % 60)
      return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }
    return #"quiet_hours: { from: "\#(clock(-3600))", to: "\#(clock(3600))", zone: "UTC" }"#
  }

  @Test("Waiting in quiet hours, or expiring, does not forget the attempts that were made")
  func attemptsAreKept() async throws {
    try await withStation(faults: ["status:http=425"]) { station in
      let retry = "retry: { attempts: 2, first: 60, max: 60 }"
      try station.configure(["text": .twilio(retry)])
      try station.spool.drop("a", Self.text)
      try station.spool.drop("b", #"{"channel":"text","to":"+12125550101","body":"hi"}"#)
      #expect(try await station.sweep()["deferred"] == 2)
      try station.spool.letDeferredFallDue()
      try station.configure(["text": .twilio("\(retry), \(Self.quietNow)")])
      #expect(try await station.sweep()["deferred"] == 2)
      #expect(try station.spool.last("deferred/a")["attempt"] == 1)
      try station.spool.letDeferredFallDue()
      // The second attempt is the last.
      try station.configure(["text": .twilio(retry)])
      #expect(try await station.sweep("--limit", "1")["failed"] == 1)
      let waits = try #require(station.spool.names(in: "deferred").first)
      try station.configure(["text": .twilio("\(retry), expire_after: \"0.001s\"")])
      #expect(try await station.sweep()["failed"] == 1)
      let line = try station.spool.last("failed/\(waits)")
      #expect(line["state"] == "expired" && line["attempt"] == 1)
    }
  }

  @Test("In quiet hours all but high waits until their end")
  func quietHours() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio(Self.quietNow)])
      try station.spool.drop("a", Self.text)
      try station.spool.drop("b", #"{"channel":"text","to":"+12125550101","body":"fire","priority":"high"}"#)
      let swept = try await station.sweep()
      #expect(swept["done"] == 1 && swept["deferred"] == 1)
      #expect(station.spool.names(in: "done") == ["b"])
      let line = try station.spool.last("deferred/a")
      let wait = try #require(line["due"]?.date).timeIntervalSinceNow
      #expect((3400...3600).contains(wait) && line["attempt"] == 0)
    }
  }

  @Test("Retries back off from 1 minute, doubling, with jitter; the mtime is the due time; then it gives up")
  func backoff() async throws {
    try await withStation(faults: ["status:http=425"]) { station in
      try station.configure(["text": .twilio("retry: { attempts: 4, first: 60, max: 100 }")])
      try station.spool.drop("a", Self.text)
      for (attempt, expected) in [(1, 60.0), (2, 100.0), (3, 100.0)] {
        let before = Date()
        #expect(try await station.sweep()["deferred"] == 1)
        let line = try station.spool.last("deferred/a")
        #expect(line["attempt"]?.int == attempt)
        let due = try #require(line["due"]?.date)
        #expect((expected * 0.89...expected * 1.1 + 10).contains(due.timeIntervalSince(before)))
        #expect(abs(try station.spool.modified("deferred/a").timeIntervalSince(due)) < 0.01)
        try station.spool.letDeferredFallDue()
      }
      #expect(try await station.sweep()["failed"] == 1)
      let line = try station.spool.last("failed/a")
      #expect(line["state"] == "failed" && line["attempt"] == 4)
      #expect(try station.calls().count == 4)
    }
  }

  @Test("Retry-After is obeyed to the second, by the message and by its channel in this sweep")
  func retryAfter() async throws {
    try await withStation(faults: ["throttle:retry-after=90,count=1"]) { station in
      try station.configure(["text": .twilio("concurrency: 1")])
      for number in 0..<3 {
        try station.spool.drop("m\(number)", #"{"channel":"text","to":"+1212555010\#(number)","body":"hi"}"#)
      }
      let swept = try await station.sweep()
      #expect(swept["deferred"] == 3 && swept["calls"] == 1, "the others are not sent into the throttle")
      for name in station.spool.names(in: "deferred") {
        let line = try station.spool.last("deferred/\(name)")
        let wait = try #require(line["due"]?.date).timeIntervalSince(try #require(line["at"]?.date))
        #expect((89...91).contains(wait), "\(name)")
      }
      let attempts = try station.spool.names(in: "deferred").map { try station.spool.last("deferred/\($0)")["attempt"] }
      #expect(attempts.count { $0 == 1 } == 1 && attempts.count { $0 == 0 } == 2)
    }
  }

  @Test("Only the deferred recipients are in the next try")
  func onlyDeferred() async throws {
    try await withStation(faults: ["throttle:after=1,count=1,retry-after=60"]) { station in
      try station.configure(["push": .wxpusher("max_recipients_per_call: 2, concurrency: 1")])
      let message = #"{"channel":"push","to":["UID_1","UID_2","UID_3"],"body":"hi"}"#
      try station.spool.drop("a", message)
      #expect(try await station.sweep()["deferred"] == 1)
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["done"] == 1)
      let history = try station.spool.history("done/a", of: message)
      #expect(history.map { $0["state"] } == ["deferred", "done"])
      #expect(history[0]["recipients"] == .object(["accepted": 2, "deferred": 1]))
      #expect(history[1]["recipients"] == .object(["accepted": 1]))
      #expect(try station.accepted() == ["UID_1": 1, "UID_2": 1, "UID_3": 1])
    }
  }
}
