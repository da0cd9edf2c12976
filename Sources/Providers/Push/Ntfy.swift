import Core
import FoundationEssentials
import Signing

/// ntfy: push messages to the subscribers of topics. Section numbers are those of providers/extras.md: all of it is
/// section 2.
package struct Ntfy: AskableProvider {
  package static let card = ProviderCard(
    name: "ntfy",
    summary: "ntfy, push messages to the subscribers of a topic, at ntfy.sh or one's own server",
    document: "https://docs.ntfy.sh/publish/",
    endpoint: "https://ntfy.sh",
    recipientsPerCall: 1,
    settings: [
      SettingCard("token", .string, secret: true, "an access token, tk_...; or username and password, or neither"),
      SettingCard("username", .string, "the account's name"),
      SettingCard("password", .string, secret: true, "the account's password"),
    ],
    options: [
      OptionCard("priority", .integer, "1 to 5, instead of the message's"),
      OptionCard("tags", .strings, "words or names of emoji, together at most 512 bytes"),
      OptionCard("attach", .string, "URL of a file to show", isOnce: true),
      OptionCard("filename", .string, "what that file is called", isOnce: true),
      OptionCard("icon", .string, "URL of an icon"),
      OptionCard("delay", .string, "when the service delivers it: 30m, tomorrow 10am, Unix time; 10 s to 3 days"),
      OptionCard("email", .string, "address that the service mails it to as well", isOnce: true),
      OptionCard("call", .string, "number that the service calls as well", isOnce: true),
      OptionCard(
        "actions", .structure, "up to 3 buttons, such as { action: \"view\", label: \"Open\", url: \"https://...\" }"),
    ],
    limits: [("body", 4_096, "bytes of UTF-8"), ("title", 1_024, "bytes of UTF-8"), ("tags", 512, "bytes of UTF-8")],
    // ntfy.sh takes 60 at once, then one every 5 seconds; it says when that is reached.
    rate: 1,
    longTexts: .common,
    notes: [
      "to: topics of 1 to 64 letters, digits, _ and -.",
      "body is required; title and url (as click) are used; format is text or markdown.",
      "priority low is 2, high is 4. A longer body would become an attachment and is refused.",
      "options.actions are the service's own: view (label, url), http (label, url, method, headers, body), broadcast"
        + " (label, intent, extras) and copy (label, value); each may have clear.",
      "A lost answer is looked up in the topic's cache after a minute; a server that shows none cannot tell.",
    ],
    example: """
      phones: {
        provider: "ntfy",
        token: { env: "NTFY_TOKEN" },
        recipients: { ops: ["my-secret-topic"] },
      }
      """)

  private let base: String
  private let headers: [HTTPHeader]

  package init(_ settings: Settings) throws(SettingFault) {
    base = try Endpoint(settings).base
    let user = settings.string("username")
    let password = settings.string("password")
    guard (user == nil) == (password == nil) else {
      throw SettingFault(user == nil ? "username" : "password", "is missing: both are needed")
    }
    let token = settings.string("token")
    guard token == nil || user == nil else {
      throw SettingFault("token", "cannot be given together with username and password")
    }
    guard user?.holds(":") != true else { throw SettingFault("username", "must not contain a colon") }
    let login = token.map { "Bearer \($0)" } ?? user.map { "Basic " + "\($0):\(password ?? "")".utf8.base64 }
    headers = login.map { [HTTPHeader("Authorization", $0)] } ?? []
  }

  // MARK: What is sent

  package func target(_ address: String) throws(RecipientFault) -> Target {
    guard address.isToken(1...64, and: "_-") else {
      throw RecipientFault("is no topic: expected 1 to 64 letters, digits, _ and -")
    }
    return Target(address)
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    let name = Self.card.name
    try message.requireFormat([.text, .markdown], name)
    let body = try message.requiredBody(name)
    try checkLength(body, "body", atMost: 4_096, name, in: .bytes)
    var fields = [Content.Field("message", body)]
    if let title = message.title, !title.isEmpty {
      try checkLength(title, "title", atMost: 1_024, name, in: .bytes)
      fields.append(.init("title", title))
    }
    if let url = message.url, !url.isEmpty { fields.append(.init("click", url)) }
    if message.format == .markdown { fields.append(.init("markdown", "true")) }
    let own: Int? =
      switch message.priority {
      case .low: 2
      case .normal: nil
      case .high: 4
      }
    if let priority = try message.integerOption("priority", in: 1...5) ?? own {
      fields.append(.init("priority", String(priority)))
    }
    let tags = try message.stringsOption("tags") ?? []
    try checkLength(tags.joined(separator: ","), "options.tags", atMost: 512, name, in: .bytes)
    fields += tags.map { .init("tags", $0) }
    for option in ["attach", "filename", "icon", "delay", "email", "call"] {
      if let text = try message.stringOption(option) { fields.append(.init(option, text)) }
    }
    if let actions = try Self.actions(message.option("actions")) { fields.append(.init("actions", actions.text)) }
    return Content(fields)
  }

  private static let actionFields: [String: Set<String>] = [
    "view": ["url"], "http": ["url", "method", "headers", "body"], "broadcast": ["intent", "extras"], "copy": ["value"],
  ]

  /// The buttons, checked: one that the service does not take would cost the whole message.
  private static func actions(_ given: JSON?) throws(MessageFault) -> JSON? {
    guard let given, given != .null else { return nil }
    let actions = given.array ?? [given]
    guard actions.count <= 3 else {
      throw MessageFault("options.actions", "has \(actions.count) buttons; ntfy takes at most 3")
    }
    for (index, action) in actions.enumerated() {
      let field = "options.actions[\(index)]"
      guard let members = action.members else {
        throw MessageFault(field, "is \(action.kindForPeople); expected an object")
      }
      guard let kind = action["action"]?.string, let known = actionFields[kind] else {
        throw MessageFault("\(field).action", "is none of view, http, broadcast and copy")
      }
      for name in ["label"] + (known.contains("url") ? ["url"] : known.contains("value") ? ["value"] : [])
      where action[name]?.string?.isEmpty != false {
        throw MessageFault("\(field).\(name)", "is missing or no text; a button of kind \(kind) needs it")
      }
      let names = known.union(["action", "label", "clear", "id"])
      if let member = members.first(where: { !names.contains($0.key) }) {
        throw MessageFault("\(field).\(member.key)", "does not belong to a button of kind \(kind)")
      }
    }
    return actions.isEmpty ? nil : .array(actions)
  }

  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    precondition(call.recipients.count == 1, "ntfy takes one topic in a call")
    var members = [JSON.Member("topic", .string(call.recipients[0].target.wire))]
    for field in call.content.fields where field.name != "tags" && field.name != "actions" {
      let isLiteral = ["priority", "markdown"].contains(field.name)
      let value: JSON = field.value == "true" && isLiteral ? .boolean(true) : .number(field.value)
      members.append(.init(field.name, isLiteral ? value : .string(field.value)))
    }
    if call.content["tags"] != nil { members.append(.init("tags", .strings(call.content.all("tags")))) }
    if let actions = call.content["actions"], let value = try? JSONScanner.value(of: Array(actions.utf8)) {
      members.append(.init("actions", value))
    }
    return .json(base + "/", members, headers: headers)
  }

  // MARK: What comes back

  /// The first three digits of a code are the HTTP status.
  private static let codes = CodeTable<Int>([
    (.credentials, [40101, 42909]),
    // This topic is somebody else's; others may be ours.
    (.credentialsPerhaps, [40301]),
    (.message, [41301, 41303]),
    (.throttled, [42901]),
    (.quota, [42908]),
    // Mails, bandwidth, phone calls: used up for the messages that ask for them.
    (.quotaForThis, [42902, 42905, 42910]),
    (.recipient, [50701]),
  ])

  private static func verdict(_ code: Int) -> AnswerClass {
    codes[code] ?? .status(code / 100, client: .message, server: .later)
  }

  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    let wire = JSONAnswer(response)
    if (200..<300).contains(response.status), let wire, wire["event"]?.text == "message", let id = wire["id"]?.text,
      !id.isEmpty, wire["code"] == nil
    {
      return .all(.accepted(id: id), in: call)
    }
    var wait = RetryAfter.seconds(in: response, now: now)
    guard let wire, let code = wire["code"]?.integer, code >= 10_000 else {
      return AnswerClass.undecoded(response)
        .answer(to: call, code: response.codeOfStatus, reason: response.reasonOfStatus, retryAfter: wait)
    }
    let verdict = Self.verdict(code)
    if verdict.kind == .quota { wait = wait ?? Self.untilMidnight(now) }
    return verdict.answer(to: call, code: String(code), reason: wire["error"]?.text ?? "no text", retryAfter: wait)
  }

  /// In UTC; that the day's limits end then is not documented.
  private static func untilMidnight(_ now: Date) -> Double {
    86_400 - now.timeIntervalSince1970.truncatingRemainder(dividingBy: 86_400)
  }

  // MARK: Lost answers

  package var settles: Double { 60 }

  /// The cache since shortly before the call; when that is empty, all of it: is there a cache at all?
  package func lookup(_ question: Question, at now: Date, nonce: String) -> HTTPRequest {
    let since = question.cursor == Self.everything ? "all" : String(Int(Self.start(of: question)))
    let topic = question.call.recipients[0].target.wire
    return HTTPRequest(.get, "\(base)/\(topic)/json?poll=1&sched=1&since=\(since)", headers: headers)
  }

  private static let everything = "all"

  private static func start(of question: Question) -> Double { question.startedAt.timeIntervalSince1970 - 60 }

  package func finding(in response: HTTPResponse, for question: Question, at now: Date) -> Finding {
    guard response.status == 200 else { return .undecided }
    var entries: [JSONAnswer] = []
    for line in response.body.split(separator: UInt8(ascii: "\n")) {
      guard let entry = JSONAnswer(bytes: Array(line)) else { return .undecided }
      if entry["event"]?.text == "message" { entries.append(entry) }
    }
    let content = question.call.content
    let mine = entries.first { entry in
      guard let id = entry["id"]?.text, !question.knownIds.contains(id) else { return false }
      return Double(entry["time"]?.integer ?? 0) >= Self.start(of: question)
        && Self.isSame(entry["message"]?.text, content["message"])
        && Self.isSame(entry["title"]?.text, content["title"])
    }
    if let id = mine?["id"]?.text { return .found([.accepted(id: id)]) }
    if !entries.isEmpty { return .notFound }
    // An empty answer is also that of a server without a cache, which proves nothing.
    return question.cursor == Self.everything ? .undecided : .more(Self.everything)
  }

  /// The server trims texts.
  private static func isSame(_ one: String?, _ other: String?) -> Bool {
    let words = [one, other].map { text in
      var bytes = (text ?? "").utf8[...]
      let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
      while let last = bytes.last, isSpace(last) { bytes.removeLast() }
      return Array(bytes.drop(while: isSpace))
    }
    return words[0] == words[1]
  }
}
