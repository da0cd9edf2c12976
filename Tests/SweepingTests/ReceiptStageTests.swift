import Core
import Foundation
import Ledger
import Spooling
import TestSupport
import Testing

@testable import Sweeping

@Suite("A receipt is written behind the message whose own history names its call, whatever that is called now")
struct ReceiptFileTests {
  @Test("Of many messages of one name each is told of its own receipt", arguments: [false, true])
  func oneName(isKnown: Bool) throws {
    let rig = try ReceiptRig(.telling("w"))
    let names = ["otp"] + (2...23).map { "otp~\($0)" }
    for (index, name) in names.enumerated() {
      try rig.settle(name, as: "otp", call: "c\(index)", to: "u\(index)", id: "n\(index)")
      if isKnown, name != "otp" {
        var group = GroupCommit(now: rig.clock.now.date)
        group.renamed = [RenamedFile(calls: ["c\(index)"], file: "otp", name: name)]
        _ = try rig.ledger.commit(group)
      }
      try rig.hear(of: "n\(index)", to: "u\(index)", "undelivered", as: "r\(index)")
    }
    try rig.pass()
    for (index, name) in names.enumerated() { #expect(try rig.told("done/\(name)") == ["c\(index) undelivered"]) }
    #expect(try rig.ledger.untold(limit: 10, at: .distantFuture).isEmpty)
  }

  @Test("It is found under a number behind a number, cut for its number, and not under a stranger's name")
  func otherNames() throws {
    let rig = try ReceiptRig(.telling("w"))
    let long = String(repeating: "n", count: 254)
    try rig.settle("otp~2~3", as: "otp~2", call: "c1", to: "u1", id: "n1")
    try rig.settle(String(long.dropLast(8)) + "~2", as: long, call: "c2", to: "u2", id: "n2")
    // The same name, and nobody's call.
    try rig.settle("otp", call: "other", to: "u1", id: "n9")
    for number in 1...2 { try rig.hear(of: "n\(number)", to: "u\(number)", "delivered", as: "r\(number)") }
    try rig.pass()
    #expect(try rig.told("done/otp~2~3") == ["c1 delivered"])
    #expect(try rig.told("done/\(long.dropLast(8))~2") == ["c2 delivered"])
    #expect(try rig.told("done/otp").isEmpty)
  }

  @Test("One call of two messages: each is told of its own recipient")
  func oneCall() throws {
    let rig = try ReceiptRig(.telling("w"))
    try rig.settle("otp~2", as: "otp", call: "c", to: "a", id: "na")
    // In hand beside it it was `otp~2`, which the first has taken since.
    try rig.settle("otp~2~2", as: "otp~2", call: "c", to: "b", id: "nb")
    var record = AwaitedRecord(
      call: "both", channel: "w", acceptedAt: rig.clock.now.date, until: rig.clock.now.date + 60, recipients: [])
    record.recipients = [("otp", "a"), ("otp~2", "b")].map {
      .init(CallMember(file: $0.0, to: $0.1), key: ReceiptKey.of($0.1), id: "both-\($0.1)", isInDoubt: false)
    }
    try rig.ledger.adopt(record)
    for name in ["otp~2", "otp~2~2"] {
      let text = try rig.text("done/\(name)").replacing(#""calls":["c"]"#, with: #""calls":["both"]"#)
      try Data(text.utf8).write(to: URL(filePath: "\(rig.folder.path)/done/\(name)"))
    }
    for to in ["a", "b"] { try rig.hear(of: "both-\(to)", to: to, "undelivered", as: to) }
    try rig.pass()
    for name in ["otp~2", "otp~2~2"] { #expect(try rig.told("done/\(name)") == ["both undelivered"]) }
    #expect(try rig.text("done/otp~2").contains(#""to":"a","state":"undelivered""#))
    #expect(try rig.text("done/otp~2~2").contains(#""to":"b","state":"undelivered""#))
  }

  @Test("Of two messages in doubt that have one name both are proven")
  func doubts() throws {
    let rig = try ReceiptRig(.telling("w"))
    try rig.settle("al", in: "failed", call: "c1", to: "u1", .unconfirmed)
    try rig.settle("al~2", in: "failed", as: "al", call: "c2", to: "u2", .unconfirmed)
    for number in 1...2 { try rig.hear(of: "c\(number)", to: "u\(number)", "delivered", as: "r\(number)") }
    try rig.pass()
    #expect(rig.folder.names(in: "failed").isEmpty && rig.folder.names(in: "done") == ["al", "al~2"])
    for number in 1...2 { #expect(try rig.told("done/al\(number == 1 ? "" : "~2")") == ["c\(number) delivered"]) }
  }

  @Test("One that waits, by its own history, is told later; one that is gone is no work for ever")
  func elsewhere() throws {
    let rig = try ReceiptRig(.telling("w"))
    try rig.settle("otp", call: "c1", to: "u1", id: "n1")
    try rig.settle("otp~2", as: "otp", call: "c2", to: "u2", id: "n2")
    // A person retries the one, and deletes the other; a third of that name has just been dropped.
    try rig.folder.move("done/otp", "new/otp~7")
    try FileManager.default.removeItem(atPath: "\(rig.folder.path)/done/otp~2")
    try rig.folder.drop("otp", #"{"to":"u3","body":"x"}"#)
    for number in 1...2 { try rig.hear(of: "n\(number)", to: "u\(number)", "undelivered", as: "r\(number)") }
    try rig.pass()
    #expect(try rig.ledger.untold(limit: 10, at: .distantFuture).map(\.call) == ["c1"])
    try rig.folder.move("new/otp~7", "done/otp~7")
    rig.clock.advance(61)
    try rig.pass()
    #expect(try rig.told("done/otp~7") == ["c1 undelivered"])
    #expect(try rig.ledger.untold(limit: 10, at: .distantFuture).isEmpty)
  }

  @Test("A sweep that settles under another name says so to the ledger, where anybody is awaited")
  func renamed() throws {
    var configuration = Configuration()
    configuration.channels["w"] = .telling("w")
    configuration.defaultChannel = "w"
    let clock = ManualClock()
    let (disk, ledger) = (SimDisk(clock), try Rig.ledger())
    for _ in 0..<2 {
      disk.drop(#"{"to":"u","body":"x"}"#, as: "otp")
      let sweep = try Rig(configuration, disk: disk, ledger: ledger)
      sweep.settle()
      let call = sweep.transport.waiting[0].call
      sweep.acceptAll()
      sweep.end()
      let now = clock.now.date
      let claim = ReceiptClaim([.reference(call)], channels: ["w": ReceiptKey.of("u")], news: ReceiptNews(.delivered))
      #expect(try ledger.apply([claim], at: now) == [.counted(isNews: true)])
    }
    let untold = try ledger.untold(limit: 10, at: clock.now.date + 60)
    #expect(untold.map(\.member.file) == ["otp", "otp"] && untold.map(\.name) == [nil, "otp~2"])
    #expect(try ledger.awaitedFiles() == ["otp", "otp~2"])
  }
}

@Suite("A leg is its own recipient's message, once") struct LegTests {
  private func rig(_ change: (Channel) -> Void = { _ in }) throws -> ReceiptRig {
    try ReceiptRig(
      .telling("w") {
        $0.fallback = "f"
        $0.fallbackOn = [.undelivered]
        change($0)
      },
      .telling("f") {
        $0.fallback = "w"
        $0.fallbackOn = [.undelivered]
      })
  }

  private func leg(_ rig: ReceiptRig, _ file: String) throws -> MessageFile {
    try MessageFile(bytes: rig.folder.bytes(file))
  }

  @Test("Where names repeat it carries the text of the message that did not arrive")
  func ownText() throws {
    let rig = try rig()
    for number in 1...12 {
      let name = number == 1 ? "otp" : "otp~\(number)"
      try rig.settle(name, as: "otp", call: "c\(number)", to: "u\(number)", id: "n\(number)")
    }
    try rig.hear(of: "n12", to: "u12", "undelivered", as: "r")
    try rig.pass()
    #expect(rig.folder.names(in: "new") == ["otp.leg"])
    let leg = try leg(rig, "new/otp.leg")
    #expect(leg.message.to == ["u12"] && leg.message.body == "for u12" && leg.message.channel == "f")
    #expect(try rig.text("done/otp~12").contains(#""leg":"otp.leg""#))
  }

  @Test("A leg that does not arrive either has none of its own, and never goes back where it came from")
  func once() throws {
    let rig = try rig()
    try rig.settle("P", call: "c1", to: "u", id: "n1")
    try rig.hear(of: "n1", to: "u", "undelivered", as: "r1")
    try rig.pass()
    #expect(rig.folder.names(in: "new") == ["P.leg"])
    let dropped = try leg(rig, "new/P.leg")
    #expect(dropped.message.passed == ["w"] && dropped.lines.isEmpty)
    // Refused there it would come back to the first channel.
    let router = Router(rig.configuration)
    guard case .go(let itinerary) = router.routeAtOnce(dropped.message, Progress([])) else {
      Issue.record("the leg is sent")
      return
    }
    #expect(itinerary.legs.flatMap { router.fallbacks(of: $0, dropped.message, visited: ["f"]) }.isEmpty)
    // It was sent, and did not arrive.
    let line =
      #"{"msgspool":1,"at":"2026-11-22T09:00:00.000Z","state":"done","channel":"f","attempt":1,"calls":["c2"],"#
      + #""results":[{"to":"u","state":"accepted"}]}"# + "\n"
    let text = try rig.text("new/P.leg") + line
    try Data(text.utf8).write(to: URL(filePath: "\(rig.folder.path)/new/P.leg"))
    try rig.folder.move("new/P.leg", "done/P.leg")
    try rig.make("c2", "P.leg", to: "u", id: "n2", "f", isInDoubt: false)
    try rig.hear(of: "n2", to: "u", "undelivered", as: "r2")
    try rig.pass()
    #expect(rig.folder.names(in: "new").isEmpty)
    #expect(try rig.told("done/P.leg") == ["c2 undelivered"])
  }

  @Test("What a template fills in for its own recipients is not the leg's")
  func template() throws {
    let rig = try ReceiptRig(
      .telling("w") {
        $0.fallback = "robot"
        $0.fallbackOn = [.undelivered]
      }, Channel("robot", RobotProvider()))
    mkdir("\(rig.folder.path)/templates", 0o755)
    try Data(#"{"channel":"w","to":"everybody","body":"{x}","send_at":"2099-01-01T00:00:00Z"}"#.utf8).write(
      to: URL(filePath: "\(rig.folder.path)/templates/t.json"))
    try rig.settle(
      #"{"use":"t","params":{"x":"for u2 only"},"to":"u2"}"#, "m", in: "done", as: nil, call: "c", to: "u2", id: "n",
      channel: "w", .accepted)
    try rig.hear(of: "n", to: "u2", "undelivered", as: "r")
    try rig.pass()
    let leg = try leg(rig, "new/m.leg")
    #expect(leg.message.channel == "robot" && leg.message.to == nil && leg.message.body == "for u2 only")
    #expect(leg.message.sendAt == nil)
  }

  @Test("A message whose name has no room left has a leg all the same")
  func longName() throws {
    let rig = try rig()
    let name = String(repeating: "n", count: 255)
    try rig.settle(name, call: "c", to: "u", id: "n")
    try rig.hear(of: "n", to: "u", "undelivered", as: "r")
    try rig.pass()
    #expect(rig.folder.names(in: "new") == [String(name.dropLast(4)) + ".leg"])
  }

  @Test("Who is proven in deferred/ and did not get it goes on by a leg, too")
  func deferred() throws {
    let rig = try rig()
    try rig.settle("m", in: "deferred", call: "c", to: "u", .unconfirmed)
    try rig.hear(of: "c", to: "u", "undelivered", as: "r")
    try rig.pass()
    #expect(rig.folder.names(in: "done") == ["m"] && rig.folder.names(in: "new") == ["m.leg"])
    #expect(try rig.text("done/m").contains(#""leg":"m.leg""#))
  }
}

@Suite("What is dropped into receipts/, and what hinders it") struct ReceiptDropStageTests {
  @Test("A reason is masked with the secrets of every channel that it may be of")
  func masked() throws {
    let secret = "tokentoken"
    let rig = try ReceiptRig(.telling("a"), .telling("w") { $0.secrets = [secret] })
    try rig.settle("m", call: "c", to: "u", id: "n")
    try rig.hear(of: "n", to: "u", "undelivered", #","reason":"no \#(secret)""#, as: "r")
    try rig.pass()
    #expect(try rig.told("done/m") == ["c undelivered"])
    #expect(try !rig.text("done/m").contains(secret))
    #expect(try rig.ledger.untold(limit: 1, at: .distantFuture).isEmpty)
  }

  @Test("A message that waits to be sent again is not, once a receipt has proven it")
  func resend() throws {
    let rig = try ReceiptRig(.telling("w") { $0.onUnconfirmed = .resend })
    try rig.settle("m", in: "deferred", call: "c", to: "u", .deferred)
    try rig.hear(of: "c", to: "u", "delivered", as: "r")
    try rig.pass()
    #expect(rig.folder.folders(of: "m") == ["done"] && rig.receipts("new").isEmpty)
    #expect(try rig.told("done/m") == ["c delivered"])
    #expect(try rig.text("done/m").contains(#""by":"receipt""#))
  }

  @Test("What is half written is left for its writer to finish, also where its provider knows it")
  func unfinished() throws {
    let rig = try ReceiptRig(.telling("w"))
    try rig.settle("m", call: "c", to: "u", id: "n")
    try rig.hear("told n u", as: "r")
    try rig.pass()
    #expect(rig.receipts("new") == ["r"] && rig.receipts("unknown").isEmpty)
    try rig.hear("told n u .", as: "r")
    try rig.pass()
    #expect(try rig.receipts("new").isEmpty && rig.told("done/m") == ["c delivered"])
    try rig.hear("told n u", as: "r", age: 6)
    try rig.pass()
    #expect(rig.receipts("new").isEmpty && rig.receipts("unknown") == ["r"])
  }

  @Test("A bad entry of a file whose name has no room left is kept, twice where it comes twice")
  func longNames() throws {
    let rig = try ReceiptRig(.telling("w"))
    try rig.settle("m", call: "c", to: "u", id: "n")
    let name = "w." + String(repeating: "0", count: 253)
    for bad in 1...2 {
      try rig.hear(#"[{"bad":\#(bad)},{"id":"n","to":"u","state":"delivered"}]"#, as: name)
      try rig.hear(#"{"other":\#(bad)}"#, as: "w." + String(repeating: "1", count: 253))
      try rig.pass()
    }
    #expect(rig.receipts("new").isEmpty && rig.receipts("unknown").count == 4)
    #expect(try rig.told("done/m") == ["c delivered"])
  }

  @Test("A file that cannot be kept stops no other, and somebody is told")
  func oneOfSeveral() throws {
    let rig = try ReceiptRig(.telling("w"))
    try rig.settle("m", call: "c", to: "u", id: "n")
    try rig.pass()
    try rig.hear(#"{"bad":1}"#, as: "1")
    try rig.hear(of: "n", to: "u", "delivered", as: "2")
    // Where bad ones are written first is gone under the stage's feet.
    let stage = try ReceiptStage(rig.environment, rig.spool, rig.ledger)
    try FileManager.default.removeItem(atPath: "\(rig.folder.path)/receipts/tmp")
    try stage.pass()
    #expect(try rig.told("done/m") == ["c delivered"])
    #expect(rig.receipts("new") == ["1"])
    #expect(rig.seen.notices.contains { $0.subject == "receipts/new/1" && $0.hint != nil })
    try rig.pass()
    #expect(rig.receipts("new").isEmpty && rig.receipts("unknown") == ["1"])
  }

  @Test("Where receipts are switched off, who is awaited is awaited no longer than before")
  func switchedOff() throws {
    let rig = try ReceiptRig(.telling("w") { $0.receiptWait = 60 })
    try rig.settle("m", call: "c", to: "u", id: "n")
    rig.configuration.channels["w"]?.receipts = .off
    try rig.hear(of: "n", to: "u", "delivered", as: "r")
    try ReceiptRunner(rig.environment, rig.spool, rig.ledger).pass()
    #expect(try rig.told("done/m").isEmpty && rig.ledger.awaitedFiles() == ["m"])
    rig.clock.advance(61)
    try ReceiptRunner(rig.environment, rig.spool, rig.ledger).pass()
    #expect(try rig.told("done/m") == ["c no_receipt"] && rig.ledger.awaitedFiles().isEmpty)
    #expect(rig.receipts("new") == ["r"], "nobody hears of it")
  }

  @Test("What is too large to be a receipt has its reason behind it")
  func tooLarge() throws {
    let rig = try ReceiptRig(.telling("w"))
    try rig.hear("", as: "huge")
    #expect(truncate("\(rig.folder.path)/receipts/new/huge", off_t(ReceiptFolder.largest + 1)) == 0)
    try rig.pass()
    #expect(rig.receipts("new").isEmpty)
    let line = try rig.folder.last("receipts/unknown/huge")
    #expect(line["unknown"] == 1 && line["reason"]?.text?.contains("larger") == true)
  }

  @Test("Whoever moves one back from unknown/ has it tried again as it was")
  func movedBack() throws {
    let rig = try ReceiptRig(.telling("w") { $0.receiptWait = 1 })
    try rig.hear("told n u .", as: "r", age: 60)
    try rig.pass()
    #expect(rig.receipts("unknown") == ["r"])
    try rig.settle("m", call: "c", to: "u", id: "n")
    try rig.folder.move("receipts/unknown/r", "receipts/new/r")
    try rig.pass()
    #expect(rig.receipts("new").isEmpty && rig.receipts("unknown").isEmpty)
    #expect(try rig.told("done/m") == ["c delivered"])
  }
}
