import Digests

/// Alibaba Cloud's request signature, version 3: ACS3-HMAC-SHA256 (providers/aliyun.md, section 7).
package struct ACS3: Sendable {
  private let method: String
  private let path: String
  /// Signed headers: names in lower case, values trimmed, in canonical order.
  private let headers: [Pair]
  private let bodyHash: String
  /// The query as it is signed. It is also a correct query, and what should go on the wire.
  package let canonicalQuery: String

  /// - Parameters:
  ///   - path: as requested, percent-encoded; `/` for the vendor's own endpoint.
  ///   - headers: those to sign: `host`, all `x-acs-*`, `content-type` where there is one; more are allowed.
  ///   - bodyHash: `bodyHash(_:)` of the bytes that are sent, the value of `x-acs-content-sha256`.
  package init(method: String, path: String, query: [Pair], headers: [Pair], bodyHash: String) {
    self.method = method
    self.path = path
    self.headers = headers.map { Pair($0.name.lowercased(), ACS3.trimmed($0.value)) }.sortedByName
    self.bodyHash = bodyHash
    canonicalQuery = PercentEncoding.encode(query.sortedByName)
  }

  package static func bodyHash(_ body: [UInt8]) -> String {
    body.isEmpty ? emptyBodyHash : Digest.sha256.of(body).hex
  }

  private static let emptyBodyHash = Digest.sha256.of([]).hex

  package var signedHeaders: String { headers.map(\.name).joined(separator: ";") }

  package var canonicalRequest: String {
    let lines = headers.map { "\($0.name):\($0.value)\n" }.joined()
    return "\(method)\n\(path)\n\(canonicalQuery)\n\(lines)\n\(signedHeaders)\n\(bodyHash)"
  }

  package var stringToSign: String {
    "ACS3-HMAC-SHA256\n" + Digest.sha256.of(canonicalRequest.utf8).hex
  }

  package func signature(secret: String) -> String {
    Digest.sha256.hmac(key: secret.utf8, stringToSign.utf8).hex
  }

  /// The value of the `Authorization` header. No spaces after the commas.
  package func authorization(keyID: String, secret: String) -> String {
    "ACS3-HMAC-SHA256 Credential=\(keyID),SignedHeaders=\(signedHeaders),Signature=\(signature(secret: secret))"
  }

  private static func trimmed(_ value: String) -> String {
    let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    guard let first = value.utf8.firstIndex(where: { !isBlank($0) }),
      let last = value.utf8.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(value[first...last])
  }
}
