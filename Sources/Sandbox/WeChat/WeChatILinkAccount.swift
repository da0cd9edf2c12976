import Digests
import FoundationEssentials

/// The one bot of the iLink API: its binding, its owner's words, what was said and which files there are.
struct WeChatILinkAccount: Sendable {
  static let loginHost = "ilinkai.weixin.qq.com"
  /// Where calls go after the login: not where it began, so that clients must follow `baseurl`.
  static let host = "szilinkai.weixin.qq.com"
  static let redirectedHost = "shilinkai.weixin.qq.com"
  static let fileHost = "novac2c.cdn.weixin.qq.com"
  static let owner = "o9sandbox0owner@im.wechat"
  /// Calls that are taken for each word of the owner's, and the seconds that a word counts.
  static let allowance = (calls: 10, lifetime: 86_400.0)

  struct Code: Sendable {
    var scannable: ScannableCode
    /// The tokens that its client has already.
    var tokens: [String]
    /// Where polls must go once they were told.
    var redirect: String?
    var hasToldRedirect = false
  }

  /// A file that was announced, and then arrived.
  struct File: Sendable {
    var rawSize: Int
    var rawMD5: String
    var size: Int
    var key: [UInt8]
    var kind: Int
    var owner: String
    var bytes: [UInt8]?
  }

  private(set) var codes: [String: Code] = [:]
  private var lastCode: String?
  private var token: String?
  private var bot = 0
  /// What the phone is to do with the next code.
  var refusesNext = false
  var digitsForNext: String?
  var redirectsNext = false

  /// All that the owner ever said; a cursor is a number of them.
  private(set) var said: [WireJSON] = []
  private var lastWord: Date?
  private var callsSinceWord = 0
  private(set) var contextToken = ""

  /// Files by what an upload's address calls them, and by what messages call them.
  var uploads: [String: File] = [:]
  var files: [String: File] = [:]
  /// Encrypted, by what messages call them.
  var media: [String: [UInt8]] = [:]
  var received = ReceivedByPhone()

  private var identifiers = SandboxIdentifiers()
  private var lastMessage = 7_400_000_000_000_000_000

  mutating func newIdentifier() -> String { identifiers.hexadecimal() }

  mutating func newMessage() -> String {
    lastMessage += 1
    return String(lastMessage)
  }

  func name(ofUser user: String) -> String { user == Self.owner ? "owner" : user }
}

// MARK: - The binding

extension WeChatILinkAccount {
  func isGood(_ token: String) -> Bool { token == self.token }

  var isOnline: Bool { token != nil }

  mutating func unbind() { token = nil }

  mutating func drawCode(at now: Date, isAutomatic: Bool, tokens: [String]) -> String {
    let name = newIdentifier()
    var code = Code(scannable: ScannableCode(at: now, isAutomatic: isAutomatic), tokens: tokens)
    if let digitsForNext { code.scannable.demand(digitsForNext) }
    if refusesNext { code.scannable.refuse(at: now) }
    code.redirect = redirectsNext ? Self.redirectedHost : nil
    (digitsForNext, refusesNext, redirectsNext) = (nil, false, false)
    codes[name] = code
    lastCode = name
    return name
  }

  mutating func withWaitingCode(at now: Date, _ act: (inout ScannableCode) -> Void) throws(PhoneTrouble) {
    guard let lastCode, var code = codes[lastCode],
      [.drawn, .scanned, .needsDigits].contains(code.scannable.state(at: now))
    else { throw .notNow("no code waits to be scanned or confirmed") }
    act(&code.scannable)
    codes[lastCode] = code
  }

  func statusHost(_ code: String?) -> String {
    guard let code = code.flatMap({ codes[$0] }), code.hasToldRedirect, let host = code.redirect else {
      return Self.loginHost
    }
    return host
  }

  /// Until when a poll has nothing new to hear; nil when there is something to say.
  func statusPollWaits(_ query: [FormPair], now: Date) -> Date? {
    guard let code = query.value("qrcode").flatMap({ codes[$0] }) else { return nil }
    switch code.scannable.state(at: now) {
    case .scanned where code.scannable.hasToldScan, .drawn:
      return code.scannable.nextChange(after: now) ?? .distantFuture
    default: return nil
    }
  }

  mutating func change(_ name: String, _ act: (inout Code) -> Void) {
    guard var code = codes[name] else { return }
    act(&code)
    codes[name] = code
  }

  /// The binding that a confirmed code makes; nil where its client has one that is still good.
  mutating func bind(_ code: Code) -> WireJSON? {
    if let token, code.tokens.contains(token) { return nil }
    bot += 1
    let secret = "b\(newIdentifier().suffix(12))@im.bot:\(newIdentifier())"
    token = secret
    // Another's words are not this bot's.
    (lastWord, callsSinceWord, contextToken) = (nil, 0, "")
    return [
      "bot_token": .string(secret), "ilink_bot_id": .string("b\(bot)sandbox@im.bot"),
      "baseurl": .string("https://\(Self.host)"), "ilink_user_id": .string(Self.owner),
    ]
  }
}

// MARK: - Words

extension WeChatILinkAccount {
  var hasWord: Bool { lastWord != nil }

  mutating func hear(_ message: WireJSON, token: String, at now: Date) {
    said.append(message)
    contextToken = token
    lastWord = now
    callsSinceWord = 0
  }

  /// Counts a call; false when there have been enough.
  mutating func spend(at now: Date) -> Bool {
    guard let lastWord, now.timeIntervalSince(lastWord) < Self.allowance.lifetime,
      callsSinceWord < Self.allowance.calls
    else { return false }
    callsSinceWord += 1
    return true
  }
}
