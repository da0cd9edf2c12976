import Foundation
import TestSupport
import Testing

@Suite("flush, hold, release and delete: what waits is the operator's to move")
struct HoldTests {
  @Test("What is held is not sent; released it is, a deferred one not before it is due")
  func held() async throws {
    try await withSandbox { yard in
      try yard.put("new/a", #"{"to":"UID_1","body":"x"}"#)
      try yard.put("deferred/b", settled("deferred", kind: "network"), age: -600)
      let ran = try await yard.msgspool("hold", "a", "b", "--json")
      #expect(ran.status == 0, "\(ran.stderr)")
      #expect(try ran.rows.map { $0["folder"] as? String } == ["hold", "hold"])
      #expect(try yard.names("hold") == ["a", "b"])
      #expect(try await yard.msgspool("sweep", "--json").rows.last?["claimed"] as? Int == 0)
      #expect(try await yard.msgspool("check").status == 0)
      #expect(try await yard.msgspool("status").stdout.contains("hold               2"))
      #expect(try await yard.msgspool("show", "a").stdout.contains("held"))
      #expect(try await yard.msgspool("list", "hold").lines.count == 2)
      let back = try await yard.msgspool("release", "a", "b")
      #expect(back.status == 0 && back.lines == ["a", "b"], "\(back.stderr)")
      #expect(try yard.names("new") == ["a"] && yard.names("deferred") == ["b"])
      #expect(try yard.age(of: "deferred/b") < -500)
      #expect(try await yard.msgspool("sweep", "--json").rows.last?["done"] as? Int == 1)
    }
  }

  @Test("A message that was held for longer than it may wait is sent all the same when it is released")
  func age() async throws {
    try await withSandbox { yard in
      try yard.put("new/a", #"{"to":"UID_1","body":"x"}"#)
      _ = try await yard.msgspool("hold", "a")
      try yard.setAge(of: "hold/a", 30 * 86400)
      _ = try await yard.msgspool("release", "a")
      #expect(try await yard.msgspool("sweep", "--json").rows.last?["done"] as? Int == 1)
    }
  }

  @Test("A name that is taken is never overwritten")
  func taken() async throws {
    let yard = try Yard()
    try yard.put("new/a", "{\"body\":\"1\"}")
    _ = try await yard.msgspool("hold", "a")
    try yard.put("new/a", "{\"body\":\"2\"}")
    let ran = try await yard.msgspool("release", "a")
    #expect(ran.stdout == "a~2\n")
    #expect(try yard.names("new") == ["a", "a~2"])
  }

  @Test(
    "What a sweep has in hand, its producer has not finished, or is nowhere stays, and so does the rest",
    arguments: [
      ("hold", "cur/s1/x"), ("hold", "tmp/x"), ("delete", "cur/s1/x"), ("delete", "tmp/x"), ("hold", "done/x"),
      ("release", "new/x"), ("flush", "new/x"), ("hold", ""), ("delete", ""), ("release", ""), ("flush", ""),
    ])
  func refused(command: String, place: String) async throws {
    let yard = try Yard()
    try FileManager.default.createDirectory(atPath: yard.path("cur/s1"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: yard.path("hold"), withIntermediateDirectories: true)
    let good = ["hold": "new/good", "release": "hold/good", "flush": "deferred/good", "delete": "done/good"][command]
    try yard.put(try #require(good), settled("deferred"), age: -600)
    if !place.isEmpty { try yard.put(place, #"{"to":"UID_1"}"#) }
    let before = try yard.snapshot()
    let ran = try await yard.msgspool(command, "good", "x")
    #expect(ran.status == 66, "\(ran.stderr)")
    #expect(ran.stderr.contains(place.isEmpty ? "there is no message" : "x is in "), "\(ran.stderr)")
    let after = try yard.snapshot()
    #expect(after.filter { $0.key != ".operator.lock" } == before)
    #expect(try yard.age(of: try #require(good)) < -500)
  }

  @Test("They need a name, and wait for no other operator", arguments: ["hold", "release", "delete"])
  func usage(command: String) async throws {
    let yard = try Yard()
    #expect(try await yard.msgspool(command).status == 64)
    try yard.put("new/a", "{}")
    // By the folder or a file in it.
    let hold = #"exec 9>"$1/.operator.lock" 8<"$1"; flock 9; flock 8; echo held; exec sleep 600"#
    try await whileRunning("sh", ["-c", hold, "sh", yard.spool], timeout: patience) { (_: String) async throws in
      #expect(try await yard.msgspool(command, "a").status == 75)
      #expect(try await yard.msgspool("flush").status == 75)
    }
  }

  @Test("delete takes what is settled or waits; what may have arrived only by force")
  func delete() async throws {
    let yard = try Yard()
    let inDoubt = settled("deferred", kind: "uncertain").replacing("\"deferred\"}]", with: "\"unconfirmed\"}]")
    for (place, text) in [
      ("new/1", #"{"to":"UID_1","body":"x"}"#), ("deferred/2", settled("deferred")), ("done/3", settled("done")),
      ("failed/4", settled("failed")), ("failed/5", settled("unconfirmed")), ("deferred/6", inDoubt),
      ("failed/7", settled("failed") + "{\"msgspool\":1,"), ("failed/8", "no JSON"),
    ] { try yard.put(place, text) }
    for name in ["5", "6", "7"] {
      let ran = try await yard.msgspool("delete", name)
      #expect(ran.status == 64 && ran.stderr.contains("--force") && ran.stdout == "", "\(name): \(ran.stderr)")
    }
    let ran = try await yard.msgspool("delete", "1", "2", "3", "4", "8")
    #expect(ran.status == 0 && ran.lines == ["1", "2", "3", "4", "8"], "\(ran.stderr)")
    #expect(try yard.names("deferred") == ["6"] && yard.names("failed") == ["5", "7"])
    #expect(try await yard.msgspool("delete", "--force", "5", "6", "7").status == 0)
    for folder in ["new", "deferred", "done", "failed"] { #expect(try yard.names(folder).isEmpty) }
  }

  @Test("The id of a deleted message that nobody got is free; one that was sent stays remembered")
  func ids() async throws {
    try await withSandbox("throttle:provider=twilio") { yard in
      let text = #"{"to":"+12125550100","channel":"t","body":"x","id":"k"}"#
      try yard.put("new/1", text)
      try yard.put("new/push", #"{"to":"UID_1","body":"x","id":"k"}"#)
      _ = try await yard.msgspool("sweep")
      #expect(try yard.names("deferred") == ["1"] && yard.names("done") == ["push"])
      #expect(try await yard.msgspool("delete", "1", "push").status == 0)
      try yard.put("new/2", text)
      try yard.put("new/push2", #"{"to":"UID_1","body":"x","id":"k"}"#)
      _ = try await yard.msgspool("sweep")
      #expect(try yard.names("deferred") == ["2"])
      #expect(try yard.text(of: "done/push2").contains("duplicate"))
    }
  }

  // MARK: Flush

  @Test("flush lets what is deferred fall due now, but for its send_at")
  func flush() async throws {
    let yard = try Yard()
    try yard.put("deferred/a", settled("deferred", kind: "network"), age: -600)
    try yard.put("deferred/t", settled("deferred", channel: "t", kind: "network"), age: -600)
    let scheduled = #"{"to":"UID_1","body":"x","send_at":\#(Int(Date().timeIntervalSince1970) + 300)}"#
    try yard.put("deferred/s", settled("deferred", kind: "network", message: scheduled), age: -600)
    let dry = try await yard.msgspool("flush", "--dry-run")
    #expect(dry.lines == ["a", "t", "s"])
    #expect(try yard.age(of: "deferred/a") < -500)
    let one = try await yard.msgspool("flush", "--channel", "t")
    #expect(one.status == 0 && one.lines == ["t"], "\(one.stderr)")
    #expect(try yard.age(of: "deferred/t") > -1 && yard.age(of: "deferred/a") < -500)
    let all = try await yard.msgspool("flush", "--json")
    #expect(try Set(all.rows.compactMap { $0["name"] as? String }) == ["a", "s"])
    #expect(all.stderr.contains("1 message waits for send_at"))
    #expect(try yard.age(of: "deferred/a") > -1)
    #expect(try (-310..<(-250)).contains(yard.age(of: "deferred/s")))
    // Once more there is nothing to do.
    #expect(try await yard.msgspool("flush").stdout == "")
    let slip = try await yard.msgspool("flush", "--channel", "tt")
    #expect(slip.status == 64 && slip.stderr.contains("did you mean \"t\""))
  }

  @Test("A running watch takes up what was flushed at once")
  func flushUnderWatch() async throws {
    try await withSandbox { yard in
      try yard.put("deferred/a", settled("deferred", kind: "network"), age: -600)
      try await watching(yard, "--quiet") { (_: @Sendable () -> String) async throws in
        #expect(try await eventually { yard.exists("ledger.db") })
        #expect(try await yard.msgspool("flush").status == 0)
        let began = Date()
        #expect(try await eventually { yard.exists("done/a") })
        #expect(Date().timeIntervalSince(began) < 30, "and not when it looks for dead sweeps, once a minute")
      }
    }
  }

  @Test("A folder that hold makes is nothing new to a running watch, and what is released goes at once")
  func holdUnderWatch() async throws {
    try await withSandbox { yard in
      try yard.put("deferred/a", settled("deferred", kind: "network"), age: -600)
      try yard.put("new/b", #"{"to":"UID_1","body":"x"}"#)
      try await watching(yard) { (said: @Sendable () -> String) async throws in
        #expect(try await eventually { yard.exists("done/b") })
        #expect(try await yard.msgspool("hold", "a").status == 0)
        #expect(try await yard.msgspool("flush").stdout == "")
        #expect(try await yard.msgspool("release", "a").status == 0)
        #expect(try await yard.msgspool("flush").stdout == "a\n")
        #expect(try await eventually { yard.exists("done/a") })
        #expect(said().split(separator: "\n").count == 1, "\(said())")
      }
    }
  }
}
