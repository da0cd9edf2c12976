import Configuring
import Core
import FoundationEssentials
import Glibc
import Letters
import Spooling

/// Mails in, messages out: who gets them, through which channel, and in what words.
struct MailPost {
  /// Messages to be, one for each channel.
  struct Delivery: Equatable {
    /// Nil is the default channel.
    var channel: String?
    /// Nil for a channel's own target.
    var to: [String]?
  }

  let spool: Spool
  let door: MailDoor
  /// Nil where this user may not read the secrets: then less is checked before the drop.
  let configuration: Configuration?
  let localDomains: Set<String>

  /// A mail's bytes at the most: inside the message its attachments take a third more.
  var limit: Int { door.maxMessageBytes / 3 * 2 }

  init(_ arguments: Arguments) throws(Failure) {
    spool = try Surroundings.spool(arguments, for: .drop)
    guard let path = Surroundings.configurationPath(arguments, spool: spool.path) else {
      throw Failure(
        .configuration, "there is no configuration, so nobody knows where mail goes",
        hint: "make a commented one with: msgspool init \(spool.path)")
    }
    door = try Surroundings.mailDoor(path)
    configuration = try? Surroundings.configuration(path)
    localDomains = MailPost.localDomains()
  }

  // MARK: Who

  /// - Returns: nil where nobody is configured for the address.
  func deliveries(to address: String) -> [Delivery]? {
    let (local, domain) = MailPost.parts(address)
    let isLocal = domain.map(isOwn) ?? true
    if let aliases = door.aliases[address.lowercased()] ?? (isLocal ? door.aliases[local.lowercased()] : nil) {
      return aliases.map { alias in
        let channel = alias.channel ?? door.defaultChannel
        let isOwn = alias.to == nil && channel.flatMap { door.cards[$0] }?.hasOwnTarget == true
        return Delivery(channel: alias.channel, to: alias.to ?? (isOwn ? nil : [local]))
      }
    }
    guard let name = door.defaultChannel, let card = door.cards[name] else { return nil }
    // The default channel's own address book, or an address as its provider has them.
    if let channel = configuration?.channels[name] {
      let words = isLocal ? [local, address] : [address]
      if let known = words.first(where: { channel.recipients[Verbatim($0)] != nil }) { return [Delivery(to: [known])] }
      if (try? channel.provider.target(address)) != nil, !card.hasOwnTarget { return [Delivery(to: [address])] }
      return card.hasOwnTarget ? [Delivery()] : nil
    }
    return [Delivery(to: card.hasOwnTarget ? nil : [isLocal ? local : address])]
  }

  func refusal(of address: String) -> String? {
    if deliveries(to: address) != nil { return nil }
    return "nobody is configured to get mail for \(address.shortened)"
  }

  /// One for each channel, however many recipients the mail has.
  private func deliveries(to addresses: [String]) throws(Failure) -> [Delivery] {
    var all: [Delivery] = []
    for address in addresses {
      guard let deliveries = deliveries(to: address) else {
        let name = MailPost.parts(address).local.safeText
        throw Failure(
          .noUser, "nobody is configured to get mail for \(address.shortened); nothing was dropped",
          hint: "in the configuration: aliases: { \"\(name)\": { channel: \"NAME\", to: \"ADDRESS\" } }")
      }
      for delivery in deliveries {
        guard
          let index = all.firstIndex(where: { $0.channel == delivery.channel && ($0.to == nil) == (delivery.to == nil) }
          )
        else {
          all.append(delivery)
          continue
        }
        let known = Set(all[index].to?.map(Verbatim.init(_:)) ?? [])
        all[index].to?.append(contentsOf: (delivery.to ?? []).filter { !known.contains(Verbatim($0)) })
      }
    }
    return all
  }

  private static func parts(_ address: String) -> (local: String, domain: String?) {
    let pieces = address.pieces(at: "@")
    guard pieces.count > 1, let domain = pieces.last else { return (address, nil) }
    return (pieces.dropLast().joined(separator: "@"), domain.lowercased())
  }

  /// This machine's own: by its name, with or without a domain behind it.
  private func isOwn(_ domain: String) -> Bool {
    localDomains.contains(domain) || domain.pieces(at: ".").first.map(localDomains.contains) == true
  }

  private static func localDomains() -> Set<String> {
    var domains: Set<String> = ["localhost", "localhost.localdomain"]
    var name = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
    if gethostname(&name, name.count - 1) == 0 {
      let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased()
      domains.insert(host)
      if let short = host.pieces(at: ".").first, !short.isEmpty { domains.insert(short) }
    }
    return domains
  }

  var host: String {
    localDomains.filter { !$0.utf8.starts(with: "localhost".utf8) }.max { $0.utf8.count < $1.utf8.count } ?? "localhost"
  }

  // MARK: What

  /// Dropped for all of them, or for none. When it returns, the message survives a power cut.
  func deliver(_ bytes: [UInt8], to recipients: [String], from sender: String?) throws(Failure) -> [FileName] {
    guard bytes.count <= limit else {
      throw Failure(
        .badData, "the mail has \(bytes.count) bytes; at most \(limit) are taken (two thirds of max_message_bytes)")
    }
    let letter = Letter(bytes)
    var messages: [[UInt8]] = []
    for delivery in try deliveries(to: recipients) {
      messages.append(try message(letter, bytes, delivery, sender))
    }
    return try SendCommand.drop(messages, into: spool)
  }

  private func message(
    _ letter: Letter, _ bytes: [UInt8], _ delivery: Delivery, _ sender: String?
  ) throws(Failure) -> [UInt8] {
    let card = (delivery.channel ?? door.defaultChannel).flatMap { door.cards[$0] }
    let taken = letter.attachments.prefix(card?.attachments ?? 0)
    var message = Message(channel: delivery.channel, to: delivery.to, body: letter.body, title: letter.subject)
    message.attachments = taken.map { .init(name: $0.name, type: $0.type, source: .data($0.bytes)) }
    // What stays behind is named, so that nobody takes the rest for the whole.
    let left = letter.attachments.dropFirst(taken.count)
    let notes = left.map { "[not sent: \($0.name), \($0.type), \(Columns.count($0.bytes.count, "byte"))]" }
    var body = ([letter.body] + notes).filter { !$0.isEmpty }.joined(separator: "\n\n")
    if body.isEmpty { body = "(no text)" }
    message.body = body
    let isCut = try fit(&message)
    return json(message, letter, sender, original: isCut || !left.isEmpty ? bytes : nil)
  }

  /// Shortens what is longer than the provider takes, and says so in it.
  /// - Returns: whether it had to.
  private func fit(_ message: inout Message) throws(Failure) -> Bool {
    guard let configuration else { return false }
    let router = Router(configuration)
    func problem(_ message: Message) -> Fault? {
      if case .finish(_, let fault, _) = router.routeAtOnce(message, Progress([])) { fault } else { nil }
    }
    guard let first = problem(message) else { return false }
    for shorten in [MailPost.shortenBody, MailPost.shortenTitle] {
      let whole = message
      // The longest beginning that is taken, by halving.
      var (fits, over) = (0, whole.body?.unicodeScalars.count ?? 0)
      var best: Message?
      while over - fits > 1 {
        let middle = (fits + over) / 2
        var shorter = whole
        shorten(&shorter, middle)
        if problem(shorter) == nil { (fits, best) = (middle, shorter) } else { over = middle }
      }
      guard let best else { continue }
      message = best
      return true
    }
    throw Failure(
      .badData, "\(first.message); nothing was dropped", hint: first.hint)
  }

  private static func shortenBody(_ message: inout Message, _ count: Int) {
    let scalars = (message.body ?? "").unicodeScalars
    let rest = scalars.count - count
    message.body =
      String(String.UnicodeScalarView(scalars.prefix(count))) + "\n\n[\(rest) more characters were cut off]"
  }

  private static func shortenTitle(_ message: inout Message, _ count: Int) {
    shortenBody(&message, count)
    message.title = message.title.map { Columns.cut($0, 60) }
  }

  /// - Parameter original: the whole mail, where something of it is not sent.
  private func json(_ message: Message, _ letter: Letter, _ sender: String?, original: [UInt8]?) -> [UInt8] {
    var members: [JSON.Member] = []
    if let channel = message.channel { members.append(.init("channel", .string(channel))) }
    if let to = message.to { members.append(.init("to", .strings(Array(to)))) }
    if let title = message.title { members.append(.init("title", .string(title))) }
    members.append(.init("body", .string(message.body ?? "")))
    let attachments = message.attachments.compactMap { attachment -> JSON? in
      guard case .data(let bytes) = attachment.source else { return nil }
      return .object([
        .init("name", .string(attachment.name ?? "")), .init("type", .string(attachment.type ?? "")),
        .init("base64", .string(Data(bytes).base64EncodedString())),
      ])
    }
    if !attachments.isEmpty { members.append(.init("attachments", .array(attachments))) }
    // Never sent, and without Bcc: who reads the file learns where the mail came from.
    var mail: [JSON.Member] = []
    func keep(_ name: String, _ value: String?) { if let value { mail.append(.init(name, .string(value))) } }
    keep("sender", sender)
    keep("from", letter.from)
    keep("date", letter.date)
    keep("message_id", letter.messageID)
    if let original = original.map(Letter.withoutBcc) {
      let size = (original.count + 2) / 3 * 4 + JSON.object(members).bytes.count
      if size < door.maxMessageBytes - 4096 { keep("original_base64", Data(original).base64EncodedString()) }
    }
    members.append(.init("meta", .object([.init("mail", .object(mail))])))
    return JSON.object(members).bytes + [UInt8(ascii: "\n")]
  }
}
