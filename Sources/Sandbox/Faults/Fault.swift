/// Something that goes wrong on purpose.
///
///     KIND[:NAME=VALUE[,NAME=VALUE]...]
///
/// `Fault.faultHelp` lists kinds and names; `Fault(spec)` reads one. Which requests a fault hits is decided by its
/// selectors alone, so that the same requests meet the same faults in every run.
package struct Fault: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    /// A gateway's answer instead of the provider's: HTTP status, body, `Retry-After` seconds.
    case status(Int, body: String, retryAfter: Int?)
    /// The answer is late by this many milliseconds. The request itself is worked on at once.
    case delay(milliseconds: Int)
    /// The connection is reset before anything is made of the request.
    case resetBefore
    /// The request is worked on, then the connection is reset instead of an answer.
    case resetAfter
    /// The whole answer is announced, half of it is sent, then the connection ends.
    case truncate
    /// An HTML page with status 200, such as a proxy's.
    case nonJSON
    /// Status 200 and no body.
    case empty
    /// One recipient, every nth one, or (neither given) all fail as the provider reports it.
    case recipient(to: String?, nth: Int?, code: String?)
    /// The provider turns the call away in its own words.
    case refusal(Refusal)
    /// The call is answered as ever, and its callback goes wrong.
    case receipt(ReceiptFault)

    var isThrottle: Bool { if case .status(429, _, _) = self { true } else { false } }

    /// Whether the provider still makes an answer, whatever becomes of that.
    var leavesAnswer: Bool {
      switch self {
      case .resetAfter, .truncate, .delay, .recipient, .receipt: true
      case .status, .resetBefore, .nonJSON, .empty, .refusal: false
      }
    }
  }

  package var kind: Kind
  /// The kind as it was written; what records call the fault.
  package var name: String
  /// Only requests to this provider.
  package var provider: String?
  /// Only requests of this sort.
  package var operation: SandboxCall.Operation?
  /// This many matching requests pass first.
  package var after = 0
  /// Hits at most this many requests.
  package var count = Int.max
  /// Hits every n-th of the matching requests that come after `after`.
  package var every = 1
  /// Hits with this probability, decided by a generator that starts from `seed`.
  package var chance = 1.0
  package var seed: UInt64 = 1
  /// Whether the provider takes the message before the answer is spoiled (status, non-json, empty).
  package var accept = false

  package static let faultHelp = """
    --fault KIND[:NAME=VALUE[,NAME=VALUE]...], may be given several times

    kinds
      status        answer with HTTP status http=N (503); body=TEXT, retry-after=SECONDS
      delay         answer late by ms=N milliseconds (1000); the request is worked on at once
      reset-before  reset the connection before the request is worked on
      reset-after   work on the request (it may be accepted), then reset the connection without an answer
      truncate      work on the request, send half of the answer, then cut the connection
      non-json      answer with an HTML page and status 200
      empty         answer with status 200 and an empty body
      recipient     refuse to=ADDRESS, or every nth=N recipient, or all; code=VENDOR'S CODE
      throttle      the provider's own rate limit answer; retry-after=SECONDS, code=VENDOR'S CODE
      credentials   the provider's own answer to wrong credentials; code=VENDOR'S CODE
      quota         the provider's own answer to an empty balance or a reached cap; code=VENDOR'S CODE
      early, twice, late, reordered, unknown, forged, partial, lost
                    with --callbacks: the callback comes before the answer, twice, late, out of order; beside one of a
                    call that nobody made, or one that lies; half of it first; never
      undelivered   with --callbacks: it says that the message did not arrive

    which requests
      provider=NAME        only those to this provider
      on=send|lookup       only messages, or only questions about earlier ones
      on=login|receive     only logins, or only questions about what came in
      on=upload            only files that a later call sends
      after=N              let the first N pass
      count=N              hit N requests, then none
      every=N              hit every N-th
      chance=P, seed=N     hit with probability P (0...1), the same ones for the same seed

    accept=yes (status, non-json, empty): the provider takes the message first, and only the answer is lost
    body= takes the rest of the specification, commas and all
    delay, recipient and those of callbacks add to other faults; of the rest the first that hits a request wins

    examples
      throttle:provider=twilio,retry-after=7,count=1
      reset-after:provider=aliyun-sms,on=send,chance=0.05,seed=42
      recipient:provider=wxpusher,nth=100
      recipient:provider=twilio,to=+15005550009,code=21608
      throttle:provider=wechat-web,on=send,code=1205
      credentials:provider=wechat-ilink,on=receive,after=3
      recipient:provider=wechat-web,to=老张,code=no-id
      status:http=502,accept=yes,every=10,body=<html>bad gateway, sorry</html>
    """
}

/// A `--fault` that can't be understood; `description` says what was expected.
package struct FaultError: Error, Equatable, CustomStringConvertible {
  package var spec: String
  package var problem: String

  package var description: String { "--fault '\(spec)': \(problem)" }
}

// MARK: - Reading a specification

extension Fault {
  private static let selectors = ["provider", "on", "after", "count", "every", "chance", "seed"]
  /// What each kind takes besides the selectors.
  private static let settings: [(kind: String, names: [String])] =
    [
      ("status", ["http", "body", "retry-after", "accept"]), ("delay", ["ms"]), ("reset-before", []),
      ("reset-after", []), ("truncate", []), ("non-json", ["accept"]), ("empty", ["accept"]),
      ("recipient", ["to", "nth", "code"]), ("throttle", ["retry-after", "code"]), ("credentials", ["code"]),
      ("quota", ["code"]),
    ] + ReceiptFault.allCases.map { (kind: $0.rawValue, names: [String]()) }

  package init(_ spec: String) throws(FaultError) {
    let parts = spec.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let known = Self.settings.first(where: { $0.kind == name })?.names else {
      let kinds = Self.settings.map(\.kind).joined(separator: ", ")
      throw FaultError(spec: spec, problem: "'\(name)' is no kind of fault; expected one of \(kinds)")
    }
    let values = FaultValues(
      spec: spec,
      values: try Self.values(of: parts.count > 1 ? parts[1] : "", in: spec, allowed: known + Self.selectors))
    self.name = name
    kind = try Self.kind(name, values)
    provider = try values.one(of: SandboxCatalogue.names, "provider")
    operation = try values.one(of: SandboxCall.Operation.selectable.map(\.rawValue), "on").flatMap {
      SandboxCall.Operation(rawValue: $0)
    }
    after = try values.integer("after", 0...Int.max) ?? 0
    count = try values.integer("count", 1...Int.max) ?? Int.max
    every = try values.integer("every", 1...Int.max) ?? 1
    seed = UInt64(try values.integer("seed", 0...Int.max) ?? 1)
    accept = try values.one(of: ["yes", "no"], "accept") == "yes"
    if let text = values["chance"] {
      guard let chance = Double(text), (0...1).contains(chance) else {
        throw values.error("chance='\(text)'; expected a number from 0 to 1")
      }
      self.chance = chance
    }
  }

  private static func values(
    of text: Substring, in spec: String, allowed: [String]
  ) throws(FaultError) -> [String: String] {
    var values: [String: String] = [:]
    var rest = text
    while !rest.isEmpty {
      let takesAll = rest.hasPrefix("body=")
      let item = takesAll ? rest : rest.prefix { $0 != "," }
      rest = takesAll ? "" : rest.dropFirst(item.count + 1)
      guard let equals = item.firstIndex(of: "=") else {
        throw FaultError(spec: spec, problem: "'\(item)' has no value; expected NAME=VALUE")
      }
      let name = String(item[..<equals])
      guard allowed.contains(name) else {
        let names = allowed.joined(separator: ", ")
        throw FaultError(spec: spec, problem: "'\(name)' does not belong to this kind; expected one of \(names)")
      }
      guard values.updateValue(String(item[item.index(after: equals)...]), forKey: name) == nil else {
        throw FaultError(spec: spec, problem: "'\(name)' is given twice")
      }
    }
    return values
  }

  private static func kind(_ name: String, _ values: FaultValues) throws(FaultError) -> Kind {
    let code = values["code"]
    let retryAfter = try values.integer("retry-after", 0...86_400)
    switch name {
    case "status":
      let status = try values.integer("http", 200...599) ?? 503
      return .status(status, body: values["body"] ?? "", retryAfter: retryAfter)
    case "delay": return .delay(milliseconds: try values.integer("ms", 0...3_600_000) ?? 1000)
    case "reset-before": return .resetBefore
    case "reset-after": return .resetAfter
    case "truncate": return .truncate
    case "non-json": return .nonJSON
    case "empty": return .empty
    case "recipient":
      let nth = try values.integer("nth", 1...Int.max)
      if nth != nil, values["to"] != nil { throw values.error("to= and nth= exclude each other") }
      return .recipient(to: values["to"], nth: nth, code: code)
    case "throttle": return .refusal(Refusal(reason: .throttle, code: code, retryAfter: retryAfter))
    case let name where ReceiptFault(rawValue: name) != nil:
      return ReceiptFault(rawValue: name).map { Kind.receipt($0) } ?? .empty
    case "credentials": return .refusal(Refusal(reason: .credentials, code: code))
    default: return .refusal(Refusal(reason: .quota, code: code))
    }
  }
}

private struct FaultValues {
  var spec: String
  var values: [String: String]

  subscript(name: String) -> String? { values[name] }

  func error(_ problem: String) -> FaultError { FaultError(spec: spec, problem: problem) }

  func integer(_ name: String, _ range: ClosedRange<Int>) throws(FaultError) -> Int? {
    guard let text = values[name] else { return nil }
    guard let value = Int(text), range.contains(value) else {
      let most = range.upperBound == Int.max ? "" : " to \(range.upperBound)"
      throw error("\(name)='\(text)'; expected a whole number from \(range.lowerBound)\(most)")
    }
    return value
  }

  func one(of choices: [String], _ name: String) throws(FaultError) -> String? {
    guard let text = values[name] else { return nil }
    guard choices.contains(text) else {
      throw error("\(name)='\(text)'; expected one of \(choices.joined(separator: ", "))")
    }
    return text
  }
}
