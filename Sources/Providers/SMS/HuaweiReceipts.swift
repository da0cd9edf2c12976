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
  private static let underWay: Set<String> = ["ACCEPTD", "UNKNOWN"]
  /// Final words beside the codes of `isFailureCode`, as the vendor lists them (providers/huawei.md, section 6a).
  private static let failures: Set<String> = [
    "EXPIRED", "DELETED", "UNDELIV", "REJECTD", "RTE_ERR", "NOROUTE", "MILIMIT", "LIMIT", "BEYONDN", "CTLIMIT",
    "KEYWORD", "BLACK", "TDBLACK", "TSBLACK", "MBBLACK",
  ]

  /// `E200018` of the platform, `MK:0001` of a carrier, `24` of a supplier. The beginning of a code is none.
  private static func isFailureCode(_ status: String) -> Bool {
    let signs = Array(status.utf8)
    func areDigits(_ signs: ArraySlice<UInt8>) -> Bool { !signs.isEmpty && signs.allSatisfy { $0 &- 0x30 < 10 } }
    if signs.count == 7, signs[0] == UInt8(ascii: "E") { return areDigits(signs[1...]) }
    if signs.count == 7, signs[2] == UInt8(ascii: ":") {
      return signs[..<2].allSatisfy { $0 &- 0x41 < 26 } && areDigits(signs[3...])
    }
    return areDigits(signs[...]) && signs.contains { $0 != 0x30 }
  }

  private static func entry(_ field: (String) -> String?, source: [UInt8]) -> ReceiptEntry {
    func text(_ name: String) -> String? { field(name).flatMap { $0.isEmpty ? nil : $0 } }
    let names = [text("smsMsgId").map(ReceiptName.id), text("extend").map(ReceiptName.reference)].compactMap { $0 }
    guard !names.isEmpty, let status = text("status") else {
      return ReceiptEntry(bad: "has no smsMsgId or no status", source: source)
    }
    guard status == "DELIVRD" || underWay.contains(status) || failures.contains(status) || isFailureCode(status) else {
      return ReceiptEntry(bad: "status: \"\(status.shortened)\" is no word of the vendor's", source: source)
    }
    return ReceiptEntry(Receipt(names, to: text("to"), news(status, field)), source: source)
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
