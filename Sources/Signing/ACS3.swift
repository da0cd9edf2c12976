import Digests

/// Alibaba Cloud's request signature, version 3: ACS3-HMAC-SHA256 (providers/aliyun.md, section 7).
package struct ACS3: Sendable {
  private let request: CanonicalRequest

  /// - Parameters:
  ///   - path: as requested, percent-encoded; `/` for the vendor's own endpoint.
  ///   - headers: those to sign: `host`, all `x-acs-*`, `content-type` where there is one; more are allowed.
  ///   - bodyHash: `bodyHash(_:)` of the bytes that are sent, the value of `x-acs-content-sha256`.
  package init(method: String, path: String, query: [Pair], headers: [Pair], bodyHash: String) {
    request = CanonicalRequest(method: method, path: path, query: query, headers: headers, bodyHash: bodyHash)
  }

  package static func bodyHash(_ body: [UInt8]) -> String { CanonicalRequest.bodyHash(body) }

  /// The query as it is signed. It is also a correct query, and what should go on the wire.
  package var canonicalQuery: String { request.query }
  package var signedHeaders: String { request.signedHeaders }
  package var canonicalRequest: String { request.text }
  package var stringToSign: String { "ACS3-HMAC-SHA256\n" + request.hash }

  package func signature(secret: String) -> String {
    Digest.sha256.hmac(key: secret.utf8, stringToSign.utf8).hex
  }

  /// The value of the `Authorization` header. No spaces after the commas.
  package func authorization(keyID: String, secret: String) -> String {
    "ACS3-HMAC-SHA256 Credential=\(keyID),SignedHeaders=\(signedHeaders),Signature=\(signature(secret: secret))"
  }
}
