import Core
import FoundationEssentials
import Ledger

/// Who has one place in a call: mostly one passenger; those of a digest, whose messages go out as one text, have one
/// together, and one outcome. Each keeps its own message, attempts, history line and member of the call in the ledger.
struct Party {
  let lead: Passenger
  /// Empty outside digests.
  let others: [Passenger]

  init(_ lead: Passenger, _ others: [Passenger] = []) {
    self.lead = lead
    self.others = others
  }

  var count: Int { others.count + 1 }

  func forEach(_ body: (Passenger) -> Void) {
    body(lead)
    for other in others { body(other) }
  }

  func contains(where isWanted: (Passenger) -> Bool) -> Bool { isWanted(lead) || others.contains(where: isWanted) }

  /// Of its text: another one for every set of messages.
  var key: String {
    others.isEmpty ? lead.job.key : ([lead] + others).map(\.job.key).joined(separator: "\n")
  }
}

typealias Batch = Grouper<Party>.Batch

extension Grouper.Batch where Item == Party {
  /// Somebody's place is shared.
  var isShared: Bool { entries.contains { !$0.item.others.isEmpty } }

  var passengers: [Passenger] { entries.flatMap { [$0.item.lead] + $0.item.others } }

  var members: [CallMember] {
    isShared ? passengers.map { CallMember($0) } : entries.map { CallMember($0.item.lead) }
  }

  /// One for each member, of one for each place.
  func outcomes(_ outcomes: [Outcome]) -> [Outcome] {
    guard isShared else { return outcomes }
    return zip(entries, outcomes).flatMap { Array(repeating: $1, count: $0.item.count) }
  }
}

extension Hand {
  func release(_ party: Party, _ ending: ChannelState.Ending = .untried(due: nil)) {
    party.forEach { release($0, ending) }
  }
}
