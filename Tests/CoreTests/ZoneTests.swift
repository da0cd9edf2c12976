import Core
import Foundation
import TestSupport
import Testing

@Suite struct ZoneTests {
  /// Every 11 days and some hours, over a century: all sorts of rules, and the ends of their tables.
  private static let moments = (0..<3400).map { Double($0) * 981_173 - 200_000_000 }

  @Test(arguments: [
    "Asia/Shanghai", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
    "Africa/Casablanca", "Asia/Kathmandu", "America/Santiago", "Pacific/Apia", "Pacific/Chatham", "Asia/Gaza",
    "America/Nuuk", "Antarctica/Troll", "Etc/GMT-14", "UTC", "Africa/Monrovia",
  ])
  func aZoneFileSaysWhatDateSays(name: String) async throws {
    let zone = try #require(Zone.ofThisMachine(name))
    #expect(zone.identifier == name)
    try await expectDateToAgree(name, zone)
  }

  @Test(arguments: [
    "UTC-8", "CST-8", "<+08>-8", "<-03>3", "EST5EDT,M3.2.0,M11.1.0", "CET-1CEST,M3.5.0,M10.5.0/3",
    "NZST-12NZDT,M9.5.0,M4.1.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "IST-1GMT0,M10.5.0,M3.5.0/1",
    "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "IST-2IDT,M3.4.4/26,M10.5.0", "AAA3BBB,J60/0,J300", "AAA-3BBB,59,299/3:30:15",
    "A-B", "ABC+24", "ABC-24:00:01",
  ])
  func aRuleSaysWhatDateSays(rule: String) async throws {
    // Before 1970 the C library knows no summers by rule.
    try await expectDateToAgree(rule, Zone(rule: rule) ?? .gmt, since: 86_400)
  }

  private func expectDateToAgree(_ variable: String, _ zone: Zone, since: Double = -.infinity) async throws {
    let moments = Self.moments.filter { $0 >= since }
    let input = moments.map { "@\(Int($0))\n" }.joined()
    let said = try await run(
      "date", ["--file=-", "+%::z"], stdin: Data(input.utf8), env: ["TZ": variable, "LC_ALL": "C"])
    let lines = said.stdout.split(separator: "\n")
    #expect(lines.count == moments.count, "\(said.stderr)")
    for (moment, line) in zip(moments, lines) {
      let parts = line.dropFirst().split(separator: ":").compactMap { Int($0) }
      try #require(parts.count == 3, "\(line)")
      let offset = (line.hasPrefix("-") ? -1 : 1) * (parts[0] * 3600 + parts[1] * 60 + parts[2])
      let ours = zone.offset(at: Date(timeIntervalSince1970: moment))
      #expect(ours == offset, "\(variable) at \(moment): date says \(line), and we \(ours)")
      if ours != offset { return }
    }
  }

  @Test(arguments: [
    "", "CST", "CS-8", "<+08-8", "Asia/Shanghai", "CST-8x", "CST-8CDT,M3.2.0", "CST-8CDT,M13.1.0,M11.1.0",
    "CST25", "CST-8CDT,M3.6.0,M11.1.0", "CST-8CDT,J0,J1", "CST-8:60", "CST-99999999999999999999",
  ])
  func whatIsNoRuleIsNone(text: String) {
    #expect(Zone(rule: text) == nil)
  }

  @Test func aFixedOffsetIsOneAlways() {
    #expect(Zone.gmt.offset(at: Date(timeIntervalSince1970: -1e10)) == 0)
    #expect(Zone(identifier: "x", offset: -3600).offset(at: Date(timeIntervalSince1970: 1e10)) == -3600)
  }

  /// A file of the first version ends in 2037, and its last offset stays.
  @Test func theOldFormOfAZoneFileIsReadToo() throws {
    var old = Array("TZif".utf8) + [UInt8](repeating: 0, count: 16)
    for count in [0, 0, 0, 2, 2, 8] as [UInt8] { old += [0, 0, 0, count] }
    old += [0, 0, 0, 100, 0, 0, 0, 200, 1, 0]
    old += [0, 0, 0x0E, 0x10, 0, 0] + [0, 0, 0x1C, 0x20, 1, 4] + Array("CET\0CES\0".utf8)
    let zone = try #require(Zone(identifier: "old", file: old))
    let offsets = [99, 100, 199, 200, 5e9].map { zone.offset(at: Date(timeIntervalSince1970: $0)) }
    #expect(offsets == [3600, 7200, 7200, 3600, 3600])
  }

  /// Damaged files are none; nothing is read beyond their end.
  @Test func aDamagedZoneFileIsNone() throws {
    let bytes = Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/America/New_York")))
    #expect(Zone(identifier: "x", file: []) == nil)
    for length in stride(from: 0, to: bytes.count - 40, by: 7) {
      #expect(Zone(identifier: "x", file: Array(bytes.prefix(length))) == nil, "\(length)")
    }
    var mutator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      var broken = bytes
      for _ in 0..<3 {
        broken[Int.random(in: 0..<broken.count, using: &mutator)] = .random(in: 0...255, using: &mutator)
      }
      _ = Zone(identifier: "x", file: broken)?.offset(at: Date(timeIntervalSince1970: .random(in: -1e11...1e11)))
    }
  }
}
