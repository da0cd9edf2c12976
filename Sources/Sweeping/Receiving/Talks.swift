import Core
import FoundationEssentials
import Ledger

/// What was said with whom, as the ledger knows it and as this batch goes on.
struct Talks {
  private let ledger: any PersonalLedger
  private let channel: String
  private var news: [ReceivedMessage] = []
  private var answers: [(user: String, at: Date)] = []

  init(_ ledger: any PersonalLedger, _ channel: String) {
    self.ledger = ledger
    self.channel = channel
  }

  func talk(with sender: String, _ user: String) throws(ReceiverTrouble) -> Talk {
    var talk: Talk
    do throws(LedgerFault) {
      talk = try ledger.talk(channel, sender: sender, user: user)
    } catch {
      throw ReceiverTrouble(error)
    }
    let texts = news.filter { Verbatim($0.sender) == Verbatim(sender) }.map { Talk.Said($0.text, at: $0.at) }
    talk.texts.insert(contentsOf: texts.reversed(), at: 0)
    for answer in answers where Verbatim(answer.user) == Verbatim(user) {
      // What it says is not known yet; that there is one counts.
      talk.answers.append(Talk.Said("", at: answer.at))
    }
    return talk
  }

  mutating func note(_ message: ReceivedMessage, at now: Date) {
    news.append(message)
    if let reply = message.reply { answers.append((reply.user, now)) }
  }
}
