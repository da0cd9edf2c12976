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

extension Settings {
  /// The card's required settings are checked before; this is for what can't be known from the card.
  func required(_ name: String) throws(SettingFault) -> String {
    guard let text = string(name) else { throw SettingFault(name, "is missing") }
    return text
  }

  /// A setting that goes into the path or the query as it is: unreserved characters (RFC 3986), and those allowed.
  func token(_ name: String, and allowed: String = "") throws(SettingFault) -> String {
    let text = try required(name)
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-._~".utf8.contains(byte) || allowed.utf8.contains(byte)
      }
    }
    guard isPlain else { throw SettingFault(name, "holds characters that no such token has") }
    return text
  }
}

extension Target {
  /// The target of a channel that has its own: `to` is left out.
  static func own(_ address: String, _ what: String) throws(RecipientFault) -> Target {
    guard address.isEmpty else { throw RecipientFault("is not used: the channel sends to \(what); leave to out") }
    return Target("")
  }
}
