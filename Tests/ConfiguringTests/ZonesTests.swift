import Core
import Foundation
import TestSupport
import Testing

@testable import Configuring

@Suite struct ZonesTests {
  private func zones(_ variables: [String: String], _ files: [String: String] = [:]) -> Zones {
    Zones(
      variable: { variables[$0] },
      file: { path in
        let source = path.hasPrefix("/usr/share/zoneinfo/") ? path : files[path]
        return source.flatMap { FileManager.default.contents(atPath: $0) }.map { Array($0) }
      })
  }

  private static let shanghai = "/usr/share/zoneinfo/Asia/Shanghai"

  @Test(
    arguments: [
      (["TZ": "UTC-8"], 8), (["TZ": "CST-8"], 8), (["TZ": "<+08>-8"], 8), (["TZ": ":Asia/Shanghai"], 8),
      (["TZ": "Asia/Shanghai"], 8), (["TZ": "/elsewhere/zone"], 8), (["TZ": ":/elsewhere/zone"], 8),
      (["TZ": ":UTC-8"], 8), (["TZ": "Shanghai", "TZDIR": "/usr/share/zoneinfo/Asia"], 8),
      ([:], 8), (["TZ": ""], 0), (["TZ": ":"], 0), (["TZ": "CST"], 0), (["TZ": "Mars/Base"], 0),
      (["TZ": "/no/such/file"], 0),
    ] as [([String: String], Int)])
  func theSystemsZoneIsWhatDateCountsBy(variables: [String: String], hours: Int) {
    // A copied file or a bind mount has no name, as a link to Asia/Shanghai would.
    let zone = zones(variables, ["/etc/localtime": Self.shanghai, "/elsewhere/zone": Self.shanghai]).system
    #expect(zone.offset(at: moment("2026-11-28T00:00:00Z")) == hours * 3600)
  }

  @Test func withoutAnyFileTheSystemsZoneIsUTC() {
    #expect(zones([:]).system == .gmt)
  }

  @Test(arguments: ["UTC", "GMT", "Asia/Shanghai", "PRC", "Japan", "Etc/GMT-8", "America/Argentina/Buenos_Aires"])
  func namesAreLookedUpAmongTheSystemsFiles(name: String) throws {
    let zone = try zones([:]).named(name)
    #expect(
      zone.offset(at: moment("2026-11-28T00:00:00Z"))
        == Zone.ofThisMachine(name)?.offset(at: moment("2026-11-28T00:00:00Z")))
  }

  @Test(arguments: ["CST", "EST", "IST", "CEST", "PST"]) func anAbbreviationIsRefusedWithTheNamesItMayStandFor(
    name: String
  ) {
    let fault = #expect(throws: ZoneFault.self) { try zones([:]).named(name) }
    guard case .abbreviation(let meant)? = fault else { return #expect(Bool(false), "\(String(describing: fault))") }
    for name in meant.split(separator: "\"").filter({ $0.contains("/") }) {
      #expect(Zone.ofThisMachine(String(name)) != nil, "\(name)")
    }
  }

  @Test func aSlipInANameIsAnsweredWithTheNearest() {
    let fault = #expect(throws: ZoneFault.self) { try zones([:]).named("Asia/Shangai") }
    guard case .unknown("Asia/Shanghai")? = fault else { return #expect(Bool(false), "\(String(describing: fault))") }
  }

  @Test func aMachineWithoutZonesIsNamedAsThat() {
    let fault = #expect(throws: ZoneFault.self) { try zones(["TZDIR": "/nowhere"]).named("Asia/Shanghai") }
    guard case .noData("/nowhere")? = fault else { return #expect(Bool(false), "\(String(describing: fault))") }
  }
}
