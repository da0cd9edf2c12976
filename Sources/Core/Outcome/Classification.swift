import FoundationEssentials

/// What replies mean that no provider needs to be asked about, alike for all.
package enum Classification {
  /// What the sending step's reply says of everybody in the call, with the channel's secrets masked.
  package static func answer(_ reply: Reply, to call: Call, by channel: Channel, at now: Date) -> Answer {
    let step = proceed(reply, after: Step.sending, call, by: channel, Session(), at: now, nonce: "")
    guard case .finish(let answer, _) = step else { return .all(.unconfirmed(), in: call) }
    return masked(answer, channel)
  }

  /// From here on, in the ledger, in history and in logs, what the provider said is bounded, and has the channel's secrets
  /// masked.
  package static func masked(_ answer: consuming Answer, _ channel: Channel) -> Answer {
    var answer = answer
    // Nearly always the same word for everybody.
    var last: (said: Outcome, recorded: Outcome)?
    for index in answer.outcomes.indices {
      let outcome = answer.outcomes[index]
      if outcome.isPlain {
        if let id = outcome.id, case let recorded = channel.recorded(id), !recorded.hasSameBytes(as: id) {
          answer.outcomes[index].id = recorded
        }
      } else if let last, last.said == outcome {
        answer.outcomes[index] = last.recorded
      } else {
        let recorded = channel.recorded(outcome)
        last = (outcome, recorded)
        answer.outcomes[index] = recorded
      }
    }
    return answer
  }

  /// The first step of a call: most providers only send.
  package static func begin(
    _ call: Call, by channel: Channel, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    channel.stepping?.begin(call, session, at: now, nonce: nonce)
      ?? .send(channel.provider.exchange(for: call, at: now, nonce: nonce))
  }

  /// What follows a reply to one step of a call: the provider judges what came back, this what did not.
  package static func proceed(
    _ reply: Reply, after stage: String, _ call: Call, by channel: Channel, _ session: Session, at now: Date,
    nonce: String
  ) -> Step {
    switch reply {
    case .http, .mail, .program:
      guard case .http(let response) = reply, let provider = channel.stepping else {
        return .finish(channel.provider.answer(reply, to: call, at: now))
      }
      return provider.proceed(response, after: stage, call, session, at: now, nonce: nonce)
    case .notSent(let failure) where failure.code == "invalid":
      // The request itself cannot be written (a control character in a header): trying again cannot help.
      return .finish(.all(.rejected(.message, code: failure.code, reason: failure.message), in: call))
    case .lost(let failure) where stage == Step.sending:
      return .finish(
        .all(
          .unconfirmed(code: failure.code, reason: failure.message), in: call, advice: .slowDown(retryAfter: nil)))
    case .notSent(let failure), .lost(let failure):
      // Nothing that delivers got to the provider: an outage uses nobody's attempts up.
      return .finish(
        .all(
          .unreached(code: failure.code, reason: failure.message), in: call, advice: .slowDown(retryAfter: nil)))
    }
  }
}

/// What becomes of a recipient whose call was sent and not answered (contract, section 5): never silently sent again,
/// never dropped.
package enum Doubt {
  /// In this order: a provider with an idempotency key gets the call again, one that can be asked is asked, else the
  /// channel's `on_unconfirmed` decides.
  package static func resolve(
    _ outcome: Outcome, call: String, startedAt: Date, _ channel: Channel, now: Date
  ) -> (outcome: Outcome, question: (call: String, due: Date)?) {
    switch channel.recovery {
    case .idempotencyKey: return (outcome, (call, now + channel.retry.first))
    case .lookup: return (outcome, (call, now))
    // What comes back comes soon, if at all; it is looked for once more when it may be given up.
    case .echo(let wait) where channel.personal?.receive != .off:
      return (outcome, (call, min(startedAt + wait, now + Doubt.firstLook)))
    case .echo: return (byPolicy(outcome, channel), nil)
    case .none: return (byPolicy(outcome, channel), nil)
    }
  }

  /// Seconds until an echo is looked for.
  private static let firstLook = 2.0

  /// When nobody can tell.
  package static func byPolicy(_ outcome: Outcome, _ channel: Channel) -> Outcome {
    guard channel.onUnconfirmed == .resend else { return outcome }
    var outcome = outcome
    outcome.state = .deferred
    return outcome
  }
}

/// Halving a call that was refused whole.
package enum Split {
  /// What the ledger is told of a call whose halves go on: the refusal concerns the call, and is no recipient's last word
  /// should the sweep be cut short before its half went out.
  package static func undecided(_ answer: Answer) -> Answer {
    let outcomes = answer.outcomes.map {
      Outcome.deferred($0.kind ?? .provider, code: $0.code, reason: $0.reason, retryAfter: $0.retryAfter)
    }
    return Answer(outcomes, advice: answer.advice)
  }
}
