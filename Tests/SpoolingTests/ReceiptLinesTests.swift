import Core
import FoundationEssentials
import TestSupport
import Testing

@testable import Spooling

@Suite("Lines behind a message's attempts") struct ReceiptLinesTests {
  private let receipt =
    #"{"msgspool":1,"receipt":1,"at":"2026-11-22T09:05:00.000Z","channel":"sms","results":[{"to":"a","state":"delivered","call":"c1"}]}"#
  private let message = #"{"to":["a","b"],"body":"x"}"#

  private func attempt(_ state: String, _ results: String) -> String {
    #"{"msgspool":1,"at":"2026-11-22T09:00:00.000Z","state":"\#(state)","attempt":1,"calls":["c1"],"results":[\#(results)]}"#
  }

  private func file(_ lines: String...) throws -> MessageFile {
    try MessageFile(text: ([message] + lines).joined(separator: "\n") + "\n")
  }

  @Test func aReceiptBehindADeferredMessageHidesNoAttempt() throws {
    // A line that the last attempt was taken for would have had an unconfirmed recipient sent to again.
    let deferred = attempt(
      "deferred", #"{"to":"a","state":"accepted"},{"to":"b","state":"unconfirmed","call":"c1"}"#)
    let file = try file(deferred, receipt)
    #expect(file.lines.count == 1 && file.entries.count == 2)
    let progress = Progress(file.lines, again: file.again)
    #expect(progress.last?.state == .deferred && progress.results["b"]?.map(\.state) == [.unconfirmed])
    #expect(progress.results["a"]?.map(\.state) == [.accepted])
  }

  @Test func theTailIsTheLastAttemptAndNotTorn() throws {
    let text =
      [message, attempt("done", #"{"to":"a","state":"accepted"}"#), receipt, receipt].joined(separator: "\n") + "\n"
    let end = Array(text.utf8).withUnsafeBufferPointer { TailReader.end(of: $0, isWhole: true) }
    #expect(end?.last?.state == .done && end?.isTorn == false)
  }

  @Test func aTornReceiptIsPassedOver() throws {
    let text = [message, attempt("done", #"{"to":"a","state":"accepted"}"#), String(receipt.dropLast(30))]
      .joined(separator: "\n")
    let end = Array(text.utf8).withUnsafeBufferPointer { TailReader.end(of: $0, isWhole: true) }
    #expect(end?.last?.state == .done && end?.isTorn == true)
    #expect(try MessageFile(text: text).entries.count == 1)
  }

  @Test func whatIsWrittenIsRead() throws {
    let line = ReceiptLine(
      at: moment("2026-11-22T09:05:00Z"), channel: "sms",
      results: [
        .init(
          to: "é\"", state: .undelivered, at: moment("2026-11-22T09:04:00Z"), code: "E1", reason: "关机", call: "c1",
          leg: "x.leg")
      ])
    var bytes: [UInt8] = []
    ReceiptCoding.write(line, to: &bytes)
    #expect(bytes.withUnsafeBufferPointer { History.entries(in: $0) } == [.receipt(line)])
  }
}
