import Foundation
import TestSupport
import Testing

/// A command on a small spool in a known state, to be struck at any of its system calls: what leads to that state, what
/// is struck, and what must hold when all is well again.
struct Assault: Sendable, CustomTestStringConvertible {
  var name: String
  var channels: [String: Station.Channel] = [:]
  var faults: [String] = []
  /// Recipients that one crash may leave in doubt: calls in flight times recipients in a call.
  var mostInDoubt = 0
  /// Of these, what was in doubt before the strike.
  var doubtBefore = 0
  var cargo: @Sendable (_ run: Int) -> Cargo = { _ in Cargo() }
  /// Leads to the state; the cargo is dropped.
  var prepare: @Sendable (Station) async throws -> Void = { _ in }
  /// What is struck, run with this environment.
  var act: @Sendable (Station, _ environment: [String: String]) async throws -> Ran
  /// What an operator does when it was cut short, before the next sweep.
  var mend: @Sendable (Station) async throws -> Void = { _ in }
  /// What was dropped by then, looked at right after the strike.
  var dropped: @Sendable (Station, Cargo, Ran) throws -> Cargo = { _, cargo, _ in cargo }
  /// What must still be there in the end.
  var kept: @Sendable (Station, Cargo) throws -> Cargo = { $1 }

  var testDescription: String { name }
}

// MARK: - What is struck

extension Assault {
  private static let push = Station.Channel.wxpusher("max_recipients_per_call: 4, concurrency: 2")
  private static let text = Station.Channel.twilio("reconcile_after: 0, concurrency: 3")

  /// Six messages of three recipients: calls hold parts of several messages, and messages are in several calls.
  @Sendable private static func pushes(_ run: Int) -> Cargo {
    var cargo = Cargo()
    for number in 0..<6 {
      cargo.add(
        "p\(number)", channel: "push", to: (0..<3).map { "UID_\(run)_\(number)\($0)" }, body: "text \(number % 2)")
    }
    return cargo
  }

  @Sendable private static func texts(_ run: Int) -> Cargo {
    var cargo = Cargo()
    for number in 0..<6 {
      let first = 2_000_000 + run * 20 + number * 2
      cargo.add("t\(number)", channel: "text", to: ["+1212\(first)", "+1212\(first + 1)"], body: "text")
    }
    return cargo
  }

  @Sendable private static func sweep(_ station: Station, _ environment: [String: String]) async throws -> Ran {
    try await station.run("sweep", ["--json"], with: environment)
  }

  /// A sweep that died when it sent its N-th call, or piece of one.
  @Sendable private static func dieSending(_ number: Int, _ station: Station) async throws {
    var calamity = Calamity(.kill, at: number)
    calamity.only = "send"
    let struck = try await calamity.strike { try await station.run("sweep", ["--json"], with: $0) }
    #expect(struck.ran.status == Calamity.killed)
  }

  static let batch = Assault(name: "batch", channels: ["push": push], mostInDoubt: 8, cargo: pushes, act: sweep)
  static let single = Assault(name: "single", channels: ["text": text], mostInDoubt: 3, cargo: texts, act: sweep)
  static let rescue = Assault(
    name: "rescue", channels: ["push": push], mostInDoubt: 16, doubtBefore: 8, cargo: pushes,
    prepare: { try await dieSending(3, $0) }, act: sweep)
  static let singleRescue = Assault(
    name: "rescue of single calls", channels: ["text": text], mostInDoubt: 6, doubtBefore: 3, cargo: texts,
    prepare: { try await dieSending(5, $0) }, act: sweep)
  static let asking = Assault(
    name: "asking", channels: ["text": text], mostInDoubt: 6, doubtBefore: 3, cargo: texts,
    prepare: { station in
      try await dieSending(5, station)
      try await station.sweep()
      try station.spool.letDeferredFallDue()
    }, act: sweep)

  static let retry = Assault(
    name: "retry", cargo: pushes,
    prepare: { station in
      try station.configure(["other": push])
      #expect(try await station.sweep()["invalid"] == 6)
      try station.configure(["push": push])
    },
    act: { try await $0.run("retry", ["--all"], with: $1) }, mend: { _ = try await $0.run("retry", ["--all"]) })

  private static let old = "p0 p1 p2".split(separator: " ").map(String.init)

  static let prune = Assault(
    name: "prune", channels: ["push": push], mostInDoubt: 0, cargo: pushes,
    prepare: { station in
      // Half of them are done and half of them wait.
      for name in old { try station.spool.move("new/\(name)", "tmp/\(name)") }
      let waiting = station.spool.names(in: "new")
      for name in waiting { try station.spool.move("new/\(name)", "tmp/.\(name)") }
      for name in old { try station.spool.move("tmp/\(name)", "new/\(name)") }
      #expect(try await station.sweep()["done"] == 3)
      for name in waiting { try station.spool.move("tmp/.\(name)", "new/\(name)") }
    },
    act: { try await $0.run("prune", ["--older-than", "0s"], with: $1) },
    mend: { station in
      let again = try await station.run("prune", ["--older-than", "0s"])
      #expect(again.status == 0, "\(again.stderr)")
    },
    kept: { station, cargo in
      // They were accepted once, before, and are gone.
      let accepted = try station.accepted()
      var rest = Cargo()
      for (name, message) in cargo.messages {
        if old.contains(name) {
          #expect(station.spool.folders(of: name).isEmpty)
          #expect(message.recipients.allSatisfy { accepted[$0] == 1 })
        } else {
          rest.add(name, text: message.text, recipients: message.recipients)
        }
      }
      return rest
    })

  static let repair = Assault(
    name: "check --repair", channels: ["push": push], mostInDoubt: 8, doubtBefore: 8, cargo: pushes,
    prepare: { station in
      try await dieSending(3, station)
      // Settled, and then put where it does not belong; and a lock folder that nobody holds.
      try await station.sweep()
      if let name = station.spool.names(in: "done").first { try station.spool.move("done/\(name)", "failed/\(name)") }
      mkdir("\(station.spool["cur"])/left-behind", 0o750)
    },
    act: { try await $0.run("check", ["--repair"], with: $1) },
    mend: { _ = try await $0.run("check", ["--repair"]) })

  /// The recipients of what is in new/, by its bytes.
  @Sendable private static func found(_ station: Station, _ sent: Cargo, _ ran: Ran) throws -> Cargo {
    var found = Cargo()
    let texts = Dictionary(sent.messages.values.map { ($0.text + "\n", $0) }) { $1 }
    for name in station.spool.names(in: "new") {
      let text = String(decoding: try station.spool.bytes("new/\(name)"), as: UTF8.self)
      let message = try #require(texts[text], "\(name) is no whole message: \(text)")
      found.add(name, text: message.text, recipients: message.recipients)
    }
    // Of what was told, a kill may have torn the last line.
    for name in ran.stdout.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      #expect(found.messages[String(name)] != nil, "its name was told")
    }
    // Dropped, and only its name could not be said.
    let isDropped = ran.status == 0 || ran.stderr.contains("dropped all the same")
    if isDropped { #expect(found.messages.count == sent.messages.count) }
    if !isDropped, ran.status != Calamity.killed {
      let told = ran.stdout.split(separator: "\n").map(String.init)
      #expect(found.messages.keys.sorted() == told.sorted(), "nothing, but for what it says it couldn't take back")
    }
    return found
  }

  private static func send(_ name: String, count: Int) -> Assault {
    let cargo = { @Sendable (run: Int) in
      var cargo = Cargo()
      for number in 0..<count { cargo.add("s\(number)", channel: "push", to: ["UID_\(run)_\(number)"], body: "text") }
      return cargo
    }
    return Assault(
      name: name, channels: ["push": push], cargo: cargo,
      prepare: { station in
        // They wait outside until `send` drops them.
        let names = station.spool.names(in: "new")
        let texts = try names.map { String(decoding: try station.spool.bytes("new/\($0)"), as: UTF8.self) + "\n" }
        for name in names { unlink("\(station.spool["new"])/\(name)") }
        try Data(texts.joined().utf8).write(to: URL(filePath: "\(station.spool.path)/input"))
      },
      act: { station, environment in
        let input = String(decoding: try station.spool.bytes("input"), as: UTF8.self)
        return try await station.run("send", ["--json"], stdin: input, with: environment)
      },
      dropped: found)
  }

  static let send = send("send", count: 6)
  static let sendOne = send("send of one", count: 1)

  static let initialize = Assault(
    name: "init", cargo: pushes,
    prepare: { station in
      for folder in TemporarySpool.folders where folder != "new" { rmdir(station.spool[folder]) }
      unlink("\(station.spool.path)/config.json")
    },
    act: { try await $0.run("init", with: $1) },
    mend: { station in
      let again = try await station.run("init")
      #expect(again.status == 0, "\(again.stderr)")
      #expect(try station.spool.bytes("config.json").count > 500, "a whole configuration, or none")
      try station.configure(["push": push])
    })

  /// Calls are in flight when it is told to end.
  static let shutdown = Assault(
    name: "watch, told to end", channels: ["push": push], faults: ["delay:ms=120"], mostInDoubt: 8, cargo: pushes,
    act: { station, environment in
      let script = #"""
        env $CALAMITY_ENVIRONMENT "$0" watch --spool "$1" & watch=$!
        until [ -n "$(tail -c +"$3" "$2")" ]; do kill -0 $watch || exit 99; sleep 0.01; done
        touch "$1/end"; kill -TERM $watch; wait $watch
        """#
      let variables = environment.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
      let size = (try? FileManager.default.attributesOfItem(atPath: station.record)[.size] as? Int) ?? 0
      return try await run(
        "sh", ["-c", script, station.program, station.spool.path, station.record, String(size + 1)],
        env: ["PATH": "/usr/bin:/bin", "CALAMITY_ENVIRONMENT": "CALAMITY_AFTER=\(station.spool.path)/end \(variables)"])
    })

  static let sweeps = [batch, single, rescue, singleRescue, asking]
  static let commands = [retry, prune, repair, send, sendOne, initialize]
}

// MARK: - Striking

extension Assault {
  /// One run that was struck, and what was found when all was well again.
  struct Outcome: Sendable {
    var struck: Calamity.Struck
    var aftermath: Aftermath
  }

  /// A fresh spool at the station's far side, in the state to be struck.
  func begin(_ station: Station, run: Int, in parent: String? = nil) async throws -> (Station, Cargo) {
    let station = station.moved(to: try TemporarySpool(in: parent))
    let cargo = cargo(run)
    try cargo.drop(into: station.spool)
    if !channels.isEmpty { try station.configure(channels) }
    try await prepare(station)
    return (station, cargo)
  }

  /// How many calls there are to strike at.
  func count(_ station: Station, run: Int, reads: Bool = false) async throws -> Int {
    let (station, _) = try await begin(station, run: run)
    var calamity = Calamity.none
    calamity.countsReads = reads
    let struck = try await calamity.strike { try await act(station, $0) }
    #expect([0, 1].contains(struck.ran.status), "\(name): \(struck.ran.stderr)")
    return struck.calls.count
  }

  /// What a strike must have left behind.
  struct Expectation: Sendable {
    /// What the run is counted as.
    var kind: String
    /// Recipients that may be in doubt.
    var mostInDoubt: Int
    /// The ledger could record all that it was told, and can be compared.
    var isRecorded = true
    /// How the program may end; where it could not do its work, it says what to do.
    var statuses: Set<Int32> = [0, 1, Calamity.killed]
    /// Where the spool is to be.
    var parent: String?
    /// What happens between the strike and the next command.
    var meanwhile: @Sendable (Station, Calamity.Struck) async throws -> Void = { _, _ in }
  }

  /// Prepares, strikes, mends, sweeps to the end, and expects every promise kept.
  func undergo(_ calamity: Calamity, _ station: Station, run: Int, _ expected: Expectation) async {
    var place = "\(name), \(calamity)"
    do {
      let (station, cargo) = try await begin(station, run: run, in: expected.parent)
      if expected.parent != nil { try await must("sync", "-f", station.spool.path) }
      let struck = try await calamity.strike { try await act(station, $0) }
      place += ", \(struck.at ?? "not reached"): \(struck.ran.status) \(struck.ran.stderr)"
      #expect(expected.statuses.contains(struck.ran.status), "\(place)")
      if ![0, 1, Calamity.killed].contains(struck.ran.status) {
        #expect(struck.ran.stderr.contains("hint: "), "\(place)")
      }
      try await expected.meanwhile(station, struck)
      let dropped = try dropped(station, cargo, struck.ran)
      try await mend(station)
      try await station.sweepToTheEnd()
      let ledger = LedgerView.isMissing || !expected.isRecorded ? nil : try await LedgerView(station.spool)
      let aftermath = try Aftermath(station, try kept(station, dropped), ledger: ledger, mayBeTorn: true)
      Tally.shared.count(aftermath, as: "\(expected.kind): \(name)", points: struck.at == nil ? 0 : 1)
      #expect(aftermath.lost.isEmpty, "\(place)")
      #expect(aftermath.duplicated.isEmpty, "\(place)")
      // A request that could be sent in part, or an answer in part, is in doubt as after a lost connection.
      let isOnTheWire = ["send", "sendto", "recv", "recvfrom"].contains(struck.at)
      let doubt = isOnTheWire ? max(mostInDoubt, expected.mostInDoubt) : expected.mostInDoubt
      #expect(aftermath.unconfirmed.count <= doubt, "\(place)")
      #expect(aftermath.problems.isEmpty, "\(place)")
      let files = try FileManager.default.contentsOfDirectory(atPath: station.spool.path)
      #expect(!files.contains { $0.contains("damaged") }, "\(place): the ledger was given up")
      // The product's own judgement: folders, history and ledger agree.
      // Where the ledger could not be written to the last, calls are open in it, and repair closes them.
      if calamity.lasts { _ = try await station.run("check", ["--repair"]) }
      let checked = try await station.run("check", ["--json"])
      #expect(checked.status == 0 || !aftermath.unconfirmed.isEmpty, "\(place): \(checked.stdout)")
    } catch {
      Issue.record(error, "\(place)")
    }
  }

  /// Some points, chosen by the seed, the first and the last always among them; in a long run all, or `many`.
  static func points(_ count: Int, some: Int, many: Int = .max) -> [Int] {
    let wanted = Torture.isOn ? many : some
    guard count > wanted else { return Array(1...max(1, count)) }
    var random = Torture.SplitMix(state: Torture.seed)
    return ([1, count] + Array(2..<count).shuffled(using: &random).prefix(wanted - 2)).sorted()
  }
}
