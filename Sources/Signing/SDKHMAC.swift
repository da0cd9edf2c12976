import Digests

/// Huawei Cloud's request signature with an access key, SDK-HMAC-SHA256 (providers/huawei.md, section 8).
package struct SDKHMAC: Sendable {
  private let request: CanonicalRequest
  private let date: String

  /// What stands for the hash of a body that is not JSON; the header `X-Sdk-Content-Sha256` says so, and is signed.
  package static let unsignedPayload = "UNSIGNED-PAYLOAD"

  /// - Parameters:
  ///   - path: as requested, percent-encoded. It is signed with a slash at its end, which is not on the wire.
  ///   - headers: those to sign: at least `host` and `x-sdk-date`.
  ///   - bodyHash: `CanonicalRequest.bodyHash(_:)` of the body, or `unsignedPayload`.
  ///   - date: the value of `X-Sdk-Date`, `20240520T083015Z`.
  package init(method: String, path: String, query: [Pair] = [], headers: [Pair], bodyHash: String, date: String) {
    request = CanonicalRequest(
      method: method, path: path.hasSuffix("/") ? path : path + "/", query: query, headers: headers, bodyHash: bodyHash)
    self.date = date
  }

  package var canonicalRequest: String { request.text }
  package var stringToSign: String { "SDK-HMAC-SHA256\n\(date)\n\(request.hash)" }

  package func signature(secret: String) -> String {
    Digest.sha256.hmac(key: secret.utf8, stringToSign.utf8).hex
  }

  /// The value of the `Authorization` header.
  package func authorization(key: String, secret: String) -> String {
    "SDK-HMAC-SHA256 Access=\(key), SignedHeaders=\(request.signedHeaders), Signature=\(signature(secret: secret))"
  }
}
