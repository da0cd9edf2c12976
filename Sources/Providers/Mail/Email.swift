import Core
import Domains
import FoundationEssentials
import Signing

/// Mail, handed to a server by SMTP submission. Section numbers are those of providers/email.md.
package struct Email: MailProvider, CopyingProvider {
  package static let card = ProviderCard(
    name: "email",
    summary: "mail through any SMTP server, with attachments",
    document: "https://www.rfc-editor.org/rfc/rfc5321",
    endpoint: nil,
    // Section 2: every server takes that many.
    recipientsPerCall: 100,
    settings: [
      SettingCard(
        "url", .string, required: true,
        "smtp://HOST:587 (STARTTLS) or smtps://HOST:465"),
      SettingCard("username", .string, "to log in with; needs TLS, or a server on this machine"),
      SettingCard("password", .string, secret: true, "to log in with"),
      SettingCard("from", .string, required: true, "sender: name@domain, or Name <name@domain>"),
      SettingCard(
        "security", .string,
        "required (default): TLS or nothing is sent; opportunistic: TLS where the server has it; none"),
      SettingCard(
        "helo", .string,
        "name or [address] given with EHLO; by default this machine's full name, or its address where it has none"),
      SettingCard(
        "verp", .boolean,
        "true: the envelope's sender is NAME+CALL@DOMAIN, so that reports name the call (receipts: \"drop\")"),
    ],
    options: [
      OptionCard(
        "cc", .strings, "further recipients, whom everybody sees: addresses, or names in the channel's address book"),
      OptionCard("bcc", .strings, "further recipients, whom nobody sees"),
      OptionCard("reply_to", .string, "address that answers go to, or Name <name@domain>"),
      OptionCard("text", .string, "the plain text beside a body in HTML; by default it is made of the HTML"),
      OptionCard("headers", .object, "further headers, such as { \"List-Id\": \"<ops.example.com>\" }"),
    ],
    limits: [("address", 254, "bytes"), ("title", 2_000, "UTF-16 units")],
    attachments: 50, usesKeys: true,
    notes: [
      "to: name@domain, or Name <name@domain>; domains of any script (IDNA 2008). Letters beyond ASCII before @, in"
        + " options.reply_to too, need a server with SMTPUTF8: others do not get the mail.",
      "title is the subject; body, format and url are used; markdown is sent as plain text.",
      "Recipients in to do not see each other: with more than one, the mail says To: undisclosed-recipients:;",
      "options.cc and options.bcc are recipients like those in to, each with an outcome of its own.",
      "Accepted means that the server has taken the mail; what it cannot deliver comes back as mail to the sender.",
      "A lost answer after the message cannot be looked up: on_unconfirmed decides. Sent again, a message keeps its "
        + "Message-ID, by which copies are told. Servers may take long to answer: raise timeout.",
      "A server that takes fewer than 100 recipients at a time is found out by its answers (452, X.5.3, LIMITS RCPTMAX).",
    ],
    example: """
      mail: {
        provider: "email",
        url: "smtp://mail.example.com:587",
        username: "alert@example.com", password: { env: "MAIL_PASSWORD" },
        from: "Alerts <alert@example.com>",
        timeout: 300,
      }
      """)

  private let url: String
  private let security: MailRequest.Security
  private let username: String?
  private let password: String?
  let sender: MailAddress
  /// The envelope's sender names the call, so that reports do, whatever they quote.
  private let namesCalls: Bool
  /// The From header.
  private let from: String

  package init(_ settings: Settings) throws(SettingFault) {
    guard let url = settings.string("url") else { throw SettingFault("url", "is missing") }
    guard let from = settings.string("from") else { throw SettingFault("from", "is missing") }
    self.url = try Email.checked(url, helo: settings.string("helo"))
    guard let security = MailRequest.Security(rawValue: settings.string("security") ?? "required") else {
      throw SettingFault("security", "is neither required, opportunistic nor none")
    }
    self.security = security
    namesCalls = settings.boolean("verp") ?? false
    username = settings.string("username")
    password = settings.string("password")
    guard (username == nil) == (password == nil) else {
      throw SettingFault(username == nil ? "username" : "password", "is missing: the one needs the other")
    }
    // Section 1: a login only over TLS.
    guard username == nil || security == .required || url.lowercased().hasPrefix("smtps://") || Email.isLocal(url)
    else {
      throw SettingFault(
        "security", "is \(security.rawValue), which could show the password to others; expected required")
    }
    (sender, self.from) = try Email.mailbox(from)
  }

  /// Nothing in it for libcurl to mend, and no login, which has settings of its own.
  private static func checked(_ url: String, helo: String?) throws(SettingFault) -> String {
    let lowered = url.lowercased()
    guard let scheme = ["smtp://", "smtps://"].first(where: { lowered.hasPrefix($0) }) else {
      throw SettingFault("url", "must start with smtp:// or smtps://")
    }
    let rest = url.dropFirst(scheme.utf8.count)
    let isPlain = rest.utf8.allSatisfy { byte in
      byte.isLetterOrDigit || ".-_:[]/".utf8.contains(byte)
    }
    guard let first = rest.utf8.first, first != UInt8(ascii: "/"), first != UInt8(ascii: ":"), isPlain else {
      throw SettingFault("url", "is not scheme://host[:port]; a login goes into username and password")
    }
    guard let helo else { return url }
    let parts = rest.pieces(at: "/")
    guard parts.dropFirst().allSatisfy(\.isEmpty) else {
      throw SettingFault("helo", "is given, and url names \(parts[1]) for EHLO behind its host: leave out one of them")
    }
    // libcurl takes the name from there.
    do throws(DomainProblem) {
      return "\(url.prefix(scheme.utf8.count))\(parts[0])/\(PercentEncoding.encode(try MailAddress.host(helo)))"
    } catch {
      throw SettingFault("helo", error.text)
    }
  }

  private static func isLocal(_ url: String) -> Bool {
    let host = url.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" }.lowercased()
    return ["localhost", "127.0.0.1", "[::1]"].contains { host == $0 || host.hasPrefix("\($0):") }
  }

  /// `name@domain` or `Name <name@domain>`; the address, and the header's text.
  private static func mailbox(_ text: String) throws(SettingFault) -> (MailAddress, String) {
    do throws(MailAddressProblem) {
      let mailbox = try Mailbox(text)
      return (mailbox.address, mailbox.header("From"))
    } catch {
      throw SettingFault("from", error.text)
    }
  }

  // MARK: What is sent (sections 1, 4 and 5)

  private static let beyondASCII = Target.Lane("utf8")

  package func target(_ address: String) throws(RecipientFault) -> Target {
    do throws(MailAddressProblem) {
      let checked = try Mailbox(recipient: address).address
      // Whether case matters before the @ is the domain's business: spellings stay different (RFC 5321, section 2.4).
      // A mail that needs SMTPUTF8 is refused by servers further on that do not have it: not for others' sake.
      return Target(address, wire: checked.text, lane: checked.needsUTF8 ? Email.beyondASCII : Target.Lane())
    } catch {
      throw RecipientFault(error.text)
    }
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    var fields: [Content.Field] = []
    if let title = message.title, !title.isEmpty {
      try Email.refuseControls(title, "title")
      try checkLength(title, "title", atMost: 2_000, Email.card.name)
      fields.append(.init("subject", title))
    }
    let body = message.body ?? ""
    guard !body.isEmpty || !fields.isEmpty || !message.attachments.isEmpty || message.url?.isEmpty == false else {
      throw MessageFault("body", "is missing or empty, and there is neither title nor attachment")
    }
    let url = message.url.flatMap { $0.isEmpty ? nil : $0 }
    if message.format == .html {
      let link = url.map { "<p><a href=\"\(Email.escaped($0))\">\(Email.escaped($0))</a></p>\n" }
      // A mail without it is spam to many servers, and nothing to who reads in a terminal.
      let text = Email.text(try message.stringOption("text") ?? HTMLText.text(body), url)
      if !text.isEmpty { fields.append(.init("text", text)) }
      fields.append(.init("html", body + (link.map { "\n" + $0 } ?? "")))
    } else {
      guard try message.stringOption("text") == nil else {
        throw MessageFault("options.text", "goes with format html only: the body is plain text already")
      }
      fields.append(.init("text", Email.text(body, url)))
    }
    if let replyTo = try message.stringOption("reply_to") {
      do throws(MailAddressProblem) {
        fields.append(.init("reply_to", try Mailbox(recipient: replyTo).header("Reply-To")))
      } catch {
        throw MessageFault("options.reply_to", error.text)
      }
    }
    if message.priority == .high { fields.append(.init("importance", "high")) }
    fields += try Email.headers(message.option("headers"))
    return Content(fields)
  }

  /// Who is named in these decides about more than this mail, or they are written here.
  private static let reserved: Set<String> = [
    "date", "from", "sender", "to", "cc", "bcc", "subject", "message-id", "reply-to", "importance", "auto-submitted",
    "mime-version", "return-path", "received", "dkim-signature", "authentication-results",
  ]
  private static let reservedBeginnings = ["content-", "resent-", "arc-"]

  private static func headers(_ given: JSON?) throws(MessageFault) -> [Content.Field] {
    var names: Set<String> = []
    var fields: [Content.Field] = []
    for member in given?.members ?? [] where member.value != .null {
      let field = "options.headers.\(member.key)"
      let name = member.key.lowercased()
      guard member.key.isToken(1...60, and: "-_") else {
        throw MessageFault(field, "is no header's name: expected 1 to 60 letters, digits, - and _")
      }
      guard !reserved.contains(name), !reservedBeginnings.contains(where: { name.hasPrefix($0) }) else {
        let own = ["reply-to": "reply_to", "cc": "cc", "bcc": "bcc"][name]
        let hint = own.map { "it has an option of its own: options.\($0)" }
        throw MessageFault(field, "is a header that msgspool or a server writes", hint: hint)
      }
      guard names.insert(name).inserted else { throw MessageFault(field, "is there twice") }
      guard let text = member.value.string, !text.isEmpty else {
        throw MessageFault(field, "is empty or no string")
      }
      try refuseControls(text, field)
      try checkLength(text, field, atMost: 2_000, card.name)
      fields.append(.init("header \(member.key)", text))
    }
    return fields
  }

  /// Section 5: what goes into a header is refused rather than cleaned.
  private static func refuseControls(_ text: String, _ field: String) throws(MessageFault) {
    guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw MessageFault(field, "has a line break or another control character, which no mail's header can have")
    }
  }

  private static func text(_ body: String, _ url: String?) -> String {
    guard let url else { return body }
    return body.isEmpty ? url : "\(body)\n\n\(url)"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing(["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;"])
  }

  package func request(for call: Call, at now: Date, nonce: String) -> MailRequest {
    let content = call.content
    let recipients = call.recipients.map(\.target.wire)
    var headers = [
      HTTPHeader("Date", CivilTime.headerDate(now)),
      HTTPHeader("From", from),
      HTTPHeader("To", Email.to(of: call)),
      HTTPHeader("Subject", HeaderText.unstructured(content["subject"] ?? "", in: "Subject")),
      HTTPHeader("Message-ID", "<\(identifier(of: call))@\(sender.domain)>"),
    ]
    let copies = Email.shown(Email.cc, in: call)
    if !copies.isEmpty { headers.insert(HTTPHeader("Cc", copies.joined(separator: ", ")), at: 3) }
    if let replyTo = content["reply_to"] { headers.append(HTTPHeader("Reply-To", replyTo)) }
    if let importance = content["importance"] { headers.append(HTTPHeader("Importance", importance)) }
    // Nobody's absence is to be told to a program (RFC 3834, section 5).
    headers.append(HTTPHeader("Auto-Submitted", "auto-generated"))
    for field in content.fields {
      guard let name = field.name.behind("header ") else { continue }
      headers.append(HTTPHeader(name, HeaderText.unstructured(field.value, in: name)))
    }
    let bodies = [("text", "text/plain"), ("html", "text/html")].compactMap { name, type in
      content[name].map { MailRequest.Body(type: type, text: $0) }
    }
    return MailRequest(
      url: url, security: security, username: username, password: password,
      sender: envelopeSender(of: call),
      recipients: recipients, headers: headers, bodies: bodies,
      attachments: content.attachments.map {
        FormPart($0.name, fileName: $0.name, type: $0.type, $0.source)
      })
  }

  /// With the call's name in it, where that is wanted and fits (RFC 5321: 64 octets before the @).
  private func envelopeSender(of call: Call) -> String {
    guard namesCalls, let local = sender.text.halves(at: "@")?.before, !local.holds("\""),
      local.utf8.count + 1 + call.id.utf8.count <= 64
    else { return sender.text }
    return "\(local)+\(call.id)@\(sender.domain)"
  }

  // MARK: Copies

  /// Fields of contents with copies: mailboxes as the headers have them.
  private static let cc = "cc"
  private static let to = "to"
  private static let hasCopies = "copies"

  package static let copyOptions = ["cc", "bcc"]

  /// The header of who is in `to` is the message's own there: the call may be for some of its recipients only. Secret
  /// addresses stand in no header that others read.
  package func content(_ content: Content, of message: Message, contacts: ([String]) -> [Contact]) -> Content {
    guard Email.copyOptions.contains(where: { !Email.words($0, of: message).isEmpty }) else { return content }
    let mailboxes = { (contacts: [Contact], header: String) in
      contacts.filter { !$0.isSecret }.compactMap { try? Mailbox(recipient: $0.address).header(header) }
    }
    var content = content
    content.fields.append(.init(Email.hasCopies, "true"))
    let recipients = contacts(Array(message.to ?? []))
    if recipients.count == 1 { content.fields += mailboxes(recipients, "To").map { .init(Email.to, $0) } }
    content.fields += mailboxes(contacts(Email.words(Email.cc, of: message)), "Cc").map { .init(Email.cc, $0) }
    return content
  }

  /// Only a mail that needs SMTPUTF8 anyway names addresses that need it: it is no other recipient's trouble.
  private static func shown(_ field: String, in call: Call) -> [String] {
    let takesAll = call.recipients.contains { $0.target.lane == beyondASCII }
    return call.content.all(field).filter { takesAll || $0.utf8.allSatisfy { $0 < 0x80 } }
  }

  private static func to(of call: Call) -> String {
    guard call.content[hasCopies] != nil else { return header(of: call.recipients) }
    return shown(to, in: call).first ?? "undisclosed-recipients:;"
  }

  /// One recipient, with the name that the producer or the address book gave; an address that is a secret has none.
  private static func header(of recipients: [Call.Recipient]) -> String {
    guard recipients.count == 1 else { return "undisclosed-recipients:;" }
    let target = recipients[0].target
    guard target.address.holds("<"), let mailbox = try? Mailbox(recipient: target.address),
      mailbox.address.text.hasSameBytes(as: target.wire)
    else { return target.wire }
    return mailbox.header("To")
  }

  /// The server has no SMTPUTF8, so nothing was said to it (RFC 6531, section 3.2). The code is the one that servers have
  /// for that.
  private func answerWithoutUTF8(to call: Call) -> Answer {
    let code = "5.6.7"
    func reason(_ whose: String) -> String {
      "the server has no SMTPUTF8, which \(whose) needs: a letter beyond ASCII before @"
    }
    if sender.needsUTF8 {
      return .all(.deferred(.credentials, code: code, reason: reason("the channel's from")), in: call, advice: .suspend)
    }
    if call.recipients.contains(where: { $0.target.lane == Email.beyondASCII }) {
      return .all(
        .rejected(.recipient, code: code, reason: reason("this address")).blaming(.recipient), in: call)
    }
    return .all(.rejected(.message, code: code, reason: reason("options.reply_to")), in: call)
  }

  /// Names mails in UUIDs of this program's own.
  private static let namespace: [UInt8] = [
    0x6D, 0x73, 0x67, 0x73, 0x70, 0x6F, 0x4F, 0x6C, 0x8D, 0x61, 0x69, 0x6C, 0x4D, 0x73, 0x67, 0x49,
  ]

  /// The left side of a Message-ID (section 6): of the message, so that what is sent again is known for a copy. A mail that
  /// serves several messages is named after all of them and after its recipients: nobody may take it for a copy of another
  /// mail that serves some of them.
  func identifier(of call: Call) -> String {
    let keys = Set(call.recipients.map { Verbatim($0.key) })
    let names: [String]
    switch keys.count {
    case 1 where keys.contains(""): names = [call.id]
    case 1: names = call.recipients.prefix(1).map(\.key)
    default:
      names = call.recipients.map { JSON.strings([$0.key, $0.target.wire]).text }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
    // Two machines that are copies of each other may give the same key to different messages.
    let all = [sender.text] + call.content.fields.map(\.value) + names
    return NameBasedUUID.text(JSON.strings(all).text, in: Email.namespace)
  }

  package func answer(_ response: MailResponse, to call: Call, at now: Date) -> Answer {
    if response.lacksUTF8 { return answerWithoutUTF8(to: call) }
    return SMTPAnswer(response, to: call).answer(to: call)
  }
}
