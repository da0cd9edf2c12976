import Foundation
import TestSupport
import Testing

/// Messages come in without a pause while whoever receives them is killed again and again.
@Suite(
  "A flood of messages from personal WeChat, and many kills",
  .disabled(if: Calamity.isMissing, "no C compiler for what strikes"))
struct WeChatFloodTests {
  private struct Flood {
    var messages: Int
    var kills: Int
    /// Each so manyth is a question.
    var questions: Int

    /// `MSGSPOOL_FLOOD` names another number of messages for the long one.
    static var chosen: Flood {
      let named = ProcessInfo.processInfo.environment["MSGSPOOL_FLOOD"].flatMap(Int.init)
      return Torture.isOn
        ? Flood(messages: named ?? 100_000, kills: 200, questions: 10) : Flood(messages: 600, kills: 6, questions: 6)
    }
  }

  @Test("None is lost, none is twice in the inbox, none is answered twice")
  func flood() async throws {
    let flood = Flood.chosen
    try await withStation(timeout: .seconds(12 * 3600)) { station in
      try station.configureWeb(
        #"repeat_window: "0s", replies_per_sender: 1000, reply_within: "12h", echo_wait: "1s", "#
          + #"replies: [{ when: { text: { prefix: "q" } }, answer: "a {text}" }]"#)
      let friends = (0..<50).map { "friend\($0)" }
      for friend in friends { try await station.phone("befriend", ["nick": friend], of: Station.web) }
      try await station.logInToWeb()
      async let talking = Self.talk(flood, friends, station)
      var random = Torture.SplitMix(state: Torture.seed)
      var kills = 0
      while kills < flood.kills, station.spool.names(in: "inbox/new").count < flood.messages {
        // So that the kills are spread over all that comes: a message takes a dozen calls.
        let point = Int.random(in: 20...max(400, flood.messages * 12 / flood.kills), using: &random)
        let struck = try await Calamity(.kill, at: point).strike { try await Self.watch(station, $0) }
        if struck.at != nil { kills += 1 }
      }
      let said = try await talking
      try await station.watching("last") {
        // A day of them is read in minutes; what stands still for one is lost.
        var before = -1
        while case let now = station.spool.names(in: "inbox/new").count, now < said.count, now != before {
          before = now
          _ = try await eventually { station.spool.names(in: "inbox/new").count > before }
        }
        let questions = said.values.count { $0.hasPrefix("q") }
        #expect(try await eventually { station.settled == questions })
      }
      try await Self.judge(flood, said, friends, station, kills)
    }
  }

  /// Says everything; ids, and what each said.
  private static func talk(
    _ flood: Flood, _ friends: [String], _ station: Station
  ) async throws -> [String: String] {
    var said: [String: String] = [:]
    for number in 0..<flood.messages {
      let text = number % flood.questions == 0 ? "q\(number)" : "t\(number)"
      said[try await station.hear(text, ["from": friends[number % friends.count]])] = text
    }
    return said
  }

  /// A watch until it is struck, or for ten seconds where it is not.
  private static func watch(_ station: Station, _ environment: [String: String]) async throws -> Ran {
    let script = #"""
      env $CALAMITY_ENVIRONMENT "$0" watch --spool "$1" 2>> "$1/watch.log" & watch=$!
      for round in $(seq 200); do
        case $(cut -d' ' -f3 /proc/$watch/stat 2> /dev/null) in '' | Z) break ;; esac
        sleep 0.05
      done
      kill -TERM $watch 2> /dev/null; wait $watch
      """#
    let variables = environment.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    return try await run(
      "sh", ["-c", script, station.program, station.spool.path],
      env: ["PATH": "/usr/bin:/bin", "CALAMITY_ENVIRONMENT": variables])
  }

  private static func judge(
    _ flood: Flood, _ said: [String: String], _ friends: [String], _ station: Station, _ kills: Int
  ) async throws {
    let inbox = try station.inbox()
    let ids = inbox.compactMap { $0["id"]?.text }
    let lost = Set(said.keys).subtracting(ids).count
    let twice = ids.count - Set(ids).count
    #expect(kills > 0)
    #expect(lost == 0 && twice == 0 && ids.count == flood.messages)
    for message in inbox {
      let id = message["id"]?.text ?? ""
      if message["text"]?.text != said[id] { Issue.record("\(id): another text than was said") }
    }
    #expect(station.spool.names(in: "inbox/tmp").isEmpty)
    let received = try await station.phone("received", of: Station.web)
    let answers = friends.flatMap { received[$0]?.array.compactMap { $0["text"]?.text } ?? [] }
    let answeredTwice = answers.count - Set(answers).count
    let doubtful = try station.spool.names(in: "failed").count {
      try station.spool.last("failed/\($0)")["state"]?.text == "unconfirmed"
    }
    let questions = said.values.count { $0.hasPrefix("q") }
    #expect(answeredTwice == 0 && Set(answers).isSubset(of: Set(said.values.map { "a \($0)" })))
    #expect(doubtful == station.spool.names(in: "failed").count && doubtful <= kills)
    #expect(answers.count <= questions && answers.count + doubtful >= questions)
    if Torture.isOn {
      print(
        "\(flood.messages) incoming, \(kills) kills: \(lost) lost, \(twice) twice in the inbox, \(answers.count) of "
          + "\(questions) answered, \(answeredTwice) twice, \(doubtful) unconfirmed")
    }
  }
}
