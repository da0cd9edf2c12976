import FoundationEssentials

/// Has a phone that a test can tell what to do: `POST /sandbox/PROVIDER/COMMAND` with a JSON object, and
/// `GET /sandbox/PROVIDER/received`. No service has such paths.
protocol PhoneSandbox: ProviderSandbox {
  /// Whether codes are scanned and confirmed without being told.
  var isPhoneAutomatic: Bool { get set }

  /// Seconds that polls wait.
  static var patience: Double { get }
  /// The codes with which the service refuses too many calls, and calls of somebody who is not logged in.
  static var tooMuch: String { get }
  static var loggedOut: String { get }
  /// The vendor's domains, a dot before each.
  static var domains: [String] { get }

  func refusal(_ call: SandboxCall, _ code: String, outcome: SandboxOutcome) -> SandboxReply

  /// Does what the phone is told.
  mutating func obey(_ command: PhoneCommand, now: Date) throws(PhoneTrouble) -> WireJSON
}

/// Why the phone can't do what it is told.
struct PhoneTrouble: Error {
  var status = 400
  var problem: String

  /// It can't now: no code waits, nobody is logged in.
  static func notNow(_ problem: String) -> PhoneTrouble { PhoneTrouble(status: 409, problem: problem) }
}

struct PhoneCommand: Sendable {
  var name: String
  var fields: WireJSON

  func text(_ field: String) -> String? { fields[field]?.scalar }

  func flag(_ field: String) -> Bool { fields[field] == .bool(true) }

  /// Bytes in Base64; none when the field is absent.
  func bytes(_ field: String) throws(PhoneTrouble) -> [UInt8] {
    guard let text = fields[field]?.string else { return [] }
    guard let bytes = Base64.decode(text.utf8) else { throw PhoneTrouble(problem: "\(field) is no base64") }
    return bytes
  }
}

extension PhoneSandbox {
  mutating func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let usual =
      switch refusal.reason {
      case .throttle, .quota: Self.tooMuch
      case .credentials: Self.loggedOut
      }
    return self.refusal(call, refusal.code ?? usual, outcome: refusal.outcome)
  }

  /// How long a poll sleeps that has nothing to tell before `date`; nil when it has waited as long as polls do.
  static func milliseconds(until date: Date?, arrived: Date, now: Date) -> Int? {
    let end = arrived.addingTimeInterval(patience)
    guard let date, now < end else { return nil }
    return Int((min(date, end).timeIntervalSince(now) * 1000).rounded(.up))
  }

  /// The host of the vendor's that a request names; nil for any other.
  static func meantHost(_ request: SandboxRequest) -> String? {
    guard let host = request.header("x-forwarded-host") ?? request.header("host") else { return nil }
    let name = host.prefix { $0 != ":" }.lowercased()
    return domains.contains { name.hasSuffix($0) } ? name : nil
  }

  static var phonePath: String { "/sandbox/\(name)/" }

  static func isPhone(_ request: SandboxRequest) -> Bool { request.path.hasPrefix(phonePath) }

  static func readPhone(_ request: SandboxRequest) -> SandboxCall {
    do throws(FieldsError) {
      let body = request.body.isEmpty ? .object([]) : try request.jsonObject()
      let name = String(request.path.dropFirst(phonePath.count))
      let about: WireJSON = ["phone": .string(name)]
      return SandboxCall(request, .phone, fields: about.merging(body))
    } catch {
      return SandboxCall(request, .phone, malformed: error.problem)
    }
  }

  mutating func answerPhone(_ call: SandboxCall, now: Date) -> SandboxReply {
    do throws(PhoneTrouble) {
      if let problem = call.malformed { throw PhoneTrouble(problem: problem) }
      let command = PhoneCommand(name: call.fields["phone"]?.string ?? "", fields: call.fields)
      let method = command.name == "received" ? "GET" : "POST"
      guard call.request.method == method else { throw PhoneTrouble(status: 405, problem: "expected \(method)") }
      return SandboxReply(status: 200, json: try obey(command, now: now), outcome: .lookup)
    } catch {
      return SandboxReply(status: error.status, json: ["error": .string(error.problem)], outcome: .error)
    }
  }
}

/// What somebody got from the account, for `received`.
struct ReceivedByPhone: Sendable {
  private var byRecipient: [WireMember] = []

  mutating func add(_ message: WireJSON, to recipient: String) {
    guard let index = byRecipient.firstIndex(where: { $0.name == recipient }) else {
      return byRecipient.append(WireMember(recipient, .array([message])))
    }
    byRecipient[index].value = .array((byRecipient[index].value.array ?? []) + [message])
  }

  var json: WireJSON { .object(byRecipient) }
}
