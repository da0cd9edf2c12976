import Core
import FoundationEssentials
import Signing

/// WeCom's application messages. Section numbers are those of providers/wecom.md.
package struct WeComApp: SteppingProvider {
  package static let card = ProviderCard(
    name: "wecom-app",
    summary: "WeCom (企业微信) application, messages to members, departments and tags",
    document: WeCom.document + "90236",
    endpoint: WeCom.endpoint,
    recipientsPerCall: 1000,
    settings: [
      SettingCard("corp_id", .string, required: true, "the organisation's id, ww..."),
      SettingCard("agent_id", .identifier, required: true, "the application's number"),
      SettingCard("secret", .string, required: true, secret: true, "the application's secret"),
      SettingCard(
        "duplicate_check_interval", .integer, "seconds in which the service drops an identical message, 1 to 14400"),
    ],
    options: [
      OptionCard("safe", .boolean, "whether the message is confidential"),
      OptionCard("enable_id_trans", .boolean, "whether ids in the text are shown as names"),
      OptionCard("duplicate_check_interval", .integer, "for this message, instead of the channel's; 0 is none"),
      OptionCard("cut", .boolean, "whether a text over the limit is cut instead of refused"),
    ],
    targetKinds: [
      ("party", "the members of a department, by its number: party:2; at most 100 in a call"),
      ("tag", "the members with a tag, by its number: tag:3; at most 100 in a call"),
    ],
    limits: [
      ("body", 2_048, "bytes of UTF-8"), ("image", 10 * WeCom.mebibyte, "bytes"),
      ("voice", 2 * WeCom.mebibyte, "bytes"),
      ("video", 10 * WeCom.mebibyte, "bytes"), ("file", 20 * WeCom.mebibyte, "bytes"),
      ("parties_per_call", 100, "departments"), ("tags_per_call", 100, "tags"), ("member_per_minute", 30, "messages"),
      ("member_per_hour", 1_000, "messages"),
    ],
    longTexts: .common,
    attachments: 1,
    hasSession: true,
    notes: [
      "to: user ids, compared without case; party:ID, tag:ID; @all for everybody who may see the application.",
      "title, body and url are sent as lines of one text; format is text or markdown.",
      "An attachment goes without text: JPEG and PNG as a picture, AMR as a voice, MP4 as a video, the rest as a file.",
      "More than 30 messages a minute or 1000 an hour to one member are dropped by the service, which calls it a success.",
      "A lost answer cannot be looked up: on_unconfirmed decides. With duplicate_check_interval, texts that are sent "
        + "again to the same people within it arrive once, so that \"resend\" is safe for them; but so do two messages "
        + "of the same text that were meant to be two.",
    ],
    example: """
      staff: {
        provider: "wecom-app", corp_id: "ww0123456789abcdef",
        agent_id: 1000002, secret: { env: "WECOM_APP_SECRET" },
      }
      """)

  private let base: String
  private let tokenURL: String
  private let agent: Int
  private let duplicateCheck: Int

  package init(_ settings: Settings) throws(SettingFault) {
    let corp = PercentEncoding.encode(try settings.required("corp_id"))
    let secret = PercentEncoding.encode(try settings.required("secret"))
    guard let agent = settings.string("agent_id").flatMap({ Int($0) }), agent > 0 else {
      throw SettingFault("agent_id", "is not a number: expected one such as 1000002")
    }
    let interval = settings.integer("duplicate_check_interval") ?? 0
    guard (0...14_400).contains(interval) else {
      throw SettingFault("duplicate_check_interval", "is \(interval); expected 1 to 14400 seconds")
    }
    self.agent = agent
    duplicateCheck = interval
    base = try Endpoint(settings).base + "/cgi-bin"
    tokenURL = "\(base)/gettoken?corpid=\(corp)&corpsecret=\(secret)"
  }

  // MARK: What is sent (section 2)

  private static let users = Target.Lane("touser")
  private static let parties = Target.Lane("toparty", capacity: 100)
  private static let tags = Target.Lane("totag", capacity: 100)
  /// Beside it nobody else counts.
  private static let everybody = Target.Lane("all", capacity: 1)

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if address == "@all" { return Target(address, lane: Self.everybody) }
    for (kind, lane) in [("party", Self.parties), ("tag", Self.tags)] where address.hasPrefix("\(kind):") {
      let digits = address.dropFirst(kind.utf8.count + 1)
      guard PhoneNumber.isDigits(digits.utf8), let number = Int(digits), number > 0 else {
        throw RecipientFault("is no \(kind): expected \(kind): and its number")
      }
      return Target(address, wire: String(number), identity: "\(kind):\(number)", lane: lane)
    }
    guard (1...64).contains(address.utf8.count),
      address.unicodeScalars.allSatisfy({ scalar in
        scalar.value > 0x20 && scalar.value != 0x7F && !"|:,".unicodeScalars.contains(scalar)
          && !scalar.properties.isWhitespace && ![.control, .format].contains(scalar.properties.generalCategory)
      })
    else {
      throw RecipientFault("is not a user id of up to 64 bytes, party:ID or tag:ID")
    }
    return Target(address, identity: address.lowercased(), lane: Self.users)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireFormat([.text, .markdown], name)
    var fields: [Content.Field] = []
    if message.attachments.isEmpty {
      var text = try message.wholeText(name, between: message.format == .text ? "\n" : "\n\n")
      // The service cuts silently.
      if try message.booleanOption("cut") ?? false { text = TextUnit.bytes.cut(text, to: 2_048) }
      try WeCom.checkText(text, "body", atMost: 2_048, name)
      fields = [.init("msgtype", message.format.rawValue), .init("content", text)]
    } else {
      try WeCom.refuseTexts(beside: "pictures and files", of: message, name)
      try message.checkAttachments(atMost: 20 * WeCom.mebibyte, name)
    }
    for option in ["safe", "enable_id_trans"] where try message.booleanOption(option) ?? false {
      fields.append(.init(option, "1"))
    }
    let interval = try message.integerOption("duplicate_check_interval", in: 0...14_400) ?? duplicateCheck
    if interval > 0 {
      fields += [.init("enable_duplicate_check", "1"), .init("duplicate_check_interval", String(interval))]
    }
    return Content(fields)
  }

  /// Without a token, which only a session has.
  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    send(call, token: "", media: "")
  }

  private func send(_ call: Call, token: String, media: String) -> HTTPRequest {
    let lane = call.recipients.first?.target.lane ?? Self.users
    let type = call.content.attachments.first.map(Self.kind) ?? call.content["msgtype"] ?? "text"
    let body = call.content["content"].map { JSON.Member("content", .string($0)) }
    var members = [
      JSON.Member(
        lane == Self.everybody ? Self.users.name : lane.name,
        .string(call.recipients.map(\.target.wire).joined(separator: "|"))),
      .init("msgtype", .string(type)), .init("agentid", .integer(agent)),
      .init(type, .object([body ?? .init("media_id", .string(media))])),
    ]
    for field in call.content.fields where !["msgtype", "content"].contains(field.name) {
      members.append(.init(field.name, .number(field.value)))
    }
    return .json("\(base)/message/send?access_token=\(PercentEncoding.encode(token))", members)
  }

  private static func kind(of attachment: Content.Attachment) -> String {
    let (kind, limit) =
      switch attachment.type {
      case "image/jpeg", "image/png": ("image", 10)
      case "audio/amr": ("voice", 2)
      case "video/mp4": ("video", 10)
      default: ("file", 20)
      }
    // What is too large for its kind may still pass as a file; of files on the disk only the service knows.
    guard case .bytes(let bytes) = attachment.source, bytes.count > limit * WeCom.mebibyte else { return kind }
    return "file"
  }

  // MARK: Steps (section 2): a token is fetched and kept, a file uploaded, the message sent

  private enum Stage {
    static let token = "token"
    static let upload = "upload"
  }

  private static func renewed(_ call: Call) -> String { "renewed for \(call.id)" }

  package func begin(_ call: Call, _ session: Session, at now: Date, nonce: String) -> Step {
    step(call, session, at: now)
  }

  private func step(_ call: Call, _ session: Session, at now: Date, changed: Session? = nil) -> Step {
    guard let token = session.value(Stage.token, at: now) else {
      let request = HTTPRequest(.get, tokenURL, headers: [HTTPHeader("Accept", "application/json")])
      return .prepare(.http(request), stage: Stage.token, changed)
    }
    guard let attachment = call.content.attachments.first else {
      return .send(.http(send(call, token: token, media: "")), changed)
    }
    let url =
      "\(base)/media/upload?access_token=\(PercentEncoding.encode(token))&type=\(Self.kind(of: attachment))"
    return .prepare(.http(WeCom.upload(attachment, to: url)), stage: Stage.upload, changed)
  }

  package func proceed(
    _ response: HTTPResponse, after stage: String, _ call: Call, _ session: Session, at now: Date, nonce: String
  ) -> Step {
    var session = session
    let read = WeCom.read(response, at: now)
    if case .refused(let refusal) = read, refusal.isOfToken, stage != Stage.token,
      session.value(Self.renewed(call), at: now) == nil
    {
      // Once in a call; a fresh token that is refused as well is a matter of the credentials.
      session.forget(Stage.token)
      session.set(Self.renewed(call), "yes", expires: now + 3_600)
      return step(call, session, at: now, changed: session)
    }
    switch (stage, read) {
    case (Stage.token, .ok(let wire)):
      guard let token = wire["access_token"]?.text, !token.isEmpty else {
        return .finish(AnswerClass.later.answer(to: call, code: "0", reason: "the answer names no access_token"))
      }
      // Some minutes early, so that no call begins with a token that ends under way.
      session.set(Stage.token, token, expires: now + Double(max(60, (wire["expires_in"]?.integer ?? 7_200) - 300)))
      return step(call, session, at: now, changed: session)
    case (Stage.upload, .ok(let wire)):
      guard let media = wire["media_id"]?.text, !media.isEmpty, let token = session.value(Stage.token, at: now) else {
        return .finish(AnswerClass.later.answer(to: call, code: "0", reason: "the upload's answer names no media_id"))
      }
      return .send(.http(send(call, token: token, media: media)))
    case (Stage.token, .refused(let refusal)), (Stage.upload, .refused(let refusal)):
      session.forget(Self.renewed(call))
      return .finish(refusal.answerBeforeSending(to: call), session)
    default:
      session.forget(Self.renewed(call))
      return .finish(answer(response, to: call, at: now), session)
    }
  }

  // MARK: What comes back (section 2)

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    switch WeCom.read(response, at: now) {
    case .refused(let refusal): return refusal.answer(to: call)
    case .ok(let wire): return Answer(outcomes(wire, in: call))
    }
  }

  /// Success of the call, but not for those that it names as invalid. Ids come back in lower case.
  private func outcomes(_ wire: JSONAnswer, in call: Call) -> [Outcome] {
    let lists = [
      ("invaliduser", Self.users), ("unlicenseduser", Self.users), ("invalidparty", Self.parties),
      ("invalidtag", Self.tags),
    ]
    var refused: [Verbatim: String] = [:]
    let lane = call.recipients.first?.target.lane
    for (name, itsLane) in lists where itsLane == lane {
      for id in (wire[name]?.text ?? "").pieces(at: "|") { refused[Verbatim(id.lowercased())] = name }
    }
    return call.recipients.map { recipient in
      guard let list = refused[Verbatim(recipient.target.wire.lowercased())] else {
        return .accepted(id: wire["msgid"]?.text)
      }
      // That the account has no licence for somebody says nothing of whether it has one for the next.
      return .rejected(.recipient, code: list, reason: "the service names it in \(list)")
        .blaming(list == "unlicenseduser" ? .unclear : .recipient)
    }
  }
}
