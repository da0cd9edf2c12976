import FoundationEssentials
import Synchronization

/// Keeps receipts for whoever fetches them, instead of calling back.
protocol QueueingReceipts: CallingBack {
  var queue: SandboxQueue { get }
}

/// A vendor's queue of receipts: the entries of its callbacks, one by one, each from its time on. What faults do to callbacks
/// they do to these. One for all copies of a provider.
final class SandboxQueue: Sendable {
  struct Entry: Sendable {
    var number: Int
    var body: WireJSON
    /// Nobody gets it before.
    var visible: Date
  }

  private struct State {
    var entries: [Int: Entry] = [:]
    /// Numbers in the order in which they came; those below `first` are gone.
    var first = 0
    var next = 0
  }

  /// The oldest go when there are more.
  private static let most = 200_000

  private let state = Mutex(State())

  func add(_ drops: [CallbackFolder.Drop], now: Date) {
    state.withLock { state in
      for drop in drops where !drop.isHalf {
        for body in (try? WireJSON(parsing: drop.content))?.array ?? [] {
          state.entries[state.next] = Entry(number: state.next, body: body, visible: now + drop.seconds)
          state.next += 1
        }
      }
      while state.next - state.first > SandboxQueue.most {
        state.entries[state.first] = nil
        state.first += 1
      }
    }
  }

  /// Each entry once.
  func take(_ limit: Int, now: Date) -> [WireJSON] {
    state.withLock { state in
      let found = SandboxQueue.visible(&state, limit, now)
      for entry in found { state.entries[entry.number] = nil }
      return found.map(\.body)
    }
  }

  /// They are hidden from others for so many seconds, and come again unless they are deleted.
  func receive(_ limit: Int, hiddenFor seconds: Double, now: Date) -> [Entry] {
    state.withLock { state in
      let found = SandboxQueue.visible(&state, limit, now)
      for entry in found { state.entries[entry.number]?.visible = now + seconds }
      return found
    }
  }

  /// - Parameter seen: when each was to be visible again, as its handle says: another time is another's handle.
  /// - Returns: whether it was there, under this handle.
  func delete(_ number: Int, seen: Int) -> Bool {
    state.withLock { state in
      guard let entry = state.entries[number], Int(entry.visible.timeIntervalSince1970 * 1000) == seen else {
        return false
      }
      state.entries[number] = nil
      return true
    }
  }

  private static func visible(_ state: inout State, _ limit: Int, _ now: Date) -> [Entry] {
    while state.first < state.next, state.entries[state.first] == nil { state.first += 1 }
    var found: [Entry] = []
    var number = state.first
    while number < state.next, found.count < limit {
      if let entry = state.entries[number], entry.visible <= now { found.append(entry) }
      number += 1
    }
    return found
  }
}
