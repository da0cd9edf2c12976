import Core

/// Checks of a channel's settings that several providers make.
extension Settings {
  /// A setting that must be there.
  func required(_ name: String) throws(SettingFault) -> String {
    guard let text = string(name) else { throw SettingFault(name, "is missing") }
    return text
  }

  /// One that goes into a header or a path as it is: a key or a token. What could break out of there is a slip of the
  /// hand (a line break copied along), and better said here than by a signature that is wrong.
  func requiredToken(_ name: String) throws(SettingFault) -> String {
    let text = try required(name)
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }) else {
      throw SettingFault(name, "holds a space, a quote, a control character or one that is not ASCII")
    }
    return text
  }

  /// The same, where it may be left out.
  func token(_ name: String) throws(SettingFault) -> String? {
    string(name) == nil ? nil : try requiredToken(name)
  }

  /// What is put before numbers without +; nil where the channel has none.
  func countryCode() throws(SettingFault) -> String? {
    guard let text = string("country_code") ?? integer("country_code").map(String.init) else { return nil }
    let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
    guard (1...3).contains(digits.utf8.count), digits.first != "0", PhoneNumber.isDigits(digits.utf8) else {
      throw SettingFault("country_code", "is not a country code: expected 1 to 3 digits, such as 86")
    }
    return String(digits)
  }

  /// One that goes into the path or the query as it is: unreserved characters (RFC 3986), and those allowed.
  func pathToken(_ name: String, and allowed: String = "") throws(SettingFault) -> String {
    let text = try required(name)
    guard text.utf8.allSatisfy({ $0.isLetterOrDigit || "-._~".utf8.contains($0) || allowed.utf8.contains($0) }) else {
      throw SettingFault(name, "holds characters that no such token has")
    }
    return text
  }
}
