import Core
import FoundationEssentials
import Spooling

/// A call under way. Touched by the engine's thread only.
final class Flight {
  enum Purpose {
    case send
    /// Asking what became of an earlier call.
    case ask(Question, of: any AskableProvider)
  }

  let purpose: Purpose
  let channel: Channel
  let call: Call
  let batch: Batch
  /// The step under way; see `Step`.
  var stage = Step.sending
  /// Steps taken, bounded: a provider that never comes to an end must not go round for ever.
  var steps = 0
  /// How often it was begun anew.
  var restarts = 0
  /// Its own number, where its provider wants one.
  var number = 0
  /// The ledger has to be told before the step that delivers.
  var isPrepared = false
  /// What its last step was given.
  var session = Session()
  /// The lock that keeps the login it speaks with from being replaced meanwhile.
  var hold: HeldLock?
  /// The newest reply, for the report.
  var reply: Reply?
  let started: Moment
  /// See ChannelState.
  let era: Int
  /// The channel's local day that the call was counted on.
  let day: Int

  init(
    _ purpose: Purpose, _ channel: Channel, _ call: Call, _ batch: Batch, started: Moment, era: Int, day: Int
  ) {
    self.purpose = purpose
    self.channel = channel
    self.call = call
    self.batch = batch
    self.started = started
    self.era = era
    self.day = day
  }

  var passengers: [Passenger] { batch.passengers }

  /// The message to name when the call meets its channel's trouble.
  var culprit: String { batch.entries.first?.item.lead.job.label ?? "" }

  /// Different messages in the call; a message's recipients are neighbours.
  var messages: Int {
    var count = 0
    var last: Job?
    for entry in batch.entries {
      entry.item.forEach { passenger in
        if passenger.job === last { return }
        count += 1
        last = passenger.job
      }
    }
    return count
  }
}

extension Call {
  /// The call of a batch; equal contents are kept once.
  /// - Parameter usesKeys: the provider wants to know the messages' keys.
  init(id: String, _ batch: Batch, usesKeys: Bool) {
    var contents = [batch.entries[0].content]
    var indices: [Content: Int] = [:]
    var recipients: [Recipient] = []
    recipients.reserveCapacity(batch.entries.count)
    for position in batch.entries.indices {
      var index = 0
      // Nearly always the first one's.
      if position > 0, batch.entries[position].content != contents[0] {
        let content = batch.entries[position].content
        index = indices[content, default: contents.count]
        if index == contents.count {
          contents.append(content)
          indices[content] = index
        }
      }
      let entry = batch.entries[position]
      recipients.append(Recipient(entry.target, content: index, key: usesKeys ? entry.item.key : ""))
    }
    self.init(id: id, contents: contents, recipients: recipients)
  }
}

/// What an answer means for one passenger of a call.
enum Fate: Equatable {
  /// Its outcome counts.
  case concluded
  /// Goes out again at once, in another call.
  case again
  /// The channel's trouble, not its own: goes back as if it had not been tried.
  case untried

  /// One for each recipient of a call.
  /// - Parameter isSplit: the call goes out again in halves.
  static func fates(of answer: Answer, isSplit: Bool, _ lesson: Lesson) -> [Fate] {
    answer.outcomes.map { outcome in
      if isSplit || outcome.isSurplus { return .again }
      // Who was accepted or refused beside the trouble must not get it again.
      if case .suspended(_, let isRepeated) = lesson, outcome.isTrouble(answer.advice, isRepeated) { return .untried }
      return .concluded
    }
  }
}

extension Outcome {
  /// Whether it tells of the channel's trouble rather than of the recipient. The row of refusals that led to a suspicion
  /// keeps the provider's word; a probe that meets the same again does not add to it.
  fileprivate func isTrouble(_ advice: Answer.Advice, _ isRepeated: Bool) -> Bool {
    switch state {
    case .deferred: advice == .suspend || blame == .account
    case .rejected: isRepeated && blame == .unclear
    case .accepted, .unconfirmed: false
    }
  }
}

extension Answer {
  /// With exactly one outcome for each recipient, whatever the provider's code made of the reply.
  func complete(for call: Call) -> Answer {
    guard outcomes.count != call.recipients.count else { return self }
    var answer = self
    let missing = max(0, call.recipients.count - outcomes.count)
    answer.outcomes =
      outcomes.prefix(call.recipients.count)
      + Array(repeating: Outcome.unconfirmed(reason: "the answer does not name this recipient"), count: missing)
    return answer
  }
}
