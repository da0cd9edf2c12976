import Core
import FoundationEssentials
import Signing

// Whom a name means, and the list of those there are. Section numbers are those of providers/wechat-web.md: it is section 4;
// and it is wechat.md, section 3.

extension WeChatWeb {
  enum Recipient {
    /// A user name.
    case user(String)
    /// Nobody of that name, as far as is known.
    case unknown(String)
    /// Nobody can be meant: several are, or the message is not known.
    case refused(String)
  }

  /// - Parameter word: of `to`, trimmed.
  func recipient(_ word: String, _ login: WeChatWebLogin, _ session: Session) -> Recipient {
    if word.hasSameBytes(as: Self.fileHelper) { return .user(Self.fileHelper) }
    var word = word
    if word.behind("reply:") != nil {
      guard let correspondent = session.correspondent else {
        return .refused("no message of that id was received on this channel")
      }
      if correspondent.since == session.account?.since { return .user(correspondent.user) }
      // User names are of one login; the word for whoever it was is for all.
      guard !correspondent.to.isEmpty else {
        return .refused("the message came in an earlier login, and no name leads to its sender alone")
      }
      word = correspondent.to
      if word.hasSameBytes(as: Self.fileHelper) { return .user(word) }
    }
    guard let contacts = session.contacts else { return .unknown("the contacts are not known") }
    switch contacts.find(word) {
    case .one(let entry): return .user(entry.user)
    case .several(let text): return .refused(text)
    case .nobody(let nearest):
      let list = nearest.isEmpty ? "" : "; the nearest is \(nearest.joined(separator: ", "))"
      let what = word.behind("group:") == nil ? "friend" : "group"
      return .unknown(
        "no \(what) is called so\(list). msgspool contacts CHANNEL lists them"
          + (what == "group" ? "; save a group to the contacts in WeChat to have it listed" : ""))
    }
  }

  /// - Parameter seq: 0, then what the last page says.
  func contactPage(_ seq: Int, _ login: WeChatWebLogin, at now: Date) -> HTTPRequest {
    let key = PercentEncoding.encode(login.skey)
    return get(
      login.host, "\(login.folder)/webwxgetcontact?r=\(Int(now.timeIntervalSince1970))&seq=\(seq)&skey=\(key)", login)
  }
}

extension ContactBook.Entry {
  /// As the service describes it; nil for what nobody can write to.
  init?(web raw: JSON) {
    guard let user = raw["UserName"]?.string, !user.isEmpty, user != WeChatWeb.fileHelper else { return nil }
    let kind: Kind
    if user.begins(with: "@@") {
      kind = .group
    } else {
      let flags = raw["VerifyFlag"]?.wholeNumber ?? 0
      kind = flags & 8 != 0 || user.utf8.first != UInt8(ascii: "@") ? .public : .friend
    }
    var own: [JSON.Member] = []
    if kind == .group {
      let members = (raw["MemberList"]?.array ?? []).compactMap { member in
        member["UserName"]?.string.map { user in
          let shown = WeChatMarkup.name(member["DisplayName"])
          return JSON.Member(user, .string(shown.isEmpty ? WeChatMarkup.name(member["NickName"]) : shown))
        }
      }
      own = [.init("members", .object(members)), .init("room", raw["EncryChatRoomId"] ?? .string(""))]
    }
    self.init(
      kind, user: user, remark: WeChatMarkup.name(raw["RemarkName"]), nick: WeChatMarkup.name(raw["NickName"]),
      alias: WeChatMarkup.name(raw["Alias"]), own: own.isEmpty ? .null : .object(own))
  }

  /// The name of a group's member, where it is known.
  func member(_ user: String) -> String? {
    own["members"]?.members?.first { Verbatim($0.key) == Verbatim(user) }?.value.string
  }
}

/// The pages of a list of contacts, as far as they have come.
struct ContactPages {
  private(set) var raw: [JSON]

  /// - Parameter text: what `text` was; nil at the beginning.
  init(_ text: String? = nil) {
    raw = text.flatMap { try? JSONScanner.value(of: Array($0.utf8)) }?.array ?? []
  }

  init(_ raw: [JSON]) { self.raw = raw }

  var text: String { JSON.array(raw).text }

  /// Takes a page; what to ask for next, 0 for nothing.
  mutating func take(_ page: JSON) -> Int {
    raw += page["MemberList"]?.array ?? []
    return page["Seq"]?.wholeNumber ?? 0
  }

  /// - Parameters:
  ///   - before: groups that were known stay known: only those saved to the contacts are listed.
  ///   - own: one's own user name, which is listed, too.
  func book(after before: ContactBook?, own: String, at now: Date) -> ContactBook {
    var book = ContactBook((before?.entries ?? []).filter { $0.kind == .group }, fetched: now)
    for entry in raw.compactMap({ ContactBook.Entry(web: $0) }) where !entry.user.hasSameBytes(as: own) {
      book.learn(entry)
    }
    return book
  }
}

extension ContactBook {
  /// Takes what is said of somebody; a list without a group's members does not make it empty.
  mutating func learn(_ entry: Entry) {
    var entry = entry
    if entry.kind == .group, entry.own["members"]?.members?.isEmpty ?? true,
      let known = self[user: entry.user]
    {
      entry.own = known.own
    }
    mend(entry)
  }
}
