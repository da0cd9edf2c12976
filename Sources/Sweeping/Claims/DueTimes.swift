import FoundationEssentials
import Spooling

/// When deferred messages fall due: the soonest of them by name, so that nobody has to list deferred/ to know, and of the
/// rest when to list it. Memory stays flat however many are deferred.
struct DueTimes {
  private struct Entry {
    var due: Date
    var name: FileName
  }

  /// A binary heap, the soonest first.
  private var heap: [Entry] = []
  /// From here on only a listing knows.
  private var horizon: Date?
  private let capacity: Int

  init(capacity: Int = 16_384) { self.capacity = capacity }

  /// The next moment at which something falls due, or may.
  var next: Date? { [heap.first?.due, horizon].compactMap { $0 }.min() }

  /// Adds one that falls due at `due`; again with another time is no harm, as whoever takes it looks.
  mutating func add(_ name: FileName, due: Date) {
    if let horizon, due >= horizon { return }
    heap.append(Entry(due: due, name: name))
    rise(heap.count - 1)
    if heap.count > capacity { forgetLatest() }
  }

  /// The names that are due, taken out.
  /// - Returns: `needsListing` when there may be more than those.
  mutating func takeDue(at now: Date) -> (names: [FileName], needsListing: Bool) {
    var names: [FileName] = []
    while let first = heap.first, first.due <= now {
      names.append(first.name)
      removeFirst()
    }
    let needsListing = horizon.map { $0 <= now } ?? false
    if needsListing { removeAll() }
    return (names, needsListing)
  }

  mutating func removeAll() {
    heap.removeAll()
    horizon = nil
  }

  private mutating func forgetLatest() {
    let sorted = heap.sorted { $0.due < $1.due }
    // A sorted array is a heap.
    heap = Array(sorted[..<(capacity / 2)])
    horizon = sorted[capacity / 2].due
    while let last = heap.last, let horizon, last.due >= horizon { heap.removeLast() }
  }

  private mutating func rise(_ start: Int) {
    var index = start
    while index > 0, heap[index].due < heap[(index - 1) / 2].due {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var index = 0
    while true {
      let children = [2 * index + 1, 2 * index + 2].filter { $0 < heap.count }
      guard let least = children.min(by: { heap[$0].due < heap[$1].due }), heap[least].due < heap[index].due else {
        return
      }
      heap.swapAt(index, least)
      index = least
    }
  }
}
