import FoundationEssentials

extension Sequence<UInt8> {
  /// RFC 4648, with padding.
  package var base64: String { Data(self).base64EncodedString() }
}
