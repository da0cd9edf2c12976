import Foundation
import TestSupport
import Testing

@Suite("What is no message goes to failed/ with its bytes untouched and a reason, and the sweep goes on")
struct InvalidMessageTests {
  private static let head = #"{"channel":"text","to":"+12125550100","body":"hi""#
  private static let cases: [(name: String, bytes: [UInt8], says: [String])] = [
    ("no-json", Array("hello".utf8), ["line 1"]),
    ("cut", Array((head + ",\"title\":\"x").utf8), ["line 1"]),
    ("array", Array("[1]".utf8), ["array", "object"]),
    ("empty", [], ["empty"]),
    ("zeros", [0, 0, 0, 0], ["line 1"]),
    ("two", Array("\(head)}\(head)}".utf8), ["one message"]),
    (
      "large", Array((head + ",\"title\":\"" + String(repeating: "x", count: 5000) + "\"}").utf8), ["max_message_bytes"]
    ),
    (
      "huge", Array((head + ",\"title\":\"" + String(repeating: "x", count: 50_000) + "\"}").utf8),
      ["max_message_bytes"]
    ),
    ("utf-8", Array(head.dropLast().utf8) + [0xC3, 0x28, 0x22, 0x7D], ["UTF-8"]),
    ("surrogate", Array((head + #","title":"\ud800"}"#).utf8), ["surrogate"]),
    (
      "deep",
      Array(
        (head + ",\"meta\":" + String(repeating: "{\"a\":", count: 700) + "1" + String(repeating: "}", count: 701)).utf8
      ), ["nest"]
    ),
    ("repeated", Array((head + #","body":"again"}"#).utf8), ["\"body\"", "second time"]),
    ("type", Array(#"{"channel":"text","to":5,"body":"hi"}"#.utf8), ["to: ", "5", "string"]),
    ("element", Array(#"{"channel":"text","to":["+12125550100",null],"body":"hi"}"#.utf8), ["to[1]", "null"]),
    ("nobody", Array(#"{"channel":"text","to":[],"body":"hi"}"#.utf8), ["to: ", "empty"]),
    ("no-to", Array(#"{"channel":"text","body":"hi"}"#.utf8), ["to: is missing"]),
    ("no-body", Array(#"{"channel":"text","to":"+12125550100"}"#.utf8), ["body: "]),
    ("no-channel", Array(#"{"to":"+12125550100","body":"hi"}"#.utf8), ["channel: is missing", "default_channel"]),
    ("channel", Array(#"{"channel":"texd","to":"+12125550100","body":"hi"}"#.utf8), ["texd", "did you mean \"text\""]),
    ("field", Array((head + #","titel":"x"}"#).utf8), ["titel", "did you mean \"title\""]),
    ("option", Array((head + #","options":{"form":"x"}}"#).utf8), ["options.form", "did you mean \"from\""]),
    (
      "option-type", Array((head + #","options":{"validity_period":"long"}}"#).utf8),
      ["options.validity_period", "integer"]
    ),
    ("format", Array((head + #","format":"rtf"}"#).utf8), ["format: ", "rtf", "markdown"]),
    ("priority", Array((head + #","priority":1}"#).utf8), ["priority: ", "high"]),
    ("time", Array((head + #","send_at":"tomorrow"}"#).utf8), ["send_at: ", "tomorrow", "RFC 3339"]),
    ("milliseconds", Array((head + #","send_at":1763802000000}"#).utf8), ["send_at: "]),
  ]

  @Test("Every cause, in one sweep with a good message")
  func causes() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()], "max_message_bytes: 4096")
      for item in Self.cases {
        try station.spool.drop(item.name, item.bytes)
        try station.spool.age("new/\(item.name)", seconds: 10)
      }
      try station.spool.drop("good", #"{"channel":"text","to":"+12125550100","body":"hi"}"#)
      let swept = try await station.sweep()
      #expect(swept.status == 0 && swept["done"] == 1 && swept["invalid"] == Self.cases.count)
      #expect(try station.calls().count == 1)
      for item in Self.cases {
        let bytes = try station.spool.bytes("failed/\(item.name)")
        #expect(bytes.starts(with: item.bytes), "\(item.name): its bytes are untouched")
        let line = try station.spool.last("failed/\(item.name)")
        #expect(line["state"] == "invalid" && line["error"]?["kind"] == "message", "\(item.name)")
        let message = line["error"]?["message"]?.text ?? ""
        for word in item.says { #expect(message.contains(word), "\(item.name): \(message)") }
      }
      for item in Self.cases {
        try station.spool.move("failed/\(item.name)", "new/\(item.name)")
        try station.spool.age("new/\(item.name)", seconds: 10)
      }
      let again = try await station.sweep()
      #expect(again["invalid"] == Self.cases.count, "put back as they are they are no better")
    }
  }

  @Test("A file that was mended and put back is sent")
  func mended() async throws {
    try await withStation { station in
      try station.configure(["text": .twilio()])
      try station.spool.drop("a", Self.head + #","titel":"x"}"#)
      try station.spool.age("new/a", seconds: 10)
      #expect(try await station.sweep()["invalid"] == 1)
      let file = String(decoding: try station.spool.bytes("failed/a"), as: UTF8.self)
      try FileManager.default.removeItem(atPath: "\(station.spool["failed"])/a")
      try station.spool.drop("a", file.replacing("titel", with: "title"))
      #expect(try await station.sweep()["done"] == 1)
    }
  }
}
