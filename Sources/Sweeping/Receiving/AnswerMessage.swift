import Core
import FoundationEssentials
import Ledger
import Spooling

/// The ordinary message that an answer is: paced, recorded, retried and held in doubt as any other. Its `id` makes it one.
enum AnswerMessage {
  static func json(_ text: String, _ reply: OpenReply, _ spool: Spool, _ configuration: Configuration) -> JSON {
    let id = "reply:\(reply.id)"
    guard case .forward(let channel, let to, _, let files) = reply.work.kind else {
      return .object([
        .init("channel", .string(reply.channel)), .init("to", .string(id)), .init("body", .string(text)),
        .init("id", .string(id)), .init("expires_at", .string(RFC3339.string(reply.work.expires))),
      ])
    }
    var members: [JSON.Member] = [.init("channel", .string(channel))]
    if !to.isEmpty { members.append(.init("to", .strings(to))) }
    // What does not fit into a message stays where it is, and is named.
    let takes = (configuration.channels[channel]?.card.attachments ?? 0) > 0
    var room = takes ? configuration.maxMessageBytes / 2 : 0
    var (attachments, names): ([JSON], [String]) = ([], [])
    for file in files {
      if let bytes = bytes(of: file, in: spool, limit: room) {
        room -= bytes.count
        attachments.append(
          .object([
            .init("name", .string(file.name)), .init("type", .string(file.type)),
            .init("base64", .string(Data(bytes).base64EncodedString())),
          ]))
      } else {
        names.append("\(spool.path)/\(file.path)")
      }
    }
    members.append(.init("body", .string(([text] + names).joined(separator: "\n"))))
    if !attachments.isEmpty { members.append(.init("attachments", .array(attachments))) }
    return .object(
      members + [.init("id", .string(id)), .init("expires_at", .string(RFC3339.string(reply.work.expires)))])
  }

  private static func bytes(of file: ReplyWork.File, in spool: Spool, limit: Int) -> [UInt8]? {
    guard limit > 0 else { return nil }
    return try? AttachmentStore.load(AttachmentFile(directory: spool.path, path: file.path), limit: limit)
  }
}
