import Digests
import Glibc

/// One part of a multipart/form-data body.
struct MultipartPart: Sendable {
  var name: String
  /// Only files have one.
  var filename: String?
  var type: String?
  var body: ArraySlice<UInt8>

  /// The part's text; nil when it is a file or no UTF-8.
  var text: String? { filename == nil ? String(validating: body, as: UTF8.self) : nil }

  /// What a record says of a file: enough to tell which one it was.
  var description: WireJSON {
    [
      "filename": .string(filename ?? ""), "type": .string(type ?? ""), "bytes": .int(body.count),
      "sha256": .string(Digest.sha256.of(body).hex),
    ]
  }
}

/// Why a body is no multipart/form-data.
struct MultipartError: Error, Equatable {
  var problem: String
}

/// RFC 7578 over RFC 2046, strictly: no preamble, no epilogue, every line ends in CR LF, every part has a name. What a
/// lenient server would guess, some other server refuses.
struct Multipart {
  private let bytes: [UInt8]
  private let boundary: [UInt8]
  private var at = 0

  static func parts(of request: SandboxRequest) throws(MultipartError) -> [MultipartPart] {
    guard let boundary = parameter("boundary", of: request.header("content-type") ?? ""),
      1...70 ~= boundary.utf8.count
    else { throw MultipartError(problem: "no boundary in the content type") }
    var parser = Multipart(bytes: request.body, boundary: Array(boundary.utf8))
    return try parser.parse()
  }

  private init(bytes: [UInt8], boundary: [UInt8]) {
    self.bytes = bytes
    self.boundary = boundary
  }

  private mutating func parse() throws(MultipartError) -> [MultipartPart] {
    guard take(Array("--".utf8) + boundary) else { throw error("the body does not begin with the boundary") }
    let delimiter = Array("\r\n--".utf8) + boundary
    var parts: [MultipartPart] = []
    while !take(Array("--".utf8)) {
      guard take(Array("\r\n".utf8)) else { throw error("a boundary is not followed by CR LF") }
      var part = try head()
      guard let end = find(delimiter) else { throw error("a part has no end") }
      part.body = bytes[at..<end]
      at = end + delimiter.count
      parts.append(part)
    }
    _ = take(Array("\r\n".utf8))
    guard at == bytes.count else { throw error("something follows the last boundary") }
    return parts
  }

  /// The header lines of a part up to the empty one.
  private mutating func head() throws(MultipartError) -> MultipartPart {
    var name: String?
    var part = MultipartPart(name: "", body: [])
    while !take(Array("\r\n".utf8)) {
      guard let end = find(Array("\r\n".utf8)), let line = String(validating: bytes[at..<end], as: UTF8.self),
        let colon = line.firstIndex(of: ":")
      else { throw error("a part's header is not 'name: value'") }
      at = end + 2
      let value = String(line[line.index(after: colon)...].drop { $0 == " " })
      switch line[..<colon].lowercased() {
      case "content-disposition":
        guard value.hasPrefix("form-data") else { throw error("a part is no form-data") }
        name = Self.parameter("name", of: value)
        part.filename =
          Self.parameter("filename", of: value)
          ?? Self.parameter("filename*", of: value).map { Self.extended($0) }
      case "content-type": part.type = value
      default: break
      }
    }
    guard let name else { throw error("a part has no name") }
    part.name = name
    return part
  }

  private mutating func take(_ expected: [UInt8]) -> Bool {
    guard bytes[at...].starts(with: expected) else { return false }
    at += expected.count
    return true
  }

  /// Where a sequence starts at or after the cursor. Candidates come from the C library: a file has millions of bytes.
  private func find(_ sequence: [UInt8]) -> Int? {
    bytes.withUnsafeBytes { all in
      guard let base = all.baseAddress else { return nil }
      var from = at
      while from + sequence.count <= all.count {
        guard let found = memchr(base + from, Int32(sequence[0]), all.count - from - sequence.count + 1) else {
          return nil
        }
        let place = UnsafeRawPointer(found) - base
        if memcmp(base + place, sequence, sequence.count) == 0 { return place }
        from = place + 1
      }
      return nil
    }
  }

  private func error(_ problem: String) -> MultipartError { MultipartError(problem: "\(problem) (byte \(at))") }

  /// The value of RFC 5987's `UTF-8''%E5%AD%97`, which RFC 7578 forbids and Python's clients send.
  private static func extended(_ value: String) -> String {
    let quote = value.lastIndex(of: "'").map { value.index(after: $0) } ?? value.startIndex
    return FormPair.decoded(Array(value[quote...].utf8))
  }

  /// `name=value` or `name="value"` among the parameters of a header; `\"` stands for a quote, as curl writes it.
  static func parameter(_ name: String, of header: String) -> String? {
    var rest = Substring(header)
    while let semicolon = rest.firstIndex(of: ";") {
      rest = rest[rest.index(after: semicolon)...].drop { $0 == " " }
      guard let equals = rest.firstIndex(of: "=") else { return nil }
      let found = rest[..<equals].lowercased()
      rest = rest[rest.index(after: equals)...]
      var value = ""
      if rest.first == "\"" {
        rest = rest.dropFirst()
        while let character = rest.popFirst(), character != "\"" {
          let escapes = character == "\\" && (rest.first == "\"" || rest.first == "\\")
          value.append(escapes ? rest.removeFirst() : character)
        }
      } else {
        value = String(rest.prefix { $0 != ";" && $0 != " " })
      }
      if found == name { return value }
    }
    return nil
  }
}
