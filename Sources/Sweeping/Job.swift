import Core
import FoundationEssentials
import Spooling

/// A message in hand, from claim to settlement. Touched by the sweep's thread only.
final class Job {
  let file: ClaimedFile
  let message: Message
  let itinerary: Itinerary
  let dropped: Date
  /// The file's name as the ledger and people see it.
  let label: String
  /// The id the ledger holds for this message.
  let id: String?
  private(set) var results: [LegResult]
  /// Legs replaced by a fallback: no longer part of the result.
  private var superseded: Set<Int> = []
  /// Channels each leg has been through.
  private var visited: [Int: Set<String>] = [:]
  private(set) var calls: [String] = []
  /// Legs still without an end.
  private(set) var open: Int

  init(_ file: ClaimedFile, _ message: Message, _ itinerary: Itinerary, dropped: Date) {
    self.file = file
    self.message = message
    self.itinerary = itinerary
    self.dropped = dropped
    label = file.name.display
    id = message.id
    results = itinerary.legs.map { LegResult($0) }
    open = results.count
  }

  var attempt: Int { itinerary.attempts + 1 }
  var isComplete: Bool { open == 0 }
  var finalResults: [LegResult] {
    superseded.isEmpty ? results : results.indices.filter { !superseded.contains($0) }.map { results[$0] }
  }

  func took(part call: String) {
    // A call's recipients of one message are neighbours.
    if calls.last != call { calls.append(call) }
  }

  /// The leg's end in this attempt. `outcome` nil: it goes back untried.
  func end(
    _ leg: Int, _ outcome: Outcome?, isTried: Bool, question: (call: String, due: Date)? = nil, due: Date? = nil
  ) {
    results[leg].outcome = outcome
    results[leg].isTried = isTried
    results[leg].question = question
    results[leg].due = due
    open -= 1
  }

  /// Puts fallback legs in the place of one that finally failed; their indices, empty where there is no fallback.
  func fallBack(_ leg: Int, _ router: Router) -> [Int] {
    let seen = visited[leg, default: []].union([results[leg].leg.channel])
    let legs = router.fallbacks(of: results[leg].leg, message, visited: seen)
    guard !legs.isEmpty else { return [] }
    superseded.insert(leg)
    let first = results.count
    for new in legs {
      visited[results.count] = seen
      results.append(LegResult(new, refusal: results[leg].outcome))
    }
    open += legs.count
    return Array(first..<results.count)
  }
}

/// Where a recipient in a call belongs.
struct Passenger {
  var job: Job
  var leg: Int
}
