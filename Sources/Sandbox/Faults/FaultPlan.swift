/// The faults of a run and how far each has counted.
struct FaultPlan: Sendable {
  /// What is to go wrong with one request.
  struct Decision: Equatable {
    var delayMilliseconds = 0
    /// The one that decides what becomes of call and answer.
    var main: Fault?
    /// Places in the call's recipients.
    var refused: [Int: RefusedRecipient] = [:]
    /// What goes wrong with the call's callbacks.
    var receipts: Set<ReceiptFault> = []
    /// Every fault that hit, as written, for the record.
    var names: [String] = []
  }

  fileprivate struct Armed {
    let fault: Fault
    var matched = 0
    var hits = 0
    /// Recipients that have gone past a `nth=` fault.
    var recipients = 0
    var random: SplitMix
  }

  private var armed: [Armed]

  init(_ faults: [Fault]) {
    armed = faults.map { Armed(fault: $0, random: SplitMix(state: $0.seed)) }
  }

  mutating func decide(_ call: SandboxCall, provider: String) -> Decision {
    var decision = Decision()
    for index in armed.indices {
      let fault = armed[index].fault
      guard fault.concerns(call, provider: provider), armed[index].isDue() else { continue }
      switch fault.kind {
      case .delay(let milliseconds): decision.delayMilliseconds += milliseconds
      case .receipt(let fault): decision.receipts.insert(fault)
      case .recipient(let to, let nth, let code):
        let places = armed[index].places(in: call.recipients, to: to, nth: nth)
        if places.isEmpty { continue }
        for place in places where decision.refused[place] == nil {
          decision.refused[place] = RefusedRecipient(code: code)
        }
      default:
        // Not spent: it is still owed to a later request.
        if decision.main != nil { continue }
        decision.main = fault
      }
      armed[index].hits += 1
      decision.names.append(fault.name)
    }
    return decision
  }
}

extension FaultPlan.Armed {
  /// Counts the request, and says whether it is one to hit.
  fileprivate mutating func isDue() -> Bool {
    matched += 1
    guard matched > fault.after, hits < fault.count, (matched - fault.after) % fault.every == 0 else { return false }
    return fault.chance >= 1 || random.unit() < fault.chance
  }

  fileprivate mutating func places(in addresses: [String], to: String?, nth: Int?) -> [Int] {
    if let to { return addresses.indices.filter { addresses[$0] == to } }
    guard let nth else { return Array(addresses.indices) }
    let before = recipients
    recipients += addresses.count
    return addresses.indices.filter { (before + $0 + 1) % nth == 0 }
  }
}

extension Fault {
  /// Whether a request is one that this fault counts.
  fileprivate func concerns(_ call: SandboxCall, provider: String) -> Bool {
    if call.operation == .phone { return false }
    if let own = self.provider, own != provider { return false }
    if let operation, operation != call.operation { return false }
    if case .receipt = kind { return call.operation == .send }
    guard case .recipient(let to, _, _) = kind else { return true }
    return call.operation == .send && (to.map { call.recipients.contains($0) } ?? true)
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, the same on every machine.
struct SplitMix: Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Uniform in 0..<1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
