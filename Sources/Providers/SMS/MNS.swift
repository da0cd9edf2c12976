import Core
import Digests
import FoundationEssentials
import Signing

/// Alibaba's message queue (Simple Message Queue, once MNS), as much of it as receipts need (providers/aliyun.md, section 6):
/// messages are received and, when what they say is on disk, deleted.
enum MNS {
  /// Of the queue, given out for some minutes.
  struct Keys {
    var id: String
    var secret: String
    var token: String
  }

  struct Message {
    /// Valid until the message is visible again.
    var handle: String
    var body: [UInt8]
  }

  private static let version = "2015-06-06"
  private static let space = "http://mns.aliyuncs.com/doc/v1/"

  static func request(
    _ method: HTTPRequest.Method, _ endpoint: Endpoint, _ path: String, body: [UInt8], _ keys: Keys, at now: Date
  ) -> HTTPRequest {
    let date = headerDate(now)
    let type = body.isEmpty ? "" : "text/xml"
    // Absent digest and type count as empty lines; the token is not signed.
    let signed = [method.rawValue, "", type, date, "x-mns-version:\(version)", endpoint.path + path].joined(
      separator: "\n")
    let signature = Digest.sha1.hmac(key: keys.secret.utf8, signed.utf8).base64
    var headers = [
      HTTPHeader("Date", date), HTTPHeader("x-mns-version", version), HTTPHeader("security-token", keys.token),
      HTTPHeader("Authorization", "MNS \(keys.id):\(signature)"),
    ]
    if !body.isEmpty { headers.append(HTTPHeader("Content-Type", type)) }
    return HTTPRequest(method, endpoint.base + path, headers: headers, body: body)
  }

  /// As HTTP writes it: GMT, and days of two digits.
  private static func headerDate(_ date: Date) -> String {
    let text = CivilTime.headerDate(date).replacing("+0000", with: "GMT")
    let words = text.pieces(at: " ")
    guard words.count > 1, words[1].utf8.count == 1 else { return text }
    return ([words[0], "0" + words[1]] + words.dropFirst(2)).joined(separator: " ")
  }

  static func handles(_ handles: [String]) -> [UInt8] {
    let list = handles.map {
      "<ReceiptHandle>\($0.replacing(["&": "&amp;", "<": "&lt;", ">": "&gt;"]))</ReceiptHandle>"
    }
    let text =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?><ReceiptHandles xmlns=\"\(space)\">\(list.joined())</ReceiptHandles>"
    return Array(text.utf8)
  }

  /// What was received; what has no handle or no body is passed over.
  static func messages(in xml: [UInt8]) -> [Message] {
    elements("Message", in: xml[...]).compactMap { message in
      guard let handle = elements("ReceiptHandle", in: message).first.map(text),
        let body = elements("MessageBody", in: message).first.map(text)
      else { return nil }
      // The vendor's own client decodes; a body that is JSON as it stands is taken as well.
      let decoded = Data(base64Encoded: Data(body.utf8)).map { Array($0) }
      return Message(handle: handle, body: decoded ?? Array(body.utf8))
    }
  }

  /// What stands between each `<name>` and `</name>`: elements of that name do not hold one another.
  private static func elements(_ name: String, in xml: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    let (open, close) = (Array("<\(name)>".utf8), Array("</\(name)>".utf8))
    var found: [ArraySlice<UInt8>] = []
    var rest = xml
    while let start = rest.firstRange(of: open) {
      rest = rest[start.upperBound...]
      guard let end = rest.firstRange(of: close) else { break }
      found.append(rest[..<end.lowerBound])
      rest = rest[end.upperBound...]
    }
    return found
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.holds("&") else { return text }
    return text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
      .replacing("&apos;", with: "'").replacing("&amp;", with: "&")
  }
}
