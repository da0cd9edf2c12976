import Digests

/// Files on their way to the web protocol's account, and those that have arrived whole. They belong to one login.
struct WeChatUploads: Sendable {
  static let pieceBytes = 524_288
  static let videoBytes = 20 * 1024 * 1024

  struct File: Sendable {
    var name: String
    /// `pic`, `video` or `doc`.
    var kind: String
    var bytes: [UInt8]
  }

  /// What came of a piece.
  enum Outcome: Equatable {
    /// Others are to follow.
    case piece
    /// All are there: the id to send the file by.
    case whole(String)
    /// What can't be read is answered with an error.
    case malformed
    /// What is refused is answered with no id, and no error.
    case refused(String)
  }

  private var growing: [String: File] = [:]
  private var files: [String: File] = [:]

  func file(_ id: String?) -> File? { id.flatMap { files[$0] } }

  /// - Parameters:
  ///   - fields: the parts that are texts.
  ///   - request: the JSON in `uploadmediarequest`.
  mutating func take(
    _ fields: WireJSON, _ request: WireJSON, name: String, data: [UInt8], as id: String
  ) -> Outcome {
    guard let client = request["ClientMediaId"]?.scalar, let total = fields["size"]?.wholeNumber,
      let kind = fields["mediatype"]?.string, ["pic", "video", "doc"].contains(kind),
      fields["name"]?.string != nil, fields["type"]?.string != nil, fields["lastModifiedDate"]?.string != nil,
      request["UploadType"] == 2, request["MediaType"] == 4, request["StartPos"] == 0,
      request["TotalLen"]?.int == total, request["DataLen"]?.int == total, request["ToUserName"]?.string != nil
    else { return .malformed }
    guard name.utf8.allSatisfy({ $0 < 0x80 }), fields["name"]?.string?.utf8.allSatisfy({ $0 < 0x80 }) ?? false else {
      return .refused("a name is not percent-encoded")
    }
    let pieces = max(1, (total + Self.pieceBytes - 1) / Self.pieceBytes)
    let chunks = fields["chunks"]?.wholeNumber
    let chunk = fields["chunk"]?.wholeNumber
    guard pieces == 1 ? chunks == nil && chunk == nil : chunks == pieces && chunk != nil else { return .malformed }
    let place = chunk ?? 0
    var file = place == 0 ? File(name: FormPair.percentDecoded(name), kind: kind, bytes: []) : growing[client]
    guard file?.bytes.count == place * Self.pieceBytes else { return .refused("a piece is missing before this one") }
    guard data.count == min(Self.pieceBytes, total - place * Self.pieceBytes) else {
      return .refused("the piece has \(data.count) bytes")
    }
    file?.bytes += data
    guard place == pieces - 1, let file else {
      growing[client] = file
      return .piece
    }
    growing[client] = nil
    guard total > 0 else { return .refused("the file is empty") }
    if let digest = request["FileMd5"]?.string, digest != Digest.md5.of(file.bytes).hex {
      return .refused("FileMd5 is not the file's")
    }
    guard kind != "video" || total <= Self.videoBytes else { return .refused("the video is over 20 MB") }
    files[id] = file
    return .whole(id)
  }
}

extension FormPair {
  /// The name of a file: percent-encoded, and a plus is a plus.
  static func percentDecoded(_ text: String) -> String {
    decoded(Array(text.replacing("+", with: "%2B").utf8))
  }
}
