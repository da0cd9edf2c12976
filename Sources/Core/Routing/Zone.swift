import FoundationEssentials

/// A time zone: how far its clocks are ahead of UTC, and when. Read from the files that the system's `date` reads
/// (RFC 9636, TZif), or from a rule as `TZ` may hold one, so that both say the same. Foundation's own zones know neither
/// a copied /etc/localtime nor such rules, and bring thirty megabytes of tables along.
package struct Zone: Sendable, Hashable {
  package static let gmt = Zone(identifier: "UTC", offset: 0)

  package let identifier: String
  /// When the offset changed, in seconds since 1970, and what it was from then on.
  private var changes: [Int] = []
  private var offsets: [Int] = []
  /// Before the first change.
  private var first: Int
  /// After the last one; nil where the last offset stays.
  private var rule: Rule?

  /// - Parameter offset: seconds east of UTC, always.
  package init(identifier: String, offset: Int) {
    self.identifier = identifier
    first = offset
  }

  /// A rule such as `CST-8`, `<+08>-8` or `CET-1CEST,M3.5.0,M10.5.0/3`; nil for what is none. West is positive in these.
  package init?(rule text: String) {
    guard let rule = Rule(text) else { return nil }
    identifier = text
    first = rule.standard
    self.rule = rule
  }

  /// Seconds that the zone's clocks are ahead of UTC.
  package func offset(at date: Date) -> Int {
    let time = Int(date.timeIntervalSince1970.rounded(.down))
    guard let last = changes.last, time < last else { return rule?.offset(at: time) ?? offsets.last ?? first }
    // The first change that is later than that time, found by halving.
    var (low, high) = (0, changes.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if changes[middle] > time { high = middle } else { low = middle + 1 }
    }
    return low == 0 ? first : offsets[low - 1]
  }
}

// MARK: - Files

extension Zone {
  /// A zone file's bytes; nil for what is no such file, or a damaged one.
  package init?(identifier: String, file bytes: [UInt8]) {
    guard let old = Header(bytes, at: 0) else { return nil }
    // The first version has 32 bits for a time, which end in 2038; the block of a later one follows it.
    guard old.version >= UInt8(ascii: "2") else {
      self.init(identifier, bytes, old, width: 4)
      return
    }
    let next = Header.size + old.length(width: 4)
    guard let header = Header(bytes, at: next) else { return nil }
    self.init(identifier, bytes, header, width: 8)
    // What comes after the last change stands between two newlines behind the block.
    let footer = bytes.dropFirst(next + Header.size + header.length(width: 8)).dropFirst().prefix { $0 != 0x0A }
    rule = Rule(String(decoding: footer, as: UTF8.self))
  }

  private init?(_ identifier: String, _ bytes: [UInt8], _ header: Header, width: Int) {
    let types = header.data + header.times * (width + 1)
    guard header.types > 0, bytes.count >= header.data + header.length(width: width) else { return nil }
    func offset(ofType type: Int) -> Int { Zone.number(bytes, types + 6 * type, 4) }
    let kinds = (0..<header.times).map { Int(bytes[header.data + header.times * width + $0]) }
    guard kinds.allSatisfy({ $0 < header.types }) else { return nil }
    self.identifier = identifier
    changes = (0..<header.times).map { Zone.number(bytes, header.data + width * $0, width) }
    guard zip(changes, changes.dropFirst()).allSatisfy({ $0.0 < $0.1 }) else { return nil }
    offsets = kinds.map(offset)
    first = offset(ofType: 0)
  }

  private struct Header {
    static let size = 44

    let version: UInt8
    /// Where the block begins that it describes.
    let data: Int
    let times: Int
    let types: Int
    private let rest: (letters: Int, leaps: Int, standards: Int, universals: Int)

    init?(_ bytes: [UInt8], at start: Int) {
      guard bytes.count >= start + Header.size, bytes[start..<start + 4].elementsEqual("TZif".utf8) else { return nil }
      version = bytes[start + 4]
      data = start + Header.size
      // Signed, and so never beyond what an Int holds; a negative count makes no sense.
      let counts = (0..<6).map { Zone.number(bytes, start + 20 + 4 * $0, 4) }
      guard counts.allSatisfy({ (0...bytes.count).contains($0) }) else { return nil }
      (times, types) = (counts[3], counts[4])
      rest = (counts[5], counts[2], counts[1], counts[0])
    }

    /// Of the block: times and their types, the types, their letters, leap seconds, and two sorts of marks.
    func length(width: Int) -> Int {
      times * (width + 1) + types * 6 + rest.letters + rest.leaps * (width + 4) + rest.standards + rest.universals
    }
  }

  /// A signed number, its highest byte first.
  private static func number(_ bytes: [UInt8], _ start: Int, _ width: Int) -> Int {
    let value = bytes[start..<start + width].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return width == 4 ? Int(Int32(truncatingIfNeeded: value)) : Int(Int64(bitPattern: value))
  }
}

// MARK: - Rules

/// What POSIX lets `TZ` hold, and zone files end with: one offset, or two and the days on which clocks are turned.
private struct Rule: Sendable, Hashable {
  let standard: Int
  private var summer: Summer?

  private struct Summer: Sendable, Hashable {
    var offset: Int
    var from: Turn
    var to: Turn
  }

  /// A day of every year, and seconds after its midnight: before, or days later, where they are many.
  private struct Turn: Sendable, Hashable {
    enum Day: Sendable, Hashable {
      /// 1 to 365; 29 February is not counted.
      case julian(Int)
      /// 0 to 365.
      case ordinal(Int)
      /// The nth such weekday (0 is Sunday) of a month; the fifth is the last.
      case weekday(month: Int, week: Int, day: Int)
    }

    var day: Day
    var time: Int

    /// Seconds since 1970 on that year's wall calendar.
    func moment(_ year: Int) -> Int { days(year) * 86_400 + time }

    private func days(_ year: Int) -> Int {
      let start = CivilTime.days(year, 1, 1)
      switch day {
      case .julian(let number): return start + number - 1 + (number > 59 && CivilTime.length(of: 2, year) == 29 ? 1 : 0)
      case .ordinal(let number): return start + number
      case .weekday(let month, let week, let day):
        let first = CivilTime.days(year, month, 1)
        // 1 January 1970 was a Thursday.
        let early = first + CivilTime.floored(day - first - 4, by: 7).remainder
        let late = early + 7 * (week - 1)
        return late < first + CivilTime.length(of: month, year) ? late : late - 7
      }
    }
  }

  func offset(at time: Int) -> Int {
    guard let summer else { return standard }
    let year = CivilTime.date(CivilTime.floored(time + standard, by: 86_400).quotient).year
    let begin = summer.from.moment(year) - standard
    let end = summer.to.moment(year) - summer.offset
    // In the south the year begins and ends in summer.
    let isSummer = begin < end ? begin <= time && time < end : time < end || begin <= time
    return isSummer ? summer.offset : standard
  }

  init?(_ text: String) {
    var rest = Array(text.utf8)[...]
    guard Rule.name(&rest), let west = Rule.span(&rest, hours: 24) else { return nil }
    standard = -west
    if rest.isEmpty { return }
    guard Rule.name(&rest) else { return nil }
    let offset = Rule.span(&rest, hours: 24).map { -$0 } ?? standard + 3600
    // Without days the C library takes those of the United States.
    if rest.isEmpty { rest = Array(",M3.2.0,M11.1.0".utf8)[...] }
    guard let from = Rule.turn(&rest), let to = Rule.turn(&rest), rest.isEmpty else { return nil }
    summer = Summer(offset: offset, from: from, to: to)
  }

  /// Three letters or more, or anything between < and >.
  private static func name(_ rest: inout ArraySlice<UInt8>) -> Bool {
    if rest.first == UInt8(ascii: "<") {
      guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
      rest = rest[(end + 1)...]
      return true
    }
    let letters = rest.prefix { ($0 | 0x20) &- UInt8(ascii: "a") < 26 }
    rest = rest.dropFirst(letters.count)
    return letters.count >= 3
  }

  /// Hours, or hours, minutes and seconds with colons between, and perhaps a sign before.
  private static func span(_ rest: inout ArraySlice<UInt8>, hours most: Int) -> Int? {
    let isNegative = take("-", &rest)
    if !isNegative { _ = take("+", &rest) }
    guard let hours = number(&rest, 0...most) else { return nil }
    var seconds = hours * 3600
    for unit in [60, 1] where take(":", &rest) {
      guard let part = number(&rest, 0...59) else { return nil }
      seconds += part * unit
    }
    return isNegative ? -seconds : seconds
  }

  private static func turn(_ rest: inout ArraySlice<UInt8>) -> Turn? {
    guard take(",", &rest) else { return nil }
    let day: Turn.Day
    if take("M", &rest) {
      guard let month = number(&rest, 1...12), take(".", &rest), let week = number(&rest, 1...5), take(".", &rest),
        let weekday = number(&rest, 0...6)
      else { return nil }
      day = .weekday(month: month, week: week, day: weekday)
    } else if take("J", &rest) {
      guard let number = number(&rest, 1...365) else { return nil }
      day = .julian(number)
    } else {
      guard let number = number(&rest, 0...365) else { return nil }
      day = .ordinal(number)
    }
    guard take("/", &rest) else { return Turn(day: day, time: 2 * 3600) }
    return span(&rest, hours: 167).map { Turn(day: day, time: $0) }
  }

  private static func take(_ mark: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
    guard rest.first == UInt8(ascii: mark) else { return false }
    rest.removeFirst()
    return true
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, _ range: ClosedRange<Int>) -> Int? {
    let digits = rest.prefix { $0 &- 0x30 < 10 }
    // Four are more than any of these has.
    guard (1...4).contains(digits.count) else { return nil }
    rest = rest.dropFirst(digits.count)
    let value = digits.reduce(0) { $0 * 10 + Int($1 &- 0x30) }
    return range.contains(value) ? value : nil
  }
}
