/// What becomes of a text that is too long for its service (`options.long`). Pure.
///
/// Where the limits are, and what is counted in them, is the provider's own: it is asked whether it would take a shorter
/// text, instead of counting here what it would make of it.
package enum LongText: String, Sendable, CaseIterable {
  case refuse, cut, split

  /// How marks are written in a provider's Markdown.
  package enum Dialect: Sendable {
    case common
    /// Telegram's, where brackets are escaped.
    case markdownV2
  }

  package static let option = OptionCard(
    "long", .string, "a text over the limit: refuse (default), cut it, or split it into numbered parts")
  /// Names of the parts that a text is split into begin so.
  package static let part = "text"
  /// More would be an accident rather than a text.
  package static let mostParts = 999

  package init(of message: Message) throws(MessageFault) {
    guard let value = message.option(LongText.option.name), value != .null else {
      self = .refuse
      return
    }
    let words = LongText.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    guard let word = value.string else {
      throw MessageFault("options.\(LongText.option.name)", "found \(value.kindForPeople); expected one of \(words)")
    }
    guard let long = LongText(rawValue: word) else {
      throw MessageFault(
        "options.\(LongText.option.name)", "is \"\(word.shortened)\"; expected one of \(words)")
    }
    self = long
  }

  /// What the provider is to say; of a text that is split, `pieces` has all of them.
  static func content(of message: Message, by provider: some Provider) throws(MessageFault) -> Content {
    guard let dialect = type(of: provider).card.longTexts else { return try provider.content(of: message) }
    let long = try LongText(of: message)
    do throws(MessageFault) {
      return try provider.content(of: message)
    } catch {
      guard error.limit != nil else { throw error }
      let knife = Knife(provider, message, dialect)
      switch long {
      case .refuse: throw error.hinting
      case .cut: return try knife.cut(error)
      case .split: return try knife.split(error)
      }
    }
  }
}

extension MessageFault {
  /// A text could be shorter: how that is asked for.
  fileprivate var hinting: MessageFault {
    guard hint == nil, field == "body" || field == "title" else { return self }
    var fault = self
    let splits = field == "body" ? ", \"split\" sends it in parts" : ""
    fault.hint = "options.\(LongText.option.name): \"cut\" shortens it\(splits)"
    return fault
  }
}

/// Cuts one message's text to what its provider takes.
private struct Knife<Service: Provider> {
  let provider: Service
  let message: Message
  let dialect: LongText.Dialect
  /// The service has a field for the link, so that it opens with each part.
  private let linksEach: Bool
  /// Options of the first part alone.
  private let once: Set<String>

  /// What is left of a text, and what has to be opened before it.
  private struct Rest {
    var opening = ""
    var text: Substring
  }

  init(_ provider: Service, _ message: Message, _ dialect: LongText.Dialect) {
    self.provider = provider
    self.message = message
    self.dialect = dialect
    once = Set(type(of: provider).card.options.lazy.filter(\.isOnce).map(\.name))
    linksEach = Knife.hasOwnPlace(for: message.url, in: message, by: provider)
  }

  private static func hasOwnPlace(for url: String?, in message: Message, by provider: Service) -> Bool {
    guard let url, !url.isEmpty else { return true }
    var short = message
    short.body = "-"
    short.attachments = []
    let fields = (try? provider.content(of: short))?.fields ?? []
    return fields.contains { $0.value.hasSameBytes(as: url) || $0.value.hasSameBytes(as: JSON.string(url).text) }
  }

  private func with(_ body: String) -> Message {
    var message = message
    message.body = body
    return message
  }

  /// Whether the provider takes it.
  private func fits(_ message: Message, _ field: String = "body") throws(MessageFault) -> Bool {
    do throws(MessageFault) {
      _ = try provider.content(of: message)
      return true
    } catch {
      if error.limit != nil, error.field == field { return false }
      throw error.hinting
    }
  }

  // MARK: Cutting

  /// The title, which may be too long as well, then the body.
  func cut(_ fault: MessageFault) throws(MessageFault) -> Content {
    let knife = Knife(provider, try withShortTitle(), dialect)
    do throws(MessageFault) {
      return try provider.content(of: knife.message)
    } catch {
      guard error.field == "body", let limit = error.limit, let body = knife.message.body else { throw error }
      let longest = try knife.longest(of: Rest(text: body[...]), limit, mark: knife.ellipsis) {
        text throws(MessageFault) in
        try knife.fits(knife.with(text))
      }
      guard let longest else { throw error.uncuttable }
      return try provider.content(of: knife.with(longest.piece))
    }
  }

  private func withShortTitle() throws(MessageFault) -> Message {
    let probe = with("-")
    guard let title = message.title, let limit = limit(ofTitle: probe) else { return message }
    let longest = try longest(of: Rest(text: title[...]), limit, in: .text, mark: "…") { text throws(MessageFault) in
      var probe = probe
      probe.title = text
      return try fits(probe, "title")
    }
    var short = message
    short.title = longest?.piece ?? title
    return short
  }

  /// What the provider takes of a title that is too long; nil for any other.
  private func limit(ofTitle message: Message) -> Int? {
    do throws(MessageFault) {
      _ = try provider.content(of: message)
      return nil
    } catch {
      return error.field == "title" ? error.limit : nil
    }
  }

  /// Three dots where … would make a short message of the GSM alphabet one of another, with half as many signs.
  private var ellipsis: String {
    provider is any BillingProvider && Segments.isGSM(message.body ?? "") ? "..." : "…"
  }

  // MARK: Splitting

  func split(_ fault: MessageFault) throws(MessageFault) -> Content {
    guard fault.field == "body", let limit = fault.limit, let body = message.body else { throw fault.hinting }
    // The number of parts takes room in each, and is known only when all are cut.
    for total in [9, 99, LongText.mostParts] {
      guard let pieces = try pieces(of: body, limit, total: total, fault) else { continue }
      var contents: [Content] = []
      for (index, piece) in pieces.enumerated() {
        contents.append(
          try provider.content(of: part(piece, index + 1, of: pieces.count, isLast: index == pieces.count - 1)))
      }
      var content = contents[0]
      content.pieces = contents
      return content
    }
    throw MessageFault(
      "body", "would go in more than \(LongText.mostParts) parts: \(fault.problem)",
      hint: "send it as a file, or through a service that takes long texts")
  }

  /// Nil where it takes more parts than `total`.
  private func pieces(
    of body: String, _ limit: Int, total: Int, _ fault: MessageFault
  ) throws(MessageFault) -> [String]? {
    var pieces: [String] = []
    var rest = Rest(text: body[...])
    while !rest.text.allSatisfy(\.isWhitespace) {
      let number = pieces.count + 1
      if number > total { return nil }
      // No unit of any provider's has more than four bytes; the same again for markup that is not counted.
      if rest.text.utf8.count <= limit * 8 + 1_024 {
        let last = rest.opening + String(rest.text)
        if try fits(part(last, number, of: total, isLast: true)) { return pieces + [last] }
      }
      let longest = try longest(of: rest, limit, mark: "") { text throws(MessageFault) in
        try fits(part(text, number, of: total, isLast: false))
      }
      guard let longest else { throw fault.uncuttable }
      pieces.append(longest.piece)
      rest = longest.rest
    }
    return pieces
  }

  /// One of the messages that the text goes in. Attachments go with the first, or behind the text where they are parts of
  /// their own; a link that stands in the text goes with the last.
  private func part(_ text: String, _ number: Int, of total: Int, isLast: Bool) -> Message {
    var part = with(mark(number, of: total) + text)
    if provider is any PartedProvider ? !isLast : number > 1 { part.attachments = [] }
    if number > 1 { part.options.removeAll { once.contains($0.key) } }
    if !isLast, !linksEach { part.url = nil }
    return part
  }

  private func mark(_ number: Int, of total: Int) -> String {
    switch (message.format, dialect) {
    case (.text, _): "(\(number)/\(total)) "
    case (.markdown, .common): "(\(number)/\(total))\n\n"
    case (.markdown, .markdownV2): "\\(\(number)/\(total)\\)\n"
    case (.html, _): "(\(number)/\(total))\n"
    }
  }

  // MARK: Finding the place

  /// The longest beginning that fits, ending at the best place for it; nil where none does.
  private func longest(
    of rest: Rest, _ limit: Int, in format: Message.Format? = nil, mark: String,
    _ fits: (String) throws(MessageFault) -> Bool
  ) throws(MessageFault) -> (piece: String, rest: Rest)? {
    let window = rest.opening + String(try window(of: rest, limit, fits))
    let cuts = CutPoints(window, format ?? message.format)
    let least = rest.opening.utf8.count
    let points = cuts.points.filter { $0.end > least && $0.next > least }
    var (low, high) = (-1, points.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if try fits(cuts.piece(at: points[middle], mark: mark)) { low = middle } else { high = middle }
    }
    // What is to be closed may make an earlier piece the longer one: mostly the first is it.
    for _ in 0..<Self.mostTries where low >= 0 {
      let best = CutPoints.best(of: points[...low], above: least)
      let piece = cuts.piece(at: points[best], mark: mark)
      if try fits(piece) {
        let opening = cuts.opening(at: points[best])
        // Thousands of elements within each other are no text: each part would be longer than the one before.
        guard opening.utf8.count <= limit else { return nil }
        let text = rest.text.utf8.dropFirst(points[best].next - least)
        return (piece, Rest(opening: opening, text: Substring(text)))
      }
      low = best - 1
    }
    return nil
  }

  private static var mostTries: Int { 64 }

  /// As much of what is left as certainly does not fit, and the same again: whether a word is bold shows behind it.
  private func window(
    of rest: Rest, _ limit: Int, _ fits: (String) throws(MessageFault) -> Bool
  ) throws(MessageFault) -> Substring {
    var bytes = limit + 512
    while bytes < rest.text.utf8.count, try fits(rest.opening + String(rest.text.beginning(bytes: bytes))) {
      bytes *= 2
    }
    return rest.text.beginning(bytes: 2 * bytes)
  }
}

extension CutPoints {
  /// A line's end in the second half, a word's end there; else any place between words, before one within a word.
  fileprivate static func best(of points: ArraySlice<Point>, above least: Int) -> Int {
    let last = points.endIndex - 1
    let half = least + (points[last].end - least) / 2
    for rank in [Rank.line, .word] {
      let index = points.lastIndex { $0.rank >= rank && $0.end >= half }
      if let index { return index }
    }
    return points.lastIndex { $0.rank > .character } ?? last
  }
}

extension Substring {
  /// At most so many bytes, whole scalars only.
  fileprivate func beginning(bytes count: Int) -> Substring {
    guard utf8.count > count else { return self }
    var end = utf8.index(startIndex, offsetBy: count)
    while end > startIndex, UTF8.isContinuation(utf8[end]) { end = utf8.index(before: end) }
    return self[..<end]
  }
}

extension MessageFault {
  /// There is no place where the text could be cut.
  fileprivate var uncuttable: MessageFault {
    var fault = self
    fault.hint =
      "options.\(LongText.option.name) finds no place to cut it: shorten what goes with it (title, url), or a word or link"
      + " that is longer than the limit"
    return fault
  }
}
