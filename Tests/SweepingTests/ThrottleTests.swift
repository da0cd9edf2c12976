import Core
import Foundation
import Ledger
import Testing

@testable import Sweeping

@Suite("The rest of a channel that sends too often")
struct ThrottleTests {
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)
  private static let hour = 3600.0

  private static func suspension(_ length: Double, since: Date = now) -> Suspension {
    Suspension(channel: "wx", kind: .throttled, reason: "1205", since: since, until: since + length)
  }

  @Test("It is throttle_pause, doubled while it goes on, up to a day")
  func doubling() {
    let throttle = Throttle(pause: 4 * Self.hour)
    var lengths: [Double] = []
    var last: Suspension?
    for _ in 0..<5 {
      let length = throttle.next(after: last)
      lengths.append(length / Self.hour)
      last = Self.suspension(length)
    }
    #expect(lengths == [4, 8, 16, 24, 24])
    let other = Suspension(channel: "wx", kind: .credentials, reason: "", since: Self.now)
    #expect(throttle.next(after: other) == 4 * Self.hour)
  }

  @Test("It holds until it is over, and another throttle_pause alone shortens it")
  func holding() {
    let throttle = Throttle(pause: 4 * Self.hour)
    for hours in [4.0, 8, 16, 24] {
      #expect(throttle.holds(Self.suspension(hours * Self.hour), at: Self.now + 1))
      #expect(!throttle.holds(Self.suspension(hours * Self.hour), at: Self.now + hours * Self.hour))
    }
    #expect(!Throttle(pause: Self.hour * 3).holds(Self.suspension(4 * Self.hour), at: Self.now + 1))
    #expect(!Throttle(pause: 60).holds(Self.suspension(4 * Self.hour), at: Self.now + 1))
    #expect(!throttle.holds(Self.suspension(4 * Self.hour, since: Self.now + 100), at: Self.now), "a clock turned back")
  }

  @Test("What a missing login says is recognized, with and without the service's words")
  func logins() {
    for said in ["", "1101: logged in elsewhere"] {
      let suspension = Suspension(
        channel: "wx", kind: .credentials, reason: Suspension.notLoggedIn("wx", said), since: Self.now)
      #expect(suspension.isOfLogin)
      #expect(suspension.notice.message == "suspended: not logged in: run msgspool login wx")
      #expect(suspension.notice.said == (said.isEmpty ? nil : said))
    }
  }
}
