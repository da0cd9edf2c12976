import Foundation
import Testing

@testable import Sandbox

/// The sandbox without a network: time passes only while a poll waits for it, and then at once.
struct WeChatBench {
  var core: SandboxCore
  var now = Date(timeIntervalSince1970: Golden.pushTime)
  /// What the requests came to, without the phone's.
  var outcomes: [SandboxOutcome] = []

  init(isPhoneAutomatic: Bool = true, faults: [String] = []) throws {
    core = SandboxCore(
      credentials: [:], faults: try faults.map { try Fault($0) }, isPhoneAutomatic: isPhoneAutomatic)
  }

  mutating func ask(
    _ method: String, _ target: String, headers: [FormPair] = [], body: [UInt8] = []
  ) -> Response {
    let request = SandboxRequest(
      method: method, target: target, headers: headers.map { FormPair($0.name.lowercased(), $0.value) }, body: body)
    var step = core.serve(request, now: now)
    while case .waiting(let waiting) = step {
      now += Double(waiting.milliseconds) / 1000
      step = core.look(at: waiting, now: now)
    }
    guard case .served(let served) = step else { return Response(status: 0, headers: [], body: []) }
    if !target.hasPrefix("/sandbox/") { outcomes.append(served.record.outcome) }
    return Response(
      status: served.departure == .whole ? served.reply.status : 0,
      headers: served.reply.headers.map { FormPair($0.name.lowercased(), $0.value) }, body: served.reply.body)
  }

  /// Whether a request would wait.
  mutating func waits(_ method: String, _ target: String, headers: [FormPair] = [], body: WireJSON = .null) -> Bool {
    let request = SandboxRequest(
      method: method, target: target, headers: headers.map { FormPair($0.name.lowercased(), $0.value) },
      body: body == .null ? [] : body.bytes)
    var copy = core
    if case .waiting = copy.serve(request, now: now) { return true }
    return false
  }
}

/// A client of the web protocol, which does everything right unless it is told otherwise.
struct WeChatWebClient {
  static let folder = "/cgi-bin/mmwebwx-bin/"
  static let browser = FormPair("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
  static let json = FormPair("Content-Type", "application/json; charset=UTF-8")

  var bench: WeChatBench
  var cookies: [String: String] = [:]
  var base: WireJSON = .null
  var ticket = ""
  var skey = ""
  var own = ""
  var users: [String: String] = [:]
  var syncKey: WireJSON = .null
  var checkKey: WireJSON = .null
  private var lastId = 17_000_000_000_000

  init(isPhoneAutomatic: Bool = true, faults: [String] = []) throws {
    bench = try WeChatBench(isPhoneAutomatic: isPhoneAutomatic, faults: faults)
  }

  /// One that is logged in.
  static func ready(faults: [String] = []) throws -> WeChatWebClient {
    var client = try WeChatWebClient(faults: faults)
    try client.logIn()
    return client
  }

  var cookieHeader: FormPair {
    FormPair("Cookie", cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; "))
  }

  mutating func get(_ target: String, _ headers: [FormPair] = []) -> Response {
    bench.ask("GET", target, headers: [Self.browser, cookieHeader] + headers)
  }

  mutating func post(_ call: String, _ body: WireJSON, headers: [FormPair] = [Self.json]) -> Response {
    let whole = (["BaseRequest": base] as WireJSON).merging(body)
    return bench.ask("POST", Self.folder + call, headers: [Self.browser, cookieHeader] + headers, body: whole.bytes)
  }

  @discardableResult
  mutating func phone(_ command: String, _ body: String = "{}") throws -> WireJSON {
    let answer = bench.ask("POST", "/sandbox/wechat-web/\(command)", body: Array(body.utf8))
    guard answer.status == 200 else { throw LoopbackError(what: "\(command): \(answer.text)") }
    return answer.json
  }

  mutating func received(_ name: String) -> [WireJSON] {
    bench.ask("GET", "/sandbox/wechat-web/received").json[name]?.array ?? []
  }

  // MARK: The login

  mutating func drawCode() throws -> String {
    let page = "https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage%3Fmod%3Ddesktop"
    let text = get("/jslogin?appid=wx782c26e4c19acffb&fun=new&redirect_uri=\(page)&lang=zh_CN").text
    return try #require(text.between("uuid = \"", "\""))
  }

  mutating func poll(_ uuid: String) -> String {
    get("\(Self.folder)login?loginicon=true&uuid=\(uuid)&tip=1&r=-1076630&_=1700000000").text
  }

  /// Polls until the phone has confirmed; the page to go on with.
  mutating func waitForPage(_ uuid: String) throws -> String {
    for _ in 0..<5 {
      if let page = poll(uuid).between("redirect_uri=\"https://wx2.qq.com", "\"") { return page }
    }
    throw LoopbackError(what: "nobody confirmed")
  }

  static func doorHeaders() throws -> [FormPair] {
    let golden = try Golden.named("wechat-web", "itchat_uos-login-sequence")
    let door = try #require(golden.exchanges.map(\.request).first { $0.target.contains("/webwxnewloginpage?") })
    return door.headers.filter { ["client-version", "extspam", "referer"].contains($0.name) }
  }

  mutating func enter(_ page: String) throws -> Response {
    let answer = get(page, try Self.doorHeaders())
    for header in answer.headers where header.name == "set-cookie" {
      let pair = header.value.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
      if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
    }
    func element(_ name: String) -> String { WeChatText.element(name, in: answer.text) ?? "" }
    skey = element("skey")
    ticket = element("pass_ticket")
    base = [
      "Uin": .string(element("wxuin")), "Sid": .string(element("wxsid")), "Skey": .string(skey),
      "DeviceID": "e012345678901234",
    ]
    return answer
  }

  mutating func start() throws {
    let initial = post("webwxinit?r=-1&pass_ticket=\(ticket)", .object([])).json
    #expect(initial["BaseResponse"]?["Ret"] == 0)
    own = initial["User"]?["UserName"]?.string ?? ""
    syncKey = initial["SyncKey"] ?? .null
    checkKey = syncKey
    let notice = post(
      "webwxstatusnotify?lang=zh_CN&pass_ticket=\(ticket)",
      ["Code": 3, "FromUserName": .string(own), "ToUserName": .string(own), "ClientMsgId": 1_700_000_000])
    #expect(notice.json["MsgID"]?.string?.isEmpty == false)
    var pages = initial["ContactList"]?.array ?? []
    var next = 0
    repeat {
      let page = get("\(Self.folder)webwxgetcontact?r=1700000000&seq=\(next)&skey=\(skey)").json
      pages += page["MemberList"]?.array ?? []
      next = page["Seq"]?.int ?? 0
    } while next != 0
    for contact in pages {
      let name = [contact["RemarkName"], contact["NickName"]].compactMap { $0?.string }.first { !$0.isEmpty }
      users[name ?? ""] = contact["UserName"]?.string
    }
  }

  mutating func logIn() throws {
    _ = try enter(try waitForPage(try drawCode()))
    try start()
  }

  // MARK: Messages

  func message(to user: String, _ more: WireJSON, id: Int = 17_000_000_000_000) -> WireJSON {
    let about: WireJSON = [
      "FromUserName": .string(own), "ToUserName": .string(user), "LocalID": .int(id), "ClientMsgId": .int(id),
    ]
    return ["Msg": about.merging(more), "Scene": 0]
  }

  mutating func text(_ text: String, to user: String = "filehelper") -> WireJSON {
    post("webwxsendmsg", message(to: user, ["Type": 1, "Content": .string(text)])).json
  }

  static func ret(_ answer: WireJSON) -> Int? { answer["BaseResponse"]?["Ret"]?.int }

  // MARK: Receiving

  func checkTarget(_ keys: WireJSON? = nil) -> String {
    let list = (keys ?? checkKey)["List"]?.array ?? []
    let text = list.map { "\($0["Key"]?.int ?? 0)_\($0["Val"]?.int ?? 0)" }.joined(separator: "%7C")
    let sid = PercentEncoding.text(base["Sid"]?.string ?? "")
    return "\(Self.folder)synccheck?r=1&skey=\(PercentEncoding.text(skey))&sid=\(sid)&uin=123456789"
      + "&deviceid=e012345678901234&synckey=\(text)&_=1"
  }

  mutating func check() -> String { get(checkTarget()).text }

  mutating func sync() -> WireJSON {
    let sid = base["Sid"]?.string ?? ""
    let answer = post(
      "webwxsync?sid=\(sid)&skey=\(skey)&pass_ticket=\(ticket)", ["SyncKey": syncKey, "rr": -1_700_000_001]
    ).json
    if Self.ret(answer) == 0 {
      syncKey = answer["SyncKey"] ?? .null
      checkKey = answer["SyncCheckKey"] ?? .null
    }
    return answer
  }
}

extension String {
  /// What stands between the first of these and what follows it.
  func between(_ start: String, _ end: String) -> String? {
    guard let from = firstRange(of: start), let to = self[from.upperBound...].firstRange(of: end) else { return nil }
    return String(self[from.upperBound..<to.lowerBound])
  }
}
