import Core

/// A mail (RFC 5322 with MIME) as a person gets it: who wrote, about what, the text, and what came with it. Whatever the
/// bytes are, they make one; nothing is thrown.
package struct Letter: Sendable {
  package struct Attachment: Sendable {
    /// One path component, never empty.
    package var name: String
    package var type: String
    package var bytes: [UInt8]
  }

  /// One line; nil where there is none.
  package var subject: String?
  package var from: String?
  package var date: String?
  package var messageID: String?
  /// Addresses of To, Cc and Bcc, in this order.
  package var to: [String]
  package var cc: [String]
  package var bcc: [String]
  package var body = ""
  package var attachments: [Attachment] = []

  /// Deeper parts, and more of them, no honest mail has.
  private static let deepest = 20
  private static let mostParts = 1000

  package init(_ bytes: [UInt8]) {
    var rest = bytes[...]
    let header = Header(takenFrom: &rest)
    subject = header.text("subject")
    from = header.text("from")
    date = header.text("date")
    messageID = header.text("message-id")
    to = header.all("to").flatMap(Addresses.parse)
    cc = header.all("cc").flatMap(Addresses.parse)
    bcc = header.all("bcc").flatMap(Addresses.parse)
    var texts: [String] = []
    var parts = 0
    read(header, rest, &texts, &parts, depth: 0)
    body = texts.filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  /// The mail as it came, but for its Bcc: nobody who reads what is kept of it learns who that was.
  package static func withoutBcc(_ bytes: [UInt8]) -> [UInt8] {
    var kept: [UInt8] = []
    var rest = bytes[...]
    var isDropping = false
    while !rest.isEmpty {
      let begin = rest.startIndex
      let line = Header.line(&rest)
      if line.isEmpty { return kept + bytes[begin...] }
      let isFolded = line.first == 0x20 || line.first == 0x09
      let name = String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self).oneLine.lowercased()
      if !isFolded { isDropping = name == "bcc" || name == "resent-bcc" }
      if !isDropping { kept += bytes[begin..<rest.startIndex] }
    }
    return kept
  }

  // MARK: Parts

  private mutating func read(
    _ header: Header, _ bytes: ArraySlice<UInt8>, _ texts: inout [String], _ parts: inout Int, depth: Int
  ) {
    parts += 1
    guard parts <= Letter.mostParts else { return }
    let type = header.value("content-type")
    let kind = type?.value ?? "text/plain"
    if let boundary = type?.parameters["boundary"], kind.utf8.starts(with: "multipart/".utf8), depth < Letter.deepest {
      let pieces = Letter.pieces(of: bytes, boundary)
      if kind == "multipart/alternative" {
        readBest(of: pieces, &texts, &parts, depth: depth + 1)
      } else {
        for piece in pieces {
          var rest = piece
          let header = Header(takenFrom: &rest)
          read(header, rest, &texts, &parts, depth: depth + 1)
        }
      }
      return
    }
    let decoded = TransferCoding.decode(bytes, header.text("content-transfer-encoding"))
    let disposition = header.value("content-disposition")
    let name = disposition?.parameters["filename"] ?? type?.parameters["name"]
    let isText = kind == "text/plain" || kind == "text/html" || kind == "text" || kind.isEmpty
    if isText, disposition?.value != "attachment", name == nil {
      texts.append(Letter.text(decoded, kind, type?.parameters ?? [:]))
    } else {
      attachments.append(
        Attachment(name: Letter.name(name, kind, attachments.count + 1), type: Letter.type(kind), bytes: decoded))
    }
  }

  /// Several forms of one text, the richest last: the plain one, where it says anything; what comes with the others stays.
  private mutating func readBest(
    of pieces: [ArraySlice<UInt8>], _ texts: inout [String], _ parts: inout Int, depth: Int
  ) {
    var forms: [(isPlain: Bool, texts: [String])] = []
    for piece in pieces {
      var rest = piece
      let header = Header(takenFrom: &rest)
      var own: [String] = []
      read(header, rest, &own, &parts, depth: depth)
      forms.append((header.value("content-type").map { $0.value == "text/plain" } ?? true, own))
    }
    let told = forms.filter { $0.texts.contains { !$0.isEmpty } }
    texts += (told.first(where: \.isPlain) ?? told.last)?.texts ?? []
  }

  /// What stands between the boundary's lines (RFC 2046, section 5.1).
  private static func pieces(of bytes: ArraySlice<UInt8>, _ boundary: String) -> [ArraySlice<UInt8>] {
    let mark = Array("--\(boundary)".utf8)
    var pieces: [ArraySlice<UInt8>] = []
    var begin: Int?
    var rest = bytes
    while !rest.isEmpty {
      let start = rest.startIndex
      let line = Header.line(&rest)
      guard line.starts(with: mark) else { continue }
      let tail = line.dropFirst(mark.count)
      let isLast = tail.starts(with: "--".utf8)
      guard isLast || tail.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { continue }
      if let begin {
        // The line's end before a boundary belongs to the boundary.
        var piece = bytes[begin..<max(begin, start)]
        if piece.last == 0x0A { piece = piece.dropLast() }
        if piece.last == 0x0D { piece = piece.dropLast() }
        pieces.append(piece)
      }
      begin = rest.startIndex
      if isLast { return pieces }
    }
    // Cut off: what there is of the last part.
    if let begin, begin < bytes.endIndex { pieces.append(bytes[begin...]) }
    return pieces
  }

  // MARK: Text and names

  private static func text(_ bytes: [UInt8], _ kind: String, _ parameters: [String: String]) -> String {
    let text = Charset.text(bytes, parameters["charset"])
    if kind == "text/html" { return plain(HTMLText.text(text).lines) }
    var lines = text.lines
    if parameters["format"]?.lowercased() == "flowed" {
      lines = flowed(lines, deletesSpace: parameters["delsp"]?.lowercased() == "yes")
    }
    return plain(lines)
  }

  /// Without control characters, and without empty lines around it.
  private static func plain(_ lines: [String]) -> String {
    let lines = lines.map { line in
      String(
        String.UnicodeScalarView(
          line.unicodeScalars.filter { $0 == "\t" || $0.properties.generalCategory != .control }))
    }
    let isEmpty: (String) -> Bool = { $0.unicodeScalars.allSatisfy { $0.properties.isWhitespace } }
    return lines.drop(while: isEmpty).reversed().drop(while: isEmpty).reversed().joined(separator: "\n")
  }

  /// RFC 3676: a line that ends in a blank goes on in the next.
  private static func flowed(_ lines: [String], deletesSpace: Bool) -> [String] {
    var joined: [String] = []
    var goesOn = false
    for line in lines {
      let text = line.utf8.first == 0x20 ? String(line.unicodeScalars.dropFirst().map(Character.init)) : line
      if goesOn, text != "-- " { joined[joined.count - 1] += text } else { joined.append(text) }
      goesOn = text.utf8.last == 0x20 && text != "-- "
      if goesOn, deletesSpace { joined[joined.count - 1].unicodeScalars.removeLast() }
    }
    return joined
  }

  private static func type(_ kind: String) -> String {
    let isPlain = kind.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && kind.pieces(at: "/").count == 2
    return isPlain ? kind : "application/octet-stream"
  }

  /// The last component of what the sender calls it: it names a file, and never a place.
  private static func name(_ given: String?, _ kind: String, _ number: Int) -> String {
    let last = (given ?? "").oneLine.pieces(at: "/").last?.pieces(at: "\\").last ?? ""
    if !last.isEmpty, last != ".", last != ".." { return last }
    let endings = ["message/rfc822": "eml", "text/plain": "txt", "text/html": "html", "text/calendar": "ics"]
    return "part-\(number).\(endings[kind] ?? kind.pieces(at: "/").last.flatMap { $0.isEmpty ? nil : $0 } ?? "bin")"
  }
}
