import Core
import FoundationEssentials

/// A value in the configuration and where it stands, so that every complaint can say so.
struct Place {
  let path: String
  let value: JSON

  /// The last part of the path: the key.
  let name: String

  init(_ path: String, _ value: JSON, name: String = "") {
    self.path = path
    self.value = value
    self.name = name
  }

  /// `null` is the same as absent.
  subscript(key: String) -> Place? {
    guard let value = value[key], value != .null else { return nil }
    return Place(path.isEmpty ? key : "\(path).\(key)", value, name: key)
  }

  /// - Parameter areBytes: names that differ in their bytes alone are two, as addresses are.
  func members(areBytes: Bool = false) throws(ConfigurationFault) -> [Place] {
    guard let members = value.members else { throw expected("an object") }
    let places = members.map { Place(path.isEmpty ? $0.key : "\(path).\($0.key)", $0.value, name: $0.key) }
    if areBytes { return places }
    // Two keys for a file, and one name for whoever looks it up: the second would silently win.
    var names: Set<String> = []
    for place in places where !names.insert(place.name).inserted {
      throw ConfigurationFault(place.path, "is there twice, with its accents written in two ways", hint: "keep one")
    }
    return places
  }

  /// Refuses keys that aren't known, naming the nearest that is.
  func allow(_ known: [String], what: String = "a setting") throws(ConfigurationFault) {
    guard let members = value.members else { throw expected("an object") }
    for member in members where !known.contains(member.key) {
      let nearest = Suggestion.nearest(to: member.key, among: known).map { "; did you mean \"\($0)\"?" }
      throw ConfigurationFault(
        path.isEmpty ? member.key : "\(path).\(member.key)", "is not \(what)\(nearest ?? "")",
        hint: "known are: \(known.joined(separator: ", "))")
    }
  }

  func string() throws(ConfigurationFault) -> String {
    guard let text = value.string, !text.isEmpty else { throw expected("a string") }
    return text
  }

  func strings() throws(ConfigurationFault) -> [String] {
    guard let values = value.array, values.allSatisfy({ $0.string != nil }) else {
      throw expected("an array of strings")
    }
    return values.compactMap(\.string)
  }

  /// What is in a list; the value itself where that is none, or empty.
  var elements: [Place] {
    guard let values = value.array, !values.isEmpty else { return [self] }
    return values.enumerated().map { Place("\(path)[\($0.offset)]", $0.element, name: name) }
  }

  func address() throws(ConfigurationFault) -> String {
    guard let text = ValueKind.string.value(of: value)?.string, !text.isEmpty else {
      throw expected("an address or a list of addresses")
    }
    return text
  }

  func integer(in range: ClosedRange<Int>) throws(ConfigurationFault) -> Int {
    guard let number = value.integer, range.contains(number) else {
      throw expected("a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func number(in range: ClosedRange<Double>) throws(ConfigurationFault) -> Double {
    guard let number = value.number, range.contains(number) else {
      throw expected("a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Seconds of a span such as "7d". A bare number is none, but 0 is the same in every unit.
  func span() throws(ConfigurationFault) -> Double {
    if value.number == 0 { return 0 }
    if let seconds = value.string.flatMap(TimeSpan.seconds), seconds <= 1e10 { return seconds }
    let question = TimeSpan.question(value.string ?? value.text).map { " (\($0))" } ?? ""
    throw expected("a span with its unit, such as \"30m\", \"12h\" or \"7d\"\(question)")
  }

  /// Where seconds are what is documented: a number of them, or a span such as "2m".
  func seconds(in range: ClosedRange<Double> = 0...1e10) throws(ConfigurationFault) -> Double {
    if let seconds = value.number ?? value.string.flatMap(TimeSpan.seconds), range.contains(seconds) { return seconds }
    throw expected("seconds, or a span such as \"30s\" or \"2m\"")
  }

  func timeOfDay() throws(ConfigurationFault) -> Int {
    let parts = (value.string ?? "").split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { $0 &- 0x30 < 10 } }),
      let hour = Int(parts[0]), let minute = Int(parts[1]),
      (0...24).contains(hour), (0...59).contains(minute), hour * 60 + minute <= 24 * 60
    {
      return (hour * 60 + minute) % (24 * 60) * 60
    }
    throw expected("a time of day such as \"22:00\"")
  }

  func zone(_ zones: Zones) throws(ConfigurationFault) -> Zone {
    let example = "a time zone such as \"Asia/Shanghai\""
    guard let name = value.string, !name.isEmpty else { throw expected(example) }
    do throws(ZoneFault) {
      return try zones.named(name)
    } catch {
      switch error {
      case .abbreviation(let meant):
        var fault = expected("the name of a zone, and not an abbreviation, of which several have the same")
        fault.hint = "write \(meant)"
        throw fault
      case .unknown(let nearest):
        var fault = expected(example)
        fault.hint = nearest.map { "did you mean \"\($0)\"?" } ?? "all names: timedatectl list-timezones"
        throw fault
      case .noData(let folder):
        throw ConfigurationFault(
          path, "\(folder) has no time zones, so \(value.text) cannot be looked up",
          hint: "install them (apt-get install tzdata), or leave the zone out: then the system's own counts")
      }
    }
  }

  func choice<Choice: RawRepresentable<String>>(_ choices: [Choice]) throws(ConfigurationFault) -> Choice {
    if let choice = value.string.flatMap(Choice.init(rawValue:)) { return choice }
    throw expected(choices.map { "\"\($0.rawValue)\"" }.joined(separator: " or "))
  }

  /// Scheme, host, port and an optional path, without a slash at the end.
  func url() throws(ConfigurationFault) -> String {
    let text = try string()
    let hasScheme = text.hasPrefix("https://") || text.hasPrefix("http://")
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
    // What stands before an @ may be a password: never shown.
    guard !text.contains("@") else {
      throw ConfigurationFault(path, "holds an @; expected scheme, host, port and path, without a user or password")
    }
    let host = text.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" }
    guard hasScheme, isPlain, !host.isEmpty else {
      throw expected("an address such as \"https://api.example.com\" (scheme, host, port, path)")
    }
    return String(text.reversed().drop { $0 == "/" }.reversed())
  }

  private func expected(_ expected: String) -> ConfigurationFault {
    let found: String
    switch value {
    case .number, .boolean: found = value.text
    case .string(let text): found = text.utf8.count <= 40 ? value.text : "a string of \(text.count) characters"
    default: found = value.kindForPeople
    }
    return ConfigurationFault(path, "found \(found); expected \(expected)")
  }
}
