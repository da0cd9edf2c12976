import FoundationEssentials

/// A code that was handed out to be scanned, and what the phone has made of it so far. An automatic phone is no thread: it
/// is what the clock says.
struct ScannableCode: Sendable {
  enum State: Sendable { case drawn, needsDigits, scanned, confirmed, refused, expired }

  /// Seconds that a code is good for.
  static let lifetime = 300.0
  /// Seconds after which an automatic phone scans, and confirms.
  private static let pace = (scan: 1.0, confirm: 2.0)

  private let expires: Date
  private let isAutomatic: Bool
  private var scanned: Date?
  private var confirmed: Date?
  private var isRefused = false
  private(set) var digits: String?
  /// Whether a poll was told that it is scanned: the next one waits for the confirmation.
  var hasToldScan = false

  /// - isPushed: it went straight to the phone, which need not scan.
  init(at now: Date, isAutomatic: Bool, isPushed: Bool = false) {
    expires = now.addingTimeInterval(Self.lifetime)
    self.isAutomatic = isAutomatic
    if isPushed { (scanned, hasToldScan) = (now, true) }
    if isAutomatic {
      scanned = scanned ?? now.addingTimeInterval(Self.pace.scan)
      confirmed = now.addingTimeInterval(Self.pace.confirm)
    }
  }

  func state(at now: Date) -> State {
    if let confirmed, confirmed <= now, confirmed < expires { return isRefused ? .refused : .confirmed }
    if now >= expires || isCancelled { return .expired }
    if digits != nil { return .needsDigits }
    if let scanned, scanned <= now { return .scanned }
    return .drawn
  }

  /// When time alone makes another state of it.
  func nextChange(after now: Date) -> Date? {
    [scanned, confirmed, expires].compactMap { $0 }.filter { $0 > now }.min()
  }

  // MARK: What the phone does

  private var isCancelled = false

  mutating func scan(at now: Date) { scanned = min(scanned ?? now, now) }

  mutating func confirm(at now: Date) {
    scan(at: now)
    digits = nil
    confirmed = min(confirmed ?? now, now)
  }

  /// The phone's owner may not log in so.
  mutating func refuse(at now: Date) {
    isRefused = true
    if !isAutomatic { confirm(at: now) }
  }

  mutating func expire() { (isCancelled, confirmed) = (true, nil) }

  /// The phone shows digits, which the poll must carry before the code counts as scanned.
  mutating func demand(_ digits: String) {
    self.digits = digits
    (scanned, confirmed) = (nil, nil)
  }

  /// What was typed; false when it is not what the phone shows.
  mutating func type(_ typed: String, at now: Date) -> Bool {
    guard typed == digits else { return false }
    (digits, scanned, hasToldScan) = (nil, now, true)
    if isAutomatic { confirmed = now.addingTimeInterval(Self.pace.confirm - Self.pace.scan) }
    return true
  }
}
