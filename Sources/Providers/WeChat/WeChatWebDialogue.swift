import Core
import FoundationEssentials
import Signing

// Login, check, refresh and logout: one conversation, whose state goes from turn to turn in `memory`. Section numbers are
// those of providers/wechat-web.md: it is sections 2, 7 and 8.

extension WeChatWeb {
  private static let application = "wx782c26e4c19acffb"
  private static let loginHost = "login.weixin.qq.com"
  private static let folder = "/cgi-bin/mmwebwx-bin"
  private static let mostCodes = 3
  /// Seconds that a code is good for.
  private static let codeLife = 300
  /// Seconds for a poll: the service holds it for about 25.
  private static let pollTime = 35.0
  private static let callTime = 30.0
  /// Requests in a row that did not get through, after which the service counts as out of reach.
  private static let mostUnreached = 5

  /// What was asked last.
  private enum Phase: String {
    case check, push, code, poll, enter, start, notify, contacts, logout
  }

  /// What is kept from one turn to the next.
  private struct Progress {
    var phase = Phase.code
    /// Why all this: a login, or contacts alone.
    var isRefresh = false
    var uuid = ""
    /// The code went to the phone, and was not drawn.
    var isPush = false
    var codes = 0
    var unreached = 0
    var wasScanned = false
    /// When the last poll was begun, in seconds since 1970.
    var asked = 0.0
    /// Where the phone sent us: the host and the path with its query.
    var host = ""
    var path = ""
    var login: WeChatWebLogin?
    var syncKey = JSON.null
    /// Contacts of the pages so far.
    var pages: [JSON] = []
    var seq = 0

    init(_ phase: Phase) { self.phase = phase }

    init(_ value: JSON) {
      phase = value["phase"]?.string.flatMap(Phase.init(rawValue:)) ?? .code
      isRefresh = value["refresh"]?.boolean ?? false
      uuid = value["uuid"]?.string ?? ""
      isPush = value["push"]?.boolean ?? false
      codes = value["codes"]?.integer ?? 0
      unreached = value["unreached"]?.integer ?? 0
      wasScanned = value["scanned"]?.boolean ?? false
      asked = value["asked"]?.number ?? 0
      host = value["host"]?.string ?? ""
      path = value["path"]?.string ?? ""
      login = WeChatWebLogin(value["login"])
      syncKey = value["sync"] ?? .null
      pages = value["pages"]?.array ?? []
      seq = value["seq"]?.integer ?? 0
    }

    var json: JSON {
      .object([
        .init("phase", .string(phase.rawValue)), .init("refresh", .boolean(isRefresh)), .init("uuid", .string(uuid)),
        .init("push", .boolean(isPush)), .init("codes", .integer(codes)), .init("unreached", .integer(unreached)),
        .init("scanned", .boolean(wasScanned)), .init("asked", .number(String(asked))),
        .init("host", .string(host)), .init("path", .string(path)),
        .init("login", login?.json ?? .null), .init("sync", syncKey), .init("pages", .array(pages)),
        .init("seq", .integer(seq)),
      ])
    }
  }

  package func converse(
    _ event: Dialogue.Event, _ memory: JSON, _ session: Session, at now: Date, nonce: String
  ) -> Dialogue.Turn {
    var state = Progress(memory)
    switch event {
    case .begin(let purpose): return begin(purpose, session, at: now)
    // Nobody is asked for digits.
    case .typed, .waited: return ask(state, session, at: now)
    case .replied(let reply):
      // A poll that nobody answered says "not yet".
      guard case .http(let response) = reply, response.status < 500 else {
        if state.phase == .logout { return Dialogue.Turn([], .end(session)) }
        if case .lost = reply, state.phase == .poll {} else { state.unreached += 1 }
        guard state.unreached < Self.mostUnreached else { return .unreachable(reply) }
        return Dialogue.Turn([], .pause(1), memory: state.json)
      }
      state.unreached = 0
      return proceed(response, state, session, at: now, nonce: nonce)
    }
  }

  private func begin(_ purpose: Dialogue.Purpose, _ session: Session, at now: Date) -> Dialogue.Turn {
    let login = WeChatWebLogin(session.account?.own)
    var state: Progress
    switch purpose {
    case .check: state = Progress(.check)
    case .refresh:
      state = Progress(.contacts)
      state.isRefresh = true
    case .logout: state = Progress(.logout)
    case .login(let isFresh): state = Progress(isFresh || login == nil ? .code : .push)
    }
    state.login = state.phase == .code ? nil : login
    if login == nil {
      switch purpose {
      case .check, .refresh: return Dialogue.Turn([], .over(.init(.ended, "there is no session")))
      case .logout: return Dialogue.Turn([], .end(session))
      case .login: break
      }
    }
    return ask(state, session, at: now)
  }

  // MARK: What is asked

  /// Asks what the phase says; again, where it was asked before.
  private func ask(
    _ state: Progress, _ session: Session, at now: Date, _ news: [Dialogue.Phase] = []
  ) -> Dialogue.Turn {
    var state = state
    if state.phase == .poll { state.asked = now.timeIntervalSince1970 }
    let seconds = Int(now.timeIntervalSince1970)
    // Cut towards zero, as the browser does.
    let rough = -seconds / 1_579
    let request: HTTPRequest
    switch state.phase {
    case .code:
      let page = PercentEncoding.encode("https://wx.qq.com\(Self.folder)/webwxnewloginpage?mod=desktop")
      request = get(
        Self.loginHost, "/jslogin?appid=\(Self.application)&fun=new&redirect_uri=\(page)&lang=zh_CN", nil)
    case .poll:
      let query = "loginicon=true&uuid=\(Self.queryText(state.uuid))&tip=1&r=\(rough)&_=\(seconds)"
      request = get(Self.loginHost, "\(Self.folder)/login?\(query)", nil)
    case .enter:
      let door = [
        HTTPHeader("client-version", "2.0.0"), HTTPHeader("extspam", Self.extspam),
        HTTPHeader("referer", "https://wx.qq.com/?&lang=zh_CN&target=t"),
      ]
      request = get(state.host, state.path, nil, door)
    case .check, .push, .start, .notify, .contacts, .logout:
      guard let login = state.login else { return Self.lostTrack() }
      request = self.request(state, login, session, seconds: seconds, rough: rough, at: now)
    }
    return Dialogue.Turn(
      news, .ask(request, within: state.phase == .poll ? Self.pollTime : Self.callTime), memory: state.json)
  }

  private func request(
    _ state: Progress, _ login: WeChatWebLogin, _ session: Session, seconds: Int, rough: Int, at now: Date
  ) -> HTTPRequest {
    switch state.phase {
    case .push:
      return get(login.host, "\(login.folder)/webwxpushloginurl?uin=\(Self.queryText(login.uin))", login)
    case .start: return post("webwxinit?r=\(rough)&pass_ticket=\(login.ticket)", [], login)
    case .notify:
      let own = JSON.string(login.user)
      return post(
        "webwxstatusnotify?lang=zh_CN&pass_ticket=\(login.ticket)",
        [
          .init("Code", .integer(3)), .init("FromUserName", own), .init("ToUserName", own),
          .init("ClientMsgId", .integer(seconds)),
        ], login)
    case .logout:
      let key = PercentEncoding.encode(login.skey)
      return get(login.host, "\(login.folder)/webwxlogout?redirect=1&type=1&skey=\(key)", login)
    case .contacts: return contactPage(state.seq, login, at: now)
    // Keys are not stored, so that what it brings comes again.
    default: return syncRequest(session, login, at: now)
    }
  }

  // MARK: What came back

  private func proceed(
    _ response: HTTPResponse, _ state: Progress, _ session: Session, at now: Date, nonce: String
  ) -> Dialogue.Turn {
    var state = state
    state.login = state.login?.taking(response)
    switch state.phase {
    case .check: return checked(response, state, session)
    case .push: return pushed(response, state, session, at: now)
    case .code: return gotCode(response, state, session, at: now)
    case .poll: return polled(response, state, session, at: now)
    case .enter: return entered(response, state, session, at: now, nonce: nonce)
    case .start: return started(response, state, session, at: now)
    case .notify:
      guard WeChatWebAnswer(response).ret == 0 else { return Self.refused(response, "webwxstatusnotify") }
      state.phase = .contacts
      return ask(state, session, at: now)
    case .contacts: return gotContacts(response, state, session, at: now)
    case .logout: return Dialogue.Turn([], .end(session))
    }
  }

  private func checked(_ response: HTTPResponse, _ state: Progress, _ session: Session) -> Dialogue.Turn {
    let wire = WeChatWebAnswer(response)
    if let ending = WeChatWebAnswer.ending(wire.ret) {
      return Dialogue.Turn([], .over(.init(.ended, code: wire.ret.map { String($0) }, ending)))
    }
    guard wire.ret == 0 else { return Self.refused(response, "webwxsync") }
    var session = session
    if let login = state.login { session.account?.own = login.json }
    return Dialogue.Turn([], .end(session))
  }

  /// Whoever was here is asked on the phone; where that is refused, a code is drawn.
  private func pushed(
    _ response: HTTPResponse, _ state: Progress, _ session: Session, at now: Date
  ) -> Dialogue.Turn {
    let body = JSON(answer: response) ?? .null
    guard body["ret"]?.scalarText == "0", let uuid = body["uuid"]?.string, !uuid.isEmpty else {
      return ask(Progress(.code), session, at: now)
    }
    var state = Progress(.poll)
    (state.uuid, state.isPush) = (uuid, true)
    return ask(state, session, at: now, [.push])
  }

  private func gotCode(
    _ response: HTTPResponse, _ state: Progress, _ session: Session, at now: Date
  ) -> Dialogue.Turn {
    let script = Script(response)
    guard script["window.QRLogin.code"] == "200", let uuid = script["window.QRLogin.uuid"], !uuid.isEmpty else {
      return Self.refused(response, "jslogin", code: script["window.QRLogin.code"])
    }
    var state = state
    state.phase = .poll
    (state.uuid, state.isPush, state.wasScanned) = (uuid, false, false)
    state.codes += 1
    return ask(state, session, at: now, [.qr(url: "https://\(Self.loginHost)/l/\(uuid)", expires: Self.codeLife)])
  }

  private func polled(
    _ response: HTTPResponse, _ state: Progress, _ session: Session, at now: Date
  ) -> Dialogue.Turn {
    var state = state
    let script = Script(response)
    switch script["window.code"] {
    case "408":
      // A service that does not hold the poll is not asked without a breath.
      let isHeld = abs(now.timeIntervalSince1970 - state.asked) >= 1
      return isHeld ? ask(state, session, at: now) : Dialogue.Turn([], .pause(1), memory: state.json)
    case "201":
      let isNew = !state.wasScanned
      state.wasScanned = true
      return isNew
        ? ask(state, session, at: now, [.scanned]) : Dialogue.Turn([], .pause(1), memory: state.json)
    case "200":
      guard let page = script["window.redirect_uri"].flatMap({ origins.handedOut($0) }) else {
        return Self.strange("redirect_uri is missing in WeChat's answer, or leads elsewhere than to WeChat")
      }
      (state.phase, state.host, state.path) = (.enter, page.host, page.path)
      return ask(state, session, at: now, [.confirmed])
    case "400":
      if state.isPush { return ask(Progress(.code), session, at: now, [.expired]) }
      guard state.codes < Self.mostCodes else {
        return Dialogue.Turn(
          [.expired], .over(.init(.timeout, "\(Self.mostCodes) codes have expired unscanned", hint: "run it again")))
      }
      state.phase = .code
      return ask(state, session, at: now, [.expired])
    default: return Self.refused(response, "login", code: script["window.code"])
    }
  }

  /// The page behind the redirection: keys in XML, cookies in the headers.
  private func entered(
    _ response: HTTPResponse, _ state: Progress, _ session: Session, at now: Date, nonce: String
  ) -> Dialogue.Turn {
    let xml = String(decoding: response.body, as: UTF8.self)
    func element(_ name: String) -> String { WeChatMarkup.element(name, in: xml) ?? "" }
    let ret = element("ret")
    if ret == "1203" {
      return Dialogue.Turn(
        [],
        .over(
          .init(
            .refused, code: ret, "WeChat does not let this account log in on the web: \(element("message"))",
            hint: "that is for good; wechat-ilink is the official way to write to yourself")))
    }
    guard ret == "0" else {
      let message = element("message")
      return Dialogue.Turn(
        [],
        .over(
          .init(
            .refused, code: ret.isEmpty ? nil : ret,
            "WeChat refuses the login: \(message.isEmpty ? "no reason given" : message)")))
    }
    let cookies = WeChatWebLogin.merged([], response)
    func cookie(_ name: String) -> String? { cookies.first { $0.key == name }?.value.string }
    guard let sid = cookie("wxsid"), let uin = cookie("wxuin"), cookie("webwx_data_ticket") != nil else {
      return Dialogue.Turn(
        [],
        .over(
          .init(
            .refused, code: "cookies", "WeChat confirms the login and gives no cookies",
            hint: "that happens to accounts without a verified name: add a bank card in WeChat's wallet")))
    }
    var path = state.path.pieces(at: "?")[0].pieces(at: "/")
    path.removeLast()
    var state = state
    state.login = WeChatWebLogin(
      host: state.host, folder: path.joined(separator: "/"), uin: uin, sid: sid, skey: element("skey"),
      ticket: Self.ticket(element("pass_ticket")), device: Self.device(nonce), cookies: cookies)
    state.phase = .start
    return ask(state, session, at: now)
  }

  private func started(
    _ response: HTTPResponse, _ state: Progress, _ session: Session, at now: Date
  ) -> Dialogue.Turn {
    let wire = WeChatWebAnswer(response)
    guard wire.ret == 0, let user = wire.body["User"]?["UserName"]?.string, !user.isEmpty,
      let key = wire.body["SyncKey"], key["List"]?.array?.isEmpty == false
    else { return Self.refused(response, "webwxinit") }
    var state = state
    state.login?.user = user
    state.login?.nick = WeChatMarkup.name(wire.body["User"]?["NickName"])
    if let newer = wire.body["SKey"]?.string, !newer.isEmpty { state.login?.skey = newer }
    state.syncKey = key
    // The recent ones: groups among them that are not saved to the contacts are listed nowhere else.
    state.pages = wire.body["ContactList"]?.array ?? []
    state.phase = .notify
    return ask(state, session, at: now)
  }

  private func gotContacts(
    _ response: HTTPResponse, _ state: Progress, _ session: Session, at now: Date
  ) -> Dialogue.Turn {
    let wire = WeChatWebAnswer(response)
    guard wire.ret == 0, let login = state.login else {
      guard state.isRefresh, let ending = WeChatWebAnswer.ending(wire.ret) else {
        return Self.refused(response, "webwxgetcontact")
      }
      return Dialogue.Turn([], .over(.init(.ended, code: wire.ret.map { String($0) }, ending)))
    }
    var state = state
    var pages = ContactPages(state.pages)
    state.seq = pages.take(wire.body)
    state.pages = pages.raw
    if state.seq != 0 { return ask(state, session, at: now) }
    if state.isRefresh {
      var session = session
      session.contacts = pages.book(after: session.contacts, own: login.user, at: now)
      session.account?.own = login.json
      return Dialogue.Turn([], .end(session))
    }
    var ready = Session()
    ready.account = Account(
      provider: Self.card.name, name: login.nick.isEmpty ? login.uin : login.nick, since: now, own: login.json)
    ready.contacts = pages.book(after: nil, own: login.user, at: now)
    ready.learned = SyncKeys(sync: state.syncKey, check: state.syncKey).json
    return Dialogue.Turn([], .end(ready))
  }

  // MARK: Ends

  private static func strange(_ text: String) -> Dialogue.Turn {
    Dialogue.Turn([], .over(.init(.refused, text)))
  }

  private static func lostTrack() -> Dialogue.Turn { strange("the login lost its place; begin again") }

  /// - Parameter call: what was answered so.
  private static func refused(_ response: HTTPResponse, _ call: String, code: String? = nil) -> Dialogue.Turn {
    let wire = WeChatWebAnswer(response)
    let number = wire.ret.map { String($0) } ?? code ?? (response.status == 200 ? nil : String(response.status))
    // Since 2025 some accounts are thrown out with the first calls after the login.
    let ending = WeChatWebAnswer.ending(wire.ret).map { "WeChat ended the session right after the login: \($0)" }
    let words = ending ?? wire.words ?? "WeChat answers \(call) with \(number ?? "nothing that can be understood")"
    return Dialogue.Turn(
      [],
      .over(
        .init(
          .refused, code: number, words,
          hint: ending == nil ? nil : "WeChat does this to accounts it suspects; wait a day before the next login")))
  }
}
