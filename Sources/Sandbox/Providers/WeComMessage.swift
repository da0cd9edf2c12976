import Digests

/// What WeCom's group robot and its applications have in common: error codes (developer.work.weixin.qq.com/document/
/// path/90455), the checks of a message and of an upload. "HTTP status is 200 for errors too; judge by errcode."
enum WeCom {
  enum Code {
    static let ok = 0
    static let secret = 40001
    static let mediaType = 40004
    static let mediaSize = 40006
    static let media = 40007
    static let imageSize = 40009
    static let messageType = 40008
    static let corporation = 40013
    static let token = 40014
    static let users = 40031
    static let userCount = 40032
    static let characters = 40033
    static let parameter = 40035
    static let agent = 40056
    static let noToken = 41001
    static let empty = 44004
    static let length = 45002
    static let articles = 45008
    static let frequency = 45009
    static let expired = 42001
    static let nobody = 81013
    static let webhook = 93000
  }

  /// An `errcode` and its text.
  struct Failure: Error {
    var code: Int
    var text: String

    init(_ code: Int, _ text: String) {
      self.code = code
      self.text = text
    }
  }

  static func reply(_ members: [WireMember] = [], outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(
      status: 200, json: .object([WireMember("errcode", 0), WireMember("errmsg", "ok")] + members), outcome: outcome)
  }

  static func error(_ code: Int, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    let more = "hint: [0], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e=\(code)"
    return SandboxReply(
      status: 200, json: ["errcode": .int(code), "errmsg": .string("\(text), \(more)")], outcome: outcome)
  }

  /// The text of a message object, within this many bytes of UTF-8.
  static func text(_ object: WireJSON, _ field: String, most: Int) throws(Failure) {
    guard let text = object[field]?.string, !text.isEmpty else { throw Failure(Code.empty, "empty content") }
    guard text.utf8.count <= most else { throw Failure(Code.length, "content size out of limit") }
  }

  /// "articles 1 to 8; title 128 bytes, description 512 bytes".
  static func news(_ object: WireJSON) throws(Failure) {
    guard let articles = object["articles"]?.array, 1...8 ~= articles.count else {
      throw Failure(Code.articles, "article count out of limit")
    }
    for article in articles {
      guard article["title"]?.scalar != nil, article["url"]?.scalar != nil else {
        throw Failure(Code.parameter, "article without title or url")
      }
      guard (article["title"]?.scalar ?? "").utf8.count <= 128,
        (article["description"]?.scalar ?? "").utf8.count <= 512
      else { throw Failure(Code.length, "title or description size out of limit") }
    }
  }

  /// "base64 (no line breaks), md5 (hex, of the raw bytes), 2 MB before encoding, JPG or PNG".
  static func image(_ object: WireJSON) throws(Failure) {
    guard let text = object["base64"]?.string, let bytes = Base64.decode(text.utf8), !bytes.isEmpty else {
      throw Failure(Code.parameter, "invalid base64")
    }
    guard bytes.count <= 2 * 1024 * 1024 else { throw Failure(Code.imageSize, "invalid image size") }
    guard bytes.starts(with: [0xFF, 0xD8, 0xFF]) || bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) else {
      throw Failure(Code.mediaType, "invalid media type")
    }
    guard object["md5"]?.string?.lowercased() == Digest.md5.of(bytes).hex else {
      throw Failure(Code.parameter, "md5 does not match")
    }
  }

  /// The one part named `media` of an upload, if it has a name, content, and not more bytes than its type may have.
  static func upload(_ request: SandboxRequest, limits: [String: Int]) throws(Failure) -> String {
    guard let type = request.query.value("type"), let most = limits[type] else {
      throw Failure(Code.mediaType, "invalid media type")
    }
    let parts: [MultipartPart]
    do throws(MultipartError) {
      guard request.mediaType(endsWith: "multipart/form-data") else { throw MultipartError(problem: "no multipart") }
      parts = try Multipart.parts(of: request)
    } catch {
      throw Failure(Code.parameter, "invalid multipart body: \(error.problem)")
    }
    guard let part = parts.first, parts.count == 1, part.name == "media", part.filename?.isEmpty == false else {
      throw Failure(Code.parameter, "media data missing")
    }
    // "File 5 bytes to 20 MB."
    guard 5...most ~= part.body.count else { throw Failure(Code.mediaSize, "invalid media size") }
    if type == "voice", !part.body.starts(with: Array("#!AMR".utf8)) {
      throw Failure(Code.mediaType, "invalid media type")
    }
    return type
  }
}
