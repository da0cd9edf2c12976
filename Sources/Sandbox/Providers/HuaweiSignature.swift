import Digests

/// How Huawei Cloud's SMS application checks who is calling: X-WSSE (section 7) and AK/SK, SDK-HMAC-SHA256 (section 8). A
/// value per request; nothing is remembered here. Section numbers are those of providers/huawei.md.
struct HuaweiSignature {
  /// A request-level code and what it means.
  struct Failure: Error, Equatable {
    var code: String
    var description: String

    init(_ code: String, _ description: String) {
      self.code = code
      self.description = description
    }

    static let appKey = Failure("E000102", "The app_key is invalid.")
    static let time = Failure("E000110", "The time is out of range.")
  }

  private enum Proof {
    case wsse(digest: String, salt: String)
    case aksk(signature: String, stringToSign: String)
  }

  var appKey: String
  /// Seconds since 1970.
  var created: Int
  private var proof: Proof

  /// "WSSE 24 h, AK/SK 15 min".
  var tolerance: Int {
    switch proof {
    case .wsse: 24 * 3600
    case .aksk: 15 * 60
    }
  }

  /// Nil when it was made with this secret.
  func failure(secret: String) -> Failure? {
    switch proof {
    case .wsse(let digest, let salt):
      // "Base64 of the lowercase hex text"; whether the raw bytes would do is unverified, so they don't here.
      let expected = Base64.encode(Array(Digest.sha256.of((salt + secret).utf8).hex.utf8))
      return expected == digest ? nil : Failure("E000105", "The digest is invalid.")
    case .aksk(let signature, let stringToSign):
      // "The key is used directly, no derivation."
      let expected = Digest.sha256.hmac(key: secret.utf8, stringToSign.utf8).hex
      return expected == signature ? nil : Failure("E000045", "The AK/SK signature check failed.")
    }
  }

  init(_ request: SandboxRequest) throws(Failure) {
    guard let authorization = request.headers.value("authorization") else {
      throw Failure("E000001", "The request header does not contain Authorization.")
    }
    if authorization.hasPrefix(Self.algorithm) {
      try self.init(aksk: request, authorization)
    } else {
      try self.init(wsse: request, authorization)
    }
  }
}

// MARK: - X-WSSE

extension HuaweiSignature {
  /// Which of E000001 to E000008 and E000020 to E000026 says what is from the vendor's code list.
  private init(wsse request: SandboxRequest, _ authorization: String) throws(Failure) {
    guard authorization.hasPrefix("WSSE ") else { throw Failure("E000008", "Authorization does not contain WSSE.") }
    let claims = Self.parts(of: authorization.dropFirst(5))
    for (name, value, missing, wrong) in [
      ("realm", "SDP", "E000002", "E000004"), ("profile", "UsernameToken", "E000003", "E000005"),
      ("type", "Appkey", "E000007", "E000006"),
    ] {
      guard let claim = claims[name] else { throw Failure(missing, "Authorization does not contain \(name).") }
      guard claim == value else { throw Failure(wrong, "\(name) in Authorization should be \"\(value)\".") }
    }
    guard let header = request.headers.value("x-wsse") else {
      throw Failure("E000020", "The request header does not contain X-WSSE.")
    }
    guard header.hasPrefix("UsernameToken ") else { throw Failure("E000026", "X-WSSE does not contain UsernameToken.") }
    let token = Self.parts(of: header.dropFirst(14))
    func required(_ name: String, _ code: String) throws(Failure) -> String {
      guard let value = token[name], !value.isEmpty else { throw Failure(code, "X-WSSE does not contain \(name).") }
      return value
    }
    appKey = try required("Username", "E000021")
    let nonce = try required("Nonce", "E000022")
    let text = try required("Created", "E000023")
    let digest = try required("PasswordDigest", "E000024")
    // "Nonce 1-128 letters/digits; Created UTC yyyy-MM-ddTHH:mm:ssZ".
    guard nonce.utf8.count <= 128, nonce.isMade(of: isAlphanumeric) else {
      throw Failure("E000022", "Nonce is invalid.")
    }
    guard let created = WireTime.unix(iso8601: text) else { throw Failure("E000023", "Created is invalid.") }
    guard Base64.decode(digest.utf8)?.count == 64 else { throw Failure("E000105", "The digest is invalid.") }
    self.created = created
    proof = .wsse(digest: digest, salt: nonce + text)
  }

  /// `name="value"` or `name=value`, separated by commas.
  private static func parts(of list: some StringProtocol) -> [String: String] {
    Dictionary(
      list.split(separator: ",").compactMap { item in
        let item = item.drop { $0 == " " }
        guard let equals = item.firstIndex(of: "=") else { return nil }
        var value = item[item.index(after: equals)...]
        if value.first == "\"", value.last == "\"", value.count > 1 { value = value.dropFirst().dropLast() }
        return (String(item[..<equals]), String(value))
      }, uniquingKeysWith: { first, _ in first })
  }
}

// MARK: - AK/SK

extension HuaweiSignature {
  static let algorithm = "SDK-HMAC-SHA256"
  private static let unsigned = "UNSIGNED-PAYLOAD"

  private init(aksk request: SandboxRequest, _ authorization: String) throws(Failure) {
    let parts = Self.parts(of: authorization.dropFirst(Self.algorithm.count))
    let wrong = Failure("E000045", "The AK/SK signature check failed.")
    guard let access = parts["Access"], !access.isEmpty, let signature = parts["Signature"],
      signature.utf8.count == 64, let signed = parts["SignedHeaders"]?.split(separator: ";").map(String.init),
      let date = request.headers.value("x-sdk-date")
    else { throw wrong }
    guard let created = Self.unix(date) else { throw .time }
    // "Sign at least host and x-sdk-date"; a header that changes what the signature covers must be covered too.
    let hash = request.headers.value("x-sdk-content-sha256")
    guard signed.contains("host"), signed.contains("x-sdk-date"),
      hash == nil || signed.contains("x-sdk-content-sha256")
    else { throw wrong }
    let actual = Digest.sha256.of(request.body).hex
    guard hash == nil || hash == Self.unsigned || hash == actual else { throw wrong }
    appKey = access
    self.created = created
    let canonical = Self.canonicalRequest(request, signed: signed, hash: hash ?? actual)
    proof = .aksk(
      signature: signature, stringToSign: "\(Self.algorithm)\n\(date)\n" + Digest.sha256.of(canonical).hex)
  }

  /// Section 8, step 3: the path with a trailing slash, which the URL does not have.
  private static func canonicalRequest(_ request: SandboxRequest, signed: [String], hash: String) -> [UInt8] {
    let names = signed.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var out = Array("\(request.method)\n\(request.path)\(request.path.hasSuffix("/") ? "" : "/")\n".utf8)
    out.append(contentsOf: AliyunSignature.canonicalQuery(request.query))
    out.append(UInt8(ascii: "\n"))
    for name in names { out.append(contentsOf: "\(name):\(request.header(name) ?? "")\n".utf8) }
    out.append(contentsOf: "\n\(names.joined(separator: ";"))\n\(hash)".utf8)
    return out
  }

  /// `yyyyMMddTHHmmssZ`.
  private static func unix(_ text: String) -> Int? {
    let characters = Array(text)
    guard characters.count == 16, characters[8] == "T", characters[15] == "Z" else { return nil }
    let (day, time) = (String(characters[..<8]), characters[9..<15].map { String($0) })
    return WireTime.unix(day: day).flatMap { day in
      let clock = stride(from: 0, to: 6, by: 2).compactMap { Int(time[$0] + time[$0 + 1]) }
      guard clock.count == 3, clock[0] < 24, clock[1] < 60, clock[2] <= 60 else { return nil }
      return day + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }
  }
}
