import Core
import FoundationEssentials
import Signing

/// A page of Twilio's message list, and whether a message in it is the one whose answer was lost
/// (providers/twilio.md, section 5: no client reference, so recipient, sender, text and time must do).
struct TwilioPage: Decodable {
  var messages: [Message]?
  var next: Loose?

  enum CodingKeys: String, CodingKey {
    case messages
    case next = "next_page_uri"
  }

  struct Message: Decodable {
    var sid: Loose?
    var status: Loose?
    var errorCode: LooseNumber?
    var errorMessage: Loose?
    var to: Loose?
    var from: Loose?
    var service: Loose?
    var body: Loose?
    var dateCreated: Loose?

    enum CodingKeys: String, CodingKey {
      case sid, status, to, from, body
      case errorCode = "error_code"
      case errorMessage = "error_message"
      case service = "messaging_service_sid"
      case dateCreated = "date_created"
    }

    /// In the far past where Twilio's date can't be read: then it is not taken for ours.
    var created: Date { dateCreated?.text.flatMap(CivilTime.parseHeaderDate) ?? .distantPast }

    /// - Parameter ahead: seconds by which Twilio's clock is ahead of ours.
    func answers(_ question: Question, ahead: Double) -> Bool {
      let content = question.call.content
      guard let sid = sid?.text, !sid.isEmpty, !question.knownIds.contains(sid) else { return false }
      // Whole seconds there, and answers that took a little. A younger one is an equal message that was sent since: to
      // take it for the lost one would lose this one.
      guard created >= question.startedAt + ahead - 5 else { return false }
      if let end = question.endedBy, created > end + ahead + 5 { return false }
      guard to?.text == question.call.recipients[0].target.wire else { return false }
      if let expected = content["MessagingServiceSid"] {
        guard service?.text == expected else { return false }
      } else {
        guard from?.text == content["From"] else { return false }
      }
      // Only the service knows what a template makes of its variables.
      if content["ContentSid"] != nil { return true }
      return says(
        content["Body"] ?? "",
        mayBeReencoded: content["MessagingServiceSid"] != nil || content["SmartEncoded"] == "true")
    }

    /// A trial account's messages get a line before the text; smart encoding, which a service may do unasked, replaces
    /// quotes, dashes and spaces. Missing the message for that would mean sending it twice.
    private func says(_ text: String, mayBeReencoded: Bool) -> Bool {
      let body = body?.text ?? ""
      if body == text { return true }
      if body.behind("Sent from your Twilio trial account - ") == text { return true }
      guard mayBeReencoded else { return false }
      let significant = Self.significant(text)
      return !significant.isEmpty && Self.significant(body) == significant
    }

    /// What smart encoding leaves alone: all but punctuation, spaces and the like.
    private static func significant(_ text: String) -> [Unicode.Scalar] {
      text.unicodeScalars.filter {
        switch $0.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
          .finalPunctuation, .otherPunctuation, .spaceSeparator, .lineSeparator, .paragraphSeparator, .mathSymbol,
          .modifierSymbol, .control, .format:
          false
        default: true
        }
      }
    }
  }
}
