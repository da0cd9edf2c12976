import FoundationEssentials
import Signing

/// What QuerySendDetails answers: records of one number on one day (providers/aliyun.md, section 6).
struct AliyunDetails: Decodable {
  var code: Loose?
  var total: Loose?
  var records: Records?

  struct Records: Decodable {
    var list: [Record]?

    enum CodingKeys: String, CodingKey { case list = "SmsSendDetailDTO" }
  }

  struct Record: Decodable {
    var outID: Loose?
    /// 1 waiting for the receipt, 2 failed, 3 delivered.
    var sendStatus: Loose?
    var errorCode: Loose?
    var sendDate: Loose?

    enum CodingKeys: String, CodingKey {
      case outID = "OutId"
      case sendStatus = "SendStatus"
      case errorCode = "ErrCode"
      case sendDate = "SendDate"
    }

    /// Only where the date says so; one that can't be read proves nothing.
    func isBefore(_ time: Date, offset: Int) -> Bool {
      guard let date = sendDate?.text.flatMap({ CivilTime.parsePlain($0, offset: offset) }) else { return false }
      return date < time
    }
  }

  enum CodingKeys: String, CodingKey {
    case code = "Code"
    case total = "TotalCount"
    case records = "SmsSendDetailDTOs"
  }
}
