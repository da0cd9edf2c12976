import Digests

/// A request in the one form that Alibaba's, Huawei's and Tencent's signatures all hash: method, path, query, the
/// signed headers and their names, and the body's hash, a line each.
package struct CanonicalRequest: Sendable {
  /// The query as it is signed. It is also a correct query, and what should go on the wire.
  package let query: String
  package let signedHeaders: String
  package let text: String

  /// - Parameters:
  ///   - path: as requested, percent-encoded.
  ///   - headers: those to sign, in any order and case.
  ///   - bodyHash: `bodyHash(_:)` of the bytes that are sent, or what the scheme puts in its place.
  package init(method: String, path: String, query: [Pair], headers: [Pair], bodyHash: String) {
    let headers = headers.map { Pair($0.name.lowercased(), CanonicalRequest.trimmed($0.value)) }.sortedByName
    self.query = PercentEncoding.encode(query.sortedByName)
    signedHeaders = headers.map(\.name).joined(separator: ";")
    let lines = headers.map { "\($0.name):\($0.value)\n" }.joined()
    text = "\(method)\n\(path)\n\(self.query)\n\(lines)\n\(signedHeaders)\n\(bodyHash)"
  }

  package var hash: String { Digest.sha256.of(text.utf8).hex }

  package static func bodyHash(_ body: [UInt8]) -> String {
    body.isEmpty ? emptyBodyHash : Digest.sha256.of(body).hex
  }

  private static let emptyBodyHash = Digest.sha256.of([]).hex

  private static func trimmed(_ value: String) -> String {
    let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    guard let first = value.utf8.firstIndex(where: { !isBlank($0) }),
      let last = value.utf8.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(value[first...last])
  }
}
