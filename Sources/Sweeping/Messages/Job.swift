import Core
import FoundationEssentials
import Spooling

/// A message in hand, from claim to settlement. Touched by the engine's thread only.
final class Job {
  let file: ClaimedFile
  private let content: MessageFile
  var message: Message { content.message }
  let itinerary: Itinerary
  let dropped: Date
  /// The file's name as the ledger and people see it.
  let label: String
  /// Whose share it is in.
  let channel: String
  /// Tells it from every other message, now and in later attempts.
  private(set) lazy var key = Call.Recipient.key(inode: file.inode, born: born)
  private let born: Date
  /// One for each way to a recipient; more join where a fallback takes over. Of a long list those who are under way.
  fileprivate(set) var passengers: [Passenger] = []
  /// Its recipients are walked in stretches: each once, and no history knows of them.
  let isOfLongList: Bool
  /// Those who are still to come.
  private var rest: Addressees?
  /// What became of those who have left.
  private var gone = Ends()
  private(set) var calls: [String] = []
  /// Passengers still without an end.
  fileprivate(set) var open = 0

  init(
    _ file: ClaimedFile, _ content: MessageFile, _ itinerary: Itinerary, dropped: Date, born: Date,
    share channel: String
  ) {
    self.file = file
    self.content = content
    var itinerary = itinerary
    rest = itinerary.rest.take()
    isOfLongList = rest != nil
    self.itinerary = itinerary
    self.dropped = dropped
    self.born = born
    self.channel = channel
    label = file.name.display
    passengers = itinerary.legs.map { Passenger(self, LegResult($0)) }
    open = passengers.count
  }

  var attempt: Int { itinerary.attempts + 1 }

  /// What became of everybody, without those whose fallback took over. They leave with it, as each knows the job.
  func takeEnds() -> Ends {
    var ends = Ends()
    swap(&ends, &gone)
    for passenger in passengers where !passenger.isSuperseded { ends.add(passenger.result) }
    passengers.removeAll()
    return ends
  }

  /// More are to come.
  var isLong: Bool { rest != nil }
  /// Everybody has an end.
  var isOver: Bool { open == 0 && rest == nil }

  /// Who comes next of a long list, when enough are through: those who are leave, and only their entry is kept.
  func walkOn() -> [Passenger] {
    guard let stretch = rest?.stretch, open <= stretch / 2 else { return [] }
    leave()
    // In place: a copy would be one of everybody's identity.
    let new = (rest?.next(stretch / 2) ?? []).map { Passenger(self, LegResult($0)) }
    if rest?.isOver == true { rest = nil }
    passengers += new
    open += new.count
    return new
  }

  private func leave() {
    let count = passengers.prefix { $0.isEnded }.count
    for passenger in passengers[..<count] where !passenger.isSuperseded { gone.add(passenger.result) }
    passengers.removeFirst(count)
  }

  /// Nobody more of a long list in this attempt.
  func cut(due: Date?) {
    if rest == nil { return }
    rest = nil
    gone.addUntried(due: due)
  }

  func took(part call: String) {
    // A call's recipients of one message are neighbours.
    if calls.last != call { calls.append(call) }
  }
}

/// One way to one recipient of a message in hand. Touched by the engine's thread only.
final class Passenger {
  let job: Job
  fileprivate(set) var result: LegResult
  private(set) var isEnded = false
  /// Its fallback took over: no longer part of the message's result.
  fileprivate(set) var isSuperseded = false
  /// See `refute`.
  private(set) var isRefuted = false
  /// Channels it has been through before this one.
  fileprivate let visited: Set<String>

  fileprivate init(_ job: Job, _ result: LegResult, visited: Set<String> = []) {
    self.job = job
    self.result = result
    self.visited = visited
  }

  var leg: Itinerary.Leg { result.leg }
  var priority: Message.Priority { job.message.priority }

  /// The text that it takes part in says what so many messages say.
  func share(with count: Int) { result.digest = count > 1 ? count : nil }

  /// The lost call that it was in was not carried out, as its provider says: there is no doubt any more.
  func refute() {
    isRefuted = true
    result.leg = result.leg.starting(.send)
  }

  /// The part under way was accepted.
  /// - Returns: whether another one is next.
  func accept(_ outcome: Outcome) -> Bool {
    guard let next = result.leg.accepting(outcome) else { return false }
    result.leg = next
    return true
  }

  /// Whether the call is one that it has been in before, whose answer was lost.
  func isInDoubt(about call: String) -> Bool {
    if case .ask(let lost) = leg.start { lost == call } else { false }
  }

  /// The end in this attempt. `outcome` nil: it goes back untried.
  func end(
    _ outcome: Outcome?, isTried: Bool, question: (call: String, due: Date)? = nil, due: Date? = nil
  ) {
    result.end(outcome, isTried: isTried, question: question, due: due)
    isEnded = true
    job.open -= 1
  }

  /// Fallback passengers in the place of this one, which was finally refused; empty where there is no fallback.
  func fallBack(_ router: Router) -> [Passenger] {
    let seen = visited.union([leg.channel])
    let legs = router.fallbacks(of: leg, job.message, visited: seen)
    guard !legs.isEmpty else { return [] }
    isSuperseded = true
    let new = legs.map { Passenger(job, LegResult($0, refusal: result.outcome), visited: seen) }
    job.passengers += new
    job.open += new.count
    return new
  }
}
