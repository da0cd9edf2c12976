import Core
import FoundationEssentials
import Signing

/// What becomes of Huawei's messages: reports to `status_callback`, one a form, or in batches to the application's address
/// (providers/huawei.md, section 6a). They are not signed by default.
extension HuaweiSMS: ReceiptProvider {
  package static func recognizes(_ drop: ReceiptDrop) -> Bool {
    if let form = CallbackForm(drop.body) { return form["smsMsgId"] != nil && form["status"] != nil }
    return reports(drop) != nil
  }

  private static func reports(_ drop: ReceiptDrop) -> [JSON]? { drop.json?["statusReportList"]?.array }

  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] {
    if let form = CallbackForm(drop.body) { return [entry({ form[$0] }, source: drop.body)] }
    return (reports(drop) ?? []).map { report in
      let source = JSON.object([.init("statusReportList", .array([report]))]).bytes
      return entry({ CallbackJSON.text(report[$0]) }, source: source)
    }
  }

  /// Accepted by the carrier, or not known: nothing final.
  private static let underWay: Set<String> = ["", "ACCEPTD", "UNKNOWN"]

  private static func entry(_ field: (String) -> String?, source: [UInt8]) -> ReceiptEntry {
    let names =
      [field("smsMsgId").map(ReceiptName.id), field("extend").map(ReceiptName.reference)].compactMap { $0 }
    guard !names.isEmpty, let status = field("status") else {
      return ReceiptEntry(bad: "has no smsMsgId or no status", source: source)
    }
    return ReceiptEntry(Receipt(names, to: field("to"), news(status, field)), source: source)
  }

  private static func news(_ status: String, _ field: (String) -> String?) -> ReceiptNews? {
    if underWay.contains(status) { return nil }
    let at = field("updateTime").flatMap(RFC3339.date)
    guard status == "DELIVRD" else {
      return ReceiptNews(.undelivered, code: status, reason: field("statusDesc"), at: at)
    }
    // Each part of a long text has a report: the last one tells that all are there; a part that failed is final at once.
    if let total = field("total").flatMap({ Int($0) }), total > 1,
      field("sequence").flatMap({ Int($0) }) ?? total < total
    {
      return nil
    }
    return ReceiptNews(.delivered, code: status, at: at)
  }

  package func ownReference(in content: Content) -> String? { content["extend"] }
  package var endsDoubt: Bool { true }
}
