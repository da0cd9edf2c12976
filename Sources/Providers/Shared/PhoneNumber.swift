import Core

/// Phone numbers by their bytes: no separators, no letters.
enum PhoneNumber {
  static func isDigits(_ text: some Sequence<UInt8>) -> Bool {
    text.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// The digits of a complete number (country code and all, 7 to 15 of them, E.164), or nil.
  static func complete(_ digits: Substring) -> Substring? {
    guard (7...15).contains(digits.utf8.count), digits.utf8.first != UInt8(ascii: "0"), isDigits(digits.utf8) else {
      return nil
    }
    return digits
  }

  /// The 11 digits of a mainland Chinese mobile number written plainly or behind +86, 86 or 0086, or nil.
  /// - Parameter mayBarePlus: a + alone is such a prefix too (providers/aliyun.md, section 2). The second digit is 3 to
  ///   9, so that +1 2xx is a number in North America even there; everywhere else + begins a country code.
  static func mainlandMobile(_ address: String, mayBarePlus: Bool = false) -> Substring? {
    let digits = address.utf8.count > 11 ? withoutPrefix(address, mayBarePlus) : address[...]
    let utf8 = digits.utf8
    guard utf8.count == 11, isDigits(utf8), utf8.first == UInt8(ascii: "1"),
      (UInt8(ascii: "3")...UInt8(ascii: "9")).contains(utf8[utf8.index(after: utf8.startIndex)])
    else { return nil }
    return digits
  }

  /// An address as + and its complete number: mainland mobile numbers however they are written, others with + alone.
  static func withPlus(_ address: String) throws(RecipientFault) -> (number: String, isMainland: Bool) {
    if let mobile = mainlandMobile(address) { return ("+86\(mobile)", true) }
    guard address.utf8.first == UInt8(ascii: "+"), complete(address.dropFirst()) != nil else {
      throw RecipientFault("is not a phone number: expected 11 digits, or + and a country code and number")
    }
    guard !address.hasPrefix("+86") else {
      throw RecipientFault("is not a mainland mobile number: expected 11 digits that start with 1 after +86")
    }
    return (address, false)
  }

  /// + and a complete number; one that is written without + gets the channel's country code before it.
  static func international(_ text: Substring, countryCode: String?) throws(RecipientFault) -> String {
    if text.utf8.first == UInt8(ascii: "+") {
      guard complete(text.dropFirst()) != nil else {
        throw RecipientFault("is not a phone number: expected + and 7 to 15 digits")
      }
      return String(text)
    }
    guard let countryCode else {
      throw RecipientFault("is not a phone number: expected + and 7 to 15 digits (the channel has no country_code)")
    }
    // 00 already begins an international number; a country code before it would name somebody else's.
    guard !text.hasPrefix("00"), isDigits(text.utf8), let complete = complete(countryCode + text) else {
      throw RecipientFault("is not a phone number: expected + and 7 to 15 digits, +\(countryCode) included")
    }
    return "+\(complete)"
  }

  private static func withoutPrefix(_ address: String, _ mayBarePlus: Bool) -> Substring {
    for prefix in ["+86", "0086", "86"] + (mayBarePlus ? ["+"] : []) where address.hasPrefix(prefix) {
      return address.dropFirst(prefix.utf8.count)
    }
    return address[...]
  }
}
