import Core

/// A mail as it goes on the wire (RFC 5322, 2045, 2046), read piece by piece while it is sent; attachments are encoded
/// on the way.
final class MailMessage {
  private enum Segment {
    case bytes([UInt8])
    case base64(PartReader)
  }

  private(set) var size = 0
  private var segments: [Segment] = []
  private var readers: [PartReader] = []
  /// What `read` has not handed out yet of the segment under way.
  private var ready: ArraySlice<UInt8> = []
  private var current = 0

  /// `=_` is in no base64 and no quoted-printable text, and a line that begins with dashes is never sent as it is.
  private static let mixed = "=_msgspool_mixed"
  private static let alternative = "=_msgspool_alternative"

  init(_ request: MailRequest, _ open: AttachmentOpener) throws(TransportFailure) {
    var head: [UInt8] = []
    for header in request.headers { try MailMessage.write(header, to: &head) }
    head += "MIME-Version: 1.0\r\n".utf8
    if request.attachments.isEmpty {
      add(head)
      addBodies(request.bodies)
      return
    }
    add(head + Array("Content-Type: multipart/mixed; boundary=\"\(MailMessage.mixed)\"\r\n\r\n".utf8))
    if !request.bodies.isEmpty {
      add("--\(MailMessage.mixed)\r\n")
      addBodies(request.bodies)
    }
    for attachment in request.attachments {
      add("--\(MailMessage.mixed)\r\n")
      try add(attachment, open)
    }
    add("--\(MailMessage.mixed)--\r\n")
  }

  /// Why an attachment could not be read to its end.
  var failure: TransportFailure? { readers.lazy.compactMap(\.failure).first }

  // MARK: Writing

  private func add(_ bytes: [UInt8]) {
    segments.append(.bytes(bytes))
    size += bytes.count
  }

  private func add(_ text: String) { add(Array(text.utf8)) }

  private func addBodies(_ bodies: [MailRequest.Body]) {
    guard bodies.count > 1 else { return add(bodies.first ?? .init(type: "text/plain", text: "")) }
    add("Content-Type: multipart/alternative; boundary=\"\(MailMessage.alternative)\"\r\n\r\n")
    for body in bodies {
      add("--\(MailMessage.alternative)\r\n")
      add(body)
    }
    add("--\(MailMessage.alternative)--\r\n")
  }

  private func add(_ body: MailRequest.Body) {
    let lines = MailEncoding.lines(of: Array(body.text.utf8))
    let encoding = MailEncoding(for: lines)
    add("Content-Type: \(body.type); charset=utf-8\r\nContent-Transfer-Encoding: \(encoding.rawValue)\r\n\r\n")
    add(encoding.encode(lines))
  }

  private func add(_ attachment: FormPart, _ open: AttachmentOpener) throws(TransportFailure) {
    let reader = try PartReader(attachment, open)
    var type = attachment.type ?? "application/octet-stream"
    guard type.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
      throw .invalid("the media type of an attachment has a character that none may have")
    }
    // Composite types must not be encoded (RFC 2046, sections 5.1 and 5.2): as plain bytes they may.
    if ["message/", "multipart/"].contains(where: { type.lowercased().hasPrefix($0) }) {
      type = "application/octet-stream"
    }
    add("Content-Type: \(type)\r\nContent-Transfer-Encoding: base64\r\n")
    add(MailMessage.disposition(attachment.fileName ?? attachment.name) + "\r\n")
    readers.append(reader)
    segments.append(.base64(reader))
    size += MailEncoding.base64Size(of: reader.size)
  }

  /// RFC 2183, and RFC 2231 for names that are not plain ASCII or too long for a line.
  private static func disposition(_ name: String) -> String {
    let isPlain = name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    if isPlain, name.utf8.count <= 50 { return "Content-Disposition: attachment;\r\n filename=\"\(name)\"\r\n" }
    var pieces = [""]
    for scalar in name.unicodeScalars {
      let escaped = scalar.utf8.map(escape).joined()
      if pieces[pieces.count - 1].utf8.count + escaped.utf8.count > 50 { pieces.append("") }
      pieces[pieces.count - 1] += escaped
    }
    let parameters = pieces.enumerated().map { index, piece in
      let label = pieces.count == 1 ? "filename*=" : "filename*\(index)*="
      return ";\r\n " + label + (index == 0 ? "utf-8''" : "") + piece
    }
    return "Content-Disposition: attachment" + parameters.joined() + "\r\n"
  }

  private static func escape(_ byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
      String(UnicodeScalar(byte))
    default:
      String(decoding: [0x25, MailEncoding.hex[Int(byte >> 4)], MailEncoding.hex[Int(byte & 15)]], as: UTF8.self)
    }
  }

  /// One header, folded at spaces (RFC 5322, section 2.2.3). A value with a line break of its own never gets out.
  private static func write(_ header: HTTPHeader, to head: inout [UInt8]) throws(TransportFailure) {
    guard !header.name.isEmpty, header.name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") })
    else { throw .invalid("a header's name is empty or has a character that no name may have") }
    guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw .invalid("the value of the header \(header.name) has a control character")
    }
    guard !["mime-version", "bcc"].contains(header.name.lowercased()), !header.name.lowercased().hasPrefix("content-")
    else { throw .invalid("the header \(header.name) is the transport's own, or none that may be sent") }
    var line = header.name + ":"
    for word in header.value.pieces(at: " ") where !word.isEmpty {
      if line.utf8.count + 1 + word.utf8.count > 76, line.utf8.count > header.name.utf8.count + 1 {
        head += (line + "\r\n").utf8
        line = ""
      }
      line += " " + word
      guard line.utf8.count <= 998 else { throw .invalid("a word in the header \(header.name) is longer than a line") }
    }
    head += (line + "\r\n").utf8
  }

  // MARK: Reading

  /// How many bytes were put into the buffer; 0 at the end, nil when an attachment cannot be read.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    while ready.isEmpty {
      guard current < segments.count else { return 0 }
      switch segments[current] {
      case .bytes(let bytes):
        ready = bytes[...]
        current += 1
      case .base64(let reader):
        guard let more = MailMessage.encoded(reader) else { return nil }
        ready = more[...]
        if more.isEmpty { current += 1 }
      }
    }
    let count = min(buffer.count, ready.count)
    ready.prefix(count).withUnsafeBytes { buffer.copyMemory(from: $0) }
    ready = ready.dropFirst(count)
    return count
  }

  func rewind() {
    (ready, current) = ([], 0)
    for reader in readers { reader.rewind(to: 0) }
  }

  /// The next piece: a number of whole lines, fewer only at the end.
  private static func encoded(_ reader: PartReader) -> [UInt8]? {
    var raw = [UInt8](repeating: 0, count: MailEncoding.base64Line * 512)
    var filled = 0
    while filled < raw.count {
      let count = raw.withUnsafeMutableBytes {
        reader.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
      }
      guard let count else { return nil }
      if count == 0 { break }
      filled += count
    }
    var wire: [UInt8] = []
    MailEncoding.encodeBase64(raw[..<filled], to: &wire)
    return wire
  }
}
