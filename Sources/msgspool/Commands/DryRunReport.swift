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
        let (to, from) = (Columns.count(call.recipients, "recipient"), Columns.count(call.messages, "message"))
        let cost = call.cost > .zero ? ", at \(call.cost.text)" : ""
        Console.output("would call \(call.provider) (\(call.channel)) for \(to) of \(from)\(cost)\n")
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
      Console.output(
        "dry run: \(Columns.count(summary.claimed, "message")), \(Columns.count(summary.calls, "call")) for "
          + Columns.count(summary.recipients, "recipient")
          + (parts > 0 ? ", \(Columns.count(parts, "further part")) of long texts among them" : "")
          + (summary.done > 0 ? ", \(Columns.count(summary.done, "duplicate"))" : "")
          + (summary.left > 0 ? ", \(summary.left) to be left (msgspool check tells why)" : "")
          + (summary.invalid > 0 ? ", \(summary.invalid) invalid" : "")
          + (summary.failed > 0 ? ", \(summary.failed) expired" : "")
          + (summary.deferred > 0 ? ", \(summary.deferred) to be deferred" : "") + "; nothing was touched\n"
          + run.costs.sorted { $0.key < $1.key }.map { "\($0.key) would cost \($0.value.text)\n" }.joined())
    }
    return .ok
  }
}
