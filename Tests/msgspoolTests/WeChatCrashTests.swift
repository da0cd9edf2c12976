import Foundation
import TestSupport
import Testing

@Suite(
  "Killed at any system call while receiving and answering, nothing is lost, nothing twice in the inbox, nothing answered twice",
  .disabled(if: Calamity.isMissing, "no C compiler for what strikes"))
struct WeChatCrashTests {
  @Test("A sweep that receives, runs a program and answers", arguments: [Calamity.Act.kill, .torn])
  func kills(act: Calamity.Act) async throws {
    try await withStation(timeout: .seconds(3600)) { station in
      let marks = "\(station.spool.path)/marks"
      try station.configureBot(
        """
        repeat_window: "0s", replies_per_sender: 1000, per_word: 1000,
        replies: [
          { when: { from: ["owner"], text: { prefix: "run" } },
            answer: { exec: ["/bin/sh", "-c", "cat | head -c 200 | tr -cd '0-9' | cut -c2-20 >> \(marks); echo ran $$"] } },
          { when: { text: { prefix: "q" } }, answer: "a {text}" },
        ]
        """)
      try await station.logIn(saying: nil)
      var said: [String] = []
      var number = 0
      func sayAll() async throws {
        number += 1
        said.append(try await station.say("q\(number)"))
        said.append(try await station.say("run \(number)"))
        said.append(
          try await station.say(
            "", ["kind": "file", "name": "f\(number)", "base64": Data("hello".utf8).base64EncodedString()]))
      }
      // How many calls there are.
      try await sayAll()
      let whole = try await Calamity.none.strike { try await station.run("sweep", ["--json"], with: $0) }
      #expect(whole.ran.status == 0, "\(whole.ran.stderr)")
      let points = Torture.isOn ? Array(1...whole.calls.count) : Torture.some(Array(1...whole.calls.count), 8)
      for point in points {
        try await sayAll()
        _ = try await Calamity(act, at: point).strike { try await station.run("sweep", ["--json"], with: $0) }
      }
      // Ten calls are allowed for each word, and two answers are due for each that was said.
      func isWaiting() -> Bool { !(station.spool.names(in: "new") + station.spool.names(in: "deferred")).isEmpty }
      var round = 0
      repeat {
        said.append(try await station.say("go on \(round)"))
        let swept = try await station.sweep()
        #expect(swept.status == 0, "\(swept.stderr)")
        try station.spool.letDeferredFallDue()
        round += 1
      } while round < 8 || (round < 8 + number && isWaiting())
      let ids = try station.inbox().compactMap { $0["id"]?.text }
      #expect(ids.sorted() == said.sorted(), "each once in the inbox")
      #expect(station.spool.names(in: "inbox/tmp").isEmpty)
      for id in try station.inbox().filter({ $0["kind"]?.text == "file" }).compactMap({ $0["id"]?.text }) {
        #expect(station.spool.names(in: "inbox/files/me.\(id)").count == 1)
      }
      let texts = try await station.textsOfOwner()
      #expect(Set(texts).count == texts.count, "nothing was answered twice")
      // In doubt is only what was in flight: at most one call a kill.
      let unconfirmed = try station.spool.names(in: "failed").filter {
        try station.spool.last("failed/\($0)")["state"]?.text == "unconfirmed"
      }
      #expect(unconfirmed.count <= points.count)
      let answered = texts.filter { $0.hasPrefix("a q") }.count
      let heldQuestions = try unconfirmed.filter {
        String(decoding: try station.spool.bytes("failed/\($0)"), as: UTF8.self).contains("\"body\":\"a q")
      }.count
      #expect(answered <= number && answered + heldQuestions >= number, "\(answered) + \(heldQuestions) of \(number)")
      // No program was started twice.
      let runs = ((try? String(contentsOfFile: marks, encoding: .utf8)) ?? "").split(separator: "\n")
      #expect(Set(runs).count == runs.count && runs.count <= number)
    }
  }

  @Test("A sweep that dies while it uploads has sent nothing: the next one sends, and nothing is in doubt")
  func upload() async throws {
    try await withStation(faults: ["delay:provider=wechat-web,on=upload,ms=30000,count=1"]) { station in
      try station.configureWeb(#"receive: "off""#)
      try await station.logInToWeb()
      try station.spool.drop("a", #"{"to":"老张","body":"text","attachments":[{"name":"a.txt","base64":"AAAA"}]}"#)
      // The text has gone when the file is on its way.
      let script = #"""
        "$0" sweep --spool "$1" & sweep=$!
        until grep -q webwxuploadmedia "$2"; do kill -0 $sweep || exit 99; sleep 0.02; done
        kill -9 $sweep; wait $sweep
        """#
      let killed = try await run(
        "sh", ["-c", script, station.program, station.spool.path, station.record], env: ["PATH": "/usr/bin:/bin"])
      #expect(killed.status == Calamity.killed, "\(killed.stderr)")
      for _ in 0..<2 {
        let swept = try await station.sweep()
        #expect(swept.status == 0 && swept["unconfirmed"] == 0, "\(swept.stderr)")
        try station.spool.letDeferredFallDue()
      }
      #expect(station.spool.names(in: "done") == ["a"])
      #expect(try await station.received("老张").map { $0["kind"]?.text } == ["text", "file"])
    }
  }

  @Test(
    "A login: the old session stays or the new one is there, whole, and the next login mends what else was left",
    arguments: [Calamity.Act.kill, .torn])
  func login(act: Calamity.Act) async throws {
    try await withStation(timeout: .seconds(3600)) { station in
      try station.configureWeb()
      try await station.logInToWeb()
      let again = ["wx", "--json", "--force"]
      let whole = try await Calamity.none.strike { try await station.run("login", again, with: $0) }
      #expect(whole.ran.status == 0, "\(whole.ran.stderr)")
      // The last ones make the session; before them come the ledger's and the wire's.
      let all = Array(1...whole.calls.count)
      let points = Torture.isOn ? all : Torture.some(all, 3) + Torture.some(Array(all.suffix(24)), 2)
      for (number, point) in points.enumerated() {
        let place = "\(act) at \(point)"
        _ = try await Calamity(act, at: point).strike { try await station.run("login", again, with: $0) }
        let session = try Parsed(try station.spool.bytes("sessions/wx.json"))
        #expect(session["state"]?.text == "ok" && session["own"] != nil, "\(place)")
        try station.spool.drop("m\(number)", #"{"to":"老张","body":"\#(number)"}"#)
        var swept = try await station.sweep()
        #expect(swept.status == 0, "\(place): \(swept.stderr)")
        if swept["done"] != 1 {
          // The new login had ended the old one at the service, and was not kept: the sweep says so.
          #expect(swept.stderr.contains("msgspool login wx"), "\(place): \(swept.stderr)")
          try await station.logInToWeb()
          swept = try await station.sweep()
        }
        #expect(station.spool.names(in: "new").isEmpty, "\(place): \(swept.stderr)")
      }
      try await station.logInToWeb()
      #expect(try await station.run("login", again).status == 0)
      #expect(
        station.spool.names(in: "sessions").filter { !$0.contains(".json.") || $0.hasSuffix(".contacts") } == [
          "wx.json", "wx.json.contacts",
        ])
      #expect(station.spool.names(in: "sessions").allSatisfy { !$0.contains("-") }, "scraps that hold a credential")
      #expect(try await station.texts("老张") == points.indices.map(String.init))
    }
  }

  /// A watch with that in its environment, until it is dead, or has so many messages in the inbox and nothing left to send.
  private static func watch(_ station: Station, until count: Int, _ environment: [String: String]) async throws -> Ran {
    let script = #"""
      env $CALAMITY_ENVIRONMENT "$0" watch --spool "$1" & watch=$!
      cd "$1"
      for round in $(seq 400); do
        # A dead one is a zombie, or the shell has taken note of it already.
        case $(cut -d' ' -f3 /proc/$watch/stat 2> /dev/null) in '' | Z) break ;; esac
        [ "$(ls inbox/new | wc -l)" -lt "$2" ] || [ -n "$(ls new; ls cur)" ] || break
        sleep 0.05
      done
      kill -TERM $watch; wait $watch
      """#
    let variables = environment.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    return try await run(
      "sh", ["-c", script, station.program, station.spool.path, String(count)],
      env: ["PATH": "/usr/bin:/bin", "CALAMITY_ENVIRONMENT": variables])
  }

  @Test("A watch over the web protocol that receives, answers and sends", arguments: [Calamity.Act.kill, .torn])
  func watch(act: Calamity.Act) async throws {
    try await withStation(timeout: .seconds(3600)) { station in
      try station.configureWeb(
        #"repeat_window: "0s", replies_per_sender: 1000, echo_wait: "1s", replies: [{ when: { text: { prefix: "q" } }, "#
          + #"answer: "a {text}" }]"#)
      try await station.logInToWeb()
      var said: [String] = []
      // How many calls a round has differs; beyond the last one it ends by itself.
      let all = Array(1...(Torture.isOn ? 160 : 90))
      let points = Torture.isOn ? all : Torture.some(all, 5)
      for (number, point) in points.enumerated() {
        said.append(try await station.hear("q\(number)"))
        said.append(
          try await station.hear(
            "", ["kind": "file", "name": "f\(number)", "base64": Data("hello".utf8).base64EncodedString()]))
        try station.spool.drop("m\(number)", #"{"to":"filehelper","body":"m\#(number)"}"#)
        let wanted = said.count
        _ = try await Calamity(act, at: point).strike { try await Self.watch(station, until: wanted, $0) }
      }
      let count = said.count
      try await station.watching { () async throws in
        #expect(try await eventually { station.spool.names(in: "inbox/new").count == count })
        #expect(try await eventually { station.settled == 2 * points.count })
      }
      #expect(try station.inbox().compactMap { $0["id"]?.text }.sorted() == said.sorted(), "each once in the inbox")
      #expect(station.spool.names(in: "inbox/tmp").isEmpty)
      for name in ["老张", "filehelper"] {
        let texts = try await station.texts(name)
        #expect(Set(texts).count == texts.count, "\(name): nothing twice")
      }
      let unconfirmed = try station.spool.names(in: "failed").count {
        try station.spool.last("failed/\($0)")["state"]?.text == "unconfirmed"
      }
      #expect(unconfirmed == station.spool.names(in: "failed").count && unconfirmed <= points.count)
      let answers = try await station.texts("老张").count
      let arrived = try await answers + station.texts("filehelper").count
      #expect(arrived + unconfirmed >= 2 * points.count && arrived <= 2 * points.count, "\(arrived) + \(unconfirmed)")
    }
  }
}
