import Core

/// A sender as people write it (RFC 5322, section 3.4): `name@domain`, or a name, in quotes or without, and the address
/// in angle brackets behind it.
struct Mailbox: Sendable {
  let address: MailAddress
  /// Without its quotes; empty where there is none.
  let name: String

  init(_ text: String) throws(MailAddressProblem) {
    var name = String.UnicodeScalarView()
    var address: String?
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      // An address ends the mailbox, and a comma outside of quotes parts two.
      case ",", ";": throw MailAddressProblem(Mailbox.several)
      case _ where address != nil:
        if scalar != " " { throw MailAddressProblem(Mailbox.several) }
      case "<":
        guard let end = rest.firstIndex(of: ">") else {
          throw MailAddressProblem("is no sender: < without > behind it")
        }
        address = String(rest[..<end])
        rest = rest[rest.index(after: end)...]
      // In the midst of a word it is only a sign.
      case "\"" where name.last.map({ $0 == " " }) ?? true: name += try Mailbox.quoted(&rest)
      case " " where name.last == " ": break
      default: name.append(scalar)
      }
    }
    if name.last == " " { name.removeLast() }
    if name.first == " " { name.removeFirst() }
    self.name = address == nil ? "" : String(name)
    self.address = try MailAddress(address ?? text)
  }

  private static let several =
    "names more than one sender, or has something behind its address: expected one; a name with a comma goes in quotes"

  /// What stands between quotes; a backslash takes what follows it as it is.
  private static func quoted(
    _ rest: inout Substring.UnicodeScalarView
  ) throws(MailAddressProblem) -> String.UnicodeScalarView {
    var text = String.UnicodeScalarView()
    while let scalar = rest.popFirst() {
      if scalar == "\"" { return text }
      guard scalar == "\\" else {
        text.append(scalar)
        continue
      }
      guard let next = rest.popFirst() else { break }
      text.append(next)
    }
    throw MailAddressProblem("has a quote that does not end")
  }
}
