import Core
import FoundationEssentials
import Spooling

/// A message as it stands in the inbox (wechat.md, section 7).
struct InboxMessage {
  /// What came with it: a file that was fetched, or why it was not.
  enum Attached {
    case file(ReplyWork.File, bytes: Int)
    case missing(name: String, error: String)
  }

  /// Empty fields are left out.
  static func json(_ message: Incoming, _ attached: [Attached], channel: String, provider: String) -> JSON {
    var members: [JSON.Member] = [
      .init("inbox", .integer(1)), .init("id", .string(message.id)), .init("channel", .string(channel)),
      .init("provider", .string(provider)), .init("at", .string(RFC3339.string(message.at))),
      .init("kind", .string(message.kind.rawValue)), .init("from", from(message.from)),
    ]
    if let group = message.group {
      members.append(.init("group", .object(texts([("name", group.name), ("to", group.to)]))))
    }
    members += texts([("text", message.text)])
    if !attached.isEmpty { members.append(.init("files", .array(attached.map(json)))) }
    members += texts([("title", message.title), ("url", message.url)])
    return .object(members + [.init("reply_to", .string("reply:\(message.id)")), .init("raw", message.raw)])
  }

  private static func from(_ sender: Incoming.Sender) -> JSON {
    .object(
      texts([("name", sender.name), ("kind", sender.kind.rawValue)])
        + texts([
          ("remark", sender.remark), ("nick", sender.nick), ("alias", sender.alias), ("to", sender.to),
        ]))
  }

  private static func texts(_ texts: [(String, String)]) -> [JSON.Member] {
    texts.filter { !$0.1.isEmpty }.map { JSON.Member($0.0, .string($0.1)) }
  }

  private static func json(_ attached: Attached) -> JSON {
    switch attached {
    case .file(let file, let bytes):
      .object([
        .init("name", .string(file.name)), .init("type", .string(file.type)), .init("bytes", .integer(bytes)),
        .init("path", .string(file.path)),
      ])
    case .missing(let name, let error): .object([.init("name", .string(name)), .init("error", .string(error))])
    }
  }

  // MARK: Files

  /// The name of a file that its sender gave none, and its type, by what it holds.
  static func defaults(_ media: Incoming.Media, _ kind: Incoming.Kind, _ bytes: [UInt8]) -> (name: String, type: String)
  {
    let known: [(Bool, String, String)] = [
      (bytes.starts(with: [0xFF, 0xD8, 0xFF]), "jpg", "image/jpeg"),
      (bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]), "png", "image/png"),
      (bytes.starts(with: "GIF8".utf8), "gif", "image/gif"), (bytes.starts(with: "BM".utf8), "bmp", "image/bmp"),
      (bytes.count > 8 && bytes[4..<8].elementsEqual("ftyp".utf8), "mp4", "video/mp4"),
      (bytes.starts(with: "#!AMR".utf8), "amr", "audio/amr"),
      (bytes.starts(with: "\u{2}#!SILK".utf8) || bytes.starts(with: "#!SILK".utf8), "silk", "audio/silk"),
      (bytes.starts(with: "ID3".utf8) || bytes.starts(with: [0xFF, 0xFB]), "mp3", "audio/mpeg"),
      (bytes.starts(with: "%PDF".utf8), "pdf", "application/pdf"),
    ]
    let found = known.first(where: \.0)
    let byName = media.name.pieces(at: ".").last.flatMap { Attachments.type(ofEnding: $0.lowercased()) }
    let type = byName ?? found?.2 ?? (media.type.isEmpty ? "application/octet-stream" : media.type)
    let usual = ["image/jpeg": "jpg", "audio/mpeg": "mp3", "audio/silk": "silk", "video/mp4": "mp4"]
    return ("\(kind.rawValue).\(found?.1 ?? usual[media.type] ?? "bin")", type)
  }
}
