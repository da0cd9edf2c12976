import Core
import FoundationEssentials
import Ledger
import Spooling

/// Steps 4 and 5 of receiving (`Receiver`): answers that the ledger knows of are dropped into new/, once each; programs that
/// give one are started, never twice.
struct Answering {
  let channel: Channel
  let environment: SweepEnvironment
  let kit: ReceivingKit
  let line: ReceiverLine

  /// For whatever the ledger has to be answered.
  func answer() throws(ReceiverTrouble) {
    let open: [OpenReply]
    do throws(LedgerFault) { open = try kit.ledger.openReplies(channel.name) } catch { throw ReceiverTrouble(error) }
    for reply in open {
      do throws(LedgerFault) {
        if line.isStopped { return }
        try answer(reply)
      } catch {
        throw ReceiverTrouble(error)
      }
    }
  }

  private func answer(_ reply: OpenReply) throws(LedgerFault) {
    let now = environment.now()
    switch (reply.state, reply.work.kind) {
    case (.pending, _) where reply.work.expires < now: try kit.ledger.note(reply, .none, at: now)
    case (.pending, .text(let text)), (.given(let text), _): try drop(text, reply)
    case (.pending, .forward(_, _, let text, _)): try drop(text, reply)
    case (.pending, .run(let command, let input, let timeout)):
      try kit.ledger.note(reply, .begun, at: now)
      guard let text = output(of: command, input, within: timeout) else {
        return try kit.ledger.note(reply, .none, at: environment.now())
      }
      try kit.ledger.note(reply, .given(text), at: environment.now())
      try drop(text, reply)
    case (.begun, _):
      try kit.ledger.note(reply, .none, at: now)
      environment.observe(
        .notice(
          Notice(
            "channel \(channel.name)",
            "a program that was to answer \(reply.id) was cut short; it is not started again, and gives no answer")))
    case (.dropped, _), (.none, _): break
    }
  }

  /// What a program prints; nil for no answer.
  private func output(of command: [String], _ input: String, within seconds: Double) -> String? {
    let request = ProgramRequest(command: command, input: Array(input.utf8))
    // A program that was begun is never started again, so a stop waits for what it says.
    let response: ProgramResponse
    switch line.perform(.program(request), within: seconds, isPatient: true) {
    case .program(let answer)?: response = answer
    case .lost(let failure)?, .notSent(let failure)?:
      environment.observe(
        .notice(Notice("channel \(channel.name)", "\(command[0]) gives no answer: \(failure.message)")))
      return nil
    case .http, .mail, nil: return nil
    }
    // To end with another status is its way of giving none.
    guard response.status == 0 else { return nil }
    let text = String(decoding: response.output, as: UTF8.self)
    let end = text.unicodeScalars.reversed().drop { $0.properties.isWhitespace }
    return end.isEmpty ? nil : String(String.UnicodeScalarView(end.reversed()))
  }

  private func drop(_ text: String, _ reply: OpenReply) throws(LedgerFault) {
    let bytes = AnswerMessage.json(text, reply, kit.spool, environment.configuration).bytes + [UInt8(ascii: "\n")]
    let name = FileName("reply.\(InboxFolder.stem(channel.name, reply.id)).json")
    do throws(DropFault) {
      // The name is nobody else's in tmp/ either.
      _ = try kit.spool.drop(bytes, as: name, aside: name)
    } catch {
      // Not marked: it is dropped when the disk takes it.
      throw LedgerFault(.io, "the answer could not be dropped: \(error.fault)", number: error.fault.number)
    }
    try kit.ledger.note(reply, .dropped(text), at: environment.now())
  }
}
