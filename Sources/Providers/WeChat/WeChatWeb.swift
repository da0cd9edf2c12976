import Core
import Digests
import FoundationEssentials
import Signing

/// Personal WeChat over the web protocol, as the account's own voice. Nothing official describes it. Section numbers are
/// those of providers/wechat-web.md, which says where each fact comes from.
package struct WeChatWeb: PartedProvider, EchoingProvider {
  package static let card = ProviderCard(
    name: "wechat-web",
    summary: "personal WeChat (微信) over the web protocol, as yourself: friends and groups",
    document: "https://github.com/why2lyj/ItChat-UOS",
    endpoint: nil,
    recipientsPerCall: 1,
    settings: WeChat.settings + [
      SettingCard("accept_risk", .boolean, required: true, risk),
      SettingCard("echo_wait", .string, "how long a lost message may come back from WeChat itself (\"60s\")"),
    ],
    options: WeChat.options,
    targetKinds: [
      ("remark", "the friend with that remark alone: remark:NAME"), ("nick", "with that nickname: nick:NAME"),
      ("alias", "with that WeChat id: alias:NAME"), ("group", "a recent or saved group: group:NAME"),
      ("reply", "whoever sent the inbox message of that id, or its group: reply:ID"),
    ],
    limits: [("body", 4_000, "characters"), ("file", 20 * WeChat.mebibyte, "bytes")],
    rate: 0.2,
    concurrency: 1,
    longTexts: .common,
    attachments: 100,
    loadsAttachments: 20 * WeChat.mebibyte,
    numbersCalls: true,
    unevenness: 0.5,
    notes: [
      "Not official: accounts get barred or banned for it. Nothing is sent until the channel says accept_risk: true; "
        + "wechat-ilink is the official way to write to yourself.",
      "First: msgspool login CHANNEL shows a code to scan. A login lives hours to a few days, longer while watch runs.",
      "to: filehelper (your own File Transfer chat), a friend's remark, nickname or WeChat id, or group:NAME; "
        + "msgspool contacts CHANNEL lists them.",
      "title, body and url are sent as lines of one text; each attachment is a message of its own. JPEG, PNG and BMP are "
        + "pictures, GIF an emoticon, MP4 a video, the rest are files; options.as_file sends all as files.",
      "Control characters in a text are left out: WeChat would show their escapes.",
      "A lost answer cannot be looked up. While watch receives, a message that comes back within echo_wait shows that it "
        + "was sent; on_unconfirmed decides about the others.",
    ],
    example: """
      wx: { provider: "wechat-web", accept_risk: true }
      """)

  private static let risk =
    "not official: accounts get barred or banned. Off until the channel says accept_risk: true"

  package static let receives = PersonalSettings.Receive.watch

  let origins: Origins
  private let maxText: Int
  private let maxFile: Int
  private let requiresId: Bool
  package let echoWait: Double

  package init(_ settings: Settings) throws(SettingFault) {
    guard settings.boolean("accept_risk") == true else {
      throw SettingFault(
        "accept_risk",
        "must be true. \(Self.risk) (wechat-ilink is official)")
    }
    origins = try Origins(settings)
    maxText = settings.integer("max_text") ?? 4_000
    maxFile = settings.integer("max_file_bytes") ?? 20 * WeChat.mebibyte
    requiresId = settings.boolean("require_message_id") ?? true
    guard (1...1_000_000).contains(maxText) else {
      throw SettingFault("max_text", "is \(maxText); expected 1 to 1000000 characters")
    }
    var wait = 60.0
    if let text = settings.string("echo_wait") {
      guard let seconds = TimeSpan.seconds(text) else {
        throw SettingFault("echo_wait", "is no span of time, such as \"60s\"")
      }
      wait = seconds
    }
    echoWait = wait
  }

  // MARK: What is sent (wechat.md, sections 3 and 4)

  static let fileHelper = "filehelper"

  package func target(_ address: String) throws(RecipientFault) -> Target {
    let name = ContactBook.trimmed(address)
    guard !name.isEmpty, name.utf8.count <= 500 else {
      throw RecipientFault("is empty or too long: expected filehelper, a friend's name, group:NAME or reply:ID")
    }
    guard name.utf8.first != UInt8(ascii: "@") else {
      throw RecipientFault("is a user name of WeChat's, which lives for one login: name the friend or group instead")
    }
    for (kind, _) in Self.card.targetKinds where name.hasSameBytes(as: "\(kind):") {
      throw RecipientFault("names nobody: expected \(kind): and a \(kind == "reply" ? "message's id" : "name")")
    }
    return Target(address, wire: name)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    try WeChat.content(of: message, maxText: maxText, maxFile: maxFile, Self.card.name)
  }

  package func parts(of content: Content) -> [Part] { WeChat.parts(of: content) }

  // MARK: Requests (section 1)

  static let userAgent = HTTPHeader(
    "User-Agent",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_6) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/54.0.2840.71 "
      + "Safari/537.36")

  /// - Parameters:
  ///   - path: with its slash, and its query, percent-encoded.
  ///   - login: whose cookies go along; nil before there is one.
  func get(_ host: String, _ path: String, _ login: WeChatWebLogin?, _ more: [HTTPHeader] = []) -> HTTPRequest {
    let address = origins.address(host, path)
    let cookies = login.map { [$0.cookieHeader] } ?? []
    return HTTPRequest(.get, address.url, headers: [Self.userAgent] + cookies + more + address.headers)
  }

  /// - Parameter call: below the login's folder, with its query.
  func post(_ call: String, _ members: [JSON.Member], _ login: WeChatWebLogin) -> HTTPRequest {
    let address = origins.address(login.host, "\(login.folder)/\(call)")
    return HTTPRequest(
      .post, address.url,
      headers: [Self.userAgent, HTTPHeader("Content-Type", "application/json; charset=UTF-8"), login.cookieHeader]
        + address.headers,
      body: JSON.object([login.baseRequest] + members).rawBytes)
  }

  /// Without a login, which only a session has: a call is what `begin` makes of it.
  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let address = origins.address("wx.qq.com", "/")
    return HTTPRequest(.get, address.url, headers: address.headers)
  }

  // MARK: Steps: whom a name means, then a file's pieces, then the one call that sends

  enum Stage {
    /// A page of contacts, fetched for a call.
    static let contacts = "contacts"
    /// A piece of a file, by its number.
    static let piece = "piece "
  }

  /// 20 MiB in pieces, and contacts in pages.
  package var mostSteps: Int { 1_000 }
  package var mostRestarts: Int { 2 }

  package func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    var session = session
    for name in [Memory.pages, Memory.media, Memory.digest, Memory.repeated] { session.forget("\(name) \(call.id)") }
    return goOn(call, session, at: now, nonce: nonce)
  }

  /// What a call keeps between its steps, by its id.
  enum Memory {
    /// Contacts of the pages so far, as JSON.
    static let pages = "pages"
    /// The id of a file that is uploaded.
    static let media = "media"
    /// The digest of a file that is uploaded in many pieces.
    static let digest = "digest"
    /// That the service refused the call once, and contacts were fetched anew.
    static let repeated = "repeated"
  }

  private func goOn(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    guard let login = WeChatWebLogin(session.account?.own) else {
      return .finish(.sessionLost(code: "session", "the session file lacks what a login leaves there", in: call))
    }
    let word = call.recipients.first?.target.wire ?? ""
    switch recipient(word, login, session) {
    case .user(let user): return deliver(call, to: user, login, session, at: now, nonce: nonce)
    case .unknown where session.contacts.map({ now.timeIntervalSince($0.fetched) >= Self.freshness }) ?? true:
      return .prepare(.http(contactPage(0, login, at: now)), stage: Stage.contacts, session)
    case .unknown(let reason), .refused(let reason):
      return .finish(.all(.rejected(.recipient, reason: reason).blaming(.recipient), in: call), session)
    }
  }

  /// Contacts that were fetched so many seconds ago are not fetched again for a name that is not among them.
  private static let freshness = 300.0

  /// - Parameter user: its user name.
  private func deliver(
    _ call: Call, to user: String, _ login: WeChatWebLogin, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    guard let attachment = call.content.attachments.first else {
      return .send(.http(text(call.content[WeChat.text] ?? "", to: user, login, session.number)), session)
    }
    guard case .bytes(let bytes) = attachment.source, !bytes.isEmpty else {
      return .finish(.all(.rejected(.message, reason: "\(attachment.name): is empty"), in: call), session)
    }
    let file = Upload(attachment, bytes, kind(of: call))
    if let media = session.value("\(Memory.media) \(call.id)", at: now) {
      return .send(.http(message(file, media, to: user, login, session.number)), session)
    }
    var session = session
    let digest = Digest.md5.of(bytes).hex
    session.set("\(Memory.digest) \(call.id)", digest, expires: now + 3_600)
    return .prepare(
      .http(piece(0, of: file, digest, login, session.number, at: now)), stage: "\(Stage.piece)0", session)
  }

  func kind(of call: Call) -> WeChat.Kind {
    call.content.attachments.first.map { WeChat.kind(of: $0, asFile: call.content[WeChat.asFile] != nil) } ?? .file
  }

  package func proceed(
    _ response: HTTPResponse, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    guard let account = session.account, let login = WeChatWebLogin(account.own) else {
      return .finish(answer(response, to: call, at: now))
    }
    var session = session
    let newer = login.taking(response)
    if newer != login { session.account?.own = newer.json }
    if stage == Stage.contacts { return gotContacts(response, call, newer, session, at: now, nonce: nonce) }
    if let number = stage.behind("piece ").flatMap({ Int($0) }) {
      return gotPiece(number, response, call, newer, session, at: now, nonce: nonce)
    }
    let wire = WeChatWebAnswer(response)
    if let once = onceMore(wire, response, call, newer, session, at: now) { return once }
    return finish(judged(wire, response, call, sent: true), session)
  }

  /// Perhaps the user name or the key is stale: once more with what is so now.
  private func onceMore(
    _ wire: WeChatWebAnswer, _ response: HTTPResponse, _ call: Call, _ login: WeChatWebLogin, _ session: Session,
    at now: Date
  ) -> Step? {
    let memory = "\(Memory.repeated) \(call.id)"
    guard response.status == 200, wire.ret == -1 || wire.ret == 1, session.value(memory, at: now) == nil else {
      return nil
    }
    var session = session
    session.set(memory, "1", expires: now + 3_600)
    return .prepare(.http(contactPage(0, login, at: now)), stage: Stage.contacts, session)
  }

  /// A session that is over is marked so.
  func finish(_ answer: Answer, _ session: Session) -> Step {
    guard answer.rest == .untilLogin, let account = session.account else { return .finish(answer, session) }
    var session = session
    session.account = account.ended(answer.outcomes.first?.reason ?? "the session is over")
    return .finish(answer, session)
  }

  private func gotContacts(
    _ response: HTTPResponse, _ call: Call, _ login: WeChatWebLogin, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    var session = session
    let wire = WeChatWebAnswer(response)
    guard response.status == 200, wire.ret == 0 else {
      return retreat(judged(wire, response, call, sent: false), response, session)
    }
    let memory = "\(Memory.pages) \(call.id)"
    var pages = ContactPages(session.value(memory, at: now))
    let next = pages.take(wire.body)
    if next != 0 {
      session.set(memory, pages.text, expires: now + 3_600)
      return .prepare(.http(contactPage(next, login, at: now)), stage: Stage.contacts, session)
    }
    session.forget(memory)
    session.contacts = pages.book(after: session.contacts, own: login.user, at: now)
    return goOn(call, session, at: now, nonce: nonce)
  }

  private func gotPiece(
    _ number: Int, _ response: HTTPResponse, _ call: Call, _ login: WeChatWebLogin, _ session: Session, at now: Date,
    nonce: String
  ) -> Step {
    let wire = WeChatWebAnswer(response)
    if let once = onceMore(wire, response, call, login, session, at: now) { return once }
    guard response.status == 200, wire.ret == 0 else {
      return retreat(judged(wire, response, call, sent: false), response, session)
    }
    guard let attachment = call.content.attachments.first, case .bytes(let bytes) = attachment.source else {
      return .again(.all(.unreached(reason: "the file is lost"), in: call), session)
    }
    let file = Upload(attachment, bytes, kind(of: call))
    if number + 1 < file.pieces {
      let next = number + 1
      let digest = session.value("\(Memory.digest) \(call.id)", at: now) ?? Digest.md5.of(bytes).hex
      return .prepare(
        .http(piece(next, of: file, digest, login, session.number, at: now)), stage: "\(Stage.piece)\(next)", session)
    }
    guard let media = wire.body["MediaId"]?.string, !media.isEmpty else {
      let reason = "\(attachment.name): WeChat takes the file and gives no id for it"
      return .finish(.all(.rejected(.message, code: "media", reason: wire.words ?? reason), in: call), session)
    }
    var session = session
    session.set("\(Memory.media) \(call.id)", media, expires: now + 3_600)
    return goOn(call, session, at: now, nonce: nonce)
  }

  /// What prepares a call sends nothing: a server in trouble is asked again, from the beginning.
  private func retreat(_ answer: Answer, _ response: HTTPResponse, _ session: Session) -> Step {
    response.status >= 500 ? .again(answer, session) : finish(answer, session)
  }
}

// MARK: - Answers (section 9, and wechat.md, section 5)

/// What every answer has: `BaseResponse`.
struct WeChatWebAnswer {
  var body: JSON
  /// `Ret`; nil where the answer has none.
  var ret: Int?

  init(_ response: HTTPResponse) {
    body = JSON(answer: response) ?? .null
    ret = body["BaseResponse"]?["Ret"]?.wholeNumber
  }

  /// The service's own words, where it has some.
  var words: String? {
    let text = WeChatMarkup.plain(body["BaseResponse"]?["ErrMsg"]?.string ?? "")
    return text.isEmpty ? nil : text
  }

  /// Of a session that is over: why.
  static func ending(_ code: Int?) -> String? {
    switch code {
    case 1100: "the phone has ended the session (1100)"
    case 1101: "the session is over: it expired, or another login took its place (1101)"
    case 1102: "WeChat no longer knows the session's cookies (1102)"
    default: nil
    }
  }
}

extension WeChatWeb {
  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    judged(WeChatWebAnswer(response), response, call, sent: true)
  }

  /// - Parameter sent: it answers the call that delivers.
  func judged(_ wire: WeChatWebAnswer, _ response: HTTPResponse, _ call: Call, sent: Bool) -> Answer {
    guard response.status == 200, let ret = wire.ret else { return undecoded(response, call, sent: sent) }
    if let ending = WeChatWebAnswer.ending(ret) { return .sessionLost(code: String(ret), ending, in: call) }
    let reason = wire.words
    switch ret {
    case 0:
      guard sent else {
        return .all(.deferred(.provider, reason: "WeChat's answer lacks what was asked for"), in: call)
      }
      if let id = wire.body["MsgID"]?.scalarText, !id.isEmpty, id != "0" { return .all(.accepted(id: id), in: call) }
      guard requiresId else { return .all(.accepted(), in: call) }
      let doubt = "WeChat says that it took the message, and gives no id: none such is known to arrive"
      return .all(.unconfirmed(code: Outcome.noIdCode, reason: doubt), in: call)
    case 1205: return .tooFrequent(code: "1205", reason ?? "WeChat says: too frequent", in: call)
    case -1, 1:
      let meaning = "WeChat refuses the call (Ret \(ret)), also with the contacts fetched anew"
      return .all(.rejected(.provider, code: String(ret), reason: reason ?? meaning), in: call)
    default:
      return .all(
        .deferred(.provider, code: String(ret), reason: reason ?? "WeChat answers Ret \(ret), and no reason"), in: call)
    }
  }

  /// No answer of the service's: a gateway's page, or one that is damaged.
  private func undecoded(_ response: HTTPResponse, _ call: Call, sent: Bool) -> Answer {
    let status = response.status
    let code = String(status)
    // What came after the bytes went out, and says nothing of what was done.
    if sent, status == 200 || status == 408 || status == 504 {
      return .all(.unconfirmed(code: code, reason: "the answer is none of WeChat's"), in: call)
    }
    let kind: ErrorKind = status == 429 ? .throttled : .provider
    return .all(
      .deferred(kind, code: code, reason: status == 200 ? "the answer is none of WeChat's" : "HTTP \(status)"),
      in: call, advice: .slowDown(retryAfter: nil))
  }
}
