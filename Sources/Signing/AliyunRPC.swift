import Digests

/// Alibaba Cloud's older request signature, version 1: HMAC-SHA1 over all parameters (providers/aliyun.md, section 8).
package enum AliyunRPC {
  /// The value of the `Signature` parameter, before it is percent-encoded.
  /// - Parameter parameters: those of the query and of the form body, without `Signature`.
  package static func signature(method: String, parameters: [Pair], secret: String) -> String {
    Digest.sha1.hmac(key: "\(secret)&".utf8, stringToSign(method: method, parameters: parameters).utf8).base64
  }

  package static func stringToSign(method: String, parameters: [Pair]) -> String {
    let query = PercentEncoding.encode(parameters.sortedByName)
    return "\(method)&%2F&\(PercentEncoding.encode(query))"
  }
}
