import Core
import Digests
import FoundationEssentials
import Signing

// What comes in: section 3 of providers/wechat-ilink.md. The cursor alone decides what comes: `learned` holds it, and the
// newest context_token of each user, and is stored together with the messages.

extension WeChatILink {
  private static let updates = "updates"
  /// Seconds that the service holds a poll, unless its last answer named others.
  private static let pollTime = 35.0
  /// Seconds after which a poll is given up that is not to wait.
  private static let glance = 3.0

  package func poll(_ session: Session, waits: Bool, at now: Date, nonce: String) -> Poll {
    let login = session.account.flatMap { Login($0.own) }
    let held = session.learned["poll"]?.number.map { min(max($0 / 1000, 1), 300) } ?? Self.pollTime
    return Poll(
      request(
        "getupdates", [.init("get_updates_buf", session.learned["buf"] ?? .string(""))],
        host: login?.host ?? Self.host, prefix: login?.prefix ?? "", token: login?.token ?? "", nonce: nonce),
      stage: Self.updates, timeout: waits ? held + 5 : Self.glance, mayRunOut: true)
  }

  package func harvest(
    _ response: HTTPResponse, after stage: String, _ session: Session, at now: Date, nonce: String
  ) -> Harvest {
    let answer = ILinkAnswer(response)
    guard let account = session.account, let login = Login(account.own) else {
      return .trouble(Fault(.credentials, "the session file lacks what a login leaves there"))
    }
    if answer.isSessionOver || response.status == 401 {
      var session = session
      session.account = account.ended("-14: \(answer.words ?? "the session is over")")
      return .lost(session)
    }
    // A gateway that gave up waiting: nothing came.
    if [504, 524].contains(response.status) { return .batch([], session, isMore: false) }
    guard response.status == 200, answer.isObject, !answer.isRefusal else {
      return .trouble(
        Fault(
          .provider, code: answer.code.map { String($0) } ?? String(response.status),
          answer.words ?? "HTTP \(response.status)"))
    }
    var session = session
    let messages = (answer.body["msgs"]?.array ?? []).map { incoming($0, login, account, at: now) }
    session.learned = learned(session.learned, answer.body)
    return .batch(messages, session, isMore: false)
  }

  private func learned(_ before: JSON, _ body: JSON) -> JSON {
    var tokens = before["tokens"]?.members ?? []
    for message in body["msgs"]?.array ?? [] {
      guard let user = message["from_user_id"]?.string, let token = message["context_token"]?.string, !token.isEmpty
      else { continue }
      tokens.removeAll { Verbatim($0.key) == Verbatim(user) }
      tokens.append(.init(user, .string(token)))
    }
    let buffer = body["get_updates_buf"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? before["buf"]?.string ?? ""
    var members: [JSON.Member] = [.init("buf", .string(buffer)), .init("tokens", .object(tokens.suffix(1_000)))]
    if let time = body["longpolling_timeout_ms"] ?? before["poll"] { members.append(.init("poll", time)) }
    return .object(members)
  }

  // MARK: A message

  private func incoming(_ raw: JSON, _ login: Login, _ account: Account, at now: Date) -> Incoming {
    let user = raw["from_user_id"]?.string ?? ""
    var from: Incoming.Sender
    switch user {
    case login.user: from = Incoming.Sender(.owner, user: user)
    case login.bot: from = Incoming.Sender(.own, user: user)
    default: from = Incoming.Sender(raw["message_type"]?.integer == 2 ? .bot : .stranger, user: user)
    }
    if raw["message_type"]?.integer == 2, from.kind == .owner { from.kind = .bot }
    from.to = user == login.user ? "owner" : user
    from.name = from.to
    let items = raw["item_list"]?.array ?? []
    let at =
      raw["create_time_ms"].flatMap { $0.number ?? $0.string.flatMap { Double($0) } }
      .map { Date(timeIntervalSince1970: $0 / 1000) } ?? now
    let group = raw["group_id"]?.string.flatMap { $0.isEmpty ? nil : Incoming.Sender(.group, user: $0) }
    var incoming = Incoming(
      id: Self.id(of: raw, user, items), at: at, kind: Self.kind(of: items), from: from, group: group,
      correspondent: Correspondent(
        user: user, to: from.to, token: raw["context_token"]?.string, since: account.since),
      raw: raw)
    incoming.text = items.compactMap(Self.text).joined(separator: "\n")
    incoming.media = items.compactMap(Self.media)
    incoming.isWord = from.kind == .owner
    return incoming
  }

  /// The service's number; where it gives none, what stands for it.
  private static func id(of raw: JSON, _ user: String, _ items: [JSON]) -> String {
    switch raw["message_id"] {
    case .number(let digits)? where digits != "0": return digits
    case .string(let text)? where !text.isEmpty && text != "0": return text
    default:
      let parts = [user, raw["create_time_ms"]?.text ?? "", JSON.array(items).text]
      return "x" + Digest.sha256.of(JSON.strings(parts).bytes).prefix(16).hex
    }
  }

  private static func kind(of items: [JSON]) -> Incoming.Kind {
    for item in items {
      switch item["type"]?.integer {
      case 2: return .image
      case 3: return .voice
      case 4: return .file
      case 5: return .video
      default: continue
      }
    }
    return items.contains { $0["type"]?.integer == 1 } ? .text : .other
  }

  /// Also of a voice that WeChat has written down.
  private static func text(of item: JSON) -> String? {
    let text = item["text_item"]?["text"]?.string ?? item["voice_item"]?["text"]?.string
    return text.flatMap { $0.isEmpty ? nil : $0 }
  }

  // MARK: Files

  private static func media(of item: JSON) -> Incoming.Media? {
    let (name, type): (String, String) =
      switch item["type"]?.integer {
      case 2: ("image_item", "")
      case 3: ("voice_item", "audio/silk")
      case 4: ("file_item", "")
      case 5: ("video_item", "video/mp4")
      default: ("", "")
      }
    guard let body = item[name], let media = body["media"] else { return nil }
    let size = body["len"].flatMap { $0.integer ?? $0.string.flatMap { Int($0) } } ?? body["video_size"]?.integer
    return Incoming.Media(
      name: body["file_name"]?.string ?? "", type: type, size: size,
      own: .object([
        .init("url", media["full_url"] ?? .null), .init("param", media["encrypt_query_param"] ?? .null),
        .init("aes_key", media["aes_key"] ?? .null), .init("aeskey", body["aeskey"] ?? .null),
      ]))
  }

  package func request(
    for media: Incoming.Media, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest {
    let address: Origins.Address
    if let full = media.own["url"]?.string, let place = origins.handedOut(full) {
      address = origins.address(place.host, place.path)
    } else {
      let parameter = PercentEncoding.encode(media.own["param"]?.string ?? "")
      address = origins.address(Self.mediaHost, "/c2c/download?encrypted_query_param=\(parameter)")
    }
    return HTTPRequest(.get, address.url, headers: address.headers)
  }

  package func file(in response: HTTPResponse, of media: Incoming.Media) throws(MediaFault) -> [UInt8] {
    guard response.status == 200 else {
      let words = response.header("x-error-message").map { ": \(ILinkAnswer.word($0))" } ?? ""
      throw MediaFault("HTTP \(response.status)\(words)", isPassing: response.status >= 500)
    }
    guard let key = Self.key(of: media.own) else {
      throw MediaFault("comes without a key that can be read", isPassing: false)
    }
    guard let bytes = AES128.decrypted(response.body, key: key) else {
      throw MediaFault("cannot be decrypted: it is damaged, or its key is another", isPassing: false)
    }
    return bytes
  }

  /// In hex (images); else base64 of the raw bytes, or of their hex digits.
  private static func key(of own: JSON) -> [UInt8]? {
    if let hex = own["aeskey"]?.string, let key = key(hex: hex) { return key }
    guard let text = own["aes_key"]?.string, let data = Data(base64Encoded: text) else { return nil }
    let bytes = Array(data)
    return bytes.count == AES128.keyBytes ? bytes : key(hex: String(decoding: bytes, as: UTF8.self))
  }
}
