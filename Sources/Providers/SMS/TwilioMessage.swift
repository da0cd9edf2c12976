import Core
import FoundationEssentials

/// A message in Twilio's list, and whether it is the one whose answer was lost (providers/twilio.md, section 5: no client
/// reference, so recipient, sender, text and time must do).
struct TwilioMessage {
  let resource: JSONAnswer

  init(_ resource: JSONAnswer) { self.resource = resource }

  var sid: String? { resource["sid"]?.text }

  /// In the far past where Twilio's date can't be read: then it is not taken for ours.
  var created: Date { resource["date_created"]?.text.flatMap(CivilTime.parseHeaderDate) ?? .distantPast }

  /// - Parameter ahead: seconds by which Twilio's clock is ahead of ours.
  func answers(_ question: Question, ahead: Double) -> Bool {
    let content = question.call.content
    guard let sid, !sid.isEmpty, !question.knownIds.contains(sid) else { return false }
    // Whole seconds there, and answers that took a little. A younger one is an equal message that was sent since: to
    // take it for the lost one would lose this one.
    guard created >= question.startedAt + ahead - 5 else { return false }
    if let end = question.endedBy, created > end + ahead + 5 { return false }
    guard resource["to"]?.text == question.call.recipients[0].target.wire else { return false }
    if let expected = content["MessagingServiceSid"] {
      guard resource["messaging_service_sid"]?.text == expected else { return false }
    } else {
      guard resource["from"]?.text == content["From"] else { return false }
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
    let body = resource["body"]?.text ?? ""
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
