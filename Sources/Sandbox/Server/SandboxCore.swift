import FoundationEssentials

/// One request that came in and what was made of it: a line of the record.
package struct SandboxRecord: Sendable {
  package var at: Date
  package var provider: String
  /// Addresses as on the wire.
  package var recipients: [String]
  /// The business fields, without credentials and recipients.
  package var content: WireJSON
  /// The HTTP status of the answer; 0 when the connection was reset instead.
  package var status: Int
  /// What the far side really did, whatever the client got to hear.
  package var outcome: SandboxOutcome
  /// The faults that hit the request, joined by `+`.
  package var fault: String?

  /// One JSON line, newline included.
  var line: [UInt8] {
    var members: [WireMember] = [
      WireMember("at", .string(WireTime.rfc3339(at))), WireMember("provider", .string(provider)),
      WireMember("recipients", .strings(recipients)), WireMember("content", content),
      WireMember("status", .int(status)), WireMember("outcome", .string(outcome.rawValue)),
    ]
    if let fault { members.append(WireMember("fault", .string(fault))) }
    var out = WireJSON.object(members).bytes
    out.append(UInt8(ascii: "\n"))
    return out
  }
}

/// Everything between a request and its answer but the network: which provider, which fault, what is said, what is
/// written down.
struct SandboxCore: Sendable {
  /// How an answer leaves.
  enum Departure: Sendable { case whole, truncated, reset }

  struct Served: Sendable {
    var reply: SandboxReply
    var departure = Departure.whole
    var delayMilliseconds = 0
    /// What the vendor tells later of what it took.
    var callbacks: [CallbackFolder.Drop] = []
    var record: SandboxRecord
  }

  /// A request that has no answer yet.
  struct Waiting: Sendable {
    fileprivate var provider: Int
    fileprivate var call: SandboxCall
    fileprivate var decision: FaultPlan.Decision
    fileprivate var arrived: Date
    /// When to look again, whatever else happens.
    var milliseconds: Int
  }

  enum Step: Sendable {
    case served(Served)
    case waiting(Waiting)
  }

  private var providers: [any ProviderSandbox]
  private var faults: FaultPlan
  /// Calls whose callbacks were made so far.
  private var calledBack = 0

  /// `credentials`: accounts by provider. Empty takes any credentials anywhere; otherwise a provider without an entry
  /// takes none.
  init(credentials: [String: [[String: String]]], faults: [Fault], isPhoneAutomatic: Bool) {
    providers = SandboxCatalogue.all.map { type in
      let provider = type.init(accounts: credentials.isEmpty ? nil : credentials[type.name] ?? [])
      guard var withPhone = provider as? any PhoneSandbox else { return provider }
      withPhone.isPhoneAutomatic = isPhoneAutomatic
      return withPhone
    }
    self.faults = FaultPlan(faults)
  }

  mutating func serve(_ request: SandboxRequest, now: Date) -> Step {
    guard let index = providers.firstIndex(where: { type(of: $0).owns(request) }) else {
      let text = "no provider is served at \(request.method) \(request.path)"
      return .served(refuse(request, status: 404, text, now: now))
    }
    let call = providers[index].read(request)
    let decision = faults.decide(call, provider: type(of: providers[index]).name)
    return look(
      at: Waiting(provider: index, call: call, decision: decision, arrived: now, milliseconds: 0), now: now)
  }

  /// The answer to a request, or when to look again.
  mutating func look(at waiting: Waiting, now: Date) -> Step {
    // Asked where it stands: a copy held beside it would make the answer copy everything the provider remembers.
    guard waiting.decision.main?.kind.leavesAnswer ?? true,
      let patience = providers[waiting.provider].patience(for: waiting.call, arrived: waiting.arrived, now: now)
    else {
      calledBack += 1
      return .served(
        Self.exchange(
          waiting.call, with: &providers[waiting.provider], decision: waiting.decision, number: calledBack, now: now))
    }
    var waiting = waiting
    waiting.milliseconds = max(1, patience)
    return .waiting(waiting)
  }

  /// An answer of the web server, no provider's.
  func refuse(_ request: SandboxRequest, status: Int, _ text: String, now: Date) -> Served {
    Served(
      reply: SandboxReply(
        status: status, headers: [FormPair("Content-Type", "text/plain")], body: Array((text + "\n").utf8),
        outcome: .error),
      record: SandboxRecord(
        at: now, provider: "unknown", recipients: [],
        content: ["method": .string(request.method), "path": .string(request.path)], status: status, outcome: .error))
  }

  private static func exchange(
    _ call: SandboxCall, with provider: inout some ProviderSandbox, decision: FaultPlan.Decision, number: Int, now: Date
  ) -> Served {
    let name = type(of: provider).name
    let (reply, departure) = outcome(of: decision, call, provider: &provider, now: now)
    var callbacks: [CallbackFolder.Drop] = []
    if call.operation == .send, [.accepted, .partial].contains(reply.outcome),
      let provider = provider as? any CallingBack
    {
      let said = provider.callbacks(
        for: call, reply, fails: { _ in decision.receipts.contains(.undelivered) }, now: now)
      callbacks = CallbackFolder.plan(said, decision.receipts, number: number)
      (provider as? any QueueingReceipts)?.queue.add(callbacks, now: now)
    }
    return Served(
      reply: reply, departure: departure, delayMilliseconds: decision.delayMilliseconds, callbacks: callbacks,
      record: SandboxRecord(
        at: now, provider: name, recipients: call.recipients, content: provider.content(of: call),
        status: departure == .reset ? 0 : reply.status, outcome: reply.outcome,
        fault: decision.names.isEmpty ? nil : decision.names.joined(separator: "+")))
  }

  private static func outcome(
    of decision: FaultPlan.Decision, _ call: SandboxCall, provider: inout some ProviderSandbox, now: Date
  ) -> (SandboxReply, Departure) {
    func answer(_ provider: inout some ProviderSandbox) -> SandboxReply {
      provider.answer(call, refused: decision.refused, now: now)
    }
    guard let fault = decision.main else { return (answer(&provider), .whole) }
    switch fault.kind {
    case .resetBefore: return (SandboxReply(status: 0, body: [], outcome: .lost), .reset)
    case .resetAfter: return (answer(&provider), .reset)
    case .truncate: return (answer(&provider), .truncated)
    case .refusal(let refusal): return (provider.turnAway(call, refusal), .whole)
    case .status, .nonJSON, .empty, .delay, .recipient, .receipt:
      let done = fault.accept ? answer(&provider).outcome : fault.kind.isThrottle ? .throttled : .error
      return (spoiled(fault.kind, outcome: done), .whole)
    }
  }

  private static func spoiled(_ kind: Fault.Kind, outcome: SandboxOutcome) -> SandboxReply {
    switch kind {
    case .status(let status, let body, let retryAfter):
      let wait = retryAfter.map { [FormPair("Retry-After", String($0))] } ?? []
      return SandboxReply(
        status: status, headers: [FormPair("Content-Type", "text/html")] + wait, body: Array(body.utf8),
        outcome: outcome)
    case .nonJSON:
      let page = "<html><head><title>Please wait</title></head><body>One moment, please.</body></html>"
      return SandboxReply(
        status: 200, headers: [FormPair("Content-Type", "text/html")], body: Array(page.utf8), outcome: outcome)
    default: return SandboxReply(status: 200, body: [], outcome: outcome)
    }
  }
}
