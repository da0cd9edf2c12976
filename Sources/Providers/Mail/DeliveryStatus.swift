import Core
import FoundationEssentials

/// A delivery status notification (RFC 3464): what a mail system says became of a mail (providers/email.md, section 6a).
struct DeliveryStatus {
  struct Recipient {
    /// The one that was given with the mail, where it is told; else the final one, which may be another after an alias.
    var address: String
    var action: String
    var status: String?
    var diagnostic: String?
    var at: String?
    /// Its own lines.
    var text: [UInt8]
  }

  /// ENVID, where it was given and passed on.
  var envelopeId: String?
  /// Of the returned mail, without its brackets.
  var messageId: String?
  /// What the envelope sender was, by whom this came to: `alerts+CALL=user=example.net@...`.
  var returnPath: [String] = []
  var recipients: [Recipient] = []

  /// Nil for what is no report of that kind: a holiday's answer, or a bounce in a form of its own.
  init?(_ mail: [UInt8]) {
    let (head, body) = MIME.parts(of: mail)
    let type = MIME.parameters(of: head["content-type"] ?? "")
    guard type.value == "multipart/report", type.parameters["report-type"]?.lowercased() == "delivery-status",
      let boundary = type.parameters["boundary"], !boundary.isEmpty
    else { return nil }
    returnPath = ["delivered-to", "x-original-to", "to"].compactMap { head[$0] }
    for part in MIME.split(body, at: boundary) {
      let (head, body) = MIME.parts(of: part)
      switch MIME.parameters(of: head["content-type"] ?? "").value {
      case "message/delivery-status", "message/global-delivery-status": read(MIME.decoded(body, head))
      case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
        messageId = MIME.parts(of: MIME.decoded(body, head)).head["message-id"].map { MIME.withoutBrackets($0) }
      default: break
      }
    }
    guard !recipients.isEmpty else { return nil }
  }

  /// Groups of fields, parted by empty lines: the first is about the mail, each other about a recipient.
  private mutating func read(_ text: [UInt8]) {
    for (index, group) in MIME.groups(text).enumerated() {
      let fields = MIME.fields(of: group[...])
      if index == 0 {
        envelopeId = fields["original-envelope-id"]
        // A server that leaves the empty line out is forgiven.
        if fields["action"] == nil { continue }
      }
      guard let action = fields["action"]?.lowercased(),
        let address = (fields["original-recipient"] ?? fields["final-recipient"])?.halves(at: ";")?.behind
      else { continue }
      recipients.append(
        Recipient(
          address: MIME.trimmed(address), action: MIME.trimmed(action), status: fields["status"],
          diagnostic: fields["diagnostic-code"], at: fields["last-attempt-date"] ?? fields["arrival-date"], text: group)
      )
    }
  }

  /// `CALL` of an address that is `anything+CALL@...` or `anything+CALL=user=example.net@...`: what stands behind each plus,
  /// as the sender's own address may have one, too.
  var verpCalls: [String] {
    returnPath.flatMap { $0.pieces(at: ",") }.flatMap { text -> [String] in
      let bare = text.halves(at: "<")?.behind.halves(at: ">")?.before ?? text
      let pieces = bare.halves(at: "@")?.before.pieces(at: "+").dropFirst() ?? []
      return pieces.map { MIME.trimmed($0.halves(at: "=")?.before ?? $0) }.filter { !$0.isEmpty }
    }
  }
}

/// As much of MIME (RFC 2045, 2046, 5322) as reports are made of; lines end with CR LF or, from a mail filter, with LF.
enum MIME {
  /// Head and body.
  static func parts(of mail: [UInt8]) -> (head: [String: String], body: [UInt8]) {
    var rest = mail[...]
    var head: [UInt8] = []
    while !rest.isEmpty {
      let line = rest.prefix { $0 != 0x0A }
      rest = rest.dropFirst(line.count + 1)
      if line.isEmpty || line.elementsEqual([0x0D]) { break }
      head += line + [0x0A]
    }
    return (fields(of: head[...]), Array(rest))
  }

  /// Names in lower case; folded lines joined; of a name that repeats the first.
  static func fields(of lines: ArraySlice<UInt8>) -> [String: String] {
    var fields: [String: String] = [:]
    var name: String?
    var value = ""
    func close() { if let name, fields[name] == nil { fields[name] = trimmed(value) } }
    for line in lines.split(separator: 0x0A) {
      let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
      if text.utf8.first == 0x20 || text.utf8.first == 0x09 {
        value += " " + trimmed(text)
      } else if let halves = text.halves(at: ":") {
        close()
        (name, value) = (halves.before.lowercased(), halves.behind)
      }
    }
    close()
    return fields
  }

  /// Lines between empty lines.
  static func groups(_ text: [UInt8]) -> [[UInt8]] {
    var groups: [[UInt8]] = []
    var group: [UInt8] = []
    for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
      if line.isEmpty || line.elementsEqual([0x0D]) {
        if !group.isEmpty { groups.append(group) }
        group = []
      } else {
        group += line + [0x0A]
      }
    }
    if !group.isEmpty { groups.append(group) }
    return groups
  }

  /// `multipart/report; boundary="x"`: the value in lower case, and its parameters.
  static func parameters(of text: String) -> (value: String, parameters: [String: String]) {
    var pieces: [String] = []
    var piece = ""
    var isQuoted = false
    for scalar in text.unicodeScalars {
      if scalar == "\"" {
        isQuoted.toggle()
      } else if scalar == ";", !isQuoted {
        pieces.append(piece)
        piece = ""
      } else {
        piece.unicodeScalars.append(scalar)
      }
    }
    pieces.append(piece)
    var parameters: [String: String] = [:]
    for piece in pieces.dropFirst() {
      if let halves = piece.halves(at: "=") { parameters[trimmed(halves.before).lowercased()] = trimmed(halves.behind) }
    }
    return (trimmed(pieces[0]).lowercased(), parameters)
  }

  /// What stands between the lines of a boundary.
  static func split(_ body: [UInt8], at boundary: String) -> [[UInt8]] {
    let mark = Array("--\(boundary)".utf8)
    var parts: [[UInt8]] = []
    var part: [UInt8]?
    for line in body.split(separator: 0x0A, omittingEmptySubsequences: false) {
      if line.starts(with: mark) {
        if let part { parts.append(part) }
        part = line.dropFirst(mark.count).starts(with: "--".utf8) ? nil : []
        continue
      }
      part? += line + [0x0A]
    }
    // One that was cut short has no end.
    return parts
  }

  /// Reports are 7bit or 8bit; some systems write them in quoted-printable or base64 all the same.
  static func decoded(_ body: [UInt8], _ head: [String: String]) -> [UInt8] {
    switch head["content-transfer-encoding"]?.lowercased() {
    case "base64":
      let text = body.filter { $0 > 0x20 }
      return Data(base64Encoded: Data(text)).map { Array($0) } ?? body
    case "quoted-printable":
      var decoded: [UInt8] = []
      var rest = body[...]
      while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "=") else {
          decoded.append(byte)
          continue
        }
        if rest.starts(with: [0x0D, 0x0A]) {
          rest = rest.dropFirst(2)
        } else if rest.first == 0x0A {
          rest = rest.dropFirst()
        } else if rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
          decoded.append(value)
          rest = rest.dropFirst(2)
        } else {
          decoded.append(byte)
        }
      }
      return decoded
    default: return body
    }
  }

  static func trimmed(_ text: String) -> String {
    let isSpace = { (byte: UInt8) in [0x20, 0x09, 0x0D, 0x0A].contains(byte) }
    let bytes = text.utf8.drop(while: isSpace)
    return String(decoding: bytes.reversed().drop(while: isSpace).reversed(), as: UTF8.self)
  }

  static func withoutBrackets(_ text: String) -> String {
    text.halves(at: "<")?.behind.halves(at: ">")?.before ?? trimmed(text)
  }
}
