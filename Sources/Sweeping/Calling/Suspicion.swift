import Core

/// Whose trouble do a channel's refusals tell of? One answer about one recipient never stops a channel; a second witness, or
/// a row of refusals with one code, does (contract 5, "Whose trouble"). A value; pure.
struct Suspicion {
  enum Finding: Equatable {
    case nothing
    /// Two different recipients met what may be the account's trouble; their outcome says what.
    case account(Outcome)
    /// So many different recipients in a row were refused with this code.
    case suspected(code: String, count: Int)
  }

  private var witness: (code: String, recipient: Verbatim)?
  private var row: (code: String, recipients: Set<Verbatim>) = ("", [])
  private let limit: Int

  /// - Parameter limit: `suspect_after`; 0 never suspects.
  init(limit: Int) { self.limit = limit }

  /// Hears what an answer says of each recipient, in their order.
  mutating func hear(_ outcomes: some Sequence<(recipient: Verbatim, outcome: Outcome)>) -> Finding {
    // Somebody was accepted: the account works, whatever was said before and of others.
    if outcomes.contains(where: { $0.outcome.state == .accepted }) {
      self = Suspicion(limit: limit)
      return .nothing
    }
    var finding = Finding.nothing
    for (recipient, outcome) in outcomes {
      let heard = hear(recipient, outcome)
      if heard != .nothing { finding = heard }
    }
    return finding
  }

  private mutating func hear(_ recipient: Verbatim, _ outcome: Outcome) -> Finding {
    let code = outcome.word
    switch (outcome.state, outcome.blame) {
    case (.deferred, .account), (.rejected, .account):
      if let witness, witness.code == code, witness.recipient != recipient { return .account(outcome) }
      if witness?.code != code { witness = (code, recipient) }
    case (.rejected, .unclear) where limit > 0:
      if row.code != code { row = (code, []) }
      row.recipients.insert(recipient)
      if row.recipients.count >= limit { return .suspected(code: code, count: row.recipients.count) }
    default: break
    }
    return .nothing
  }
}

extension Outcome {
  /// What refusals are told apart by: the provider's code, or its words where it gave none.
  var word: String { code ?? reason ?? "" }
}
