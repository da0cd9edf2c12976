import Core
import Spooling
import Synchronization

/// How many messages, and how many of their bytes, may be in hand, between claim and settlement: what keeps memory flat
/// however long the backlog is, and what keeps one channel's backlog from keeping another's messages out.
///
/// A channel may have as much in hand as is still free (the dynamic thresholds of shared-memory switches, Choudhury and
/// Hahne 1998): alone it gets half, two get a third each, and whoever comes new always finds room. What is beyond a
/// channel's share stays in new/, and is looked for again when half of the share is free. The source takes, whoever settles
/// gives back.
final class Share: Sendable {
  struct Load: Sendable, Equatable {
    var messages = 0
    var bytes = 0
  }

  /// Why a channel gets less than its share.
  private enum Gate {
    /// Suspended: nothing.
    case closed
    /// One message, for one call first; another than these, where there is one.
    case probe(avoiding: Set<FileName>)
  }

  private struct State {
    var free: Load
    var used: [String: Load] = [:]
    var gates: [String: Gate] = [:]
    /// Channels of which something was seen and left in new/ since the last look began.
    var passedOver: Set<String> = []
    var passedOverCount = 0
    /// Those that were, before the look that is under way.
    var sought: Set<String> = []
    /// Those of them of which only messages to avoid were seen.
    var avoided: Set<String> = []
    /// Channels that have all they may, and whose messages the source waits to see settled.
    var awaited: Set<String> = []
    /// Messages of theirs that were, since.
    var flowed = 0

    /// Whether the channel has all it may.
    func isFull(_ channel: String) -> Bool {
      used[channel].map { $0.messages >= free.messages || $0.bytes >= free.bytes } ?? false
    }
  }

  /// Bytes of message files in hand; a single larger message still goes through, alone.
  static let bytes = 64 << 20

  let messages: Int
  private let state: Mutex<State>

  init(messages: Int) {
    self.messages = messages
    state = Mutex(State(free: Load(messages: messages, bytes: Share.bytes)))
  }

  // MARK: The source's side

  /// Room for so many more messages right now; 0 while their bytes fill the share.
  func room() -> Int { state.withLock { $0.free.bytes > 0 ? max(0, $0.free.messages) : 0 } }

  /// Whether a channel has all it may: then a file is read before it is claimed, to see whose it is.
  var isTight: Bool {
    state.withLock { state in !state.gates.isEmpty || state.used.keys.contains { state.isFull($0) } }
  }

  /// Starts to count what is settled of the channels that have all they may.
  /// - Returns: false where there are none, or where a file must be read first for another reason.
  func awaitRoom() -> Bool {
    state.withLock { state in
      state.awaited = state.gates.isEmpty ? Set(state.used.keys.filter { state.isFull($0) }) : []
      state.flowed = 0
      return !state.awaited.isEmpty
    }
  }

  /// Messages of the awaited channels that were settled since `awaitRoom`.
  var flowed: Int { state.withLock { $0.flowed } }

  /// Whether a message may be claimed now; one that may not is remembered by its channel.
  func admits(_ name: FileName, of channel: String, _ priority: Message.Priority) -> Bool {
    state.withLock { state in
      let used = state.used[channel] ?? Load()
      switch state.gates[channel] {
      case .closed: break
      case .probe(let avoiding):
        if used.messages == 0, !avoiding.contains(name) { return true }
        if used.messages == 0 { state.avoided.insert(channel) }
      case nil:
        // High goes before what waits in its own channel, so it must not wait outside.
        let isWithin = used.messages < state.free.messages && used.bytes < state.free.bytes
        if isWithin || priority == .high || used.messages == 0 { return true }
      }
      state.passedOver.insert(channel)
      state.passedOverCount += 1
      return false
    }
  }

  func take(_ load: Load, of channel: String) {
    state.withLock { state in
      state.used[channel, default: Load()].messages += load.messages
      state.used[channel, default: Load()].bytes += load.bytes
      state.free.messages -= load.messages
      state.free.bytes -= load.bytes
    }
  }

  func beginLook() {
    state.withLock { state in
      state.sought = state.passedOver
      state.passedOver.removeAll()
      state.passedOverCount = 0
      state.avoided.removeAll()
    }
  }

  /// Whether some channel could have more of what was passed over: then it is worth another look.
  var isWanting: Bool { state.withLock { state in state.passedOver.contains { Share.wants($0, state) } } }

  /// Whether something of the channel was seen and left in new/, as far as looks have come.
  func hasMore(of channel: String) -> Bool {
    state.withLock { $0.passedOver.contains(channel) || $0.sought.contains(channel) }
  }

  /// Whether more of the channel is being looked for, or about to be.
  func seeks(_ channel: String) -> Bool {
    state.withLock { $0.sought.contains(channel) || ($0.passedOver.contains(channel) && Share.wants(channel, $0)) }
  }

  /// Messages seen and left in new/ since the last look began.
  var passedOver: Int { state.withLock { $0.passedOverCount } }

  /// Nothing that may be sent was passed over.
  var isDry: Bool {
    state.withLock { state in
      state.passedOver.allSatisfy {
        if case .closed = state.gates[$0] { true } else { false }
      }
    }
  }

  /// Everything was looked at. Probes for which there was nothing but the message to avoid may have that.
  func endLook() {
    state.withLock { state in
      state.sought.removeAll()
      for channel in state.avoided where (state.used[channel]?.messages ?? 0) == 0 {
        if case .probe = state.gates[channel] { state.gates[channel] = .probe(avoiding: []) }
      }
    }
  }

  private static func wants(_ channel: String, _ state: State) -> Bool {
    let used = state.used[channel] ?? Load()
    return switch state.gates[channel] {
    case .closed: false
    case .probe: used.messages == 0
    case nil: used.messages * 2 <= state.free.messages && used.bytes * 2 <= state.free.bytes
    }
  }

  // MARK: The engine's side

  /// - Returns: whether something that was passed over may be claimed now: ask the source to look.
  func giveBack(_ load: Load, of channel: String) -> Bool {
    state.withLock { state in
      state.used[channel, default: Load()].messages -= load.messages
      state.used[channel, default: Load()].bytes -= load.bytes
      if state.used[channel] == Load() { state.used[channel] = nil }
      let wasFull = state.free.messages <= 0 || state.free.bytes <= 0
      state.free.messages += load.messages
      state.free.bytes += load.bytes
      if state.awaited.contains(channel) {
        state.flowed += load.messages
        if !state.isFull(channel) { state.awaited.remove(channel) }
        if state.awaited.isEmpty { return true }
      }
      return wasFull || state.passedOver.contains { Share.wants($0, state) }
    }
  }

  func close(_ channel: String) { state.withLock { $0.gates[channel] = .closed } }
  func open(_ channel: String) { state.withLock { $0.gates[channel] = nil } }

  func probe(_ channel: String, avoiding names: Set<FileName>) {
    state.withLock { $0.gates[channel] = .probe(avoiding: names) }
  }
}
