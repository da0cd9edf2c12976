import FoundationEssentials

// What came in: the long poll, the synchronisation, and the files.

extension WeChatWebSandbox {
  /// Values of keys begin here, so that none is taken for another thing.
  private static let firstKey = 640_000_000
  /// Messages that a synchronisation brings at the most.
  private static let batch = 5

  func syncKey(_ position: Int, now: Date) -> WireJSON {
    keys([1, 2, 3].map { ($0, Self.firstKey + position) } + [(1000, Int(now.timeIntervalSince1970))])
  }

  /// Has keys that `SyncKey` lacks: whoever takes the one for the other is found out.
  private func syncCheckKey(_ position: Int, now: Date) -> WireJSON {
    keys(
      [1, 2, 3, 11].map { ($0, Self.firstKey + position) }
        + [201, 1000, 1001].map { ($0, Int(now.timeIntervalSince1970)) })
  }

  private func keys(_ pairs: [(Int, Int)]) -> WireJSON {
    ["Count": .int(pairs.count), "List": .array(pairs.map { ["Key": .int($0.0), "Val": .int($0.1)] })]
  }

  /// How many news the client has; nil for keys that it was never given.
  private func position(_ keys: [Int: Int]) -> Int? {
    guard let value = keys[2], keys[1] == value, keys[3] == value, keys[1000] != nil else { return nil }
    let position = value - Self.firstKey
    return account.login.first...account.news.count ~= position ? position : nil
  }

  /// `1_640000001|2_640000002|...`; nil for what was never given, or given for the other purpose.
  private func position(ofCheck text: String?) -> Int? {
    var keys: [Int: Int] = [:]
    for item in (text ?? "").items("|") {
      let pair = item.items("_").compactMap { Int($0) }
      guard pair.count == 2 else { return nil }
      keys[pair[0]] = pair[1]
    }
    guard let position = position(keys) else { return nil }
    // Only the login's own key may be used for both.
    let isFirst = position == account.login.first && keys.count == 4
    return isFirst || (keys[11] != nil && keys[201] != nil && keys[1001] != nil) ? position : nil
  }

  private func position(ofSync key: WireJSON?) -> Int? {
    var keys: [Int: Int] = [:]
    for item in key?["List"]?.array ?? [] {
      guard let name = item["Key"]?.int, let value = item["Val"]?.int else { return nil }
      keys[name] = value
    }
    return key?["Count"]?.int == keys.count && keys.count == 4 ? position(keys) : nil
  }

  /// What a poll is told at once; nil when it waits.
  private func checkAnswer(_ call: SandboxCall) -> (code: Int, selector: Int)? {
    let query = call.request.query
    if let code = account.problem(withCookies: Self.cookies(call.request)) { return (code, 0) }
    guard query.value("sid") == account.login.sid, query.value("uin") == WeChatWebAccount.uin,
      query.value("skey") == account.login.skey, Self.isDevice(query.value("deviceid")), query.value("r") != nil,
      query.value("_") != nil, let position = position(ofCheck: query.value("synckey"))
    else { return (1102, 0) }
    let news = account.news[position...]
    if news.isEmpty { return nil }
    return (0, news.contains { if case .message = $0 { true } else { false } } ? 2 : 4)
  }

  func syncCheckWaits(_ call: SandboxCall) -> Bool { checkAnswer(call) == nil }

  func checkSync(_ call: SandboxCall) -> SandboxReply {
    let (code, selector) = checkAnswer(call) ?? (0, 0)
    return Self.script(
      "window.synccheck={retcode:\"\(code)\",selector:\"\(selector)\"}", outcome: code == 0 ? .lookup : .credentials)
  }

  mutating func sync(_ call: SandboxCall, now: Date) -> SandboxReply {
    // Clients write the plus in it as it is, and so it arrives as a space.
    let sid = call.request.query.value("sid")?.replacing(" ", with: "+")
    guard sid == account.login.sid, call.fields["skey"]?.scalar == account.login.skey,
      call.fields["rr"]?.int != nil, let position = position(ofSync: call.fields["SyncKey"])
    else { return Self.ret(1) }
    let rest = account.news[position...]
    var messages: [WireJSON] = []
    var contacts: [WireJSON] = []
    for item in rest.prefix(Self.batch) {
      switch item {
      case .message(let message): messages.append(message)
      case .contact(let id): contacts += account.contact(id: id).map { [account.description($0)] } ?? []
      }
    }
    let next = position + min(rest.count, Self.batch)
    return Self.ret(
      0,
      [
        "AddMsgCount": .int(messages.count), "AddMsgList": .array(messages),
        "ModContactCount": .int(contacts.count), "ModContactList": .array(contacts), "DelContactCount": 0,
        "DelContactList": [], "ModChatRoomMemberCount": 0, "ModChatRoomMemberList": [],
        "ContinueFlag": next < account.news.count ? 1 : 0, "SyncKey": syncKey(next, now: now), "SKey": "",
        "SyncCheckKey": syncCheckKey(next, now: now),
      ])
  }

  func giveMedia(_ call: SandboxCall) -> SandboxReply {
    let query = call.request.query
    let name = Self.call(call.request)
    let id: String? =
      switch name {
      case "webwxgetmsgimg": query.value("MsgID")
      case "webwxgetmedia": query.value("mediaid").flatMap { $0.hasPrefix("@media_") ? String($0.dropFirst(7)) : nil }
      default: query.value("msgid")
      }
    let kinds = [
      "webwxgetmsgimg": "image", "webwxgetvoice": "voice", "webwxgetvideo": "video", "webwxgetmedia": "file",
    ]
    let knowsWho =
      name == "webwxgetmedia"
      ? query.value("fromuser") == WeChatWebAccount.uin && query.value("webwx_data_ticket") == account.login.dataTicket
        && query.value("sender") != nil && query.value("filename") != nil && query.value("pass_ticket") != nil
      : query.value("skey") == account.login.skey
    guard knowsWho, let media = id.flatMap({ account.media[$0] }), media.kind == kinds[name] else {
      return SandboxReply(status: 404, body: [], outcome: .error)
    }
    // Without a range there is an answer, and nothing in it.
    let isRanged = call.request.header("range") == "bytes=0-"
    if media.kind == "video", !isRanged { return SandboxReply(status: 200, body: [], outcome: .error) }
    return SandboxReply(
      status: media.kind == "video" ? 206 : 200, headers: [FormPair("Content-Type", media.type)], body: media.bytes,
      outcome: .lookup)
  }
}

// MARK: - The phone

extension WeChatWebSandbox {
  mutating func obey(_ command: PhoneCommand, now: Date) throws(PhoneTrouble) -> WireJSON {
    switch command.name {
    case "received": return account.received.json
    case "scan": try account.withWaitingCode(at: now) { $0.scan(at: now) }
    case "confirm": try account.withWaitingCode(at: now) { $0.confirm(at: now) }
    case "expire": try account.withWaitingCode(at: now) { $0.expire() }
    case "refuse":
      do throws(PhoneTrouble) {
        try account.withWaitingCode(at: now) { $0.refuse(at: now) }
      } catch {
        account.refusesNext = true
      }
    case "kick":
      guard account.isOnline else { throw .notNow("nobody is logged in") }
      account.endLogin(command.fields["code"]?.wholeNumber ?? 1100)
    case "befriend": try befriend(command)
    case "echo": account.echoes = command.flag("on")
    case "say": return ["id": .string(try say(command, now: now))]
    default:
      throw PhoneTrouble(
        status: 404, problem: "expected scan, confirm, expire, refuse, say, kick, befriend, echo or received")
    }
    return .object([])
  }

  private mutating func befriend(_ command: PhoneCommand) throws(PhoneTrouble) {
    let group = command.fields["group"]?.string
    let isGroup = group != nil || command.flag("group")
    guard let nick = command.text("nick") ?? group else { throw PhoneTrouble(problem: "expected a nick") }
    account.befriend(
      WeChatWebAccount.Contact(
        id: 0, kind: isGroup ? .group : .friend, nick: nick, remark: command.text("remark") ?? "",
        alias: command.text("alias") ?? "", members: isGroup ? [0, 1, 2] : []))
  }

  private mutating func say(_ command: PhoneCommand, now: Date) throws(PhoneTrouble) -> String {
    guard account.isOnline else { throw .notNow("nobody is logged in") }
    let name = command.text("from") ?? "老张"
    let isOwn = name == "self"
    let group = command.text("group")
    guard
      let sender = isOwn
        ? account.own
        : account.contact(named: name, group == nil ? [.friend, .publicAccount, .stranger] : [.friend, .stranger])
    else { throw PhoneTrouble(problem: "nobody is called \(name)") }
    let room = group.flatMap { account.contact(named: $0, [.group]) }
    guard group == nil || room != nil else { throw PhoneTrouble(problem: "no group is called \(group ?? "")") }
    let own = account.user(account.own)
    let other = command.text("to").flatMap { account.contact(named: $0, [.friend]) }.map { account.user($0) }
    let id = account.newMessage()
    let written = try IncomingWeChat(command, id: id)
    let user = account.user(sender)
    // In a group the sender stands before what others say.
    let content = room != nil && !isOwn && written.isSpoken ? "\(user):<br/>\(written.content)" : written.content
    let from = isOwn ? own : room.map { account.user($0) } ?? user
    let to = isOwn ? room.map { account.user($0) } ?? other ?? "filehelper" : own
    let at = now.addingTimeInterval(-Double(command.fields["age"]?.wholeNumber ?? 0))
    account.tell(
      message(id: id, from: from, to: to, type: written.type, content: content, at: at, written.about),
      with: written.media)
    return id
  }

  func message(
    id: String, from: String, to: String, type: Int, content: String, at: Date, _ about: WireJSON = .object([])
  ) -> WireJSON {
    let base: WireJSON = [
      "MsgId": .string(id), "FromUserName": .string(from), "ToUserName": .string(to), "MsgType": .int(type),
      "Content": .string(content), "Status": 3, "ImgStatus": 1, "CreateTime": .int(Int(at.timeIntervalSince1970)),
      "VoiceLength": 0, "PlayLength": 0, "FileName": "", "FileSize": "", "MediaId": "", "Url": "", "AppMsgType": 0,
      "StatusNotifyCode": 0, "StatusNotifyUserName": "", "RecommendInfo": .object([]), "ForwardFlag": 0,
      "AppInfo": .object([]), "HasProductId": 0, "Ticket": "", "ImgHeight": 0, "ImgWidth": 0, "SubMsgType": 0,
      "NewMsgId": .number(id), "OriContent": "",
    ]
    guard case .object(let members) = base, case .object(let changes) = about else { return base }
    return .object(members.filter { member in !changes.contains { $0.name == member.name } } + changes)
  }
}

/// What somebody says, in the service's own form.
private struct IncomingWeChat {
  var type: Int
  var content: String
  var about: WireJSON = .object([])
  var media: WeChatWebAccount.Media?
  /// A person said it; what the service says itself names no sender.
  var isSpoken = true

  init(_ command: PhoneCommand, id: String) throws(PhoneTrouble) {
    let text = command.text("text") ?? ""
    let name = command.text("name") ?? ""
    let kind = command.text("kind") ?? "text"
    let bytes = try command.bytes("base64")
    func media(_ type: String) -> WeChatWebAccount.Media {
      WeChatWebAccount.Media(name: name, type: type, bytes: bytes, kind: kind)
    }
    func escaped(_ xml: String) -> String { WeChatText.escaped(xml) }
    switch kind {
    case "text": (type, content) = (1, WeChatText.encoded(text))
    case "location":
      (type, content) = (1, "\(WeChatText.encoded(text)):<br/>/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx")
      about = ["SubMsgType": 48, "Url": "http://apis.map.qq.com/uri/v1/geocoder?coord=31.2,121.4"]
    case "image":
      (type, content) = (3, escaped("<msg><img length=\"\(bytes.count)\" /></msg>"))
      self.media = media("image/jpeg")
    case "voice":
      (type, content) = (34, escaped("<msg><voicemsg length=\"\(bytes.count)\" /></msg>"))
      about = ["VoiceLength": 1000]
      self.media = media("audio/mp3")
    case "video":
      (type, content) = (43, escaped("<msg><videomsg length=\"\(bytes.count)\" /></msg>"))
      about = ["PlayLength": 3]
      self.media = media("video/mp4")
    case "file":
      let title = WeChatText.escaped(name)
      (type, content) = (49, escaped("<msg><appmsg><title>\(title)</title><type>6</type></appmsg></msg>"))
      about = [
        "AppMsgType": 6, "FileName": .string(title), "FileSize": .string(String(bytes.count)),
        "MediaId": .string("@media_\(id)"),
      ]
      self.media = media("application/octet-stream")
    case "link":
      let title = WeChatText.escaped(command.text("title") ?? name)
      let url = WeChatText.escaped(command.text("url") ?? "")
      let xml =
        "<msg><appmsg><title>\(title)</title><des>\(WeChatText.escaped(text))</des><type>5</type><url>\(url)</url>"
        + "</appmsg></msg>"
      (type, content) = (49, escaped(xml))
      about = ["AppMsgType": 5, "FileName": .string(title), "Url": .string(url)]
    case "card":
      (type, content) = (42, escaped("<?xml version=\"1.0\"?><msg nickname=\"\(WeChatText.escaped(name))\"></msg>"))
      about = ["RecommendInfo": ["UserName": "@card", "NickName": .string(WeChatText.encoded(name)), "Alias": ""]]
    case "recall":
      let xml = "<sysmsg type=\"revokemsg\"><revokemsg><msgid>\(text)</msgid></revokemsg></sysmsg>"
      (type, content, isSpoken) = (10002, escaped(xml), false)
    case "system": (type, content, isSpoken) = (10000, WeChatText.encoded(text), false)
    case "request":
      (type, content) = (37, escaped("<msg fromnickname=\"\(WeChatText.escaped(name))\"></msg>"))
      about = ["RecommendInfo": ["UserName": "@request", "NickName": .string(name), "Content": .string(text)]]
    default:
      throw PhoneTrouble(
        problem: "kind \(kind): expected text, image, voice, video, file, link, card, location, recall, system or "
          + "request")
    }
  }
}
