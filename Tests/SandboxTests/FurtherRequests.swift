import Digests

@testable import Sandbox

extension SandboxServer {
  func post(_ target: String, _ json: WireJSON, headers: [FormPair] = []) throws -> Response {
    try response("POST", target, headers: [FormPair("Content-Type", "application/json")] + headers, body: json.bytes)
  }

  func post(_ target: String, form: [(String, String)], headers: [FormPair] = []) throws -> Response {
    try response(
      "POST", target, headers: [FormPair("Content-Type", "application/x-www-form-urlencoded")] + headers,
      body: TwilioRequest.form(form))
  }

  var outcomes: [SandboxOutcome] { records.map(\.outcome) }
}

extension WireJSON {
  /// The same object with the members of a JSON text replaced or added; null leaves one out.
  func with(_ changes: String) throws -> WireJSON {
    guard case .object(var members) = self, case .object(let changes) = try WireJSON(parsing: changes) else {
      return self
    }
    for change in changes {
      members.removeAll { $0.name == change.name }
      if change.value != .null { members.append(change) }
    }
    return .object(members)
  }
}

enum HuaweiRequest {
  static let account = ["app_key": "key", "app_secret": "secret", "sender": "8823"]
  static let batch = "/sms/batchSendSms/v1"
  static let diff = "/sms/batchSendDiffSms/v1"

  /// WSSE headers for `ManualClock.golden`.
  static var headers: [FormPair] {
    let nonce = "n0nce"
    let created = "2024-05-20T08:30:15Z"
    let digest = Base64.encode(Array(Digest.sha256.of((nonce + created + "secret").utf8).hex.utf8))
    return [
      FormPair("Authorization", #"WSSE realm="SDP",profile="UsernameToken",type="Appkey""#),
      FormPair(
        "X-WSSE",
        #"UsernameToken Username="key",PasswordDigest="\#(digest)",Nonce="\#(nonce)",Created="\#(created)""#),
    ]
  }

  static func form(_ changes: [String: String?] = [:]) -> [(String, String)] {
    var form: [(String, String)] = [("from", "8823"), ("to", "+8613800138000"), ("templateId", "t1")]
    for (name, value) in changes {
      form.removeAll { $0.0 == name }
      if let value { form.append((name, value)) }
    }
    return form
  }
}

/// Signed for `ManualClock.golden`.
enum TencentRequest {
  static let account = ["secret_id": "id", "secret_key": "key", "sms_sdk_app_id": "14"]
  static let sms: WireJSON = [
    "PhoneNumberSet": ["+8613800138000"], "SmsSdkAppId": "14", "TemplateId": "1", "SignName": "腾讯云",
  ]

  static func send(_ body: WireJSON, action: String = "SendSms", to server: SandboxServer) throws -> Response {
    let canonical =
      "POST\n/\n\ncontent-type:application/json\nhost:sandbox\n\ncontent-type;host\n" + Digest.sha256.of(body.bytes).hex
    let toSign =
      "TC3-HMAC-SHA256\n1716193815\n2024-05-20/sms/tc3_request\n" + Digest.sha256.of(canonical.utf8).hex
    let day = Digest.sha256.hmac(key: "TC3key".utf8, "2024-05-20".utf8)
    let signing = Digest.sha256.hmac(
      key: Digest.sha256.hmac(key: day, "sms".utf8), "tc3_request".utf8)
    let signature = Digest.sha256.hmac(key: signing, toSign.utf8).hex
    let credential = "Credential=id/2024-05-20/sms/tc3_request, SignedHeaders=content-type;host"
    return try server.post(
      "/", body,
      headers: [
        FormPair("Host", "sandbox"), FormPair("X-TC-Action", action), FormPair("X-TC-Version", "2021-01-11"),
        FormPair("X-TC-Timestamp", "1716193815"),
        FormPair("Authorization", "TC3-HMAC-SHA256 \(credential), Signature=\(signature)"),
      ])
  }
}

enum MultipartRequest {
  static func body(
    _ fields: [(String, String)], file: (name: String, filename: String, bytes: [UInt8])? = nil, boundary: String = "b0"
  ) -> (type: String, body: [UInt8]) {
    var out: [UInt8] = []
    for (name, value) in fields {
      out += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
    }
    if let file {
      let disposition = "form-data; name=\"\(file.name)\"; filename=\"\(file.filename)\""
      out += "--\(boundary)\r\nContent-Disposition: \(disposition)\r\n".utf8
      out += "Content-Type: application/octet-stream\r\n\r\n".utf8
      out += file.bytes
      out += "\r\n".utf8
    }
    out += "--\(boundary)--\r\n".utf8
    return ("multipart/form-data; boundary=\(boundary)", out)
  }
}
