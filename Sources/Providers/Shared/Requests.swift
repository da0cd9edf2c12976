import Core
import Signing

/// Requests in the forms that most providers take.
extension HTTPRequest {
  private static let accept = HTTPHeader("Accept", "application/json")

  static func json(_ url: String, _ members: [JSON.Member], headers: [HTTPHeader] = []) -> HTTPRequest {
    HTTPRequest(
      .post, url, headers: headers + [HTTPHeader("Content-Type", "application/json; charset=utf-8"), accept],
      body: JSON.object(members).bytes)
  }

  static func form(_ url: String, _ pairs: [Pair], headers: [HTTPHeader] = []) -> HTTPRequest {
    HTTPRequest(
      .post, url, headers: headers + [HTTPHeader("Content-Type", "application/x-www-form-urlencoded"), accept],
      body: PercentEncoding.bytes(of: pairs))
  }

  /// multipart/form-data: the pairs as plain fields, then the files.
  static func multipart(_ url: String, _ pairs: [Pair], files: [FormPart]) -> HTTPRequest {
    HTTPRequest(
      .post, url, headers: [accept], parts: pairs.map { FormPart($0.name, .bytes(Array($0.value.utf8))) } + files)
  }
}

extension Content {
  /// The values of a field that is a list: one entry each.
  func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
}

extension FormPart {
  init(_ name: String, _ attachment: Content.Attachment) {
    self.init(name, fileName: attachment.name, type: attachment.type, attachment.source)
  }
}

extension Target {
  /// The target of a channel that has its own: `to` is left out.
  static func own(_ address: String, _ what: String) throws(RecipientFault) -> Target {
    guard address.isEmpty else { throw RecipientFault("is not used: the channel sends to \(what); leave to out") }
    return Target("")
  }
}
