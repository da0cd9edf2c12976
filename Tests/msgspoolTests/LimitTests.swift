import Foundation
import TestSupport
import Testing

@Suite("Over a limit means later, not failed, and uses up no attempt")
struct LimitTests {
  @Test("daily counts recipients; what is over it is due on the channel's next day")
  func daily() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio(#"daily: 3, zone: "Asia/Shanghai""#)])
      for number in 0..<5 {
        try station.spool.drop("m\(number)", #"{"channel":"text","to":"+1212555010\#(number)","body":"hi"}"#)
      }
      let swept = try await station.sweep()
      #expect(swept["done"] == 3 && swept["deferred"] == 2 && swept["calls"] == 3)
      let line = try station.spool.last("deferred/\(station.spool.names(in: "deferred")[0])")
      #expect(line["attempt"] == 0 && line["error"]?["kind"] == "quota")
      // Midnight in Shanghai is 16:00 UTC.
      let due = try #require(line["due"]?.date).timeIntervalSince1970
      #expect(due.truncatingRemainder(dividingBy: 86400) == 57600)
      try station.spool.letDeferredFallDue()
      #expect(try await station.sweep()["deferred"] == 2, "the same day is still used up")
    }
  }

  @Test("daily_per_recipient holds one recipient back, not the others of the message")
  func dailyPerRecipient() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher("daily_per_recipient: 2")])
      for number in 0..<3 {
        try station.spool.drop(
          "m\(number)", #"{"channel":"push","to":["UID_x","UID_\#(number)"],"body":"n \#(number)"}"#)
      }
      let swept = try await station.sweep()
      #expect(swept["done"] == 2 && swept["deferred"] == 1)
      #expect(try station.accepted() == ["UID_x": 2, "UID_0": 1, "UID_1": 1, "UID_2": 1])
    }
  }

  @Test("What the provider refused does not count")
  func refusedIsFree() async throws {
    try await withStation(faults: ["recipient:count=2"]) { station in
      try station.configure(["text": .twilio("daily: 2, concurrency: 1")])
      for number in 0..<4 {
        try station.spool.drop("m\(number)", #"{"channel":"text","to":"+1212555010\#(number)","body":"hi"}"#)
      }
      let first = try await station.sweep()
      try station.spool.letDeferredFallDue()
      let second = try await station.sweep()
      #expect((first["done"] ?? 0) + (second["done"] ?? 0) == 2)
      #expect((first["failed"] ?? 0) + (second["failed"] ?? 0) == 2)
    }
  }

  @Test("rate spreads the calls over the seconds, over two sweeps as over one")
  func rate() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio("rate: 5")])
      for number in 0..<6 {
        try station.spool.drop("m\(number)", #"{"channel":"text","to":"+1212555010\#(number)","body":"hi"}"#)
      }
      async let one = station.sweep()
      async let other = station.sweep()
      let done = try await (one["done"] ?? 0) + (other["done"] ?? 0)
      #expect(done == 6)
      let times = try station.calls().map(\.at).sorted()
      // Five intervals of 0.2 s; a little may be caught up.
      #expect(times[5].timeIntervalSince(times[0]) > 0.8)
    }
  }
}
