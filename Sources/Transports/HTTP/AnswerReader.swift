import Core

/// Collects an HTTP answer from what libcurl hands over, within bounds.
struct AnswerReader {
  /// How much of an answer there is.
  enum Progress: Sendable {
    case nothing, partOfHead, wholeHead
    /// Broken off here because head or body were over the limit.
    case tooLarge
  }

  private(set) var progress = Progress.nothing
  private let maxBody: Int
  /// Over interim (1xx) answers, the final one and trailers together.
  private let maxHead = 256 * 1024
  private var headBytes = 0
  /// The final answer's lines with their ends. Kept from answer to answer for its storage.
  private var head: [UInt8] = []
  private var body: [UInt8] = []

  init(maxBody: Int) {
    self.maxBody = maxBody
  }

  mutating func restart() {
    progress = .nothing
    headBytes = 0
    head.removeAll(keepingCapacity: true)
    body = []
  }

  /// Takes one line of the head, ended by its line feed. False breaks the transfer off.
  mutating func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    headBytes += line.count
    guard headBytes <= maxHead else {
      progress = .tooLarge
      return false
    }
    // Trailers come after the body by the same way. Nobody needs them.
    if progress == .wholeHead { return true }
    progress = .partOfHead
    if line.first != UInt8(ascii: "\r"), line.first != UInt8(ascii: "\n") {
      head.append(contentsOf: line)
    } else if (100..<200).contains(status), status != 101 {
      head.removeAll(keepingCapacity: true)
    } else {
      progress = .wholeHead
    }
    return true
  }

  /// False breaks the transfer off.
  mutating func takeBody(_ chunk: UnsafeRawBufferPointer) -> Bool {
    guard body.count + chunk.count <= maxBody else {
      progress = .tooLarge
      body = []
      return false
    }
    body.append(contentsOf: chunk)
    return true
  }

  /// The answer, once it is complete.
  mutating func response() -> HTTPResponse {
    let response = HTTPResponse(status: status, headers: headers, body: body)
    body = []
    return response
  }

  /// From `HTTP/1.1 200 OK`; 0 for what libcurl lets pass and is none.
  private var status: Int {
    guard let space = head.firstIndex(of: UInt8(ascii: " ")) else { return 0 }
    let digits = head[(space + 1)...].prefix(3)
    guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return 0 }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  private var headers: [HTTPHeader] {
    head.withUnsafeBytes { bytes in
      var headers: [HTTPHeader] = []
      headers.reserveCapacity(16)
      var rest = bytes.drop { $0 != lineFeed }.dropFirst()
      while !rest.isEmpty {
        let line = rest.prefix { $0 != lineFeed }
        rest = rest[line.endIndex...].dropFirst()
        if line.first == UInt8(ascii: " ") || line.first == UInt8(ascii: "\t"), !headers.isEmpty {
          // A folded line (obsolete, still met) belongs to the one before.
          headers[headers.count - 1].value += " " + text(line)
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
          headers.append(HTTPHeader(lowerCased(line[..<colon]), text(line[(colon + 1)...])))
        }
      }
      return headers
    }
  }

  private func text(_ line: Slice<UnsafeRawBufferPointer>) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    var line = line.drop(while: isBlank)
    while let last = line.last, isBlank(last) { line.removeLast() }
    return String(decoding: UnsafeRawBufferPointer(rebasing: line), as: UTF8.self)
  }

  /// ASCII letters only; a byte over 127 in a name is kept as it is, as far as it is UTF-8.
  private func lowerCased(_ name: Slice<UnsafeRawBufferPointer>) -> String {
    String(unsafeUninitializedCapacity: name.count) { buffer in
      for (offset, byte) in name.enumerated() {
        buffer[offset] = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
      }
      return name.count
    }
  }
}

private let lineFeed = UInt8(ascii: "\n")
