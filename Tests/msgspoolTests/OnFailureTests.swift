import Foundation
import TestSupport
import Testing

@Suite("What failed is summed up through the operator's channel")
struct OnFailureTests {
  /// What the operator was told so far, title and text.
  private func told(_ station: Station) throws -> [(title: String, body: String)] {
    try station.calls().filter { $0.recipients == ["UID_ops"] }.map {
      ($0.content["summary"]?.text ?? "", $0.content["content"]?.text ?? "")
    }
  }

  private func configure(_ station: Station, _ more: String = #"on_failure: { channel: "ops", to: "UID_ops" }"#) throws
  {
    try station.configure(["ops": .wxpusher(), "push": .wxpusher(), "text": .twilio()], more)
  }

  private func fail(_ station: Station, _ name: String) throws {
    try station.spool.drop(name, #"{"channel":"text","to":"nonsense","body":"hi"}"#)
  }

  @Test("What ended failed or expired is told once, by the next sweep")
  func summary() async throws {
    try await withStation { station in
      try configure(station)
      for number in 0..<3 { try fail(station, "m\(number)") }
      try station.spool.drop("late", #"{"channel":"push","to":"UID_a","body":"hi","expires_at":1000000000}"#)
      try station.spool.drop("good", #"{"channel":"push","to":"UID_a","body":"hi"}"#)
      let first = try await station.sweep()
      #expect(first["failed"] == 4 && first["done"] == 1)
      let waiting = station.spool.names(in: "new")
      #expect(waiting.count == 1 && waiting[0].hasPrefix("msgspool-failures-"))
      #expect(try await station.sweep()["done"] == 1)
      let letters = try told(station)
      #expect(letters.map(\.title) == ["msgspool: 3 failed, 1 expired"])
      let body = letters.first?.body ?? ""
      #expect(body.contains("text: 3 messages, such as m") && body.contains("failed: recipient"))
      #expect(body.contains("push: late expired") && body.contains("see: msgspool list failed"))
      // And not again within the hour.
      try fail(station, "m9")
      #expect(try await station.sweep()["failed"] == 1)
      #expect(station.spool.names(in: "new").isEmpty)
      #expect(try told(station).count == 1)
    }
  }

  private static let hasSQLite = find(program: "sqlite3") != nil

  @Test("Nothing that msgspool said itself makes it say more", .enabled(if: hasSQLite, "needs sqlite3"))
  func loop() async throws {
    try await withStation { station in
      // The operator's address is wrong, too.
      try configure(station, #"on_failure: { channel: "text", to: "nonsense" }"#)
      try fail(station, "m")
      #expect(try await station.sweep()["failed"] == 1)
      #expect(try await station.sweep()["failed"] == 1)
      #expect(station.spool.names(in: "new").isEmpty)
      let rows = try await run("sqlite3", ["\(station.spool.path)/ledger.db", "SELECT count(*) FROM failures"])
      #expect(rows.stdout.trimmingCharacters(in: .whitespacesAndNewlines) == "0")
    }
  }

  @Test(
    "A sweeper that dies over telling is replaced, and the operator hears once",
    .enabled(if: hasSQLite, "needs sqlite3"))
  func crash() async throws {
    try await withStation { station in
      try configure(station)
      try fail(station, "m")
      _ = try await station.sweep()
      let name = try #require(station.spool.names(in: "new").first)
      let ledger = "\(station.spool.path)/ledger.db"
      // As if it had died after the drop, and before the ledger heard of it.
      let id = name.split(separator: "-").dropFirst(2).prefix(2).joined(separator: "-")
      _ = try await run(
        "sqlite3",
        [
          ledger,
          "INSERT INTO failures VALUES ('\(id)','text','failed','recipient','',1,'r','m',1,1); "
            + "UPDATE about SET value = '1' WHERE key = 'failures_taken'",
        ])
      // The first was sent; the second, of the same id, is a duplicate.
      #expect(try await station.sweep()["done"] == 1)
      #expect(try await station.sweep()["done"] == 1)
      #expect(try told(station).count == 1)
      #expect(try await station.sweep()["claimed"] == 0)
    }
  }

  @Test("A suspended channel is told of, but not through itself")
  func suspended() async throws {
    try await withStation(faults: ["credentials:provider=twilio"]) { station in
      try configure(station)
      try station.spool.drop("m", #"{"channel":"text","to":"+12125550100","body":"hi"}"#)
      _ = try await station.sweep()
      _ = try await station.sweep()
      let letters = try told(station)
      #expect(letters.map(\.title) == ["msgspool: text suspended"])
      #expect(letters.first?.body.contains("text: suspended: credentials") == true)
    }
    try await withStation(faults: ["credentials:provider=twilio"]) { station in
      try configure(station, #"on_failure: { channel: "text", to: "+12125550101" }"#)
      try station.spool.drop("m", #"{"channel":"text","to":"+12125550100","body":"hi"}"#)
      _ = try await station.sweep()
      #expect(station.spool.names(in: "new") == ["m"])
    }
  }

  @Test(
    "An address that says nobody, or cannot be told, is a fault",
    arguments: [#"on_failure: "nobody""#, #"on_failure: "text""#, #"on_failure: { to: "UID_ops" }"#, "on_failure: 5"])
  func faults(setting: String) async throws {
    try await withStation { station in
      try configure(station, setting)
      let ran = try await station.run("check")
      #expect(ran.status == 78 && (ran.stdout + ran.stderr).contains("on_failure"))
    }
  }
}
