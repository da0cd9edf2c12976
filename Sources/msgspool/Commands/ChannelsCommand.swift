import Core
import Inspecting
import Spooling

enum ChannelsCommand: Command {
  static let guide = Guide(
    name: "channels", summary: "each channel: what waits, what is under way, and what keeps it",
    details: """
      waiting: messages in new/; later: in deferred/; calls: under way now; of its
      day: recipients counted, of the channel's limit (daily); pace: calls a second,
      or how many at once (8x); spent: today, of the day's budget, where a channel has
      a price; due: when it has something to do next. A suspended channel's reason
      stands below it. Looks and changes nothing.
      """,
    examples: [
      ("msgspool channels", "what is each channel doing?"),
      ("msgspool channels --json | jq -r 'select(.suspended).channel'", "those that are suspended"),
      ("msgspool top", "the same, live"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let spool = try Surroundings.spool(arguments, for: .look)
    let configuration = try Surroundings.configuration(arguments, spool: spool)
    if !spool.closed.isEmpty {
      Console.warn(
        spool.path, "this user may not read \(Surroundings.names(spool.closed))", hint: Surroundings.remedy(spool))
    }
    var surveyor = ChannelSurveyor(spool)
    let survey: ChannelSurvey
    do throws(SystemFault) {
      survey = try surveyor.survey(
        configuration, spool.closed.isEmpty ? Surroundings.ledgerToLookAt(spool) : nil, now: Surroundings.now())
    } catch {
      throw Failure(error)
    }
    let table = ChannelTable(survey: survey)
    if arguments.has("--json") {
      for row in survey.rows { Console.output(table.json(row)) }
    } else {
      Console.output(table.text)
    }
    return .ok
  }
}
