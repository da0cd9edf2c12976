import Core
import Foundation
import Synchronization

@testable import Sweeping

/// A provider for tests whose far end is in the test: `to=text` in, a word for each recipient out. `a` accepted, `r CODE`
/// refused (whose trouble it is depends on the code), `d` deferred.
protocol WordSpeaking: HTTPProvider {}

/// It cannot tell what became of a lost call,
struct WordProvider: WordSpeaking {
  init() {}
  init(_ settings: Settings) throws(SettingFault) {}
}

/// this one repeats it under its key,
struct RepeatableWordProvider: WordSpeaking, RepeatableProvider {
  init() {}
  init(_ settings: Settings) throws(SettingFault) {}
}

/// and this one can be asked.
struct AskableWordProvider: WordSpeaking, AskableProvider {
  var settles: Double

  init(settles: Double) { self.settles = settles }
  init(_ settings: Settings) throws(SettingFault) { settles = 0 }

  func lookup(_ question: Question, at now: Date, nonce: String) -> HTTPRequest {
    HTTPRequest(.get, "https://word.test/ask", body: Array("\(question.call.id)\n\(question.call.content.line)".utf8))
  }

  func finding(in response: HTTPResponse, for question: Question, at now: Date) -> Finding {
    response.status == 404 ? .notFound : .found(Self.outcomes(response.body, of: question.call))
  }
}

private let wordCard = ProviderCard(
  name: "word", summary: "for tests", document: "https://word.test", endpoint: "https://word.test",
  recipientsPerCall: 4, settings: [], longTexts: .common, example: "word: { provider: \"word\" }")

extension WordSpeaking {
  static var card: ProviderCard { wordCard }

  func target(_ address: String) throws(RecipientFault) -> Target {
    if address.hasPrefix("bad") { throw RecipientFault("is not good") }
    return Target(address)
  }

  func content(of message: Message) throws(MessageFault) -> Content {
    guard let body = message.body, !body.isEmpty else { throw MessageFault("body", "is missing") }
    // Short texts are no business of tests that do not name the option.
    if message.option("long") != nil, body.utf8.count > 24 {
      throw MessageFault("body", "has \(body.utf8.count) bytes; word takes at most 24", limit: 24)
    }
    return Content([.init("body", body)])
  }

  func request(for call: Call, at now: Date, nonce: String) -> HTTPRequest {
    let lines = [call.id, call.content.line] + call.recipients.map(\.target.wire)
    return HTTPRequest(.post, "https://word.test/send", body: Array(lines.joined(separator: "\n").utf8))
  }

  func answer(_ response: HTTPResponse, to call: Call, at now: Date) -> Answer {
    switch response.status {
    case 401: return .all(.deferred(.credentials, code: "401", reason: "who are you"), in: call, advice: .suspend)
    case 429:
      let seconds = Double(String(decoding: response.body, as: UTF8.self))
      return .all(
        .deferred(.throttled, code: "429", reason: "slow down", retryAfter: seconds), in: call,
        advice: .slowDown(retryAfter: seconds))
    default:
      return Answer(Self.outcomes(response.body, of: call), advice: response.status == 422 ? .split : .proceed)
    }
  }

  /// `recipient word` a line. Who is not named is left out, as a careless provider's code would.
  fileprivate static func outcomes(_ body: [UInt8], of call: Call) -> [Outcome] {
    var words: [String: String] = [:]
    for line in String(decoding: body, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: " ").map(String.init)
      words[parts[0]] = parts[1]
    }
    let named = call.recipients.compactMap { words[$0.target.wire].map(outcome) }
    return named + Array(repeating: .accepted(), count: max(0, words.count - call.recipients.count))
  }

  fileprivate static func outcome(_ word: String) -> Outcome {
    switch word {
    case "a": .accepted(id: "id")
    case "d": .deferred(.provider, code: "later")
    case "x": .surplus(code: "many")
    case "account": .deferred(.credentials, code: "account").blaming(.account)
    case "gone": .rejected(.recipient, code: "gone").blaming(.recipient)
    default: .rejected(.provider, code: word)
    }
  }
}

extension Content {
  /// What is said, in one line.
  fileprivate var line: String { (self["body"] ?? "").replacing("\n", with: "|") }
}

/// What the far end got.
struct WordRequest: Hashable {
  var call: String
  var text: String
  var recipients: [String]
  var isQuestion = false

  init(_ exchange: Exchange) {
    guard case .http(let request) = exchange else { preconditionFailure("the word provider speaks HTTP") }
    let lines = String(decoding: request.body, as: UTF8.self).split(separator: "\n").map(String.init)
    isQuestion = request.method == .get
    (call, text, recipients) = (lines[0], lines.count > 1 ? lines[1] : "", Array(lines.dropFirst(2)))
  }

  /// What it says, message by message; what is said several times stands there as often.
  var messages: [String] {
    text.split(separator: "|").flatMap { part -> [String] in
      let pieces = part.split(separator: " × ", maxSplits: 1).map(String.init)
      guard pieces.count == 2, let count = Int(pieces[0]) else { return [String(part)] }
      return Array(repeating: pieces[1], count: count)
    }
  }
}

extension WordRequest: CustomStringConvertible {
  var description: String {
    "\(isQuestion ? "asks about" : "sends") \(call.suffix(6)) \(text): \(recipients.joined(separator: " "))"
  }
}

extension Reply {
  var brief: String {
    switch self {
    case .http(let response):
      "\(response.status) \(String(decoding: response.body, as: UTF8.self).replacing("\n", with: ", "))"
    case .notSent: "not sent"
    case .lost(let failure): "lost (\(failure.message))"
    default: "?"
    }
  }

  static func http(_ status: Int, _ text: String = "") -> Reply {
    .http(HTTPResponse(status: status, body: Array(text.utf8)))
  }

  static func words(_ words: [(recipient: String, word: String)], status: Int = 200) -> Reply {
    http(status, words.map { "\($0.recipient) \($0.word)" }.joined(separator: "\n"))
  }
}

/// Keeps every exchange until the test answers it.
final class KeptTransport: Transport {
  struct Kept: Sendable {
    var request: WordRequest
    var deliver: @Sendable (Reply) -> Void
  }

  private let kept = Mutex<[Kept]>([])
  private let process: SimProcess

  init(_ process: SimProcess) { self.process = process }

  func perform(_ errands: [Errand]) {
    // What a dead process does has no effect.
    if process.isAlive { keep(errands) }
  }

  private func keep(_ errands: [Errand]) {
    kept.withLock { $0 += errands.map { Kept(request: WordRequest($0.exchange), deliver: $0.deliver) } }
  }

  /// What is on the wire, oldest first.
  var waiting: [WordRequest] { kept.withLock { $0.map(\.request) } }

  /// Takes one off the wire.
  func take(_ index: Int = 0) -> Kept? { kept.withLock { $0.indices.contains(index) ? $0.remove(at: index) : nil } }
}
