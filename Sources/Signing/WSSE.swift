import Digests

/// Huawei Cloud's header for its SMS applications, after WS-Security's UsernameToken (providers/huawei.md, section 7).
package enum WSSE {
  /// The value of the `Authorization` header, which says no more than how the other header is to be read.
  package static let authorization = #"WSSE realm="SDP",profile="UsernameToken",type="Appkey""#

  /// Base64 of the digest's hexadecimal text, not of its bytes, as in the vendor's own samples.
  package static func passwordDigest(secret: String, nonce: String, created: String) -> String {
    Digest.sha256.of("\(nonce)\(created)\(secret)".utf8).hex.utf8.base64
  }

  /// The value of the `X-WSSE` header.
  /// - Parameter created: the time in UTC, `2024-05-20T08:30:15Z`.
  package static func token(username: String, secret: String, nonce: String, created: String) -> String {
    let digest = passwordDigest(secret: secret, nonce: nonce, created: created)
    return #"UsernameToken Username="\#(username)",PasswordDigest="\#(digest)",Nonce="\#(nonce)",Created="\#(created)""#
  }
}
