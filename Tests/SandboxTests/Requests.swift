import Digests

@testable import Sandbox

/// Requests as a client of each provider would make them. Signed here by the vendor's documents, for keys of our own;
/// that this signing is right is what the recorded requests prove.
enum WxPusherRequest {
  static func body(
    token: String = "AT_test", uids: [String], content: String = "hello", extra: [WireMember] = []
  ) -> [UInt8] {
    var members = [WireMember("appToken", .string(token)), WireMember("content", .string(content))]
    members.append(WireMember("uids", .strings(uids)))
    return WireJSON.object(members + extra).bytes
  }

  static let json = [FormPair("Content-Type", "application/json")]

  static func uids(_ count: Int) -> [String] { (0..<count).map { "UID_\($0)" } }
}

extension SandboxServer {
  func pushWx(_ body: [UInt8]) throws -> Response {
    try response("POST", "/api/send/message", headers: WxPusherRequest.json, body: body)
  }

  func pushWx(
    token: String = "AT_test", uids: [String], content: String = "hello", extra: [WireMember] = []
  ) throws -> Response {
    try pushWx(WxPusherRequest.body(token: token, uids: uids, content: content, extra: extra))
  }
}

enum TwilioRequest {
  static let account = "AC00000000000000000000000000000001"
  static let path = "/2010-04-01/Accounts/\(account)/Messages.json"

  static func headers(_ user: String = account, _ password: String = "token") -> [FormPair] {
    [
      FormPair("Authorization", "Basic " + Base64.encode(Array("\(user):\(password)".utf8))),
      FormPair("Content-Type", "application/x-www-form-urlencoded"),
    ]
  }

  static func form(_ pairs: [(String, String)]) -> [UInt8] {
    PercentEncoding.queryBytes(pairs.map { FormPair($0.0, $0.1) })
  }

  static func message(to: String = "+8613800138000", body: String = "hello") -> [UInt8] {
    form([("To", to), ("From", "+15005550006"), ("Body", body)])
  }
}

extension SandboxServer {
  func text(_ form: [(String, String)]) throws -> Response {
    try response("POST", TwilioRequest.path, headers: TwilioRequest.headers(), body: TwilioRequest.form(form))
  }

  func text(to: String = "+8613800138000", body: String = "hello") throws -> Response {
    try text([("To", to), ("From", "+15005550006"), ("Body", body)])
  }

  func list(_ filters: [(String, String)] = []) throws -> Response {
    let query = String(decoding: TwilioRequest.form(filters), as: UTF8.self)
    return try response("GET", TwilioRequest.path + "?" + query, headers: TwilioRequest.headers())
  }
}

/// A V3 request (ACS3-HMAC-SHA256), everything in the query as the vendor's SDK has it for SendSms.
struct AliyunRequest {
  static let account = ["access_key_id": "testKey", "access_key_secret": "testSecret"]

  var action = "SendSms"
  var query: [(String, String)]
  var form: [(String, String)] = []
  var secret = "testSecret"
  var key = "testKey"
  var nonce: String
  var date = "2024-05-20T08:30:15Z"
  var version = "2017-05-25"
  /// Headers that are sent but not signed.
  var unsigned: [FormPair] = []

  static func sms(
    _ numbers: [String], out: String = "out-1", nonce: String = "n1", parameter: String = #"{"code":"1234"}"#
  ) -> AliyunRequest {
    AliyunRequest(
      query: [
        ("PhoneNumbers", numbers.joined(separator: ",")), ("SignName", "阿里云"), ("TemplateCode", "SMS_1"),
        ("TemplateParam", parameter), ("OutId", out),
      ], nonce: nonce)
  }

  static func details(_ number: String, day: String, nonce: String, page: Int = 1, size: Int = 50) -> AliyunRequest {
    AliyunRequest(
      action: "QuerySendDetails",
      query: [
        ("PhoneNumber", number), ("SendDate", day), ("PageSize", String(size)), ("CurrentPage", String(page)),
      ], nonce: nonce)
  }

  func sent(to server: SandboxServer) throws -> Response {
    guard case .whole(let response) = try answer(of: server) else { throw LoopbackError(what: "no whole answer") }
    return response
  }

  func answer(of server: SandboxServer) throws -> Answer {
    let body = form.isEmpty ? [] : PercentEncoding.queryBytes(form.map { FormPair($0.0, $0.1) })
    let hash = Digest.sha256.of(body).hex
    var headers = [
      FormPair("host", "127.0.0.1:\(server.port)"), FormPair("x-acs-action", action),
      FormPair("x-acs-content-sha256", hash), FormPair("x-acs-date", date),
      FormPair("x-acs-signature-nonce", nonce), FormPair("x-acs-version", version),
    ]
    if !body.isEmpty { headers.insert(FormPair("content-type", "application/x-www-form-urlencoded"), at: 0) }
    let text = PercentEncoding.query(query.sorted { $0.0 < $1.0 }.map { FormPair($0.0, $0.1) })
    let names = headers.map(\.name).joined(separator: ";")
    let canonical =
      "POST\n/\n\(text)\n" + headers.map { "\($0.name):\($0.value)\n" }.joined() + "\n\(names)\n\(hash)"
    let toSign = "ACS3-HMAC-SHA256\n" + Digest.sha256.of(canonical.utf8).hex
    let signature = Digest.sha256.hmac(key: secret.utf8, toSign.utf8).hex
    headers.append(
      FormPair(
        "Authorization", "ACS3-HMAC-SHA256 Credential=\(key),SignedHeaders=\(names),Signature=\(signature)"))
    return try server.ask("POST", text.isEmpty ? "/" : "/?" + text, headers: headers + unsigned, body: body)
  }
}

extension SandboxServer {
  func sms(_ request: AliyunRequest) throws -> Response { try request.sent(to: self) }
}
