import Digests

/// TC3-HMAC-SHA256 (providers/tencent.md, section 4). A value per request; nothing is remembered here.
struct TencentSignature {
  /// An API error, `Response.Error`.
  struct Failure: Error, Equatable {
    var code: String
    var message: String

    init(_ code: String, _ message: String) {
      self.code = code
      self.message = message
    }

    static let signature = Failure(
      "AuthFailure.SignatureFailure", "The provided credentials could not be validated. Please check your signature.")
  }

  static let algorithm = "TC3-HMAC-SHA256"
  private static let scope = "sms/tc3_request"

  var secretID: String
  /// Seconds since 1970.
  var timestamp: Int
  private var date: String
  private var signature: String
  private var stringToSign: String

  func matches(secret: String) -> Bool {
    let day = Digest.sha256.hmac(key: ("TC3" + secret).utf8, date.utf8)
    let service = Digest.sha256.hmac(key: day, "sms".utf8)
    let signing = Digest.sha256.hmac(key: service, "tc3_request".utf8)
    return Digest.sha256.hmac(key: signing, stringToSign.utf8).hex == signature
  }

  init(_ request: SandboxRequest) throws(Failure) {
    let malformed = Failure("AuthFailure.InvalidAuthorization", "The Authorization header is not valid.")
    guard let header = request.authorization(Self.algorithm) else { throw malformed }
    let parts = Dictionary(
      header.split(separator: ",").compactMap { item -> (String, String)? in
        let item = item.drop { $0 == " " }
        guard let equals = item.firstIndex(of: "=") else { return nil }
        return (String(item[..<equals]), String(item[item.index(after: equals)...]))
      }, uniquingKeysWith: { first, _ in first })
    let credential = (parts["Credential"] ?? "").split(separator: "/", maxSplits: 2).map(String.init)
    let signed = (parts["SignedHeaders"] ?? "").split(separator: ";").map(String.init)
    guard credential.count == 3, credential[2] == Self.scope, let signature = parts["Signature"],
      signature.utf8.count == 64, signed.contains("content-type"), signed.contains("host")
    else { throw malformed }
    guard let timestamp = request.headers.value("x-tc-timestamp").flatMap({ Int($0) }) else {
      throw Failure("MissingParameter", "The request is missing a required parameter `Timestamp`.")
    }
    // "The date is the UTC date of the timestamp."
    guard WireTime(unix: timestamp).dayText == credential[1] else { throw .signature }
    secretID = credential[0]
    self.timestamp = timestamp
    self.signature = signature
    date = credential[1]
    var canonical = Array("\(request.method)\n/\n".utf8)
    canonical.append(contentsOf: request.target.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst())
    canonical.append(UInt8(ascii: "\n"))
    for name in signed.sorted() {
      // Names and values in lower case, as the vendor's description of the scheme has it.
      canonical.append(contentsOf: "\(name):\((request.header(name) ?? "").lowercased())\n".utf8)
    }
    canonical.append(
      contentsOf: "\n\(signed.sorted().joined(separator: ";"))\n\(Digest.sha256.of(request.body).hex)".utf8)
    stringToSign =
      "\(Self.algorithm)\n\(timestamp)\n\(date)/\(Self.scope)\n" + Digest.sha256.of(canonical).hex
  }
}
