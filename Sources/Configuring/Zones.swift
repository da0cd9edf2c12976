import Core
import FoundationEssentials

/// The time zones of this machine, found where the C library finds them.
struct Zones {
  /// An environment variable.
  let variable: (String) -> String?
  /// A file's bytes; nil where it cannot be read.
  let file: (String) -> [UInt8]?

  /// What `date` counts by: `TZ`, which names a file or holds a rule, else /etc/localtime, else UTC.
  var system: Zone {
    guard let value = variable("TZ") else { return read("/etc/localtime", as: "localtime") ?? .gmt }
    let name = value.hasPrefix(":") ? String(value.dropFirst()) : value
    if name.isEmpty { return .gmt }
    return read(name.hasPrefix("/") ? name : "\(folder)/\(name)", as: name) ?? Zone(rule: name) ?? .gmt
  }

  /// The zone that a configuration names.
  func named(_ name: String) throws(ZoneFault) -> Zone {
    if name == "UTC" || name == "GMT" { return .gmt }
    if let meant = Zones.abbreviations[name] { throw .abbreviation(meant) }
    // A name, and no way out of the folder. Words in capitals stand for several zones, or for half of a zone's year.
    let isName = name.contains("/") || name.contains { $0.isLowercase } || Zones.countries.contains(name)
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard isName, parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }) else { throw .unknown(nil) }
    if let zone = read("\(folder)/\(name)", as: name) { return zone }
    guard let table = file("\(folder)/zone1970.tab") ?? file("\(folder)/tzdata.zi") ?? file("\(folder)/UTC") else {
      throw .noData(folder)
    }
    throw .unknown(Suggestion.nearest(to: name, among: Zones.names(in: table)))
  }

  private var folder: String { variable("TZDIR") ?? "/usr/share/zoneinfo" }

  private func read(_ path: String, as name: String) -> Zone? {
    file(path).flatMap { Zone(identifier: name, file: $0) }
  }

  /// The third column of the table that comes with the zones: `CN⇥+3114+12128⇥Asia/Shanghai⇥...`.
  private static func names(in table: [UInt8]) -> [String] {
    String(decoding: table, as: UTF8.self).split(separator: "\n").compactMap { line in
      let columns = line.split(separator: "\t")
      return line.hasPrefix("#") || columns.count < 3 ? nil : String(columns[2])
    }
  }

  private static let countries: Set<String> = ["PRC", "ROC", "ROK", "GB", "NZ"]

  /// Each stands for several zones, or for one in winter or summer only.
  private static let abbreviations = [
    "CST": "\"Asia/Shanghai\", \"Asia/Taipei\", \"America/Chicago\" or \"America/Havana\"",
    "CDT": "\"America/Chicago\" or \"America/Havana\"", "EST": "\"America/New_York\" or \"America/Panama\"",
    "EDT": "\"America/New_York\"", "MST": "\"America/Denver\" or \"America/Phoenix\"", "MDT": "\"America/Denver\"",
    "PST": "\"America/Los_Angeles\" or \"Asia/Manila\"", "PDT": "\"America/Los_Angeles\"",
    "HST": "\"Pacific/Honolulu\"", "BST": "\"Europe/London\" or \"Asia/Dhaka\"",
    "IST": "\"Asia/Kolkata\", \"Europe/Dublin\" or \"Asia/Jerusalem\"", "WET": "\"Europe/Lisbon\"",
    "CET": "\"Europe/Berlin\"", "CEST": "\"Europe/Berlin\"", "MET": "\"Europe/Berlin\"", "EET": "\"Europe/Helsinki\"",
    "EEST": "\"Europe/Helsinki\"", "MSK": "\"Europe/Moscow\"", "JST": "\"Asia/Tokyo\"", "KST": "\"Asia/Seoul\"",
    "HKT": "\"Asia/Hong_Kong\"", "SGT": "\"Asia/Singapore\"", "SST": "\"Pacific/Pago_Pago\"",
    "AST": "\"America/Halifax\" or \"Asia/Riyadh\"", "AEST": "\"Australia/Sydney\" or \"Australia/Brisbane\"",
    "AEDT": "\"Australia/Sydney\"", "ACST": "\"Australia/Adelaide\" or \"Australia/Darwin\"",
    "AWST": "\"Australia/Perth\"", "NZST": "\"Pacific/Auckland\"", "NZDT": "\"Pacific/Auckland\"",
  ]
}

/// Why a name is no zone.
enum ZoneFault: Error {
  /// With the names that it may stand for.
  case abbreviation(String)
  /// With the nearest that is one.
  case unknown(String?)
  /// The folder without zones.
  case noData(String)
}
