import Core
import Digests
import FoundationEssentials
import Signing

/// The keys of a login's synchronisation, which are never used one for the other: `SyncKey` for webwxsync, `SyncCheckKey`
/// for the long poll.
struct SyncKeys {
  var sync: JSON
  var check: JSON

  init(sync: JSON, check: JSON) { (self.sync, self.check) = (sync, check) }

  init(_ learned: JSON) {
    sync = learned["sync"] ?? .null
    check = learned["check"] ?? sync
  }

  var json: JSON { .object([.init("sync", sync), .init("check", check)]) }

  /// `1_640000001|2_640000002`: how the long poll says it.
  var checkText: String {
    (check["List"]?.array ?? []).compactMap { item in
      guard let key = item["Key"]?.scalarText, let value = item["Val"]?.scalarText else { return nil }
      return "\(key)_\(value)"
    }.joined(separator: "|")
  }
}

// Receiving: the long poll, what it announces, and names of groups that are not known yet. Section numbers are those of
// providers/wechat-web.md: it is section 6.

extension WeChatWeb {
  private enum Asking {
    static let check = "check"
    static let sync = "sync"
    static let rooms = "rooms"
    static let start = "start"
  }

  /// Seconds: the service holds the poll for about 25.
  private static let longPoll = 35.0
  private static let shortCall = 30.0

  package func poll(_ session: Session, waits: Bool, at now: Date, nonce: String) -> Poll {
    // A receiver only asks with a session.
    guard let login = WeChatWebLogin(session.account?.own) else {
      return Poll(get("wx.qq.com", "/", nil), stage: Asking.check, timeout: Self.shortCall, mayRunOut: false)
    }
    guard SyncKeys(session.learned).sync != .null else {
      // The ledger that kept the keys is lost; the session is not. It begins anew from where the service is now.
      let rough = -Int(now.timeIntervalSince1970) / 1_579
      let request = post("webwxinit?r=\(rough)&pass_ticket=\(login.ticket)", [], login)
      return Poll(request, stage: Asking.start, timeout: Self.shortCall, mayRunOut: false)
    }
    guard waits else {
      return Poll(syncRequest(session, login, at: now), stage: Asking.sync, timeout: Self.shortCall, mayRunOut: false)
    }
    let milliseconds = Int(now.timeIntervalSince1970 * 1_000)
    let query = [
      ("r", String(milliseconds)), ("skey", login.skey), ("sid", login.sid), ("uin", login.uin),
      ("deviceid", login.device), ("synckey", SyncKeys(session.learned).checkText), ("_", String(milliseconds)),
    ].map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    let request = get(login.pushHost, "/cgi-bin/mmwebwx-bin/synccheck?\(query)", login)
    return Poll(request, stage: Asking.check, timeout: Self.longPoll, mayRunOut: true)
  }

  func syncRequest(_ session: Session, _ login: WeChatWebLogin, at now: Date) -> HTTPRequest {
    let key = PercentEncoding.encode(login.skey)
    let query = "sid=\(PercentEncoding.encode(login.sid))&skey=\(key)&pass_ticket=\(login.ticket)"
    return post(
      "webwxsync?\(query)",
      [
        .init("SyncKey", SyncKeys(session.learned).sync),
        .init("rr", .integer(~Int(now.timeIntervalSince1970))),
      ], login)
  }

  package func harvest(
    _ response: HTTPResponse, after stage: String, _ session: Session, at now: Date, nonce: String
  ) -> Harvest {
    guard let account = session.account, let login = WeChatWebLogin(account.own)?.taking(response) else {
      return .trouble(Fault(.credentials, code: "session", "the session file lacks what a login leaves there"))
    }
    var session = session
    session.account?.own = login.json
    // Names that can't be had keep no message away.
    guard response.status == 200 || stage == Asking.rooms else {
      // A gateway that gave up waiting: nothing came.
      if stage == Asking.check, [504, 524].contains(response.status) { return .batch([], session, isMore: false) }
      return .trouble(Fault(.provider, code: String(response.status), "HTTP \(response.status)"))
    }
    switch stage {
    case Asking.check: return checked(response, login, session, at: now)
    case Asking.rooms: return gotRooms(response, login, session, at: now)
    case Asking.start: return started(response, session)
    default: return synchronised(response, login, session, at: now)
    }
  }

  private func started(_ response: HTTPResponse, _ session: Session) -> Harvest {
    let wire = WeChatWebAnswer(response)
    if let ret = wire.ret, let ending = WeChatWebAnswer.ending(ret) { return lost(ret, ending, session) }
    guard wire.ret == 0, let key = wire.body["SyncKey"], key["List"]?.array?.isEmpty == false else {
      return .trouble(Fault(.provider, code: "webwxinit", wire.words ?? "WeChat's answer cannot be understood"))
    }
    var session = session
    session.learned = SyncKeys(sync: key, check: key).json
    return .batch([], session, isMore: true)
  }

  private func lost(_ code: Int, _ ending: String, _ session: Session) -> Harvest {
    var session = session
    session.account = session.account?.ended(ending)
    return .lost(session)
  }

  /// `window.synccheck={retcode:"0",selector:"2"}`
  private func checked(
    _ response: HTTPResponse, _ login: WeChatWebLogin, _ session: Session, at now: Date
  ) -> Harvest {
    let text = String(decoding: response.body.prefix(1_000), as: UTF8.self)
    func value(_ name: String) -> Int? {
      guard let found = text.firstRange(of: "\(name):\"") else { return nil }
      return Int(text[found.upperBound...].prefix { $0 != "\"" })
    }
    guard let code = value("retcode") else {
      return .trouble(Fault(.provider, code: "synccheck", "WeChat's answer cannot be understood"))
    }
    if let ending = WeChatWebAnswer.ending(code) { return lost(code, ending, session) }
    guard code == 0 else {
      return .trouble(Fault(.provider, code: String(code), "WeChat answers the long poll with \(code)"))
    }
    guard value("selector") != 0 else { return .batch([], session, isMore: false) }
    var session = session
    session.set(Self.announced, "1", expires: now + 600)
    return .ask(
      Poll(syncRequest(session, login, at: now), stage: Asking.sync, timeout: Self.shortCall, mayRunOut: false), session
    )
  }

  /// That the long poll said that there is something.
  private static let announced = "announced"
  /// What is kept while names of groups are asked for: the synchronisation's answer.
  private static let pending = "synchronisation"

  private func synchronised(
    _ response: HTTPResponse, _ login: WeChatWebLogin, _ session: Session, at now: Date
  ) -> Harvest {
    let wire = WeChatWebAnswer(response)
    guard let ret = wire.ret else {
      return .trouble(Fault(.provider, code: "webwxsync", "WeChat's answer cannot be understood"))
    }
    if let ending = WeChatWebAnswer.ending(ret) { return lost(ret, ending, session) }
    guard ret == 0 else {
      let kind: ErrorKind = ret == 1205 ? .throttled : .provider
      return .trouble(Fault(kind, code: String(ret), wire.words ?? "WeChat answers webwxsync with Ret \(ret)"))
    }
    var session = session
    mend(&session, wire.body, login, at: now)
    let strangers = Self.unknownRooms(in: wire.body, session.contacts)
    guard !strangers.isEmpty else { return batch(wire.body, login, session, at: now) }
    session.set(Self.pending, String(decoding: response.body, as: UTF8.self), expires: now + 600)
    let list = strangers.map { user in
      JSON.object([.init("UserName", .string(user)), .init("EncryChatRoomId", .string(""))])
    }
    let request = post(
      "webwxbatchgetcontact?type=ex&r=\(Int(now.timeIntervalSince1970 * 1_000))&pass_ticket=\(login.ticket)",
      [.init("Count", .integer(list.count)), .init("List", .array(list))], login)
    var poll = Poll(request, stage: Asking.rooms, timeout: Self.shortCall, mayRunOut: false)
    poll.isOptional = true
    return .ask(poll, session)
  }

  private func gotRooms(
    _ response: HTTPResponse, _ login: WeChatWebLogin, _ session: Session, at now: Date
  ) -> Harvest {
    var session = session
    // Where the names can't be had the messages come all the same; where the answer is lost they come again.
    for raw in WeChatWebAnswer(response).body["ContactList"]?.array ?? [] {
      if let entry = ContactBook.Entry(web: raw) { session.contacts?.learn(entry) }
    }
    guard let text = session.value(Self.pending, at: now), let body = try? JSONScanner.value(of: Array(text.utf8))
    else {
      return .trouble(Fault(.provider, code: "webwxbatchgetcontact", "the answer came too late"))
    }
    session.forget(Self.pending)
    return batch(body, login, session, at: now)
  }

  /// Contacts that changed or went, and a new key of the session.
  private func mend(_ session: inout Session, _ body: JSON, _ login: WeChatWebLogin, at now: Date) {
    var book = session.contacts ?? ContactBook([], fetched: .distantPast)
    for raw in body["ModContactList"]?.array ?? [] {
      if let entry = ContactBook.Entry(web: raw), !entry.user.hasSameBytes(as: login.user) {
        book.learn(entry)
      }
    }
    for raw in body["DelContactList"]?.array ?? [] {
      guard let user = raw["UserName"]?.string else { continue }
      book.entries.removeAll { Verbatim($0.user) == Verbatim(user) }
    }
    session.contacts = book
    if let key = body["SKey"]?.string, !key.isEmpty, key != login.skey {
      var login = login
      login.skey = key
      session.account?.own = login.json
    }
  }

  /// Groups that something came from, or that the phone has open, and whose names are not known.
  private static func unknownRooms(in body: JSON, _ book: ContactBook?) -> [String] {
    var rooms: [String] = []
    for message in body["AddMsgList"]?.array ?? [] {
      let users = [message["FromUserName"], message["ToUserName"]].compactMap { $0?.string }
      let open = (message["StatusNotifyUserName"]?.string ?? "").pieces(at: ",")
      for user in users + open
      where user.begins(with: "@@") && book?[user: user] == nil && !rooms.contains(user) {
        rooms.append(user)
      }
    }
    return Array(rooms.prefix(50))
  }

  private func batch(_ body: JSON, _ login: WeChatWebLogin, _ session: Session, at now: Date) -> Harvest {
    guard let account = session.account else { return .batch([], session, isMore: false) }
    let reader = WeChatWebReader(
      login: login, account: account, book: session.contacts ?? ContactBook([], fetched: now))
    let messages = (body["AddMsgList"]?.array ?? []).compactMap { reader.incoming($0, at: now) }
    var session = session
    var keys = SyncKeys(session.learned)
    if let key = body["SyncKey"], key["List"]?.array?.isEmpty == false { keys.sync = key }
    if let key = body["SyncCheckKey"], key["List"]?.array?.isEmpty == false { keys.check = key }
    // What is announced and never brought would be asked for without a pause.
    let isStuck = messages.isEmpty && keys.json == session.learned && body["ModContactList"]?.array?.isEmpty ?? true
    if isStuck, session.value(Self.announced, at: now) != nil {
      return .trouble(Fault(.provider, code: "synccheck", "WeChat announces messages and brings none"))
    }
    session.learned = keys.json
    return .batch(messages, session, isMore: (body["ContinueFlag"]?.wholeNumber ?? 0) != 0)
  }
}

// MARK: - Files

extension WeChatWeb {
  package func request(
    for media: Incoming.Media, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest {
    guard let login = WeChatWebLogin(session.account?.own) else { return get("wx.qq.com", "/", nil) }
    func own(_ name: String) -> String { PercentEncoding.encode(media.own[name]?.string ?? "") }
    let key = PercentEncoding.encode(login.skey)
    switch media.own["kind"]?.string {
    case "file":
      let name = media.name.isEmpty ? "file" : media.name
      let query =
        "sender=\(own("sender"))&mediaid=\(own("media"))&filename=\(PercentEncoding.encode(name))"
        + "&fromuser=\(PercentEncoding.encode(login.uin))&pass_ticket=\(login.ticket)"
        + "&webwx_data_ticket=\(PercentEncoding.encode(login.cookie("webwx_data_ticket") ?? ""))"
      return get(login.fileHost, "/cgi-bin/mmwebwx-bin/webwxgetmedia?\(query)", login)
    case "voice": return get(login.host, "\(login.folder)/webwxgetvoice?msgid=\(own("id"))&skey=\(key)", login)
    case "video":
      // Without a range there is an answer, and nothing in it.
      return get(
        login.host, "\(login.folder)/webwxgetvideo?msgid=\(own("id"))&skey=\(key)", login,
        [HTTPHeader("Range", "bytes=0-")])
    default: return get(login.host, "\(login.folder)/webwxgetmsgimg?MsgID=\(own("id"))&skey=\(key)", login)
    }
  }

  package func file(in response: HTTPResponse, of media: Incoming.Media) throws(MediaFault) -> [UInt8] {
    guard response.status == 200 || response.status == 206 else {
      throw MediaFault("HTTP \(response.status)", isPassing: response.status >= 500)
    }
    guard !response.body.isEmpty else { throw MediaFault("WeChat gives an empty file", isPassing: true) }
    // A refusal, where the file itself is none of WeChat's answers.
    if response.body.count < 10_000, let ret = WeChatWebAnswer(response).ret {
      throw MediaFault("WeChat refuses the file (Ret \(ret))", isPassing: false)
    }
    return response.body
  }
}

// MARK: - What comes back of one's own

extension WeChatWeb {
  package func mark(of call: Call, _ session: Session) -> String? {
    guard let login = WeChatWebLogin(session.account?.own), let word = call.recipients.first?.target.wire,
      case .user(let user) = recipient(word, login, session)
    else { return nil }
    guard let attachment = call.content.attachments.first else {
      return WeChatWebMark.text(call.content[WeChat.text] ?? "", to: user)
    }
    // Of a picture only comes back that there was one.
    guard kind(of: call) == .file, case .bytes(let bytes) = attachment.source else { return nil }
    return WeChatWebMark.file(attachment.name, bytes.count, to: user)
  }
}

/// What a message that was sent and its echo have in common.
enum WeChatWebMark {
  static func text(_ text: String, to user: String) -> String { mark("text", folded(text), user) }

  static func file(_ name: String, _ bytes: Int, to user: String) -> String {
    mark("file", "\(folded(name))\u{0}\(bytes)", user)
  }

  private static func mark(_ kind: String, _ content: String, _ user: String) -> String {
    let whole = [kind, user, content].joined(separator: "\u{0}")
    return Digest.sha256.of(whole.utf8).hex
  }

  /// What the way there and back may change: control characters, variants of faces, space at the ends.
  private static func folded(_ text: String) -> String {
    let lines = text.lines.joined(separator: "\n")
    var kept = String.UnicodeScalarView()
    for scalar in lines.unicodeScalars {
      let value = scalar.value
      let isShown = value >= 0x20 ? !(0xFE00...0xFE0F).contains(value) : value == 0x0A || value == 0x09
      if isShown { kept.append(scalar) }
    }
    return ContactBook.trimmed(String(kept))
  }
}
