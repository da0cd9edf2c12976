import Core

/// A sender or a recipient as people write it (RFC 5322, section 3.4): `name@domain`, or a name, in quotes or without, and the address
/// in angle brackets behind it.
struct Mailbox: Sendable {
  let address: MailAddress
  /// Without its quotes; empty where there is none.
  let name: String

  /// A recipient: what has no angle brackets is an address and nothing else.
  init(recipient text: String) throws(MailAddressProblem) {
    guard text.holds("<") else {
      self.init(address: try MailAddress(text), name: "")
      return
    }
    try self.init(text)
  }

  private init(address: MailAddress, name: String) {
    self.address = address
    self.name = name
  }

  /// Name and address as a header has them.
  func header(_ header: String) -> String {
    name.isEmpty ? address.text : "\(HeaderText.phrase(name, in: header)) <\(address.text)>"
  }

  init(_ text: String) throws(MailAddressProblem) {
    guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw MailAddressProblem("has a control character")
    }
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
          throw MailAddressProblem("is no mail address: < without > behind it")
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
    "names more than one, or has something behind its address: expected one; a name with a comma goes in quotes"

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
