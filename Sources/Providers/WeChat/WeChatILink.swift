import Core
import Digests
import FoundationEssentials
import Signing

/// Personal WeChat through its official bot API (ClawBot). Section numbers are those of providers/wechat-ilink.md.
package struct WeChatILink: PartedProvider, AllowanceProvider {
  package static let card = ProviderCard(
    name: "wechat-ilink",
    summary: "personal WeChat (微信) through its official bot API: messages to yourself",
    document: "https://github.com/Tencent/openclaw-weixin",
    endpoint: nil,
    recipientsPerCall: 1,
    settings: WeChat.settings + [
      SettingCard("per_word", .integer, "accepted calls for each word of the owner's (10)"),
      SettingCard("word_lifetime", .string, "how long a word counts (\"24h\")"),
    ],
    options: WeChat.options,
    targetKinds: [
      ("reply", "whoever sent the inbox message of that id: reply:ID")
    ],
    limits: [
      ("body", 4_000, "characters"), ("file", 100 * WeChat.mebibyte, "bytes"), ("calls_per_word", 10, "calls"),
    ],
    rate: 0.5,
    concurrency: 1,
    hasOwnTarget: true,
    longTexts: .common,
    attachments: 100,
    loadsAttachments: 100 * WeChat.mebibyte,
    unevenness: 0.5,
    notes: [
      "First: msgspool login CHANNEL shows a code; whoever scans it with WeChat is the bot's owner, whom it writes to.",
      "to: owner (also when it is left out), reply:ID, or a user id (...@im.wechat) that has written to the bot.",
      "About 10 messages go after each word that the owner writes to the bot, within 24 hours. Then the rest waits, and goes "
        + "when the owner writes anything.",
      "title, body and url are sent as lines of one text; each attachment is a message of its own. JPEG, PNG and BMP are "
        + "pictures, MP4 is a video, the rest are files; options.as_file sends all as files.",
      "One user has one bot: who links another program takes the bot away from this one.",
      "A lost answer cannot be looked up: on_unconfirmed decides.",
    ],
    example: """
      me: { provider: "wechat-ilink" }
      """)

  package static let receives = PersonalSettings.Receive.sweep

  let origins: Origins
  private let maxText: Int
  private let maxFile: Int
  let requiresId: Bool
  package let allowance: Allowance

  package init(_ settings: Settings) throws(SettingFault) {
    origins = try Origins(settings)
    maxText = settings.integer("max_text") ?? 4_000
    maxFile = settings.integer("max_file_bytes") ?? 100 * WeChat.mebibyte
    requiresId = settings.boolean("require_message_id") ?? true
    guard (1...1_000_000).contains(maxText) else {
      throw SettingFault("max_text", "is \(maxText); expected 1 to 1000000 characters")
    }
    let perWord = settings.integer("per_word") ?? 10
    guard (1...1_000_000).contains(perWord) else {
      throw SettingFault("per_word", "is \(perWord); expected a number of calls from 1 on")
    }
    var lifetime = 86_400.0
    if let text = settings.string("word_lifetime") {
      guard let seconds = TimeSpan.seconds(text), seconds > 0 else {
        throw SettingFault("word_lifetime", "is no span of time, such as \"24h\"")
      }
      lifetime = seconds
    }
    allowance = Allowance(perWord: perWord, lifetime: lifetime)
  }

  // MARK: What is sent

  /// On the wire `owner` is whoever the login says.
  private static let owner = "owner"

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if address.isEmpty || address == Self.owner { return Target(address, wire: Self.owner, identity: Self.owner) }
    if let id = address.behind("reply:"), !id.isEmpty { return Target(address) }
    guard address.hasSuffix("@im.wechat"), address.utf8.count <= 200, address.utf8.count > 10,
      address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else {
      throw RecipientFault(
        "is not owner, reply:ID or a user id (...@im.wechat): the bot API reaches its owner alone")
    }
    return Target(address)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    try WeChat.content(of: message, maxText: maxText, maxFile: maxFile, Self.card.name)
  }

  package func parts(of content: Content) -> [Part] { WeChat.parts(of: content) }

  // MARK: Calls (sections 1 and 4)

  /// What the vendor's own client says of itself (2.4.3), which decides nothing: section 1.
  private static let channelVersion = "2.4.3"
  private static let clientVersion = 2 << 16 | 4 << 8 | 3

  /// Headers that every call has.
  private static let appHeaders = [
    HTTPHeader("iLink-App-Id", "bot"), HTTPHeader("iLink-App-ClientVersion", String(clientVersion)),
  ]

  static let baseInfo = JSON.Member(
    "base_info",
    .object([
      .init("channel_version", .string(channelVersion)), .init("bot_agent", .string("msgspool/0.1")),
    ]))

  /// - Parameters:
  ///   - host: whose call it is: the host that the login named, else the service's first.
  ///   - path: below `ilink/bot/`.
  ///   - token: nil before a login.
  ///   - nonce: 32 hex digits, of which the random number of the header is made.
  func request(
    _ path: String, _ members: [JSON.Member], host: String, prefix: String = "", token: String?, nonce: String
  ) -> HTTPRequest {
    let address = origins.address(host, "\(prefix)/ilink/bot/\(path)")
    let number = UInt32(nonce.prefix(8), radix: 16) ?? 0
    var headers = [
      HTTPHeader("Content-Type", "application/json"), HTTPHeader("AuthorizationType", "ilink_bot_token"),
      HTTPHeader("X-WECHAT-UIN", String(number).utf8.base64),
    ]
    if let token { headers.append(HTTPHeader("Authorization", "Bearer \(token)")) }
    return HTTPRequest(
      .post, address.url, headers: headers + Self.appHeaders + address.headers,
      body: JSON.object(members + [Self.baseInfo]).bytes)
  }

  /// A GET has the headers of the application alone.
  func poll(_ path: String, host: String) -> HTTPRequest {
    let address = origins.address(host, "/ilink/bot/\(path)")
    return HTTPRequest(.get, address.url, headers: Self.appHeaders + address.headers)
  }

  /// What the login left behind.
  struct Login {
    var token: String
    var bot: String
    var user: String
    var host: String
    var prefix: String

    init?(_ own: JSON) {
      guard let token = own["bot_token"]?.string, let bot = own["ilink_bot_id"]?.string,
        let user = own["ilink_user_id"]?.string
      else { return nil }
      (self.token, self.bot, self.user) = (token, bot, user)
      host = own["host"]?.string ?? WeChatILink.host
      prefix = own["prefix"]?.string ?? ""
    }
  }

  static let host = "ilinkai.weixin.qq.com"
  static let mediaHost = "novac2c.cdn.weixin.qq.com"

  private func request(
    _ path: String, _ members: [JSON.Member], _ login: Login, nonce: String
  ) -> HTTPRequest {
    request(path, members, host: login.host, prefix: login.prefix, token: login.token, nonce: nonce)
  }

  /// Without a login, which only a session has.
  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    request("sendmessage", [], host: Self.host, token: nil, nonce: nonce)
  }

  // MARK: Steps: a file is announced, encrypted and uploaded; then the one item is sent

  private enum Stage {
    static let announce = "announce"
    static let upload = "upload"
  }

  package var mostRestarts: Int { 2 }

  package func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    guard let login = session.account.flatMap({ Login($0.own) }) else {
      return .finish(.sessionLost(code: "session", "the session file lacks what a login leaves there", in: call))
    }
    let receiver: Receiver
    do throws(Refusal) {
      receiver = try self.receiver(of: call, login, session)
    } catch {
      return .finish(.all(.rejected(.recipient, reason: error.reason).blaming(.recipient), in: call))
    }
    guard let attachment = call.content.attachments.first else {
      let item: [JSON.Member] = [
        .init("type", .integer(1)),
        .init("text_item", .object([.init("text", .string(call.content[WeChat.text] ?? ""))])),
      ]
      return .send(.http(message(item, call, receiver, login, nonce: nonce)))
    }
    guard case .bytes(let bytes) = attachment.source, !bytes.isEmpty else {
      return .finish(.all(.rejected(.message, reason: "\(attachment.name): is empty"), in: call))
    }
    return announce(attachment, bytes, call, receiver, login, session, at: now, nonce: nonce)
  }

  private struct Receiver {
    var user: String
    var token: String?
  }

  private struct Refusal: Error { var reason: String }

  private func receiver(
    of call: Call, _ login: Login, _ session: Session
  ) throws(Refusal) -> Receiver {
    let wire = call.recipients.first?.target.wire ?? Self.owner
    var user = login.user
    if wire.behind("reply:") != nil {
      guard let correspondent = session.correspondent else {
        throw Refusal(reason: "no message of that id was received on this channel")
      }
      user = correspondent.user
    } else if wire != Self.owner {
      user = wire
      guard user == login.user || session.learned["tokens"]?[user] != nil else {
        throw Refusal(reason: "has not written to this bot, which reaches only who has")
      }
    }
    return Receiver(user: user, token: session.learned["tokens"]?[user]?.string ?? session.correspondent?.token)
  }

  private func message(
    _ item: [JSON.Member], _ call: Call, _ receiver: Receiver, _ login: Login, nonce: String
  ) -> HTTPRequest {
    var members: [JSON.Member] = [
      .init("from_user_id", .string("")), .init("to_user_id", .string(receiver.user)),
      .init("client_id", .string(call.id)), .init("message_type", .integer(2)), .init("message_state", .integer(2)),
      .init("item_list", .array([.object(item)])),
    ]
    if let token = receiver.token { members.append(.init("context_token", .string(token))) }
    return request("sendmessage", [.init("msg", .object(members))], login, nonce: nonce)
  }

  // MARK: Files (section 4)

  /// What a call keeps between its steps, by its id: the file's key in hex.
  private static func memory(_ call: Call) -> String { "key of \(call.id)" }

  /// The 16 bytes of a key in hexadecimal; nil for anything else.
  static func key(hex: String) -> [UInt8]? {
    let digits = hex.utf8.map { Int8(Character(Unicode.Scalar($0)).hexDigitValue ?? -1) }
    guard digits.count == 2 * AES128.keyBytes, digits.allSatisfy({ $0 >= 0 }) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0]) << 4 | UInt8(digits[$0 + 1]) }
  }

  private static func type(of kind: WeChat.Kind) -> (media: Int, item: Int) {
    switch kind {
    case .image: (1, 2)
    case .video: (2, 5)
    // A GIF is a file here: the service has no emoticons.
    case .gif, .file: (3, 4)
    }
  }

  private static func kind(of call: Call) -> WeChat.Kind {
    call.content.attachments.first.map { WeChat.kind(of: $0, asFile: call.content[WeChat.asFile] != nil) } ?? .file
  }

  private func announce(
    _ attachment: Content.Attachment, _ bytes: [UInt8], _ call: Call, _ receiver: Receiver, _ login: Login,
    _ session: Session, at now: Date, nonce: String
  ) -> Step {
    // Two keys of one nonce: what is drawn from the digest of half of it tells nothing of the other.
    let key = Digest.sha256.of(Array("key \(nonce)".utf8)).prefix(16).hex
    let file = Digest.sha256.of(Array("file \(nonce)".utf8)).prefix(16).hex
    let padded = AES128.paddedCount(bytes.count)
    var session = session
    session.set(Self.memory(call), "\(key) \(file)", expires: now + 3_600)
    let members: [JSON.Member] = [
      .init("filekey", .string(file)), .init("media_type", .integer(Self.type(of: Self.kind(of: call)).media)),
      .init("to_user_id", .string(receiver.user)), .init("rawsize", .integer(bytes.count)),
      .init("rawfilemd5", .string(Digest.md5.of(bytes).hex)), .init("filesize", .integer(padded)),
      .init("no_need_thumb", .boolean(true)), .init("aeskey", .string(key)),
    ]
    return .prepare(
      .http(request("getuploadurl", members, login, nonce: nonce)), stage: Stage.announce, session)
  }

  package func proceed(
    _ response: HTTPResponse, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    guard let account = session.account, let login = Login(account.own) else {
      return .finish(answer(response, to: call, at: now))
    }
    switch stage {
    case Stage.announce: return upload(response, call, session, at: now)
    case Stage.upload: return deliver(response, call, session, login, at: now, nonce: nonce)
    default:
      var answer = answer(response, to: call, at: now)
      // Of somebody else it says nothing of the owner's.
      let receiver = try? self.receiver(of: call, login, session)
      if receiver?.user != login.user { answer.isAllowanceSpent = false }
      return finish(answer, session)
    }
  }

  /// A session that is over is marked so.
  private func finish(_ answer: Answer, _ session: Session) -> Step {
    guard answer.rest == .untilLogin, let account = session.account else { return .finish(answer) }
    var session = session
    session.account = account.ended(
      [answer.outcomes.first?.code, answer.outcomes.first?.reason].compactMap { $0 }.joined(separator: ": "))
    return .finish(answer, session)
  }

  private func upload(_ response: HTTPResponse, _ call: Call, _ session: Session, at now: Date) -> Step {
    let wire = ILinkAnswer(response)
    if wire.isSessionOver || wire.isRefusal || response.status != 200 {
      let answer = judged(wire, response, call, sent: false)
      return response.status >= 500 ? .again(answer) : finish(answer, session)
    }
    guard let keys = session.value(Self.memory(call), at: now)?.pieces(at: " "), keys.count == 2,
      let key = Self.key(hex: keys[0]), case .bytes(let bytes)? = call.content.attachments.first?.source
    else { return .again(.all(.unreached(reason: "the upload's key is lost"), in: call)) }
    let address: Origins.Address
    if let full = wire.body["upload_full_url"]?.string, !full.isEmpty {
      guard let place = origins.handedOut(full) else {
        let reason = "the service names an address for uploads that is not WeChat's own"
        return .finish(.all(.deferred(.provider, code: "address", reason: reason), in: call))
      }
      address = origins.address(place.host, place.path)
    } else if let parameter = wire.body["upload_param"]?.string, !parameter.isEmpty {
      let query =
        "encrypted_query_param=\(PercentEncoding.encode(parameter))&filekey=\(PercentEncoding.encode(keys[1]))"
      address = origins.address(Self.mediaHost, "/c2c/upload?\(query)")
    } else {
      return .finish(
        .all(.deferred(.provider, code: "upload", reason: "the service names no address for the upload"), in: call))
    }
    let request = HTTPRequest(
      .post, address.url, headers: [HTTPHeader("Content-Type", "application/octet-stream")] + address.headers,
      body: AES128.encrypted(bytes, key: key) ?? [])
    return .prepare(.http(request), stage: Stage.upload)
  }

  private func deliver(
    _ response: HTTPResponse, _ call: Call, _ session: Session, _ login: Login, at now: Date, nonce: String
  ) -> Step {
    let said = response.header("x-error-message").map { ILinkAnswer.word($0) }
    guard response.status < 400 else {
      let reason = said ?? "the upload was answered with HTTP \(response.status)"
      let code = String(response.status)
      if response.status >= 500 { return .again(.all(.deferred(.provider, code: code, reason: reason), in: call)) }
      return .finish(.all(.rejected(.message, code: code, reason: reason), in: call))
    }
    guard let parameter = response.header("x-encrypted-param"), !parameter.isEmpty else {
      return .again(
        .all(.deferred(.provider, code: "upload", reason: said ?? "the upload's answer has no parameter"), in: call))
    }
    guard let keys = session.value(Self.memory(call), at: now)?.pieces(at: " "), keys.count == 2,
      let attachment = call.content.attachments.first, case .bytes(let bytes) = attachment.source
    else { return .again(.all(.unreached(reason: "the upload's key is lost"), in: call)) }
    let receiver: Receiver
    do throws(Refusal) {
      receiver = try self.receiver(of: call, login, session)
    } catch {
      return .finish(.all(.rejected(.recipient, reason: error.reason), in: call))
    }
    let media = JSON.object([
      .init("encrypt_query_param", .string(parameter)),
      // Of the hex text, not of the bytes it stands for.
      .init("aes_key", .string(keys[0].utf8.base64)), .init("encrypt_type", .integer(1)),
    ])
    let kind = Self.kind(of: call)
    let padded = AES128.paddedCount(bytes.count)
    var item: [JSON.Member] = [.init("type", .integer(Self.type(of: kind).item))]
    switch kind {
    case .image:
      item.append(.init("image_item", .object([.init("media", media), .init("mid_size", .integer(padded))])))
    case .video:
      item.append(.init("video_item", .object([.init("media", media), .init("video_size", .integer(padded))])))
    case .gif, .file:
      item.append(
        .init(
          "file_item",
          .object([
            .init("media", media), .init("file_name", .string(attachment.name)),
            .init("len", .string(String(bytes.count))),
          ])))
    }
    return .send(.http(message(item, call, receiver, login, nonce: nonce)))
  }
}
