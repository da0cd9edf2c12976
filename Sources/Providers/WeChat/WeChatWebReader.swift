import Core
import FoundationEssentials

/// Turns the service's messages into those of the inbox. Section numbers are those of providers/wechat-web.md: it is
/// section 6.
struct WeChatWebReader {
  let login: WeChatWebLogin
  let account: Account
  let book: ContactBook

  /// Nil for what is no message: read marks, status notices.
  func incoming(_ raw: JSON, at now: Date) -> Incoming? {
    let type = raw["MsgType"]?.wholeNumber ?? 0
    guard let id = raw["MsgId"]?.scalarText ?? raw["NewMsgId"]?.scalarText, !id.isEmpty,
      let from = raw["FromUserName"]?.string, let to = raw["ToUserName"]?.string, ![51, 52, 53, 9999].contains(type)
    else { return nil }
    let isOwn = from.hasSameBytes(as: login.user)
    // Whom it was exchanged with.
    let other = isOwn ? to : from
    let spoken = spoken(raw["Content"]?.string ?? "", in: other)
    let sender = isOwn ? own() : spoken.member.map { member($0, of: other) } ?? sender(from)
    var incoming = Incoming(
      id: id, at: raw["CreateTime"]?.wholeNumber.map { Date(timeIntervalSince1970: Double($0)) } ?? now,
      kind: kind(raw, type), from: sender, group: group(other),
      correspondent: Correspondent(user: other, to: word(other), since: account.since), raw: raw)
    describe(&incoming, raw, spoken.content)
    if isOwn { incoming.mark = mark(incoming, raw, to: to) }
    incoming.isMention = incoming.group != nil && !isOwn && isMention(incoming.text)
    return incoming
  }

  // MARK: Who

  private func own() -> Incoming.Sender {
    var sender = Incoming.Sender(.own, user: login.user)
    (sender.name, sender.nick) = (account.name, login.nick)
    return sender
  }

  private func sender(_ user: String) -> Incoming.Sender {
    guard let entry = book[user: user] else {
      // The service's own accounts have names without @.
      let isService = user.utf8.first != UInt8(ascii: "@")
      var sender = Incoming.Sender(isService ? .public : .stranger, user: user)
      sender.name = isService ? user : ""
      if user.hasSameBytes(as: WeChatWeb.fileHelper) { sender.to = user }
      return sender
    }
    let kind: Incoming.Sender.Kind =
      switch entry.kind {
      case .friend: .friend
      case .group: .group
      case .public: .public
      case .owner: .owner
      }
    var sender = Incoming.Sender(kind, user: user)
    (sender.name, sender.remark, sender.nick, sender.alias) = (entry.name, entry.remark, entry.nick, entry.alias)
    sender.to = book.word(for: entry)
    return sender
  }

  private func group(_ user: String) -> Incoming.Sender? {
    guard user.begins(with: "@@") else { return nil }
    var sender = sender(user)
    sender.kind = .group
    return sender
  }

  /// A member of a group, who may be a friend as well.
  private func member(_ user: String, of room: String) -> Incoming.Sender {
    if user.hasSameBytes(as: login.user) { return own() }
    var sender = sender(user)
    if sender.kind == .stranger, let name = book[user: room]?.member(user) {
      (sender.name, sender.nick) = (name, name)
    }
    return sender
  }

  /// What `to` says to reach it.
  private func word(_ user: String) -> String {
    if user.hasSameBytes(as: WeChatWeb.fileHelper) { return user }
    return book[user: user].map { book.word(for: $0) } ?? ""
  }

  // MARK: What

  /// In groups the sender stands before what others said: `@sender:<br/>text`.
  private func spoken(_ content: String, in room: String) -> (member: String?, content: String) {
    guard room.begins(with: "@@"), content.utf8.first == UInt8(ascii: "@"), let (user, rest) = content.halves(at: ":"),
      let text = rest.behind("<br/>"), !user.utf8.contains(UInt8(ascii: " "))
    else { return (nil, content) }
    return (user, text)
  }

  private func kind(_ raw: JSON, _ type: Int) -> Incoming.Kind {
    switch type {
    case 1: return isPlace(raw) ? .location : .text
    case 3, 47: return .image
    case 34: return .voice
    case 42: return .card
    case 43, 62: return .video
    case 48: return .location
    case 49:
      switch raw["AppMsgType"]?.wholeNumber {
      case 5: return .link
      case 6: return .file
      default: return .other
      }
    case 10_000: return .system
    case 10_002:
      let isRecall = (raw["Content"]?.string ?? "").utf8.firstRange(of: Array("revokemsg".utf8)) != nil
      return isRecall ? .recall : .system
    default: return .other
    }
  }

  private func isPlace(_ raw: JSON) -> Bool { raw["SubMsgType"]?.wholeNumber == 48 }

  private func describe(_ incoming: inout Incoming, _ raw: JSON, _ content: String) {
    // Of all but texts the content is XML, escaped once.
    let xml = WeChatMarkup.plain(content)
    let id = JSON.string(incoming.id)
    func media(_ kind: String, _ type: String, _ name: String = "", _ more: [JSON.Member] = []) -> Incoming.Media {
      Incoming.Media(
        name: name, type: type, size: raw["FileSize"]?.wholeNumber.flatMap { $0 > 0 ? $0 : nil },
        own: .object([.init("kind", .string(kind)), .init("id", id)] + more))
    }
    switch incoming.kind {
    case .text, .system: incoming.text = xml
    case .location:
      // What follows is the address of a map in WeChat's own pages.
      incoming.text = ContactBook.trimmed(WeChatMarkup.plain(content.halves(at: ":")?.before ?? content))
      incoming.url = WeChatMarkup.plain(raw["Url"]?.string ?? "")
    case .image: incoming.media = [media("image", "image/jpeg")]
    case .voice: incoming.media = [media("voice", "audio/mpeg")]
    case .video: incoming.media = [media("video", "video/mp4")]
    case .file:
      let name = WeChatMarkup.name(raw["FileName"])
      incoming.title = name
      incoming.media = [
        media(
          "file", "", name,
          [.init("media", raw["MediaId"] ?? .string("")), .init("sender", raw["FromUserName"] ?? .string(""))])
      ]
    case .link:
      incoming.title = WeChatMarkup.name(raw["FileName"])
      incoming.url = WeChatMarkup.plain(raw["Url"]?.string ?? "")
      incoming.text = WeChatMarkup.element("des", in: xml) ?? ""
    case .card: incoming.title = WeChatMarkup.name(raw["RecommendInfo"]?["NickName"])
    case .recall: incoming.text = WeChatMarkup.element("replacemsg", in: xml) ?? ""
    case .other:
      incoming.title = WeChatMarkup.name(raw["FileName"])
      incoming.text = WeChatMarkup.plain(raw["RecommendInfo"]?["Content"]?.string ?? "")
    }
  }

  /// `@name` and the space that WeChat puts behind it, or the text's end.
  private func isMention(_ text: String) -> Bool {
    guard !login.nick.isEmpty else { return false }
    let name = Array("@\(login.nick)".utf8)
    var rest = Array(text.utf8)[...]
    while let found = rest.firstRange(of: name) {
      rest = rest[found.upperBound...]
      let next = String(decoding: rest.prefix(4), as: UTF8.self).unicodeScalars.first
      if next?.properties.isWhitespace ?? true { return true }
    }
    return false
  }

  private func mark(_ incoming: Incoming, _ raw: JSON, to user: String) -> String? {
    switch incoming.kind {
    case .text: WeChatWebMark.text(incoming.text, to: user)
    case .file: raw["FileSize"]?.wholeNumber.map { WeChatWebMark.file(incoming.title, $0, to: user) }
    default: nil
    }
  }
}
