import Core
import FoundationEssentials

/// What QuerySendDetails answers: records of one number on one day (providers/aliyun.md, section 6).
struct AliyunDetails {
  var total: Int?
  var records: [Record]

  /// Nil for an answer that proves nothing: a refusal, or one without its list, unless it counts none.
  init?(_ answer: JSONAnswer) {
    guard answer["Code"]?.text == "OK" else { return nil }
    total = answer["TotalCount"]?.integer
    let holder = answer["SmsSendDetailDTOs"]
    if let list = holder?["SmsSendDetailDTO"] {
      guard let records = list.objects else { return nil }
      self.records = records.map(Record.init)
    } else {
      guard total == 0, holder == nil || holder?.object != nil else { return nil }
      records = []
    }
  }

  struct Record {
    var outID: String?
    /// 1 waiting for the receipt, 2 failed, 3 delivered.
    var sendStatus: String?
    var errorCode: String?
    var sendDate: String?

    init(_ record: JSONAnswer) {
      outID = record["OutId"]?.text
      sendStatus = record["SendStatus"]?.text
      errorCode = record["ErrCode"]?.text
      sendDate = record["SendDate"]?.text
    }

    /// Only where the date says so; one that can't be read proves nothing.
    func isBefore(_ time: Date, offset: Int) -> Bool {
      guard let date = sendDate.flatMap({ CivilTime.parsePlain($0, offset: offset) }) else { return false }
      return date < time
    }
  }
}
