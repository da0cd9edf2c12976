import Core
import FoundationEssentials

/// How long a provider asks us to wait. Nonsense is ignored; nobody makes us wait for more than a day.
enum RetryAfter {
  static let longest = 86_400.0

  /// The `Retry-After` header (RFC 9110, section 10.2.3): seconds, or a date.
  static func seconds(in response: HTTPResponse, now: Date) -> Double? {
    guard let value = response.header("retry-after") else { return nil }
    if let seconds = whole(value) { return sane(seconds) }
    // A date is one of the provider's clock, which need not be ours.
    let there = response.header("date").flatMap(CivilTime.parseHeaderDate) ?? now
    return CivilTime.parseHeaderDate(value).flatMap { sane($0.timeIntervalSince(there)) }
  }

  /// Alibaba Cloud's `x-acs-retry-after`: a positive number of milliseconds (providers/aliyun.md, section 4).
  static func milliseconds(in response: HTTPResponse) -> Double? {
    response.header("x-acs-retry-after").flatMap(whole).flatMap { sane($0 / 1_000) }
  }

  /// Seconds until the clocks of China, by which its providers count days, show that hour. UTC+8, no summer time.
  static func untilHour(_ hour: Int, now: Date) -> Double {
    let passed = (now.timeIntervalSince1970 + Double((8 - hour) * 3_600)).truncatingRemainder(dividingBy: 86_400)
    return 86_400 - passed
  }

  /// A header that names a moment as Unix time, such as Pushover's `X-Limit-App-Reset`.
  static func seconds(untilTimeIn header: String, of response: HTTPResponse, now: Date) -> Double? {
    response.header(header).flatMap(whole).flatMap { sane($0 - now.timeIntervalSince1970) }
  }

  /// Seconds that an answer names in its body.
  static func seconds(_ number: Int?) -> Double? { number.flatMap { sane(Double($0)) } }

  static func seconds(_ number: Double?) -> Double? { number.flatMap { $0.isFinite ? sane($0) : nil } }

  /// Digits alone; more of them than an integer holds is still a number, only a very long wait.
  private static func whole(_ text: String) -> Double? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Double(text)
  }

  private static func sane(_ seconds: Double) -> Double? {
    seconds > 0 ? min(seconds, longest) : nil
  }
}
