import Core

/// What a mail server's answers to one mail mean for each of its recipients: section 3 of providers/email.md.
struct SMTPAnswer {
  private let response: MailResponse
  /// The answer to each RCPT.
  private let lines: [MailResponse.Line?]
  private let taken: Int

  init(_ response: MailResponse, to call: Call) {
    self.response = response
    lines = call.recipients.indices.map { response.recipients.indices.contains($0) ? response.recipients[$0] : nil }
    taken = lines.count { $0?.isPositive == true }
  }

  func answer(to call: Call) -> Answer {
    let (whole, verdict) = self.whole
    var walls: [AnswerClass?] = []
    let outcomes = lines.indices.map { index -> Outcome in
      if let surplus = surplus(index) { return surplus }
      let line = lines[index]
      if let line, !line.isPositive {
        // "Too many" of those whom nobody was taken before is no limit that could be learned.
        let own = line.isTooManyRecipients ? .later : line.verdict(at: .recipient)
        walls.append(own)
        return own.outcome(code: line.name, reason: line.reason)
      }
      walls.append(verdict)
      // A mail that went out whole went to those whose RCPT was accepted; who was never named got nothing.
      if line == nil, response.wasSent { return .unconfirmed(reason: "the server was not seen to take this recipient") }
      return whole
    }
    var answer = Answer(outcomes, by: walls)
    answer.capacity = [response.capacity, learned].compactMap { $0 }.min()
    // What is said of the whole is said to everybody; and a day's limit is nobody's own, though some were taken before it.
    let wall = verdict?.channel == .suspend ? verdict : walls.first { $0 == .quotaOfTheDay } ?? nil
    if let wall {
      answer.advice = .suspend
      answer.rest = wall.rest ?? .untilNextSweep
    } else if response.final?.isTooManyRecipients == true && lines.count > 1 || verdict?.splits(call) == true {
      answer.split()
    } else if answer.advice == .proceed, isSlow, outcomes.contains(whole) {
      answer.advice = .slowDown(retryAfter: nil)
    }
    return answer
  }

  // MARK: Too many recipients

  /// Of those whom the server had no room for in this mail: they go with the next one.
  private func surplus(_ index: Int) -> Outcome? {
    let line = lines[index]
    if line == nil, isReached, let limit = response.capacity, index >= limit {
      return .surplus(reason: "the server takes \(limit) recipients at a time")
    }
    if let line, isBeyond(index) { return .surplus(code: line.name, reason: line.reason) }
    return isCutOff && line?.isPositive != false ? .surplus(code: response.final?.name) : nil
  }

  /// This one was one too many, after others were taken.
  private func isBeyond(_ index: Int) -> Bool {
    guard taken > 0, let line = lines[index], !line.isPositive else { return false }
    if line.isTooManyRecipients { return true }
    return line.isPerhapsTooManyRecipients && lines[index...].allSatisfy { $0 == nil || $0?.code == line.code }
  }

  /// How many the server took before it took no more.
  private var learned: Int? {
    guard let first = lines.indices.first(where: isBeyond) else { return nil }
    return lines[first...].contains { $0?.isPositive == true } ? nil : taken
  }

  /// So many were refused that the server hung up, and those it had taken got nothing.
  private var isCutOff: Bool { !response.wasSent && response.final?.code == 421 && learned != nil }

  // MARK: The whole

  /// What those come to whose RCPT was accepted; and the refusal, if it was one.
  private var whole: (outcome: Outcome, verdict: AnswerClass?) {
    guard let final = response.final else {
      // Section 3 of providers/email.md, last row but one. The last: the connection went before the final dot, and nobody has the mail.
      if response.wasSent { return (.unconfirmed(reason: "no answer came after the message"), nil) }
      return (.deferred(.network, reason: "the connection broke before the mail was handed over"), nil)
    }
    if response.wasSent, final.isPositive { return (.accepted(id: final.queueId), nil) }
    let verdict: AnswerClass =
      final.isTooManyRecipients ? .later : final.verdict(at: isReached ? .message : .opening)
    return (verdict.outcome(code: final.name, reason: final.reason), verdict)
  }

  private var isReached: Bool { response.wasSent || lines.contains { $0 != nil } }

  /// The server has trouble, or the way to it: not all at once again.
  private var isSlow: Bool {
    guard let final = response.final else { return true }
    return (400..<500).contains(final.code) && !isReached
  }
}
