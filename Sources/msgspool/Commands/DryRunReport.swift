import Core
import Inspecting
import Spooling
import Sweeping

/// `sweep --dry-run`.
enum DryRunReport {
  static func run(
    _ spool: Spool, _ configuration: Configuration, _ selection: Selection, asJSON: Bool
  ) throws(Failure) -> ExitStatus {
    let ledger = try Surroundings.ledgerOfThisVersion(spool, leavesNoTrace: true)
    var run = DryRun(spool, configuration, ledger, selection, now: Surroundings.now()) { call in
      if asJSON {
        Console.output(
          .object(
            [
              .init("channel", .string(call.channel)), .init("provider", .string(call.provider)),
              .init("recipients", .integer(call.recipients)), .init("messages", .integer(call.messages)),
            ] + (call.cost > .zero ? [.init("cost", .number(call.cost.text))] : [])))
      } else {
        let (to, from) = (counted(call.recipients, "recipient"), counted(call.messages, "message"))
        let what = phrase("would call {1} ({2}) for {3} of {4}", call.provider, call.channel, to, from)
        Console.output((call.cost > .zero ? phrase("{1}, at {2}", what, call.cost.text) : what) + "\n")
      }
    }
    do throws(SystemFault) {
      try run.run()
    } catch {
      throw Failure(error)
    }
    let summary = run.summary
    let parts = run.parts.values.reduce(0, +)
    if asJSON {
      let costs = run.costs.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .number($0.value.text)) }
      var members = summary.json.members ?? []
      if !costs.isEmpty { members.append(.init("cost", .object(costs))) }
      if parts > 0 {
        let byChannel = run.parts.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        members.append(.init("further_parts", .object(byChannel.map { .init($0.key, .integer($0.value)) })))
      }
      Console.output(.object(members))
    } else {
      Console.output(text(summary, furtherParts: parts))
      for (channel, cost) in run.costs.sorted(by: { $0.key < $1.key }) {
        Console.output(phrase("{1} would cost {2}", channel, cost.text) + "\n")
      }
    }
    return .ok
  }

  /// All of it in a sentence for people.
  private static func text(_ summary: SweepSummary, furtherParts: Int) -> String {
    let parts = [
      (1, counted(summary.claimed, "message")),
      (1, phrase("{1} for {2}", counted(summary.calls, "call"), counted(summary.recipients, "recipient"))),
      (furtherParts, phrase("{1} of long texts among them", counted(furtherParts, "further part"))),
      (summary.done, counted(summary.done, "duplicate")),
      (summary.left, phrase("{1} to be left (msgspool check tells why)", String(summary.left))),
      (summary.invalid, phrase("{1} invalid", String(summary.invalid))),
      (summary.failed, phrase("{1} expired", String(summary.failed))),
      (summary.deferred, phrase("{1} to be deferred", String(summary.deferred))),
    ]
    let told = parts.filter { $0.0 > 0 }.map(\.1).joined(separator: phrase(", "))
    return phrase("dry run: {1}; nothing was touched", told) + "\n"
  }
}
