/// Which of a message's attachments may be sent, and as what: pure checks on names; the disk is not looked at.
package enum Attachments {
  /// Media types by the name's ending; the rest goes as `application/octet-stream`.
  private static let types = [
    "txt": "text/plain", "log": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html",
    "json": "application/json", "xml": "application/xml", "pdf": "application/pdf", "zip": "application/zip",
    "gz": "application/gzip", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp", "svg": "image/svg+xml", "mp3": "audio/mpeg", "amr": "audio/amr", "mp4": "video/mp4",
    "doc": "application/msword", "xls": "application/vnd.ms-excel",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ]

  /// - Parameter ending: of a file's name, in lower case; nil for one that says nothing.
  package static func type(ofEnding ending: String) -> String? { types[ending] }

  /// - Parameter directories: those that the configuration allows.
  package static func resolve(
    _ attachments: [Message.Attachment], below directories: [String]
  ) throws(MessageFault) -> [Content.Attachment] {
    var resolved: [Content.Attachment] = []
    for (index, attachment) in attachments.enumerated() {
      let field = "attachments[\(index)]"
      let source: ByteSource
      var name = attachment.name
      switch attachment.source {
      case .data(let bytes): source = .bytes(bytes)
      case .path(let path):
        source = .file(try file(path, field, below: directories))
        name = name ?? path.pieces(at: "/").last { !$0.isEmpty }
      }
      let plain = name ?? "attachment-\(index + 1)"
      guard !plain.isEmpty, !plain.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0 == "/" })
      else { throw MessageFault("\(field).name", "is empty or holds control characters or a slash") }
      let ending = plain.pieces(at: ".").last.map { $0.lowercased() } ?? ""
      let type = attachment.type ?? types[ending] ?? "application/octet-stream"
      guard type.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), type.holds("/") else {
        throw MessageFault("\(field).type", "is no media type; expected one such as image/png")
      }
      resolved.append(.init(name: plain, type: type, source: source))
    }
    return resolved
  }

  private static func file(
    _ path: String, _ field: String, below directories: [String]
  ) throws(MessageFault) -> AttachmentFile {
    let clean = parts(of: path)
    guard path.utf8.first == UInt8(ascii: "/"), !clean.contains(".."), !path.utf8.contains(0) else {
      throw MessageFault("\(field).path", "is no absolute path without ..")
    }
    for directory in directories {
      let base = parts(of: directory)
      if clean.count > base.count, clean.starts(with: base) {
        let (base, rest) = (base.map(\.text), clean.dropFirst(base.count).map(\.text))
        return AttachmentFile(directory: "/" + base.joined(separator: "/"), path: rest.joined(separator: "/"))
      }
    }
    throw MessageFault(
      "\(field).path", "is not below a directory that the configuration allows",
      hint:
        "allowed are: \(directories.isEmpty ? "none" : directories.joined(separator: ", ")) (attachment_directories)")
  }

  /// By bytes, as the file system takes a path apart.
  private static func parts(of path: String) -> [Verbatim] {
    path.pieces(at: "/").filter { !$0.isEmpty && $0 != "." }.map(Verbatim.init(_:))
  }
}
