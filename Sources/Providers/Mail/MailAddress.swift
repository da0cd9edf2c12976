import Core
import Domains

/// A mail address in the form that servers take (RFC 5321, section 4.1.2; RFC 6531): `local@domain`, bare.
///
/// Nothing that could end a command or a header gets through: no blank, control character, quote or bracket but those
/// of an address literal. Quoted local parts are not taken; nobody has one.
struct MailAddress: Sendable {
  let local: String
  /// In ASCII and lower case.
  let domain: String

  var text: String { "\(local)@\(domain)" }

  init(_ text: some StringProtocol) throws(MailAddressProblem) {
    let parts = text.pieces(at: "@")
    guard parts.count == 2 else { throw MailAddressProblem("is no mail address: expected name@domain") }
    guard MailAddress.isLocal(parts[0]) else {
      throw MailAddressProblem("is no mail address: the part before @ is empty or has a character that is not allowed")
    }
    local = parts[0]
    do throws(DomainProblem) {
      domain = try MailAddress.host(parts[1])
    } catch {
      throw MailAddressProblem("is no mail address: what stands behind @ \(error.text)")
    }
    guard local.utf8.count <= 64, domain.utf8.count <= 255, local.utf8.count + domain.utf8.count < 254 else {
      throw MailAddressProblem("is too long: at most 64 bytes before @, 255 behind it and 254 in all")
    }
  }

  /// Only servers with SMTPUTF8 (RFC 6531) take it.
  var needsUTF8: Bool { !local.utf8.allSatisfy { $0 < 0x80 } }

  /// A dot-atom (RFC 5321), where letters of any script count (RFC 6531, section 3.3).
  private static func isLocal(_ text: some StringProtocol) -> Bool {
    text.pieces(at: ".").allSatisfy { atom in
      !atom.isEmpty
        && atom.unicodeScalars.allSatisfy { scalar in
          if scalar.isASCII {
            return UInt8(scalar.value).isLetterOrDigit || "!#$%&'*+-/=?^_`{|}~".unicodeScalars.contains(scalar)
          }
          return isVisible(scalar)
        }
    }
  }

  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
      false
    default: true
    }
  }

  /// A domain name, or an address literal (RFC 5321, section 4.1.3).
  static func host(_ text: String) throws(DomainProblem) -> String {
    guard text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]") else {
      return try Domain(text).text
    }
    let address = text.utf8.dropFirst().dropLast()
    guard !address.isEmpty, address.allSatisfy({ $0.isLetterOrDigit || ".:".utf8.contains($0) }) else {
      throw DomainProblem("has no IP address between [ and ]")
    }
    return text
  }
}

struct MailAddressProblem: Error, Sendable, Hashable {
  /// "is no mail address: ..."
  var text: String
  init(_ text: String) { self.text = text }
}
