import Core
import Foundation
import Spooling
import TestSupport
import Testing

@testable import Sweeping

/// One message to more recipients than are under way at once: nobody is forgotten, nobody gets it twice, calls are full,
/// and its one line says what became of everybody.
@Suite struct LongListTests {
  private static let names = (0..<100).map { "r\($0)" }

  private func rig(
    _ change: (Channel) -> Void = { _ in }, isEndless: Bool = false, stretch: Int = 8, after earlier: Rig? = nil
  ) throws -> Rig {
    let word = Channel.word {
      $0.recipientsPerCall = 4
      $0.concurrency = 2
      change($0)
    }
    return try Rig(
      .of(word, .word("other") { $0.recipientsPerCall = 10 }), isEndless: isEndless, stretch: stretch,
      disk: earlier?.disk, ledger: earlier?.ledger)
  }

  /// Answers everything by the recipient's name, and remembers who was asked in which calls.
  private func run(_ rig: Rig, _ word: (String) -> String) -> [[String]] {
    var calls: [[String]] = []
    rig.settle()
    while let request = rig.transport.waiting.first {
      calls.append(request.recipients)
      rig.reply(.words(request.recipients.map { ($0, word($0)) }))
    }
    return calls
  }

  @Test func everybodyGetsItOnceInFullCalls() throws {
    let rig = try rig()
    rig.disk.drop(message(to: Self.names + Self.names.prefix(30)), as: "m")
    let calls = run(rig) { _ in "a" }
    #expect(calls.flatMap(\.self) == Self.names && calls.allSatisfy { $0.count == 4 })
    let line = try #require(try rig.history("m").last)
    #expect(line.state == .done && line.results.map(\.to) == Self.names && line.calls.count == 25)
    #expect(rig.engine.isFinished)
  }

  @Test func onlyAStretchIsUnderWay() throws {
    let rig = try rig { $0.recipientsPerCall = 1 }
    rig.disk.drop(message(to: Self.names), as: "m")
    rig.settle()
    while !rig.transport.waiting.isEmpty {
      #expect(rig.engine.parts.hand.passengers <= 8 + 8 / 2)
      rig.answer("a")
    }
    #expect(rig.names(.done) == ["m"])
  }

  @Test func aPartlyFilledCallGoesOnlyAtTheEnd() throws {
    let rig = try rig { $0.recipientsPerCall = 3 }
    rig.disk.drop(message(to: Self.names), as: "m")
    let calls = run(rig) { _ in "a" }
    #expect(calls.map(\.count) == Array(repeating: 3, count: 33) + [1])
  }

  /// As if it were not walked in stretches.
  @Test(arguments: 0..<20) func theLineIsThatOfAShortList(seed: Int) throws {
    let words = ["a", "a", "a", "d", "gone"]
    let fates = Dictionary(
      uniqueKeysWithValues: Self.names.enumerated().map { ($1, words[($0 * 7 + seed * 13) % (2 + seed % 4)]) })
    var lines: [HistoryLine] = []
    for stretch in [8, 16_384] {
      let rig = try rig(stretch: stretch)
      rig.disk.drop(message(to: Self.names), as: "m")
      _ = run(rig) { fates[$0] ?? "a" }
      var line = try #require(try rig.history("m").last)
      line.sweep = nil
      line.calls = line.calls.map { String($0.suffix(6)) }
      lines.append(line)
    }
    #expect(lines[0] == lines[1])
  }

  @Test func onlyTheDeferredAreTriedAgain() throws {
    let rig = try rig(isEndless: true)
    rig.disk.drop(message(to: Self.names), as: "m")
    _ = run(rig) { $0.hasSuffix("7") ? "d" : "a" }
    #expect(rig.names(.deferred) == ["m"])
    rig.advance(100)
    #expect(run(rig) { _ in "a" }.flatMap(\.self) == Self.names.filter { $0.hasSuffix("7") })
    #expect(rig.names(.done) == ["m"])
  }

  @Test func theRefusedGoThroughTheFallback() throws {
    let rig = try rig { $0.fallback = "other" }
    rig.disk.drop(message(to: Self.names), as: "m")
    var refused: Set<String> = []
    let calls = run(rig) { $0.hasSuffix("3") && refused.insert($0).inserted ? "gone" : "a" }
    let counts = Dictionary(calls.flatMap(\.self).map { ($0, 1) }, uniquingKeysWith: +)
    #expect(Self.names.allSatisfy { counts[$0] == ($0.hasSuffix("3") ? 2 : 1) })
    let line = try #require(try rig.history("m").last)
    #expect(line.state == .done && Set(line.results.map(\.to)) == Set(Self.names) && line.results.count == 100)
    #expect(line.results.filter { $0.channel == "other" }.map(\.to) == Self.names.filter { $0.hasSuffix("3") })
  }

  @Test func whatAStopLeavesIsSentByTheNextSweep() throws {
    let first = try rig()
    first.disk.drop(message(to: Self.names), as: "m")
    first.settle()
    var sent: [String] = []
    for _ in 0..<6 {
      sent += try #require(first.transport.waiting.first).recipients
      first.answer("a")
    }
    first.engine.stopper()
    first.settle()
    while let request = first.transport.waiting.first {
      sent += request.recipients
      first.answer("a")
    }
    #expect(first.engine.isFinished && first.names(.deferred) == ["m"])
    first.end()
    first.clock.advance(400)
    let second = try rig(after: first)
    sent += run(second) { _ in "a" }.flatMap(\.self)
    #expect(sent == Self.names && second.names(.done) == ["m"])
  }

  @Test func aSuspensionInTheMiddleLeavesTheRestUntried() throws {
    let rig = try rig { $0.concurrency = 1 }
    rig.disk.drop(message(to: Self.names), as: "m")
    rig.settle()
    for _ in 0..<5 { rig.answer("a") }
    rig.deny()
    #expect(rig.transport.waiting.isEmpty && rig.engine.isFinished)
    let line = try #require(try rig.history("m").last)
    #expect(line.state == .deferred && line.results.map(\.to) == Array(Self.names.prefix(20)))
  }

  @Test func anotherConfigurationTakesTheRest() throws {
    let rig = try rig({ $0.concurrency = 1 }, isEndless: true)
    rig.disk.drop(message(to: Self.names), as: "m")
    rig.settle()
    var sent: [String] = []
    for _ in 0..<3 {
      sent += try #require(rig.transport.waiting.first).recipients
      rig.answer("a")
    }
    rig.engine.reloader(.of(.word { $0.recipientsPerCall = 10 }, .word("other")))
    rig.settle()
    sent += run(rig) { _ in "a" }.flatMap(\.self)
    rig.advance(400)
    sent += run(rig) { _ in "a" }.flatMap(\.self)
    #expect(sent == Self.names && rig.names(.done) == ["m"])
  }

  @Test func othersDoNotWaitBehindIt() throws {
    let rig = try rig({ $0.rate = 0.1 }, isEndless: true)
    rig.disk.drop(message(to: Self.names), as: "long")
    rig.settle()
    rig.disk.drop(message(to: ["x"], channel: "other"), as: "short")
    rig.settle()
    #expect(rig.transport.waiting.contains { $0.recipients == ["x"] })
  }
}
