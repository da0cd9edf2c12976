import Digests

/// How the gateway of Alibaba Cloud checks who is calling: V3 (ACS3-HMAC-SHA256, help.aliyun.com/document_detail/2593177)
/// and the older RPC signature (HMAC-SHA1, versions 1.0). A value per request; nothing is remembered here.
struct AliyunSignature {
  /// A gateway error: HTTP status, code and message.
  struct Failure: Error, Equatable {
    var status: Int
    var code: String
    var message: String

    static func missing(_ parameter: String) -> Failure {
      Failure(status: 400, code: "Missing\(parameter)", message: "\(parameter) is mandatory for this action.")
    }

    /// The vendor shows what it would have signed; there is no secret in it.
    static func mismatch(_ stringToSign: String) -> Failure {
      Failure(
        status: 400, code: "SignatureDoesNotMatch",
        message: "Specified signature is not matched with our calculation. server string to sign is:\(stringToSign)")
    }
  }

  var accessKey: String
  /// Seconds since 1970.
  var timestamp: Int
  var nonce: String
  var securityToken: String?
  /// What the client signed with, in lower-case hexadecimal (V3) or Base64 (RPC).
  private var signature: String
  private var stringToSign: String
  private var isV3: Bool

  /// Whether the signature was made with this secret.
  func matches(secret: String) -> Bool {
    isV3
      ? Digest.sha256.hmac(key: secret.utf8, stringToSign.utf8).hex == signature
      : Base64.encode(Digest.sha1.hmac(key: (secret + "&").utf8, stringToSign.utf8)) == signature
  }

  var mismatch: Failure { .mismatch(stringToSign) }
}

// MARK: - V3

extension AliyunSignature {
  static let algorithm = "ACS3-HMAC-SHA256"

  init(v3 request: SandboxRequest, authorization: String) throws(Failure) {
    func required(_ header: String, _ name: String) throws(Failure) -> String {
      guard let value = request.headers.value(header) else { throw .missing(name) }
      return value
    }
    let parts = Self.parts(of: authorization)
    guard let accessKey = parts["Credential"], !accessKey.isEmpty else { throw .missing("AccessKeyId") }
    guard let signed = parts["SignedHeaders"]?.split(separator: ";").map(String.init), !signed.isEmpty else {
      throw .missing("SignedHeaders")
    }
    guard let signature = parts["Signature"], signature.utf8.count == 64,
      signature.utf8.allSatisfy({ hexadecimalValue($0) != nil })
    else { throw .missing("Signature") }
    self.accessKey = accessKey
    self.signature = signature
    nonce = try required("x-acs-signature-nonce", "SignatureNonce")
    timestamp = try Self.timestamp(try required("x-acs-date", "Timestamp"))
    securityToken = request.headers.value("x-acs-security-token")
    isV3 = true

    // The server hashes what it received; that the header says the same is part of the check.
    let hash = Digest.sha256.of(request.body).hex
    let canonical = Self.canonicalRequest(request, signed: signed, hash: hash)
    stringToSign = Self.algorithm + "\n" + Digest.sha256.of(canonical).hex
    let claimed = try required("x-acs-content-sha256", "ContentSha256")
    let unsigned = Self.mustBeSigned(request).filter { !signed.contains($0) }
    guard claimed == hash, unsigned.isEmpty else { throw .mismatch(String(decoding: canonical, as: UTF8.self)) }
  }

  /// `ALGORITHM Credential=a,SignedHeaders=b;c,Signature=d`.
  private static func parts(of authorization: String) -> [Substring: String] {
    let list = authorization.dropFirst(algorithm.count).split(separator: ",")
    return Dictionary(
      list.compactMap { item in
        let item = item.drop { $0 == " " }
        guard let equals = item.firstIndex(of: "=") else { return nil }
        return (item[..<equals], String(item[item.index(after: equals)...]))
      }, uniquingKeysWith: { first, _ in first })
  }

  /// "All x-acs-* headers present, host and content-type must be signed."
  private static func mustBeSigned(_ request: SandboxRequest) -> [String] {
    request.headers.map(\.name).filter { $0 == "host" || $0 == "content-type" || $0.hasPrefix("x-acs-") }
  }

  private static func canonicalRequest(_ request: SandboxRequest, signed: [String], hash: String) -> [UInt8] {
    let names = signed.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var out = Array(request.method.utf8)
    out.append(contentsOf: "\n\(request.path)\n".utf8)
    out.append(contentsOf: canonicalQuery(request.query))
    out.append(UInt8(ascii: "\n"))
    for name in names { out.append(contentsOf: "\(name):\(request.header(name) ?? "")\n".utf8) }
    out.append(contentsOf: "\n\(names.joined(separator: ";"))\n\(hash)".utf8)
    return out
  }

  /// Sorted by encoded name, bytewise; an empty value keeps its `=`.
  static func canonicalQuery(_ pairs: [FormPair]) -> [UInt8] {
    PercentEncoding.queryBytes(
      pairs.sorted { left, right in
        left.name == right.name
          ? left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
          : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
      })
  }

  /// UTC, `yyyy-MM-ddTHH:mm:ssZ`.
  private static func timestamp(_ text: String) throws(Failure) -> Int {
    guard let seconds = WireTime.unix(iso8601: text) else {
      throw Failure(
        status: 400, code: "InvalidTimeStamp.Format",
        message: "Specified time stamp or date value is not well formatted.")
    }
    return seconds
  }
}

// MARK: - RPC

extension AliyunSignature {
  /// `parameters` are those of the query and of the form body together; both are signed.
  init(rpc request: SandboxRequest, parameters: [FormPair]) throws(Failure) {
    func required(_ name: String) throws(Failure) -> String {
      guard let value = parameters.value(name) else { throw .missing(name) }
      return value
    }
    accessKey = try required("AccessKeyId")
    signature = try required("Signature")
    guard try required("SignatureMethod").uppercased() == "HMAC-SHA1" else {
      throw Failure(status: 400, code: "InvalidSignatureMethod", message: "Specified signature method is not valid.")
    }
    guard try required("SignatureVersion") == "1.0" else {
      throw Failure(status: 400, code: "InvalidSignatureVersion", message: "Specified signature version is not valid.")
    }
    nonce = try required("SignatureNonce")
    timestamp = try Self.timestamp(try required("Timestamp"))
    securityToken = parameters.value("SecurityToken")
    isV3 = false
    guard signature.utf8.count == 28, signature.hasSuffix("=") else { throw .missing("Signature") }

    let query = Self.canonicalQuery(parameters.filter { $0.name != "Signature" })
    var out = Array("\(request.method)&%2F&".utf8)
    PercentEncoding.append(query, to: &out)
    stringToSign = String(decoding: out, as: UTF8.self)
  }
}
