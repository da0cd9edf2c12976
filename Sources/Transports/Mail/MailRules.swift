import Core

/// What a mail must be like before libcurl sees it: addresses become commands, so a line end in one would be a command
/// more.
enum MailRules {
  /// What is wrong with it, as the end of a sentence.
  static func problem(with request: MailRequest) -> String? {
    let lowered = request.url.prefix(8).lowercased()
    guard lowered.hasPrefix("smtp://") || lowered.hasPrefix("smtps://") else {
      return "the URL does not begin with smtp:// or smtps://"
    }
    if HTTPRules.peer(of: request.url).isEmpty { return "the URL names no host" }
    guard request.url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
      return "the URL has a space, a control character or a '#'"
    }
    if request.recipients.isEmpty { return "it has no recipients" }
    guard ([request.sender] + request.recipients).allSatisfy(isAddress) else {
      return "an address has a character that no address may have here"
    }
    guard [request.username, request.password].allSatisfy({ $0?.utf8.contains(0) != true }) else {
      return "the user name or password has a NUL"
    }
    guard request.bodies.allSatisfy({ $0.type.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }) else {
      return "the media type of a text has a character that none may have"
    }
    return nil
  }

  /// Neither empty nor with blanks, controls, quotes or angle brackets. libcurl splits at the first `@`: there is one.
  private static func isAddress(_ address: String) -> Bool {
    address.utf8.reduce(0) { $1 == UInt8(ascii: "@") ? $0 + 1 : $0 } == 1
      && address.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"<>\"\\(),;".utf8.contains($0) }
      && !address.unicodeScalars.contains { $0.properties.generalCategory == .control }
  }
}
