import Core
import Foundation
import Ledger
import Spooling
import TestSupport
import Testing

@testable import Sweeping

@Suite("Whom an accepted message did not reach goes on through the fallback, and nobody is lost on the way")
struct FallbackLegTests {
  /// What became of a recipient of the message `m`.
  private func lost(_ to: String, _ place: Int, at now: Date) -> UntoldReceipt {
    UntoldReceipt(
      key: .init(call: 1, recipient: place, place: 0), call: "c1", channel: "word",
      member: CallMember(file: "m", to: to), news: ReceiptNews(.undelivered), endsDoubt: false, noted: now)
  }

  @Test("A leg that could not be dropped keeps its name, whoever is next")
  func namesOfLegsThatAreStillToBeDropped() throws {
    let folder = try TemporarySpool()
    let line =
      #"{"msgspool":1,"at":"2026-11-22T09:00:00.000Z","state":"done","attempt":1,"calls":["c1"],"results":["#
      + #"{"to":"r1","state":"accepted"},{"to":"r2","state":"accepted"},{"to":"r3","state":"accepted"}]}"#
    try folder.drop("m", message(to: ["r1", "r2", "r3"]) + "\n\(line)\n")
    try folder.move("new/m", "done/m")
    var configuration = Configuration()
    configuration.channels["word"] = .word { channel in
      channel.fallback = "spare"
      channel.fallbackOn = [.undelivered]
    }
    configuration.channels["spare"] = .word("spare")
    let (clock, ledger, spool) = (ManualClock(), try Rig.ledger(), try Spool(folder.path))
    let transport = KeptTransport(SimProcess("one"))
    let environment = SweepEnvironment(
      spool: spool, ledger: ledger, configuration: configuration, transport: { _ in transport }, clock: { clock.now },
      random: { 0.5 }, nonce: { "0" }, observe: { _ in })
    // The disk was full when it was to be dropped.
    let first = FallbackLeg(file: "m", to: "r1", call: "c1", state: .undelivered, name: "m.leg")
    #expect(try ledger.intendLegs([first], at: clock.now.date).count == 1)

    let files = ReceiptFiles(spool, limit: 1 << 20)
    let legs = FallbackLegs(environment, spool, ledger, files)
    let news = [lost("r2", 1, at: clock.now.date), lost("r3", 2, at: clock.now.date)]
    let wanted = WantedFile(call: "c1", file: "m", to: "r1")
    guard case .settled(let place)? = try files.places(of: [wanted])[wanted] else {
      Issue.record("the message is found by its call")
      return
    }
    let names = try legs.take(news.map { (place: place, receipt: $0) })
    #expect(news.map { names[$0.key] } == ["m.leg~2", "m.leg~3"])
    try legs.recover()
    #expect(folder.names(in: "new") == ["m.leg", "m.leg~2", "m.leg~3"])
    let recipients = try folder.names(in: "new").map { name in
      try #require(MessageFile(bytes: folder.bytes("new/\(name)")).message.to?.first)
    }
    #expect(recipients == ["r1", "r2", "r3"])
    #expect(try ledger.openLegs().isEmpty)
  }
}
