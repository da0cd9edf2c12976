import Core
import FoundationEssentials

/// What becomes of mails: reports to the envelope's sender (RFC 3464), handed on by a mail filter. Not signed: whoever knows
/// a mail's id may say what became of it.
extension Email: ReceiptProvider {
  package static func recognizes(_ drop: ReceiptDrop) -> Bool { DeliveryStatus(drop.body) != nil }

  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    guard let report = DeliveryStatus(drop.body) else { return [] }
    // Which mail: the surest first.
    let names =
      [report.envelopeId, report.messageId].compactMap { $0 }.map(ReceiptName.reference)
      + report.verpCalls.map(ReceiptName.reference)
    return report.recipients.map { recipient in
      guard !names.isEmpty else {
        return ReceiptEntry(
          bad: "names no mail: neither ENVID nor Message-ID nor an address with a call", source: drop.body)
      }
      return ReceiptEntry(Receipt(names, to: recipient.address, news(recipient)), source: drop.body)
    }
  }

  /// `failed` and `delivered` are final; `delayed` and `expanded` are not, and after `relayed` no more may come.
  private static func news(_ recipient: DeliveryStatus.Recipient) -> ReceiptNews? {
    let at = recipient.at.flatMap(CivilTime.parseHeaderDate)
    switch recipient.action {
    case "delivered": return ReceiptNews(.delivered, code: recipient.status, at: at)
    case "failed":
      let reason = recipient.diagnostic.map { $0.halves(at: ";")?.behind ?? $0 }.map(MIME.trimmed)
      return ReceiptNews(.undelivered, code: recipient.status, reason: reason, at: at)
    default: return nil
    }
  }

  /// Mail systems write the part before the @ in small letters as often as not: within one mail that is nobody else.
  package func receiptIdentity(of target: Target) -> String { target.identity.lowercased() }

  /// The Message-ID, without its brackets.
  package func reference(of call: Call) -> String? { "\(identifier(of: call))@\(sender.domain)" }
}
