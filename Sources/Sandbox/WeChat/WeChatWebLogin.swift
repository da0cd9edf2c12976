import Digests
import FoundationEssentials

// A login, from the code to the list of contacts, and its end.

extension WeChatWebSandbox {
  /// What the web page says of itself in its requests, and clients repeat: a constant of 800 bytes or so, known here by its
  /// digest. Accounts that are barred from the web are let in with it.
  private static let extspam = "11e2f840f98652979f09996c2c9bcdfef4e19c0e042dfcb00804818a369795e0"
  private static let application = "wx782c26e4c19acffb"

  func isBrowser(_ request: SandboxRequest) -> Bool { request.header("user-agent")?.hasPrefix("Mozilla/5.0 ") ?? false }

  mutating func drawCode(_ call: SandboxCall, now: Date) -> SandboxReply {
    let query = call.request.query
    let page = "https://wx.qq.com\(Self.folder)webwxnewloginpage"
    guard query.value("appid") == Self.application, query.value("fun") == "new", query.value("lang") != nil,
      query.value("redirect_uri")?.hasPrefix(page) ?? false, isBrowser(call.request)
    else { return Self.script("window.QRLogin.code = 400; window.QRLogin.error = \"\";", outcome: .error) }
    let uuid = account.drawCode(at: now, isAutomatic: isPhoneAutomatic)
    return Self.script("window.QRLogin.code = 200; window.QRLogin.uuid = \"\(uuid)\";")
  }

  mutating func pollLogin(_ call: SandboxCall, now: Date) -> SandboxReply {
    let query = call.request.query
    guard let uuid = query.value("uuid"), let code = account.codes[uuid], query.value("tip") != nil,
      query.value("r") != nil, query.value("_") != nil
    else { return Self.script("window.code=400;", outcome: .error) }
    switch code.state(at: now) {
    case .scanned where !code.hasToldScan:
      account.tellScan(uuid)
      return Self.script("window.code=201;window.userAvatar = 'data:img/jpg;base64,AAAA';")
    case .confirmed, .refused:
      let ticket = account.ticket(for: uuid)
      let page =
        "https://\(WeChatWebAccount.host)\(Self.folder)webwxnewloginpage?ticket=\(ticket)&uuid=\(uuid)&lang=zh_CN"
        + "&scan=\(Int(now.timeIntervalSince1970))"
      return Self.script("window.code=200;\nwindow.redirect_uri=\"\(page)\";")
    case .expired: return Self.script("window.code=400;")
    case .drawn, .scanned, .needsDigits: return Self.script("window.code=408;")
    }
  }

  mutating func enter(_ call: SandboxCall, now: Date) -> SandboxReply {
    let query = call.request.query
    guard let code = account.spend(query.value("ticket"), of: query.value("uuid")) else {
      return Self.refusal(1, "no such ticket")
    }
    let isLetIn =
      call.request.header("client-version") == "2.0.0" && isBrowser(call.request)
      && Digest.sha256.of((call.request.header("extspam") ?? "").utf8).hex == Self.extspam
    guard code.state(at: now) == .confirmed, isLetIn else {
      return Self.refusal(1203, "为了你的帐号安全，此微信号已不允许登录网页微信。你可以使用Windows微信或Mac微信在电脑端登录。")
    }
    account.logIn()
    let login = account.login
    let host = WeChatWebAccount.host
    let cookies = [
      ("wxuin", WeChatWebAccount.uin, host), ("wxsid", login.sid, host),
      ("wxloadtime", String(Int(now.timeIntervalSince1970)), host), ("mm_lang", "zh_CN", host),
      ("webwx_data_ticket", login.dataTicket, ".qq.com"), ("webwxuvid", "sandboxuvid", host),
      ("webwx_auth_ticket", login.authTicket, host),
    ]
    let body =
      "<error><ret>0</ret><message></message><skey>\(login.skey)</skey><wxsid>\(login.sid)</wxsid>"
      + "<wxuin>\(WeChatWebAccount.uin)</wxuin><pass_ticket>\(PercentEncoding.text(login.passTicket))</pass_ticket>"
      + "<isgrayscale>1</isgrayscale></error>"
    // Who follows the redirection gets a page, and never sees this.
    let headers =
      [FormPair("Content-Type", "text/plain"), FormPair("Location", "https://\(host)/?&lang=zh_CN")]
      + cookies.map { FormPair("Set-Cookie", "\($0.0)=\($0.1); Domain=\($0.2); Path=/") }
    return SandboxReply(status: 301, headers: headers, body: Array(body.utf8), outcome: .lookup)
  }

  private static func refusal(_ code: Int, _ text: String) -> SandboxReply {
    SandboxReply(
      status: 200, headers: [FormPair("Content-Type", "text/plain")],
      body: Array("<error><ret>\(code)</ret><message>\(text)</message></error>".utf8), outcome: .credentials)
  }

  /// Another login of somebody who was here: no code to scan, the phone asks at once.
  mutating func pushLogin(_ call: SandboxCall, now: Date) -> SandboxReply {
    guard call.request.query.value("uin") == WeChatWebAccount.uin, account.isKnown(Self.cookies(call.request)) else {
      return SandboxReply(status: 200, json: ["ret": "1", "msg": "all error"], outcome: .credentials)
    }
    let uuid = account.drawCode(at: now, isAutomatic: isPhoneAutomatic, isPushed: true)
    return SandboxReply(status: 200, json: ["msg": "all ok", "ret": "0", "uuid": .string(uuid)], outcome: .lookup)
  }

  mutating func logOut(_ call: SandboxCall) -> SandboxReply {
    guard account.problem(withCookies: Self.cookies(call.request)) == nil,
      call.request.query.value("skey") == account.login.skey
    else { return SandboxReply(status: 301, body: [], outcome: .credentials) }
    account.endLogin(1100, hasLeft: true)
    return SandboxReply(status: 301, body: [], outcome: .lookup)
  }
}

// MARK: - After the login

extension WeChatWebSandbox {
  mutating func start(now: Date) -> SandboxReply {
    account.start()
    let recent = account.contacts.filter(\.isRecent).map { account.description($0) }
    let names = account.contacts.filter(\.isRecent).map { account.user($0) }
    return Self.ret(
      0,
      [
        "Count": .int(recent.count + 1), "ContactList": .array([WeChatWebAccount.fileHelper] + recent),
        "SyncKey": syncKey(account.news.count, now: now), "User": account.description(account.own),
        "ChatSet": .string((["filehelper"] + names).joined(separator: ",")), "SKey": .string(account.login.skey),
        "ClientVersion": 637_534_255, "SystemTime": .int(Int(now.timeIntervalSince1970)), "GrayScale": 1,
        "InviteStartCount": 40, "MPSubscribeMsgCount": 0, "MPSubscribeMsgList": [], "ClickReportInterval": 600_000,
      ])
  }

  /// The page is open now: other devices get to know, and this one gets to know that with its first synchronisation.
  mutating func notify(_ call: SandboxCall, now: Date) -> SandboxReply {
    let own = account.user(account.own)
    guard call.fields["Code"]?.int == 3, call.fields["FromUserName"]?.string == own,
      call.fields["ToUserName"]?.string == own, call.fields["ClientMsgId"]?.scalar != nil
    else { return Self.ret(1) }
    let id = account.newMessage()
    account.tell(
      message(
        id: id, from: own, to: own, type: 51, content: "&lt;msg&gt;<br/>&lt;op id='4'&gt;<br/>&lt;/op&gt;&lt;/msg&gt;",
        at: now, ["StatusNotifyCode": 4, "StatusNotifyUserName": "filehelper"]))
    return Self.ret(0, ["MsgID": .string(account.newMessage())])
  }

  private static let pageSize = 3

  func listContacts(_ call: SandboxCall) -> SandboxReply {
    guard call.request.query.value("skey") != nil else { return Self.ret(1) }
    let start = call.request.query.value("seq").flatMap { Int($0) } ?? 0
    let all = account.contacts.filter { $0.isListed && $0.kind != .own }
    let page = all.dropFirst(max(0, start)).prefix(Self.pageSize)
    let next = start + page.count < all.count ? start + page.count : 0
    return Self.ret(
      0,
      [
        "MemberCount": .int(page.count), "MemberList": .array(page.map { account.description($0) }), "Seq": .int(next),
      ])
  }

  func describeContacts(_ call: SandboxCall) -> SandboxReply {
    guard call.request.query.value("type") == "ex", let list = call.fields["List"]?.array,
      call.fields["Count"]?.int == list.count
    else { return Self.ret(1) }
    let found = list.compactMap { $0["UserName"]?.string }.compactMap { account.contact(user: $0) }
    return Self.ret(
      0, ["Count": .int(found.count), "ContactList": .array(found.map { account.description($0) })])
  }
}
