import Core

/// What both ways to personal WeChat (providers/wechat-ilink.md, providers/wechat-web.md) share: settings, texts, and what
/// kind of thing an attachment is.
enum WeChat {
  /// Cards of the settings of wechat.md, section 1, 4, 5, 7 and 8, that both have; read by the configuration's reader
  /// (`PersonalSettings`) but for `max_text`.
  static let settings: [SettingCard] = [
    SettingCard("session", .string, "the session file (else SPOOL/sessions/CHANNEL.json)"),
    SettingCard("receive", .string, "who receives: \"watch\", \"sweep\" or \"off\""),
    SettingCard("inbox", .boolean, "whether what comes in is written to inbox/ (true)"),
    SettingCard("inbox_self", .boolean, "one's own messages, too (false)"),
    SettingCard("replies", .structure, "rules that answer (a list; see the README)"),
    SettingCard("reply_within", .string, "no message older than that is answered (\"10m\")"),
    SettingCard("repeat_window", .string, "the same text again within it is answered once (\"10s\")"),
    SettingCard("replies_per_sender", .integer, "answers to one sender in a minute (5)"),
    SettingCard("max_media_bytes", .integer, "bytes of a received file that is fetched (52428800)"),
    SettingCard("max_file_bytes", .integer, "bytes of an attachment"),
    SettingCard("max_text", .integer, "characters of a text (4000)"),
    SettingCard("throttle_pause", .string, "how long a channel rests that was told \"too frequent\" (\"4h\")"),
    SettingCard(
      "require_message_id", .boolean, "whether a success without a message's id counts as unconfirmed (true)"),
  ]

  static let mebibyte = 1_048_576

  // MARK: What is sent (wechat.md, section 4)

  /// The field of `Content` that holds the text, absent where there is none.
  static let text = "text"
  /// Set where attachments go as plain files.
  static let asFile = "as_file"

  static let options = [OptionCard(asFile, .boolean, "whether attachments go as files, also pictures and videos")]

  static func content(
    of message: Message, maxText: Int, maxFile: Int, _ name: String
  ) throws(MessageFault) -> Content {
    try message.requireFormat([.text], name)
    for to in message.to ?? [] where to.utf8.first == UInt8(ascii: "@") {
      throw MessageFault(
        "to", "\"\(to.shortened)\" is a user name of WeChat's, which lives for one login",
        hint: "name the friend or group instead: msgspool contacts CHANNEL lists them")
    }
    let lines = [message.title, message.body, message.url].compactMap { $0 }.filter { !$0.isEmpty }
    let hasText = message.title?.isEmpty == false || message.body?.isEmpty == false
    guard hasText || !message.attachments.isEmpty else {
      throw MessageFault("body", "is missing or empty; \(name) needs a text or an attachment")
    }
    var fields: [Content.Field] = []
    if !lines.isEmpty {
      let whole = lines.joined(separator: "\n")
      try checkLength(whole, "body", atMost: maxText, name, in: .characters)
      fields.append(.init(text, whole))
    }
    if try message.booleanOption(asFile) ?? false { fields.append(.init(asFile, "1")) }
    for (index, attachment) in message.attachments.enumerated() {
      guard case .data(let bytes) = attachment.source else { continue }
      if bytes.isEmpty { throw MessageFault("attachments[\(index)]", "is empty; \(name) sends no empty file") }
      guard bytes.count > maxFile else { continue }
      throw MessageFault("attachments[\(index)]", "has \(bytes.count) bytes; \(name) takes at most \(maxFile)")
    }
    return Content(fields)
  }

  /// The text, then each attachment.
  static func parts(of content: Content) -> [Part] {
    var parts: [Part] = []
    if let text = content[text] { parts.append(Part(WeChat.text, Content([.init(WeChat.text, text)]))) }
    for attachment in content.attachments {
      var part = Content(content[asFile].map { [.init(asFile, $0)] } ?? [])
      part.attachments = [attachment]
      parts.append(Part(attachment.name, part))
    }
    return parts
  }

  /// What an attachment is sent as.
  enum Kind: String, Sendable { case image, gif, video, file }

  /// By content where it can be told, else by type, else by name.
  static func kind(of attachment: Content.Attachment, asFile: Bool) -> Kind {
    if asFile { return .file }
    if case .bytes(let bytes) = attachment.source {
      if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .image }
      if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .image }
      if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) { return .gif }
      if bytes.count > 25, bytes.starts(with: "BM".utf8), isBitmap(bytes) { return .image }
      if bytes.count > 11, bytes[4..<8].elementsEqual("ftyp".utf8) { return isQuickTime(bytes) ? .file : .video }
    }
    return kind(ofType: attachment.type) ?? kind(ofName: attachment.name) ?? .file
  }

  /// BMP: the reserved words are zero, and the header behind has one of the known lengths.
  private static func isBitmap(_ bytes: [UInt8]) -> Bool {
    bytes[6..<10].allSatisfy { $0 == 0 } && [12, 40, 52, 56, 64, 108, 124].contains(bytes[14])
      && bytes[15..<18].allSatisfy { $0 == 0 }
  }

  /// Audio (M4A) and Apple's own films have the same frame as MP4.
  private static func isQuickTime(_ bytes: [UInt8]) -> Bool {
    ["M4A ", "M4B ", "qt  ", "heic", "heix", "mif1", "avif"].contains { bytes[8..<12].elementsEqual($0.utf8) }
  }

  private static func kind(ofType type: String) -> Kind? {
    switch type.lowercased() {
    case "image/jpeg", "image/png", "image/bmp", "image/x-ms-bmp": .image
    case "image/gif": .gif
    case "video/mp4": .video
    case "application/octet-stream", "": nil
    default: .file
    }
  }

  private static func kind(ofName name: String) -> Kind? {
    switch name.pieces(at: ".").last?.lowercased() {
    case "jpg", "jpeg", "png", "bmp": .image
    case "gif": .gif
    case "mp4": .video
    default: nil
    }
  }
}

extension Dialogue.Turn {
  /// The service gave no answer that means anything.
  static func unreachable(_ reply: Reply) -> Dialogue.Turn {
    let (code, words): (String?, String) =
      switch reply {
      case .notSent(let failure), .lost(let failure): (failure.code, failure.message)
      case .http(let response): (String(response.status), "it answers with HTTP \(response.status)")
      case .mail, .program: (nil, "it gives no answer")
      }
    return Dialogue.Turn([], .over(.init(.unreachable, code: code, "WeChat cannot be reached: \(words)")))
  }
}
