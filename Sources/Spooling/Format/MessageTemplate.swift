import Core

/// templates/NAME.json of a spool: a message with places, which a producer fills by
/// `{"use": "NAME", "params": {"place": "value"}}`.
///
/// Filling goes by values, after the JSON of both was read: whatever a parameter holds stays inside the string that it was
/// put into, and in a body it is written so that the body's format shows it and does not obey it. The dropped file is not
/// changed; what is sent is made each time that the message is claimed.
package struct MessageTemplate: Sendable {
  /// As complaints name it: `templates/disk.json`.
  let path: String
  let members: [JSON.Member]

  /// - Throws: `JSONFault` naming file, field, what was found and what is expected.
  init(_ bytes: [UInt8], path: String) throws(JSONFault) {
    self.path = path
    let value: JSON
    do throws(JSONFault) { value = try JSONScanner.value(of: bytes) } catch {
      throw MessageTemplate.complaint("\(path): \(error.problem)")
    }
    guard let members = value.members else {
      throw MessageTemplate.complaint("\(path): found \(value.kindForPeople); expected an object")
    }
    for member in members {
      guard member.key != MessageField.use.rawValue, MessageField(rawValue: member.key) != nil else {
        let known = MessageField.allCases.map(\.rawValue).filter { $0 != MessageField.use.rawValue }
        let nearest = Suggestion.nearest(to: member.key, among: known).map { "; did you mean \"\($0)\"?" }
        throw MessageTemplate.complaint(
          "\(path): \(member.key.shortened.displayText): is no field of a template\(nearest ?? "")")
      }
    }
    self.members = members
  }

  /// The message that the producer means: the template's fields, filled, and the producer's own in front of them.
  /// - Parameter own: the fields of the dropped message, `use` and `params` among them.
  func filled(_ own: [JSON.Member]) throws(JSONFault) -> [JSON.Member] {
    let parameters = try self.parameters(own.first { $0.key == MessageField.params.rawValue }?.value)
    let others = own.filter {
      $0.key != MessageField.use.rawValue && $0.key != MessageField.params.rawValue && $0.value != .null
    }
    // What the producer says itself is taken as it stands.
    let named = (others + members).first { $0.key == MessageField.format.rawValue && $0.value != .null }
    let format = named?.value.string.flatMap { Message.Format(rawValue: $0) }
    var used: Set<Verbatim> = []
    var filled = others
    for member in members {
      let filling = Filling(template: self, parameters: parameters, format: format ?? .text)
      let value = try filling.value(member.value, member.key, top: member.key, &used)
      if !others.contains(where: { $0.key == member.key }) { filled.append(.init(member.key, value)) }
    }
    if let unused = parameters.first(where: { !used.contains(Verbatim($0.name)) }) {
      let nearest = Suggestion.nearest(to: unused.name, among: used.map(\.text)).map { "; did you mean \"\($0)\"?" }
      let known = used.isEmpty ? "it has none" : "known are \(used.map(\.text).sorted().joined(separator: ", "))"
      throw MessageTemplate.complaint(
        "params.\(unused.name.shortened.displayText): is no place of \(path)\(nearest ?? "; \(known)")")
    }
    return filled
  }

  private func parameters(_ value: JSON?) throws(JSONFault) -> [Message.Parameters.Named] {
    guard let value, value != .null else { return [] }
    guard let members = value.members else {
      throw MessageTemplate.complaint(
        "params: found \(value.kindForPeople); expected an object with a value for each place of \(path)")
    }
    var parameters: [Message.Parameters.Named] = []
    for member in members {
      switch member.value {
      case .null: continue
      case .string(let text): parameters.append(.init(member.key, text))
      case .number, .boolean: parameters.append(.init(member.key, member.value.text))
      case .array, .object:
        throw MessageTemplate.complaint(
          "params.\(member.key.shortened.displayText): found \(member.value.kindForPeople); expected a string, a number, "
            + "true or false")
      }
    }
    return parameters
  }

  fileprivate static func complaint(_ problem: String) -> JSONFault { JSONFault(offset: -1, problem: problem) }
}

/// Puts parameters into a template's values.
private struct Filling {
  let template: MessageTemplate
  let parameters: [Message.Parameters.Named]
  let format: Message.Format

  /// - Parameters:
  ///   - field: where the value stands, for complaints.
  ///   - top: the message's field that it is a part of.
  func value(
    _ value: JSON, _ field: String, top: String, _ used: inout Set<Verbatim>
  ) throws(JSONFault) -> JSON {
    switch value {
    case .null, .boolean, .number: return value
    case .string(let text): return .string(try self.text(text, field, top, &used))
    case .array(let values):
      var filled: [JSON] = []
      for (index, value) in values.enumerated() {
        filled.append(try self.value(value, "\(field)[\(index)]", top: top, &used))
      }
      return .array(filled)
    case .object(let members):
      var filled: [JSON.Member] = []
      for member in members {
        let field = "\(field).\(member.key.shortened.displayText)"
        filled.append(.init(member.key, try self.value(member.value, field, top: top, &used)))
      }
      return .object(filled)
    }
  }

  private func text(
    _ text: String, _ field: String, _ top: String, _ used: inout Set<Verbatim>
  ) throws(JSONFault) -> String {
    let pieces: [Places.Piece]
    do throws(TemplateProblem) { pieces = try Places.pieces(of: text) } catch {
      throw MessageTemplate.complaint("\(template.path): \(field): \(error.text)")
    }
    var filled = ""
    // The template's own text so far: it tells what a place is in.
    var before = ""
    for piece in pieces {
      switch piece {
      case .fixed(let text):
        filled += text
        before += text
      case .place(let name):
        guard let value = parameters.first(where: { Verbatim($0.name) == Verbatim(name) })?.value else {
          throw MessageTemplate.complaint(
            "params.\(name.shortened.displayText): is missing; \(template.path) has a place for it in \(field)")
        }
        used.insert(Verbatim(name))
        filled += try written(value, name, top, behind: before, isWhole: pieces.count == 1)
      }
    }
    return filled
  }

  /// The value as its field shows it and nobody obeys it.
  private func written(
    _ value: String, _ name: String, _ top: String, behind: String, isWhole: Bool
  ) throws(JSONFault) -> String {
    switch MessageField(rawValue: top) {
    case .body:
      switch format {
      case .text: return value
      // Inside a tag or a link's target a value is one piece of an address: no scheme, no quote, no end.
      case .html: return Filling.isOpen("<", ">", behind) ? Filling.percentEncoded(value) : value.escapedForHTML
      case .markdown where Filling.isOpen("](", ")", behind) || Filling.isOpen("<", ">", behind):
        return Filling.percentEncoded(value)
      // Between backticks nothing is escaped, and only one of them ends it.
      case .markdown where behind.utf8.count(where: { $0 == UInt8(ascii: "`") }) % 2 == 1:
        return Filling.oneLine(value).replacing(["`": "'"])
      case .markdown: return Filling.markdown(value)
      }
    case .url:
      guard isWhole else { return Filling.percentEncoded(value) }
      let isLink = ["https://", "http://"].contains { value.utf8.starts(with: $0.utf8) }
      guard isLink, value.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
        throw MessageTemplate.complaint("params.\(name): is no link; expected http:// or https://, without spaces")
      }
      return value
    default: return value
    }
  }

  /// Whether the last `open` in the text has no `close` behind it.
  private static func isOpen(_ open: String, _ close: String, _ text: String) -> Bool {
    guard let last = text.ranges(of: open).last else { return false }
    return !text[last.upperBound...].contains(close)
  }

  private static func oneLine(_ value: String) -> String {
    String(
      String.UnicodeScalarView(value.unicodeScalars.map { Character($0).isNewline || $0 == "\t" ? " " : $0 }))
  }

  /// A backslash before every sign of ASCII that is no letter, digit or space: CommonMark's escapes and Telegram's
  /// MarkdownV2 take them all, and whatever means something anywhere is among them. A digit's dot (`1.`) is, too. Line
  /// breaks become blanks, and blanks in front go, as a line's beginning may mean something without any sign.
  private static func markdown(_ value: String) -> String {
    var written = String.UnicodeScalarView()
    for scalar in oneLine(value).unicodeScalars {
      let isSign = scalar.value > 0x20 && scalar.value < 0x7F && !scalar.properties.isAlphabetic && !isDigit(scalar)
      if isSign { written.append("\\") }
      written.append(scalar)
    }
    return String(String.UnicodeScalarView(written.drop { $0 == " " }))
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  /// Unreserved signs alone (RFC 3986, section 2.3) stay: a value is one piece of a link and adds no other.
  private static func percentEncoded(_ value: String) -> String {
    var bytes: [UInt8] = []
    let hex = Array("0123456789ABCDEF".utf8)
    for byte in value.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
