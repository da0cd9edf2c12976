import Foundation
import TestSupport
import Testing

/// Lost answers, throttles, refusals and kills together, chosen by a seed: what no test of one trouble alone would meet.
@Suite("Whatever goes wrong together, nobody is sent to twice and everybody is accounted for")
struct ChaosTests {
  @Test(
    "A seed's messages, faults and kills", arguments: (0..<(Torture.isOn ? 200 : 5)).map { Torture.seed &+ UInt64($0) })
  func round(seed: UInt64) async throws {
    var random = Torture.SplitMix(state: seed)
    let faults = [
      "reset-after:on=send,chance=0.12,seed=\(seed % 10_000)",
      "reset-before:on=send,chance=0.12,seed=\(seed % 9_999 + 1)",
      "throttle:chance=0.08,seed=\(seed % 9_998 + 2)", "recipient:provider=twilio,nth=6",
      "status:http=500,provider=twilio,chance=0.1,accept=yes,on=send", "truncate:on=send,chance=0.06",
    ]
    let settings = (
      pushes: [2, 3, 50].randomElement(using: &random) ?? 2, lanes: Int.random(in: 1...4, using: &random)
    )
    let cargo = Self.cargo(&random)
    let kills = Self.kills(&random)
    try await withStation(faults: faults) { station in
      try station.configure([
        "push": .wxpusher("max_recipients_per_call: \(settings.pushes), concurrency: \(settings.lanes)"),
        "text": .twilio("concurrency: \(settings.lanes), reconcile_after: 0"),
        "sms": .aliyun("max_recipients_per_call: \(settings.pushes), concurrency: 2, reconcile_after: 0"),
      ])
      try cargo.drop(into: station.spool)
      for kill in kills {
        try await station.sweep(under: kill.killing)
        if kill.number % 2 == 0 { try station.spool.letDeferredFallDue() }
      }
      try await station.sweepToTheEnd(atMost: 20)
      let aftermath = try Aftermath(station, cargo, mayReject: true)
      Tally.shared.count(aftermath, as: "chaos")
      #expect(aftermath.lost.isEmpty && aftermath.duplicated.isEmpty && aftermath.problems.isEmpty)
    }
  }

  private static func cargo(_ random: inout Torture.SplitMix) -> Cargo {
    var cargo = Cargo()
    for number in 10..<24 {
      let count = [1, 1, 2, 4].randomElement(using: &random) ?? 1
      let text = ["one", "two"].randomElement(using: &random) ?? "one"
      let more = Bool.random(using: &random) ? #","id":"id\#(number)""# : ""
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        cargo.add(
          "m\(number)", channel: "push", to: (0..<count).map { "UID_\(number)_\($0)" }, body: text, more: more)
      case 1:
        cargo.add(
          "m\(number)", channel: "text", to: (0..<count).map { "+12125550\(number)\($0)" }, body: text, more: more)
      default:
        cargo.add(
          "m\(number)", channel: "sms", to: (0..<count).map { "13800000\(number)\($0)" }, body: "",
          more: #","params":{"code":"\#(text)"}\#(more)"#)
      }
    }
    return cargo
  }

  private static func kills(_ random: inout Torture.SplitMix) -> [Moment] {
    if Injection.isMissing { return [] }
    return (0..<Int.random(in: 1...3, using: &random)).map { _ in
      let call = ["fdatasync", "write", "sendto", "pwrite64", "renameat2", "recvfrom"].randomElement(using: &random)
      return Moment(call: call ?? "write", number: Int.random(in: 1...(call == "pwrite64" ? 60 : 12), using: &random))
    }
  }
}
