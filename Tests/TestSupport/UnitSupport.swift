import Core
import Foundation
import Spooling

/// A folder of its own for one test, removed with everything in it when the last reference goes.
package final class ScratchFolder: Sendable {
  package let path: String

  package init() throws {
    var template = Array("\(NSTemporaryDirectory())/msgspool-unit-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemFault("mkdtemp", errno, NSTemporaryDirectory()) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  package func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file and returns its path.
  @discardableResult
  package func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  @discardableResult
  package func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(filePath: path(name)))
    return path(name)
  }

  package func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(name))))
  }

  package func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }

  /// The names in it, or in a folder of it, sorted.
  package func names(_ folder: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(folder)).sorted()
  }

  package func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
}

/// Random numbers that are the same in every run: a failure can be looked at again. (SplitMix64)
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(_ seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A moment in UTC, as a test reads best.
package func moment(_ text: String) -> Date {
  guard let date = try? Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains(".")).parse(text) else {
    preconditionFailure("\(text) is no time")
  }
  return date
}

/// Seconds of processor time that `body` takes on this thread: other work on the machine does not count.
package func processorSeconds(_ body: () throws -> Void) rethrows -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
  let start = now()
  try body()
  return now() - start
}

/// A provider for tests. Addresses that begin with `bad` are refused, `topic:` ones have a lane of two, case makes no
/// difference to who is meant. A message needs a body; those with a template can share mixed calls.
package struct PlainProvider: Provider {
  package static let card = ProviderCard(
    name: "plain", summary: "for tests", document: "https://plain.test", endpoint: "https://plain.test",
    recipientsPerCall: 100, mixedRecipientsPerCall: 10,
    settings: [
      SettingCard("token", .string, required: true, secret: true, "the token"),
      SettingCard("sender", .string, "who sends"),
      SettingCard("level", .integer, "how loud"),
      SettingCard("ratio", .number, "how much"),
      SettingCard("loud", .boolean, "whether loud"),
      SettingCard("tags", .strings, "what about"),
      SettingCard("headers", .object, "what else"),
    ],
    options: [
      OptionCard("sound", .string, "which sound"), OptionCard("level", .integer, "how loud"),
      OptionCard("loud", .boolean, "whether loud"), OptionCard("tags", .strings, "what about"),
      OptionCard("extra", .object, "what else"), OptionCard("ratio", .number, "how much"),
    ],
    rate: 2, dailyPerRecipient: 500, example: "plain: { provider: \"plain\", token: \"...\" }")

  package var settings = Settings(endpoint: "https://plain.test", values: [:])

  package init() {}

  package init(_ settings: Settings) throws(SettingFault) {
    if settings.string("sender") == "nobody" { throw SettingFault("sender", "must be somebody") }
    self.settings = settings
  }

  package func target(_ address: String) throws(RecipientFault) -> Target {
    if address.hasPrefix("bad") { throw RecipientFault("is not good") }
    if address.hasPrefix("topic:") { return Target(address, lane: .init("topics", capacity: 2)) }
    return Target(address, identity: address.lowercased())
  }

  package func content(of message: Message) throws(MessageFault) -> Content {
    guard let body = message.body, !body.isEmpty else { throw MessageFault("body", "is missing") }
    var fields = [Content.Field("body", body)]
    if case .string(let sound)? = message.option("sound") { fields.append(.init("sound", sound)) }
    return Content(fields, mixKey: message.template)
  }

  package func exchange(for call: Call, at now: Date, nonce: String) -> Exchange {
    .http(HTTPRequest(.post, settings.endpoint, body: Array(call.id.utf8)))
  }

  package func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer { .all(.accepted(), in: call) }
}

/// What a channel of `PlainProvider` can do about a lost answer beside: it speaks as that does.
private protocol PlainSpeaking: HTTPProvider {}

extension PlainSpeaking {
  package static var card: ProviderCard { PlainProvider.card }
  package func target(_ address: String) throws(RecipientFault) -> Target { try PlainProvider().target(address) }
  package func content(of message: Message) throws(MessageFault) -> Content { try PlainProvider().content(of: message) }
  package func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    HTTPRequest(.post, "https://plain.test", body: Array(call.id.utf8))
  }
  package func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer { .all(.accepted(), in: call) }
}

private struct RepeatablePlainProvider: PlainSpeaking, RepeatableProvider {
  init() {}
  init(_ settings: Settings) throws(SettingFault) {}
}

private struct AskablePlainProvider: PlainSpeaking, AskableProvider {
  var settles: Double

  init(settles: Double) { self.settles = settles }
  init(_ settings: Settings) throws(SettingFault) { settles = 0 }

  func lookup(_ question: Question, at now: Date, nonce: String) -> HTTPRequest {
    HTTPRequest(.get, "https://plain.test")
  }
  func finding(in response: HTTPResponse, for question: Question, at now: Date) -> Finding { .undecided }
}

/// The robot kind: it has its own target.
package struct RobotProvider: Provider {
  package static let card = ProviderCard(
    name: "robot", summary: "for tests", document: "https://robot.test", endpoint: nil, recipientsPerCall: 1,
    settings: [SettingCard("key", .string, required: true, secret: true, "the key")], hasOwnTarget: true,
    example: "robot: { provider: \"robot\", key: \"...\" }")

  package init() {}
  package init(_ settings: Settings) throws(SettingFault) {}
  package func target(_ address: String) throws(RecipientFault) -> Target { Target(address) }
  package func content(of message: Message) throws(MessageFault) -> Content {
    Content([.init("body", message.body ?? "")])
  }
  package func exchange(for call: Call, at now: Date, nonce: String) -> Exchange {
    .http(HTTPRequest(.post, "https://robot.test"))
  }
  package func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer { .all(.accepted(), in: call) }
}

extension Channel {
  /// A channel of the test provider; `change` sets what the test is about.
  package static func plain(
    _ name: String = "plain", recovery: Recovery = .none, _ change: (Channel) -> Void = { _ in }
  ) -> Channel {
    let provider: any Provider =
      switch recovery {
      case .none, .echo: PlainProvider()
      case .idempotencyKey: RepeatablePlainProvider()
      case .lookup(let settles): AskablePlainProvider(settles: settles)
      }
    let channel = Channel(name, provider)
    channel.zone = .gmt
    change(channel)
    return channel
  }
}

extension Configuration {
  package static func of(_ channels: Channel..., byDefault: String? = nil) -> Configuration {
    var configuration = Configuration()
    for channel in channels { configuration.channels[channel.name] = channel }
    configuration.defaultChannel = byDefault
    return configuration
  }
}
