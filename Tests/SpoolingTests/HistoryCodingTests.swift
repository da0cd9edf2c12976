import Core
import Foundation
import TestSupport
import Testing

@testable import Spooling

private func text(_ line: HistoryLine) -> String {
  var bytes: [UInt8] = []
  History.write(line, to: &bytes)
  return String(decoding: bytes, as: UTF8.self)
}

private func read(_ text: String) -> [HistoryLine] {
  Array(text.utf8).withUnsafeBufferPointer { History.lines(in: $0) }
}

extension String {
  fileprivate func behind(_ head: String, before tail: String) -> String {
    range(of: head).map { String(self[$0.upperBound...].dropLast(tail.count)) } ?? ""
  }
}

private let at = moment("2026-11-22T09:00:00.123Z")

@Suite struct HistoryCodingTests {
  @Test func aLineLooksAsTheContractShowsIt() {
    let line = HistoryLine(
      at: at, state: .done, channel: "alerts", provider: "wxpusher", attempt: 1, calls: ["c1"],
      results: [.init(to: "UID_a", state: .accepted, id: "7"), .init(to: "UID_b", state: .accepted)])
    #expect(
      text(line)
        == """
        {"msgspool":1,"at":"2026-11-22T09:00:00.123Z","state":"done","channel":"alerts","provider":"wxpusher","attempt":1,\
        "recipients":{"accepted":2},"calls":["c1"],"results":[{"to":"UID_a","state":"accepted","id":"7"},\
        {"to":"UID_b","state":"accepted"}]}

        """)
  }

  @Test func theErrorAndTheDueTimeAreThereWhereTheyBelong() throws {
    let line = HistoryLine(
      at: at, state: .deferred, error: Fault(.throttled, code: "429", "slow down", hint: "wait"), due: at + 60)
    let value = try JSONScanner.value(of: Array(text(line).utf8.dropLast()))
    #expect(
      value["error"]
        == .object([
          .init("kind", .string("throttled")), .init("code", .string("429")), .init("message", .string("slow down")),
          .init("hint", .string("wait")),
        ]))
    #expect(value["due"]?.string == "2026-11-22T09:01:00.123Z")
    #expect(value["recipients"] == .object([]) && value["calls"] == .array([]) && value["results"] == .array([]))
  }

  @Test func countsAreOnePerStateThatOccurs() throws {
    let results = [RecipientState.deferred, .accepted, .deferred, .unconfirmed].map {
      HistoryLine.Result(to: "a", state: $0)
    }
    let value = try JSONScanner.value(
      of: Array(text(HistoryLine(at: at, state: .deferred, results: results)).utf8.dropLast()))
    #expect(value["recipients"]?.text == #"{"accepted":1,"deferred":2,"unconfirmed":1}"#)
  }

  /// Those of a long list are kept as bytes, and written from there.
  @Test func theEntriesOfALongLineAreThoseOfShortOnes() {
    let results = (0..<300).map { index -> HistoryLine.Result in
      let id = ["7", nil, "\"\n\u{9B}", "é"][index % 4]
      return .init(
        to: "caf\u{E9} \(index)", state: index % 7 == 3 ? .rejected : .accepted, id: id,
        code: index % 7 == 3 ? "1001" : nil,
        channel: index % 50 == 9 ? "sms" : nil)
    }
    let long = text(HistoryLine(at: at, state: .failed, results: results))
    let short = results.map { text(HistoryLine(at: at, state: .failed, results: [$0])) }
    let entries = { (line: String) in line.behind("\"results\":[", before: "]}\n") }
    #expect(entries(long) == short.map(entries).joined(separator: ","))
    #expect(read(long).first?.results == HistoryLine.Results(results))
  }

  @Test func whateverIsWrittenIsReadBackTheSame() {
    var random = SeededGenerator(11)
    for _ in 0..<500 {
      let line = HistoryLine.random(&random)
      let written = text(line)
      #expect(read(written) == [line], "\(written)")
      #expect(written.utf8.count { $0 == 0x0A } == 1 && written.hasSuffix("}\n"))
    }
  }

  @Test func whatAProviderSaysCannotBreakOutOfItsLine() {
    let nasty = "\"}\n{\"msgspool\":1,\"state\":\"done\"}\r\u{0}\u{1B}[2J\u{9B}31m\u{85}\u{7F}"
    let line = HistoryLine(
      at: moment("2026-11-22T09:00:00Z"), state: .failed, channel: nasty, calls: [nasty],
      results: [.init(to: nasty, state: .rejected, id: nasty, code: nasty, reason: nasty, address: nasty)],
      error: Fault(.provider, code: nasty, nasty, hint: nasty))
    let written = text(line)
    #expect(read(written) == [line])
    #expect(!written.dropLast().unicodeScalars.contains { $0.properties.generalCategory == .control })
  }

  @Test(arguments: [
    "{\"msgspool\":2,\"at\":\"2026-11-22T09:00:00Z\",\"state\":\"done\"}",
    "{\"msgspool\":\"1\",\"at\":\"2026-11-22T09:00:00Z\",\"state\":\"done\"}",
    "{\"msgspool\":1,\"state\":\"done\"}", "{\"msgspool\":1,\"at\":\"2026-11-22T09:00:00Z\"}",
    "{\"msgspool\":1,\"at\":\"2026-11-22T09:00:00Z\",\"state\":\"lost\"}",
    "{\"msgspool\":1,\"at\":\"yesterday\",\"state\":\"done\"}", "{\"msgspool\":1,\"at\":1,\"state\":\"done\"}",
    "{\"state\":\"done\",\"msgspool\":1,\"at\":\"2026-11-22T09:00:00Z\"}", "", "\u{0}\u{0}", "{\"msgspool\":",
    "{\"msgspool\":1,\"at\":\"2026-11-22T09:00:00Z\",\"state\":\"done\",\"state\":\"failed\"}",
  ])
  func aLineThatIsNotUnderstoodIsNotGuessedAt(line: String) {
    #expect(read(line + "\n").isEmpty)
  }

  @Test func whatALineHasBeyondWhatWeKnowIsPassedOver() {
    let line = "{\"msgspool\":1,\"new\":[1],\"at\":\"2026-11-22T09:00:00Z\",\"state\":\"done\",\"x\":null}\n"
    #expect(read(line) == [HistoryLine(at: moment("2026-11-22T09:00:00Z"), state: .done)])
  }

  @Test func resultsThatMakeNoSenseAreLeftOut() {
    let line =
      "{\"msgspool\":1,\"at\":\"2026-11-22T09:00:00Z\",\"state\":\"done\",\"attempt\":1,\"results\":[{\"to\":\"a\"},"
      + "{\"state\":\"accepted\"},{\"to\":\"b\",\"state\":\"sent\"},7,{\"to\":\"c\",\"state\":\"accepted\"}]}\n"
    #expect(read(line).first?.results == [.init(to: "c", state: .accepted)])
  }

  @Test(arguments: [
    ("9223372036854775807", 1_000_000), ("-9223372036854775808", 0), ("-1", 0), ("1e3", 0), ("\"3\"", 0), ("3", 3),
    ("99999999999999999999", 0),
  ])
  func attemptsThatNobodyCanCountOnFromAreBounded(attempt: String, expected: Int) {
    // A producer may write history too, and the sweep counts on from it.
    let line = "{\"msgspool\":1,\"at\":\"2026-11-22T09:00:00Z\",\"state\":\"deferred\",\"attempt\":\(attempt)}\n"
    #expect(read(line).first?.attempt == expected)
  }

  @Test func theTailOfAMessageMayBeTheBeginningOfALine() {
    func canBegin(_ text: String) -> Bool { Array(text.utf8).withUnsafeBufferPointer { History.canBegin($0) } }
    for tail in [
      "", "{", "{\"msg", "{\"msgspool\":", "{\"msgspool\":1}", "\u{0}", "\u{0}anything", "{\n{\"msgspool\":1}",
      "{\"ms\u{0}\u{0}",
    ] {
      #expect(canBegin(tail), "\(tail)")
    }
    for tail in ["x", "{\"a\"", "{ \"msgspool\":1}", "{\"msgspool\" :1}", "[", "}", "{}\n", "{\"mt\n"] {
      #expect(!canBegin(tail), "\(tail)")
    }
  }
}

extension HistoryLine {
  fileprivate static func random(_ random: inout SeededGenerator) -> HistoryLine {
    let words = ["", "a", "é", "\"", "\n", "\u{0}", "\u{9B}", "中文", "\\", "{\"msgspool\":1}", "😀", "\u{2028}"]
    func text(_ random: inout SeededGenerator) -> String {
      (0..<Int.random(in: 0...3, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }.joined()
    }
    func maybe(_ random: inout SeededGenerator) -> String? { Bool.random(using: &random) ? text(&random) : nil }
    func time(_ random: inout SeededGenerator) -> Date {
      Date(timeIntervalSince1970: Double(Int.random(in: 0...4_000_000_000, using: &random)))
    }
    func some<Value>(_ value: (inout SeededGenerator) -> Value, _ random: inout SeededGenerator) -> Value? {
      Bool.random(using: &random) ? value(&random) : nil
    }
    let results = (0..<Int.random(in: 0...4, using: &random)).map { _ in
      Result(
        to: text(&random), state: RecipientState.allCases.randomElement(using: &random) ?? .accepted,
        id: maybe(&random), code: maybe(&random), reason: maybe(&random), channel: maybe(&random),
        address: maybe(&random), call: maybe(&random))
    }
    return HistoryLine(
      at: time(&random), state: MessageState.allCases.randomElement(using: &random) ?? .done, sweep: maybe(&random),
      channel: maybe(&random), provider: maybe(&random), attempt: Int.random(in: 0...9, using: &random),
      calls: (0..<Int.random(in: 0...3, using: &random)).map { _ in text(&random) }, results: results,
      error: some(
        {
          Fault(
            ErrorKind.allCases.randomElement(using: &$0) ?? .provider, code: maybe(&$0), text(&$0), hint: maybe(&$0))
        }, &random), due: some(time, &random), dropped: some(time, &random))
  }
}
