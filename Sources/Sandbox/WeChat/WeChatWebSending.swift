import Digests
import FoundationEssentials

// Files that are uploaded, and messages that are sent.

extension WeChatWebSandbox {
  mutating func takeUpload(_ call: SandboxCall) -> SandboxReply {
    guard call.request.method == "POST", call.request.query.value("f") == "json",
      let parts = try? Multipart.parts(of: call.request), let data = parts.last, data.name == "filename",
      let name = data.filename, data.type == "application/octet-stream"
    else { return Self.ret(1, ["MediaId": ""]) }
    let fields = WireJSON.object(parts.dropLast().map { WireMember($0.name, $0.text.map { .string($0) } ?? .null) })
    guard let text = fields["uploadmediarequest"]?.string,
      let request = try? WireJSON(parsing: Self.literalEscapes(Array(text.utf8))),
      request["FromUserName"]?.string == account.user(account.own)
    else { return Self.ret(1, ["MediaId": ""]) }
    if let problem = problem(withBase: request["BaseRequest"]) { return Self.ret(problem, ["MediaId": ""]) }
    guard fields["webwx_data_ticket"]?.string == account.login.dataTicket,
      account.isTicket(fields["pass_ticket"]?.string ?? "", twice: true)
    else { return Self.ret(1102, ["MediaId": ""]) }
    let id = "@crypt_media_\(account.newIdentifier())"
    switch account.uploads.take(fields, request, name: name, data: Array(data.body), as: id) {
    case .malformed: return Self.ret(1, ["MediaId": ""])
    case .refused: return Self.ret(0, ["MediaId": ""], outcome: .rejected)
    case .piece: return Self.ret(0, ["MediaId": "", "StartPos": .int(data.body.count)])
    case .whole(let id):
      return Self.ret(
        0,
        ["MediaId": .string(id), "StartPos": 0, "CDNThumbImgHeight": 0, "CDNThumbImgWidth": 0, "EncryFileName": ""])
    }
  }

  /// What was sent, as `received` tells it; nil when it is none.
  private func content(of message: WireJSON, _ name: String) -> WireJSON? {
    switch (name, message["Type"]?.int) {
    case ("webwxsendmsg", 1):
      guard let text = message["Content"]?.string, !text.isEmpty else { return nil }
      return ["kind": "text", "text": .string(text)]
    case ("webwxsendmsgimg", 3): return file(message["MediaId"], kind: "image", uploadedAs: "pic")
    case ("webwxsendemoticon", 47):
      return message["EmojiFlag"] == 2 ? file(message["MediaId"], kind: "emoticon", uploadedAs: "doc") : nil
    case ("webwxsendvideomsg", 43): return file(message["MediaId"], kind: "video", uploadedAs: "video")
    case ("webwxsendappmsg", 6):
      guard let xml = message["Content"]?.string, xml.hasPrefix("<appmsg appid='wxeb7ec651dd0aefa9'"),
        WeChatText.element("type", in: xml) == "6", let title = WeChatText.element("title", in: xml),
        let id = WeChatText.element("attachid", in: xml), let file = account.uploads.file(id),
        WeChatText.element("totallen", in: xml) == String(file.bytes.count),
        WeChatText.element("fileext", in: xml) != nil
      else { return nil }
      return self.file(.string(id), kind: "file", uploadedAs: "doc")?.merging(["name": .string(title)])
    default: return nil
    }
  }

  private func file(_ id: WireJSON?, kind: String, uploadedAs sort: String) -> WireJSON? {
    guard let file = account.uploads.file(id?.string), file.kind == sort else { return nil }
    return [
      "kind": .string(kind), "name": .string(file.name), "bytes": .int(file.bytes.count),
      "md5": .string(Digest.md5.of(file.bytes).hex), "sha256": .string(Digest.sha256.of(file.bytes).hex),
    ]
  }

  mutating func send(_ call: SandboxCall, now: Date) -> SandboxReply {
    let name = Self.call(call.request)
    guard let message = call.fields["Msg"], call.fields["Scene"]?.int == 0,
      message["FromUserName"]?.string == account.user(account.own), let user = message["ToUserName"]?.string,
      let local = message["LocalID"]?.scalar, local == message["ClientMsgId"]?.scalar
    else { return Self.ret(1, ["MsgID": ""], outcome: .rejected) }
    let recipient = account.contact(user: user)
    guard user == "filehelper" || [.friend, .group].contains(recipient?.kind) else {
      return Self.ret(-1, ["MsgID": ""], outcome: .rejected)
    }
    guard let content = content(of: message, name) else { return Self.ret(1, ["MsgID": ""], outcome: .rejected) }
    let id = account.newMessage()
    account.received.add(
      (["id": .string(id), "local_id": .string(local)] as WireJSON).merging(content),
      to: recipient?.name ?? user)
    if account.echoes { echo(content, id: id, to: user, now: now) }
    return Self.ret(0, ["MsgID": .string(id), "LocalID": .string(local)], outcome: .accepted)
  }

  /// What was sent comes back with the next synchronisation.
  private mutating func echo(_ content: WireJSON, id: String, to user: String, now: Date) {
    let kinds = ["text": 1, "image": 3, "emoticon": 47, "video": 43, "file": 49]
    let name = content["name"]?.string ?? ""
    let text = WeChatText.encoded(content["text"]?.string ?? "")
    let about: WireJSON =
      content["kind"] == "file"
      ? [
        "AppMsgType": 6, "FileName": .string(WeChatText.escaped(name)),
        "FileSize": .string(String(content["bytes"]?.int ?? 0)),
      ] : .object([])
    account.tell(
      message(
        id: id, from: account.user(account.own), to: user, type: kinds[content["kind"]?.string ?? ""] ?? 1,
        content: text, at: now, about))
  }
}
