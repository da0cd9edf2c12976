import Digests

/// The signatures of group robots (providers/extras.md, sections 4 and 5). They look alike and are not: what is key and
/// what is message is swapped, one counts milliseconds and the other seconds.
package enum RobotSignature {
  /// DingTalk: the value of the query parameter `sign`, before it is percent-encoded (once).
  package static func dingTalk(milliseconds: Int, secret: String) -> String {
    Digest.sha256.hmac(key: secret.utf8, "\(milliseconds)\n\(secret)".utf8).base64
  }

  /// Feishu and Lark: the value of the body's member `sign`.
  package static func feishu(seconds: Int, secret: String) -> String {
    Digest.sha256.hmac(key: "\(seconds)\n\(secret)".utf8, []).base64
  }
}
