import Core
import FoundationEssentials

/// Receipts in our own words, for whatever stands behind `webhook` and `exec`:
/// `{"id":"...","to":"...","state":"delivered","code":"...","reason":"...","at":"..."}`, or an array of those. The id is the
/// far end's, else the call's; without `to` it counts where the id is one recipient's own, or the call was for one alone.
enum PlainReceipts {
  static func recognizes(_ drop: ReceiptDrop) -> Bool {
    guard let entries = CallbackJSON.objects(drop.json), !entries.isEmpty else { return false }
    return entries.contains { $0["id"] != nil && $0["state"] != nil }
  }

  static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    (CallbackJSON.objects(drop.json) ?? []).map { value in
      guard let id = CallbackJSON.text(value["id"]) else { return ReceiptEntry(bad: "has no id", source: value.bytes) }
      guard let word = value["state"]?.string, let state = ReceiptState(rawValue: word), state != .noReceipt else {
        let words = ReceiptState.allCases.filter { $0 != .noReceipt }.map(\.rawValue).joined(separator: ", ")
        return ReceiptEntry(bad: "state: expected one of \(words)", source: value.bytes)
      }
      // Where a channel has its own target, nobody is its recipient's name.
      let to = value["to"] ?? .null
      guard to == .null || to == .string("") || CallbackJSON.text(to) != nil else {
        return ReceiptEntry(bad: "to: expected one recipient, as text", source: value.bytes)
      }
      let news = ReceiptNews(
        state, code: CallbackJSON.text(value["code"]), reason: CallbackJSON.text(value["reason"]),
        at: value["at"]?.string.flatMap(RFC3339.date))
      return ReceiptEntry(
        Receipt([.id(id), .reference(id)], to: CallbackJSON.text(to), news), source: value.bytes)
    }
  }
}

extension Webhook: ReceiptProvider {
  package static func recognizes(_ drop: ReceiptDrop) -> Bool { PlainReceipts.recognizes(drop) }
  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] { PlainReceipts.entries(in: drop) }
  package var endsDoubt: Bool { true }
}

extension Exec: ReceiptProvider {
  package static func recognizes(_ drop: ReceiptDrop) -> Bool { PlainReceipts.recognizes(drop) }
  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] { PlainReceipts.entries(in: drop) }
  package var endsDoubt: Bool { true }
}
