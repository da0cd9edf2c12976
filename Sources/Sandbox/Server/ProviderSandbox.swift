import Digests
import FoundationEssentials

/// The far side of one provider: it reads requests as the vendor's documents say, checks them as the vendor does, and
/// remembers what it took. It performs no I/O: the clock is handed in, and faults are decided elsewhere.
protocol ProviderSandbox: Sendable {
  /// The name in the configuration and in `--fault provider=`.
  static var name: String { get }

  /// An account that it takes and a message that it accepts, for a first configuration.
  static var sample: SandboxSample { get }

  /// Fields that never get into a record: credentials and signatures, and the recipients, which have a place of their own.
  static var unrecorded: Set<String> { get }

  /// `accounts` are the known credentials under the provider's own setting names; nil takes any that are not empty,
  /// which leaves signatures unverifiable.
  init(accounts: [[String: String]]?)

  /// Whether a request is meant for this provider; by path, headers and parameters, since all share a port.
  static func owns(_ request: SandboxRequest) -> Bool

  /// What the request says. Never fails: what can't be read is said in `malformed`.
  func read(_ request: SandboxRequest) -> SandboxCall

  /// Milliseconds for which a call has no answer yet: a long poll. It is asked again after them, and sooner where something
  /// else was served, which may be what it waits for. Nil when it can be answered, as all calls of most providers can.
  func patience(for call: SandboxCall, arrived: Date, now: Date) -> Int?

  /// The vendor's answer. `refused` are the places in `call.recipients` that a fault has chosen to fail.
  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply

  /// The vendor's answer to a call that it turns away unprocessed.
  mutating func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply
}

package struct SandboxSample: Sendable {
  /// Settings beside provider and endpoint, as JSON5.
  package var settings: [String]
  /// What follows `msgspool send`.
  package var send: String
  /// What the phone has to say before, as JSON: some services only let answer.
  package var word: String?
}

/// A recipient that a fault has chosen to fail.
struct RefusedRecipient: Sendable, Equatable {
  /// The vendor's own code instead of the usual one.
  var code: String?
}

/// Why a fault makes a provider turn a whole call away.
package struct Refusal: Sendable, Equatable {
  package enum Reason: String, Sendable { case throttle, credentials, quota }

  package var reason: Reason
  /// The vendor's own code instead of the usual one.
  package var code: String?
  /// Seconds that the client is told to wait.
  package var retryAfter: Int?

  var outcome: SandboxOutcome {
    switch reason {
    case .throttle: .throttled
    case .credentials: .credentials
    case .quota: .quota
    }
  }
}

/// Every provider that the sandbox stands in for, asked in this order whose a request is. Adding one is its file and a
/// line here.
///
/// All share one port, where each has a host of its own otherwise. Paths tell nearly all apart. At `/` Aliyun and Tencent
/// are known by the action in a header or parameter, ntfy by a JSON object. `/push` is Bark's by POST and ServerChan's by
/// GET, `/send/...` ServerChan 3's when it ends in `.send` and PushPlus's otherwise, `/message` Gotify's alone, PushDeer's
/// with `/push` and Server饭's with a type of message, `/cgi-bin/webhook/` the WeCom robot's and the rest of `/cgi-bin/`
/// the WeCom application's, but for `/cgi-bin/mmwebwx-bin/`, which is personal WeChat's.
package enum SandboxCatalogue {
  static let all: [any ProviderSandbox.Type] = [
    WxPusherSandbox.self,
    TwilioSandbox.self,
    VonageSandbox.self,
    AliyunSandbox.self,
    HuaweiSandbox.self,
    TencentSandbox.self,
    PushPlusSandbox.self,
    ServerChanSandbox.self,
    ServerFanSandbox.self,
    OneSignalSandbox.self,
    PushoverSandbox.self,
    PushedSandbox.self,
    WeChatWebSandbox.self,
    WeChatILinkSandbox.self,
    WeComRobotSandbox.self,
    WeComAppSandbox.self,
    TelegramSandbox.self,
    BarkSandbox.self,
    DingTalkSandbox.self,
    FeishuSandbox.self,
    GotifySandbox.self,
    PushDeerSandbox.self,
    WebhookSandbox.self,
    // Last: nearly any path may be a topic.
    NtfySandbox.self,
  ]

  /// As the configuration writes them: keys of `SandboxServer`'s credentials.
  package static var names: [String] { all.map { $0.name } }

  /// Nil for what the sandbox does not stand in for.
  package static func sample(of name: String) -> SandboxSample? { all.first { $0.name == name }?.sample }

  /// The most bytes that a body may have: messages are small, but a CDN takes files whole.
  static func largestBody(target: String) -> Int {
    target.hasPrefix("/c2c/") || target.hasPrefix("/sandbox/") ? 136 << 20 : 16 << 20
  }
}

extension ProviderSandbox {
  func patience(for call: SandboxCall, arrived: Date, now: Date) -> Int? { nil }

  /// The business fields of a call, for the record.
  func content(of call: SandboxCall) -> WireJSON {
    guard case .object(let members) = call.fields else { return .object([]) }
    let content = WireJSON.object(members.filter { !Self.unrecorded.contains($0.name) })
    return call.request.body.count > largestRecordedText ? content.abbreviated : content
  }
}

/// Longer texts than any message's are pictures in Base64; a record says which one it was instead.
private let largestRecordedText = 256 * 1024

extension WireJSON {
  fileprivate var abbreviated: WireJSON {
    switch self {
    case .string(let text) where text.utf8.count > largestRecordedText:
      ["bytes": .int(text.utf8.count), "sha256": .string(Digest.sha256.of(text.utf8).hex)]
    case .array(let values): .array(values.map(\.abbreviated))
    case .object(let members): .object(members.map { WireMember($0.name, $0.value.abbreviated) })
    default: self
    }
  }
}
