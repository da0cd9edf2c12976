import Foundation
import TestSupport
import Testing

@Suite("Messages that can go together share the fullest calls, whichever files they came in")
struct GroupingTests {
  @Test("5000 files of one UID each and equal content: 3 calls")
  func manyFiles() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      for number in 0..<5000 {
        try station.spool.drop("m\(number)", #"{"channel":"push","to":"UID_\#(number)","body":"weather"}"#)
      }
      let swept = try await station.sweep()
      #expect(swept["done"] == 5000 && swept["calls"] == 3 && swept["recipients"] == 5000)
      #expect(try station.calls().map(\.recipients.count).sorted() == [1000, 2000, 2000])
      #expect(try station.accepted().count == 5000)
    }
  }

  @Test("2500 numbers in 25 files: 3 calls")
  func manyNumbers() async throws {
    try await withStation { station in
      try station.configure(["sms": .aliyun()])
      for file in 0..<25 {
        let numbers = (0..<100).map { "\"138\(10_000_000 + file * 100 + $0)\"" }.joined(separator: ",")
        try station.spool.drop("m\(file)", #"{"channel":"sms","to":[\#(numbers)],"params":{"code":"1"}}"#)
      }
      #expect(try await station.sweep()["done"] == 25)
      #expect(try station.calls().map(\.recipients.count).sorted() == [500, 1000, 1000])
    }
  }

  @Test("50 messages through a provider without batches: 50 calls")
  func singles() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      for number in 0..<50 {
        try station.spool.drop("m\(number)", #"{"channel":"text","to":"+12125550\#(100 + number)","body":"hi"}"#)
      }
      let swept = try await station.sweep()
      #expect(swept["done"] == 50 && swept["calls"] == 50)
      #expect(try station.accepted().values.allSatisfy { $0 == 1 })
    }
  }

  @Test("One message with 100,000 UIDs: 50 calls and one history line")
  func hugeMessage() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      let list = (0..<100_000).map { "\"UID_\($0)\"" }.joined(separator: ",")
      let message = #"{"channel":"push","to":[\#(list)],"body":"to all"}"#
      try station.spool.drop("all", message)
      let swept = try await station.sweep()
      #expect(swept["done"] == 1 && swept["calls"] == 50 && swept["recipients"] == 100_000)
      let calls = try station.calls()
      #expect(calls.count == 50 && calls.allSatisfy { $0.recipients.count == 2000 })
      let history = try station.spool.history("done/all", of: message)
      #expect(history.count == 1)
      #expect(history[0]["recipients"] == .object(["accepted": 100_000]))
      #expect(history[0]["calls"]?.array.count == 50)
    }
  }

  @Test("Different contents never share a call where the provider takes one content per call")
  func contents() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      for (name, body) in [("a", "one"), ("b", "two"), ("c", "one")] {
        try station.spool.drop(name, #"{"channel":"push","to":"UID_\#(name)","body":"\#(body)"}"#)
      }
      try await station.sweep()
      let calls = try station.calls()
      #expect(Set(calls.map { Set($0.recipients) }) == [["UID_a", "UID_c"], ["UID_b"]])
    }
  }

  @Test("A recipient named twice in a message gets it once; named in two messages, twice and in two calls")
  func duplicateRecipients() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      try station.spool.drop("a", #"{"channel":"push","to":["UID_x","UID_y","UID_x"],"body":"hi"}"#)
      try await station.sweep()
      #expect(try station.accepted() == ["UID_x": 1, "UID_y": 1])
      try station.spool.drop("b", #"{"channel":"push","to":"UID_x","body":"hi"}"#)
      try station.spool.drop("c", #"{"channel":"push","to":"UID_x","body":"hi"}"#)
      try await station.sweep()
      #expect(try station.accepted() == ["UID_x": 3, "UID_y": 1])
    }
  }

  @Test("Two spellings of one number are one recipient")
  func spellings() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio(#"country_code: "86""#)])
      try station.spool.drop("a", #"{"channel":"text","to":["13800138000","+8613800138000"],"body":"hi"}"#)
      try await station.sweep()
      #expect(try station.accepted() == ["+8613800138000": 1])
    }
  }

  @Test("High goes first in a sweep, low last")
  func priority() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio("concurrency: 1")])
      for (number, priority) in ["low", "normal", "high", "low", "high", "normal"].enumerated() {
        let message =
          #"{"channel":"text","to":"+1212555010\#(number)","body":"\#(priority)","priority":"\#(priority)"}"#
        try station.spool.drop("m\(number)", message)
      }
      try await station.sweep()
      let order = try station.calls().map { $0.content["Body"]?.text ?? "" }
      #expect(order == ["high", "high", "normal", "normal", "low", "low"])
    }
  }

  @Test("One bad number does not fail the others of its call")
  func badNumber() async throws {
    // A call of several is refused whole, as for its size; so is every half that holds the bad one.
    try await withStation(faults: ["recipient:provider=wxpusher,to=UID_bad"]) { station in
      try station.configure(["push": .wxpusher()])
      for name in ["a", "b", "bad", "c"] {
        try station.spool.drop(name, #"{"channel":"push","to":"UID_\#(name)","body":"hi"}"#)
      }
      let swept = try await station.sweep()
      #expect(swept["done"] == 3 && swept["failed"] == 1)
      #expect(station.spool.names(in: "failed") == ["bad"])
    }
  }

  @Test("A call refused for its size is halved until it passes, and nobody is sent to twice")
  func tooLarge() async throws {
    try await withStation(faults: ["status:http=413,count=3"]) { station in
      try station.configure(["push": .wxpusher("concurrency: 1")])
      for number in 0..<16 {
        try station.spool.drop("m\(number)", #"{"channel":"push","to":"UID_\#(number)","body":"hi"}"#)
      }
      #expect(try await station.sweep()["done"] == 16)
      #expect(try station.calls().map(\.recipients.count) == [16, 8, 4, 2, 2, 4, 8])
      #expect(try station.accepted().count == 16 && station.accepted().values.allSatisfy { $0 == 1 })
    }
  }
}
