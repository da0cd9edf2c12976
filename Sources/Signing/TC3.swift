import Digests

/// Tencent Cloud's request signature, TC3-HMAC-SHA256 (providers/tencent.md, section 4).
package struct TC3: Sendable {
  private let request: CanonicalRequest
  private let timestamp: Int
  private let day: String
  private let service: String

  /// - Parameters:
  ///   - headers: those to sign: `content-type` and `host`, exactly as sent.
  ///   - timestamp: seconds since 1970, the value of `X-TC-Timestamp`.
  ///   - day: the timestamp's day in UTC, `2024-05-20`.
  ///   - service: the product in the vendor's words: `sms`.
  package init(
    method: String, path: String, query: [Pair] = [], headers: [Pair], body: [UInt8], timestamp: Int, day: String,
    service: String
  ) {
    request = CanonicalRequest(
      method: method, path: path, query: query, headers: headers, bodyHash: CanonicalRequest.bodyHash(body))
    self.timestamp = timestamp
    self.day = day
    self.service = service
  }

  package var canonicalRequest: String { request.text }
  private var scope: String { "\(day)/\(service)/tc3_request" }
  package var stringToSign: String { "TC3-HMAC-SHA256\n\(timestamp)\n\(scope)\n\(request.hash)" }

  package func signingKey(secret: String) -> [UInt8] {
    let ofDay = Digest.sha256.hmac(key: "TC3\(secret)".utf8, day.utf8)
    return Digest.sha256.hmac(key: Digest.sha256.hmac(key: ofDay, service.utf8), "tc3_request".utf8)
  }

  package func signature(secret: String) -> String {
    Digest.sha256.hmac(key: signingKey(secret: secret), stringToSign.utf8).hex
  }

  /// The value of the `Authorization` header.
  package func authorization(keyID: String, secret: String) -> String {
    "TC3-HMAC-SHA256 Credential=\(keyID)/\(scope), SignedHeaders=\(request.signedHeaders), Signature=\(signature(secret: secret))"
  }
}
