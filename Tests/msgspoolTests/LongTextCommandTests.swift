import Foundation
import TestSupport
import Testing

@Suite("Texts that are too long for their service (options.long)")
struct LongTextCommandTests {
  private static let words = (0..<600).map { "word\($0)" }

  private func message(_ long: String?, to: [String] = ["+15005550001"]) -> String {
    let option = long.map { #","options":{"long":"\#($0)"}"# } ?? ""
    let all = to.map { "\"\($0)\"" }.joined(separator: ",")
    return #"{"channel":"sms","to":[\#(all)],"body":"\#(Self.words.joined(separator: " "))"\#(option)}"#
  }

  private func bodies(_ station: Station) throws -> [String] {
    try station.calls().filter { $0.outcome == "accepted" }.compactMap { $0.content["Body"]?.text }
  }

  @Test("By default one is refused, and told how else it could go")
  func refused() async throws {
    try await withStation { station in
      try station.configure(["sms": .twilio()])
      try station.spool.drop("a", message(nil))
      try station.spool.drop("b", message("shorten"))
      #expect(try await station.sweep()["invalid"] == 2)
      let error = try station.spool.last("failed/a")["error"]
      #expect(error?["message"]?.text == "body: has 4689 UTF-16 units; twilio takes at most 1600")
      #expect(error?["hint"]?.text?.contains("options.long") == true)
      let other = try station.spool.last("failed/b")["error"]?["message"]?.text ?? ""
      #expect(other == #"options.long: is "shorten"; expected one of "refuse", "cut", "split""#)
    }
  }

  @Test("Split, each part is a call of its own, and history and show tell of each; cut, it is one")
  func split() async throws {
    try await withStation { station in
      try station.configure(["sms": .twilio("price: 0.01")])
      try station.spool.drop("a", message("split"))
      let dry = try await station.run("sweep", ["--dry-run", "--json"])
      let plan = try Parsed(dry.stdout.split(separator: "\n").last.map(String.init) ?? "")
      #expect(plan["calls"]?.int == 3 && plan["further_parts"]?["sms"]?.int == 2)
      let told = try await station.run("sweep", ["--dry-run"])
      #expect(told.stdout.contains("3 calls") && told.stdout.contains("2 further parts"), "\(told.stdout)")
      let swept = try await station.sweep()
      #expect(swept["done"] == 1 && swept["calls"] == 3 && swept["recipients"] == 3, "\(swept.stderr)")
      let bodies = try bodies(station)
      #expect(bodies.count == 3 && bodies.enumerated().allSatisfy { $1.hasPrefix("(\($0 + 1)/3) word") })
      #expect(bodies.flatMap { $0.split(separator: " ").dropFirst() }.map(String.init) == Self.words)
      let parts = try station.spool.last("done/a")["results"]?.array.first?["parts"]?.array
      #expect(parts?.map { $0["part"]?.text } == (1...3).map { "text \($0)/3" })
      #expect(parts?.allSatisfy { $0["state"]?.text == "accepted" && $0["id"]?.text?.hasPrefix("SM") == true } == true)
      let shown = try await station.run("show", ["a"])
      #expect(shown.stdout.contains("text 3/3") && shown.stdout.contains("recipients (1)"))
      try station.spool.drop("b", message("cut"))
      #expect(try await station.sweep()["calls"] == 1)
      #expect(try self.bodies(station).last?.hasSuffix("...") == true)
    }
  }

  @Test("A part that fails is tried again by itself, also by a person's retry")
  func goesOn() async throws {
    let fault = "throttle:provider=twilio,on=send,after=1,count=1,retry-after=600"
    try await withStation(faults: [fault]) { station in
      try station.configure(["sms": .twilio("retry: { attempts: 1 }")])
      try station.spool.drop("a", message("split", to: ["+15005550001"]))
      let first = try await station.sweep()
      #expect(first["calls"] == 2 && first["done"] == 0, "\(first.stderr)")
      if station.spool.names(in: "failed") == ["a"] {
        #expect(try await station.run("retry", ["a"]).status == 0)
      } else {
        try station.spool.letDeferredFallDue()
      }
      let second = try await station.sweep()
      #expect(second["done"] == 1 && second["calls"] == 2, "\(second.stderr)")
      #expect(try bodies(station).map { $0.prefix(5) } == ["(1/3)", "(2/3)", "(3/3)"])
    }
  }

  @Test(
    "Killed at any of its requests, the rest goes on, and nothing that was accepted is sent again",
    .disabled(if: Calamity.isMissing, "no C compiler for what strikes"), arguments: 1...4)
  func killed(at number: Int) async throws {
    try await withStation { station in
      try station.configure(["sms": .twilio("reconcile_after: 0")])
      try station.spool.drop("a", message("split"))
      var calamity = Calamity(.kill, at: number)
      calamity.only = "send"
      _ = try await calamity.strike { try await station.run("sweep", with: $0) }
      for _ in 0..<10 where station.spool.names(in: "done").isEmpty {
        try await station.sweep()
        try station.spool.letDeferredFallDue()
      }
      #expect(station.spool.names(in: "done") == ["a"])
      #expect(try bodies(station).map { $0.prefix(5) } == ["(1/3)", "(2/3)", "(3/3)"])
      let parts = try station.spool.last("done/a")["results"]?.array.first?["parts"]?.array
      #expect(parts?.map { $0["state"]?.text } == Array(repeating: "accepted", count: 3))
    }
  }

  @Test("Who reads of it: the schema, the list of options")
  func told() async throws {
    try await withStation { station in
      let schema = try Parsed(try await station.run("schema").stdout)
      let words = schema["properties"]?["options"]?["anyOf"]?.array.first?["properties"]?["long"]?["enum"]?.array
      #expect(words?.compactMap(\.text) == ["refuse", "cut", "split"])
      let card = try await station.run("providers", ["telegram"])
      #expect(card.stdout.contains("long") && card.stdout.contains("split"))
      #expect(!(try await station.run("providers", ["email"])).stdout.contains("split it"))
    }
  }
}
