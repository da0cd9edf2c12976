import Digests
import FoundationEssentials

// The login, the owner's words, what is sent, and files.

extension WeChatILinkSandbox {
  mutating func drawCode(_ call: SandboxCall, now: Date) -> SandboxReply {
    // Older clients ask with GET, and without a body.
    guard call.request.query.value("bot_type") == "3", call.malformed == nil,
      call.request.method == "GET" || call.fields["local_token_list"]?.strings != nil
    else { return SandboxReply(status: 400, json: ["ret": -1], outcome: .error) }
    let code = account.drawCode(
      at: now, isAutomatic: isPhoneAutomatic, tokens: call.fields["local_token_list"]?.strings ?? [])
    let link = "https://liteapp.weixin.qq.com/q/7GiQu1?qrcode=\(code)&bot_type=3"
    return SandboxReply(
      status: 200, json: ["ret": 0, "qrcode": .string(code), "qrcode_img_content": .string(link)], outcome: .lookup)
  }

  mutating func pollStatus(_ call: SandboxCall, now: Date) -> SandboxReply {
    func status(_ status: String, _ more: WireJSON = .object([])) -> SandboxReply {
      let about: WireJSON = ["ret": 0, "status": .string(status)]
      return SandboxReply(status: 200, json: about.merging(more), outcome: .lookup)
    }
    guard Self.namesClient(call.request), let name = call.request.query.value("qrcode"), let code = account.codes[name]
    else { return status("expired") }
    switch code.scannable.state(at: now) {
    case .drawn: return status("wait")
    case .expired: return status("expired")
    case .refused: return status("verify_code_blocked")
    case .needsDigits:
      var matches = false
      account.change(name) { matches = $0.scannable.type(call.request.query.value("verify_code") ?? "", at: now) }
      return status(matches ? "scaned" : "need_verifycode")
    case .scanned:
      if let host = code.redirect, !code.hasToldRedirect {
        account.change(name) { $0.hasToldRedirect = true }
        return status("scaned_but_redirect", ["redirect_host": .string(host)])
      }
      account.change(name) { $0.scannable.hasToldScan = true }
      return status("scaned")
    case .confirmed:
      guard let binding = account.bind(code) else { return status("binded_redirect") }
      return status("confirmed", binding)
    }
  }

  // MARK: Words

  /// How many messages the client has; nil for a cursor that it was never given.
  private func position(_ call: SandboxCall) -> Int? {
    guard let cursor = call.fields["get_updates_buf"]?.string else { return nil }
    if cursor.isEmpty { return 0 }
    guard cursor.hasPrefix("CgkI"), let position = Int(cursor.dropFirst(4)), 0...account.said.count ~= position else {
      return nil
    }
    return position
  }

  func updatesWait(_ call: SandboxCall) -> Bool {
    guard let token = call.request.authorization("Bearer"), account.isGood(token), Self.namesClient(call.request),
      let position = position(call)
    else { return false }
    return position == account.said.count
  }

  func giveUpdates(_ call: SandboxCall) -> SandboxReply {
    guard let position = position(call) else { return Self.ret(-1, "bad get_updates_buf") }
    return Self.ret(
      0,
      more: [
        "msgs": .array(Array(account.said[position...])), "get_updates_buf": .string("CgkI\(account.said.count)"),
        "longpolling_timeout_ms": .int(Int(Self.patience * 1000)),
      ])
  }

  // MARK: Sending

  mutating func send(_ call: SandboxCall, now: Date) -> SandboxReply {
    let message = call.fields["msg"] ?? .null
    guard message["from_user_id"] == "", let user = message["to_user_id"]?.string,
      let client = message["client_id"]?.string, !client.isEmpty, message["message_type"] == 2,
      message["message_state"] == 2, let items = message["item_list"]?.array, items.count == 1
    else { return Self.ret(-1, "bad message", outcome: .rejected) }
    guard let content = content(of: items[0], for: user) else {
      return Self.ret(-1, "bad item", outcome: .rejected)
    }
    // Nobody but the owner; and only so often after each word.
    guard user == WeChatILinkAccount.owner, account.spend(at: now) else {
      return Self.ret(-2, "prepare failed", outcome: .quota)
    }
    let id = account.newMessage()
    let about: WireJSON = ["id": .string(id), "client_id": .string(client)]
    account.received.add(about.merging(content), to: account.name(ofUser: user))
    return Self.ret(0, more: ["message_id": .string(id)], outcome: .accepted)
  }

  /// What was sent, as `received` tells it; nil when it is none.
  private func content(of item: WireJSON, for user: String) -> WireJSON? {
    switch item["type"]?.int {
    case 1:
      guard let text = item["text_item"]?["text"]?.string, !text.isEmpty else { return nil }
      return ["kind": "text", "text": .string(text)]
    case 2:
      guard let about = item["image_item"], let file = file(about["media"], kind: 1, for: user),
        about["mid_size"]?.int == file.size
      else { return nil }
      return description(file, kind: "image")
    case 4:
      guard let about = item["file_item"], let file = file(about["media"], kind: 3, for: user),
        about["len"]?.string == String(file.rawSize), let name = about["file_name"]?.string, !name.isEmpty
      else { return nil }
      return description(file, kind: "file").merging(["name": .string(name)])
    case 5:
      guard let about = item["video_item"], let file = file(about["media"], kind: 2, for: user),
        about["video_size"]?.int == file.size
      else { return nil }
      return description(file, kind: "video")
    default: return nil
    }
  }

  /// The key is the hexadecimal text of the file's, in Base64.
  private func file(_ media: WireJSON?, kind: Int, for user: String) -> WeChatILinkAccount.File? {
    guard let media, let file = media["encrypt_query_param"]?.string.flatMap({ account.files[$0] }),
      media["encrypt_type"] == 1, media["aes_key"]?.string == Base64.encode(Array(file.key.hex.utf8)),
      file.kind == kind, file.owner == user
    else { return nil }
    return file
  }

  private func description(_ file: WeChatILinkAccount.File, kind: String) -> WireJSON {
    let plain = file.bytes ?? []
    return [
      "kind": .string(kind), "bytes": .int(plain.count), "md5": .string(Digest.md5.of(plain).hex),
      "sha256": .string(Digest.sha256.of(plain).hex),
    ]
  }
}

// MARK: - Files

extension WeChatILinkSandbox {
  private static let page = "https://\(WeChatILinkAccount.fileHost)/c2c/"
  /// Bytes above which an upload must go to the whole address that was given.
  private static let shortAddressBytes = 50 * 1024

  mutating func prepareUpload(_ call: SandboxCall) -> SandboxReply {
    let fields = call.fields
    guard let name = fields["filekey"]?.string, hexadecimal(name)?.count == 16,
      let key = fields["aeskey"]?.string.flatMap(hexadecimal), key.count == AES128.keyBytes,
      let kind = fields["media_type"]?.int, 1...4 ~= kind, let user = fields["to_user_id"]?.string, !user.isEmpty,
      let raw = fields["rawsize"]?.int, raw > 0, let md5 = fields["rawfilemd5"]?.string,
      hexadecimal(md5)?.count == 16, fields["filesize"]?.int == AES128.paddedCount(raw),
      fields["no_need_thumb"] == .bool(true)
    else { return Self.ret(-1, "bad upload") }
    let parameter = "p\(account.newIdentifier())"
    account.uploads[parameter] = WeChatILinkAccount.File(
      rawSize: raw, rawMD5: md5, size: AES128.paddedCount(raw), key: key, kind: kind, owner: user)
    let address = "\(Self.page)upload?encrypted_query_param=\(parameter)&filekey=\(name)&taskid=1"
    return Self.ret(0, more: ["upload_param": .string(parameter), "upload_full_url": .string(address)])
  }

  mutating func takeFile(_ call: SandboxCall) -> SandboxReply {
    func refused(_ status: Int, _ text: String) -> SandboxReply {
      SandboxReply(status: status, headers: [FormPair("x-error-message", text)], body: [], outcome: .rejected)
    }
    let query = call.request.query
    guard call.request.method == "POST", call.request.mediaType(endsWith: "application/octet-stream"),
      query.value("filekey") != nil, var file = query.value("encrypted_query_param").flatMap({ account.uploads[$0] })
    else { return refused(400, "unknown upload") }
    let bytes = call.request.body
    if query.value("taskid") == nil, bytes.count > Self.shortAddressBytes { return refused(500, "try again") }
    guard bytes.count == file.size, let plain = AES128.decrypted(bytes, key: file.key), plain.count == file.rawSize,
      Digest.md5.of(plain).hex == file.rawMD5
    else { return refused(400, "size or md5 mismatch") }
    file.bytes = plain
    let name = "d\(account.newIdentifier())"
    account.files[name] = file
    return SandboxReply(status: 200, headers: [FormPair("x-encrypted-param", name)], body: [], outcome: .lookup)
  }

  func giveFile(_ call: SandboxCall) -> SandboxReply {
    guard let bytes = call.request.query.value("encrypted_query_param").flatMap({ account.media[$0] }) else {
      return SandboxReply(
        status: 404, headers: [FormPair("x-error-message", "no such file")], body: [], outcome: .error)
    }
    return SandboxReply(
      status: 200, headers: [FormPair("Content-Type", "application/octet-stream")], body: bytes, outcome: .lookup)
  }

  private func hexadecimal(_ text: String) -> [UInt8]? {
    let digits = text.utf8.map { hexadecimalValue($0) }
    guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
    let values = digits.compactMap { $0 }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }
}

// MARK: - The phone

extension WeChatILinkSandbox {
  mutating func obey(_ command: PhoneCommand, now: Date) throws(PhoneTrouble) -> WireJSON {
    switch command.name {
    case "received": return account.received.json
    case "scan":
      if command.flag("redirect") {
        account.redirectsNext = true
      } else {
        try account.withWaitingCode(at: now) { $0.scan(at: now) }
      }
    case "confirm": try account.withWaitingCode(at: now) { $0.confirm(at: now) }
    case "expire": try account.withWaitingCode(at: now) { $0.expire() }
    case "code":
      guard let digits = command.text("digits"), digits.isMade(of: isDigit) else {
        throw PhoneTrouble(problem: "expected digits")
      }
      do throws(PhoneTrouble) {
        try account.withWaitingCode(at: now) { $0.demand(digits) }
      } catch {
        account.digitsForNext = digits
      }
    case "refuse":
      do throws(PhoneTrouble) {
        try account.withWaitingCode(at: now) { $0.refuse(at: now) }
      } catch {
        account.refusesNext = true
      }
    case "kick":
      guard account.isOnline else { throw .notNow("no bot is bound") }
      account.unbind()
    case "say": return ["id": .string(try say(command, now: now))]
    default:
      throw PhoneTrouble(
        status: 404, problem: "expected scan, confirm, expire, code, refuse, say, kick or received")
    }
    return .object([])
  }

  private mutating func say(_ command: PhoneCommand, now: Date) throws(PhoneTrouble) -> String {
    guard account.isOnline else { throw .notNow("no bot is bound") }
    let from = command.text("from") ?? "owner"
    let user = from == "owner" ? WeChatILinkAccount.owner : from
    let item = try item(command)
    let at = now.addingTimeInterval(-Double(command.fields["age"]?.wholeNumber ?? 0))
    var first = ""
    // The service delivers some messages twice, as two.
    for _ in 0..<(command.flag("twice") ? 2 : 1) {
      let id = account.newMessage()
      let token = "ctx-\(account.newIdentifier())"
      let message: WireJSON = [
        "from_user_id": .string(user), "to_user_id": "b1sandbox@im.bot", "message_id": .number(id),
        "client_id": .string("c\(id)"), "create_time_ms": .int(Int(at.timeIntervalSince1970 * 1000)),
        "session_id": "s1", "group_id": "", "message_type": command.flag("bot") ? 2 : 1, "message_state": 2,
        "item_list": [item], "context_token": .string(token),
      ]
      account.hear(
        command.flag("nameless") ? message.without("message_id") : message, token: token, at: now)
      first = first.isEmpty ? id : first
    }
    return first
  }

  private mutating func item(_ command: PhoneCommand) throws(PhoneTrouble) -> WireJSON {
    let text = command.text("text") ?? ""
    let kind = command.text("kind") ?? "text"
    if kind == "text" { return ["type": 1, "text_item": ["text": .string(text)]] }
    let plain = try command.bytes("base64")
    let key = Array(Digest.sha256.of(account.newIdentifier().utf8).prefix(AES128.keyBytes))
    let name = "m\(account.newIdentifier())"
    account.media[name] = AES128.encrypted(plain, key: key)
    // Pictures come with the key itself, everything else with its hexadecimal text.
    let encoded = kind == "image" ? Base64.encode(key) : Base64.encode(Array(key.hex.utf8))
    let media: WireJSON = [
      "encrypt_query_param": .string(name), "aes_key": .string(encoded), "encrypt_type": 1,
      "full_url": .string("\(Self.page)download?encrypted_query_param=\(name)"),
    ]
    switch kind {
    case "image":
      return [
        "type": 2,
        "image_item": ["media": media, "aeskey": .string(key.hex), "mid_size": .int(AES128.paddedCount(plain.count))],
      ]
    case "voice":
      return ["type": 3, "voice_item": ["media": media, "playtime": 1000, "text": .string(text)]]
    case "file":
      return [
        "type": 4,
        "file_item": [
          "media": media, "file_name": .string(command.text("name") ?? ""), "len": .string(String(plain.count)),
        ],
      ]
    case "video":
      return ["type": 5, "video_item": ["media": media, "video_size": .int(AES128.paddedCount(plain.count))]]
    default: throw PhoneTrouble(problem: "kind \(kind): expected text, image, voice, video or file")
    }
  }
}

extension WireJSON {
  func without(_ name: String) -> WireJSON {
    guard case .object(let members) = self else { return self }
    return .object(members.filter { $0.name != name })
  }
}
