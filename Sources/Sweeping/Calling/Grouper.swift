import Core

/// Gathers what may share a call into the fullest calls, whichever files it came from. Has one owner; knows no clock and
/// no I/O.
///
/// `Item` is whatever the sweep needs to find its message again. Calls come out by priority, then in order of arrival.
package struct Grouper<Item> {
  package struct Entry {
    package var target: Target
    package var content: Content
    package var priority: Message.Priority
    package var item: Item
    /// What names no recipient twice: two entries of one source have different identities. Nil where nobody knows.
    package var source: ObjectIdentifier?

    package init(
      _ target: Target, _ content: Content, _ priority: Message.Priority, _ item: Item,
      of source: ObjectIdentifier? = nil
    ) {
      self.target = target
      self.content = content
      self.priority = priority
      self.item = item
      self.source = source
    }
  }

  /// The recipients of one call to be.
  package struct Batch {
    package var entries: [Entry]
    package var priority: Message.Priority
    /// The call that this one repeats under the same idempotency key.
    package var repeats: String?

    package init(entries: [Entry], priority: Message.Priority, repeats: String? = nil) {
      self.entries = entries
      self.priority = priority
      self.repeats = repeats
    }
  }

  private struct Key: Hashable {
    var content: Content
    var lane: Target.Lane
    /// Two messages to one recipient never share a call: the second opens a layer of its own.
    var layer: Int
  }

  /// What may share a mixed call, of at most so many.
  private struct MixKey: Hashable {
    var text: Verbatim
    var lane: Target.Lane
    var capacity: Int
  }

  /// A reference, so that the next entry, which mostly belongs to the same one, finds it at hand.
  private final class Group {
    var entries: [Entry] = []
    /// Empty while all are of one source.
    private var identities: Set<Verbatim> = []
    var priority: Message.Priority = .low
    var order: Int
    /// In layer 0: where to look for room for a recipient that is here already.
    var nextLayers: [Verbatim: Int] = [:]

    init(order: Int) { self.order = order }

    /// False when the recipient is here already.
    func take(_ entry: Entry) -> Bool {
      // Those of a long list are many, and known to be different.
      let isOfOneSource =
        identities.isEmpty && entry.source != nil && entries.first.map { $0.source == entry.source } != false
      if !isOfOneSource {
        lookAtIdentities()
        guard identities.insert(Verbatim(entry.target.identity)).inserted else { return false }
      }
      entries.append(entry)
      priority = max(priority, entry.priority)
      return true
    }

    func has(_ identity: Verbatim) -> Bool {
      lookAtIdentities()
      return identities.contains(identity)
    }

    private func lookAtIdentities() {
      if identities.isEmpty { for entry in entries { identities.insert(Verbatim(entry.target.identity)) } }
    }
  }

  private var capacity: Int
  private var mixedCapacity: Int?
  private var groups: [Key: Group] = [:]
  /// The group that took the last entry, while it is among these.
  private var last: (key: Key, group: Group)?
  private var ready: [Queue<Batch>] = Array(repeating: Queue(), count: Message.Priority.allCases.count)
  private var arrivals = 0
  /// Entries in groups that are not full yet.
  package private(set) var waiting = 0
  /// Those of them that go before what is ready.
  package private(set) var waitingHigh = 0

  /// - Parameters:
  ///   - capacity: recipients per call.
  ///   - mixedCapacity: recipients per call when each has its own content; nil where the API cannot.
  package init(capacity: Int, mixedCapacity: Int? = nil) {
    self.capacity = max(capacity, 1)
    self.mixedCapacity = mixedCapacity.map { max(min($0, capacity), 1) }
  }

  package var hasReady: Bool { ready.contains { !$0.isEmpty } }
  package var isEmpty: Bool { waiting == 0 && !hasReady }

  /// From now on a call has at most so many recipients: the provider's answer taught it. Fuller ones are split when they
  /// are taken out.
  package mutating func limit(to capacity: Int) {
    self.capacity = max(1, min(self.capacity, capacity))
    mixedCapacity = mixedCapacity.map { min($0, self.capacity) }
  }

  private func capacity(of lane: Target.Lane, _ content: Content) -> Int {
    min(lane.capacity ?? capacity, content.capacity ?? capacity, capacity)
  }

  package mutating func add(_ entry: Entry) {
    let capacity = capacity(of: entry.target.lane, entry.content)
    if capacity == 1 { return push(Batch(entries: [entry], priority: entry.priority)) }
    waiting += 1
    if entry.priority == .high { waitingHigh += 1 }
    let base = Key(content: entry.content, lane: entry.target.lane, layer: 0)
    if take(entry, base, capacity) { return }
    // The first layer that does not have the recipient yet.
    let identity = Verbatim(entry.target.identity)
    var key = base
    key.layer = groups[base]?.nextLayers[identity] ?? 1
    while groups[key]?.has(identity) == true { key.layer += 1 }
    groups[base]?.nextLayers[identity] = key.layer + 1
    _ = take(entry, key, capacity)
  }

  /// False when the group has the recipient already.
  private mutating func take(_ entry: Entry, _ key: Key, _ capacity: Int) -> Bool {
    arrivals += 1
    let group = group(key)
    let isTaken = group.take(entry)
    if group.entries.count >= capacity { release(key) }
    return isTaken
  }

  private mutating func group(_ key: Key) -> Group {
    if let last, last.key == key { return last.group }
    let group = groups[key] ?? Group(order: arrivals)
    groups[key] = group
    last = (key, group)
    return group
  }

  /// A call that was taken out goes back, to be the next of its priority.
  package mutating func putBack(_ batch: Batch) {
    ready[index(batch.priority)].prepend(batch)
  }

  package mutating func push(_ batch: Batch) {
    ready[index(batch.priority)].append(batch)
  }

  /// The next call, fullest first in the sense that only full groups are ready until `flush`.
  package mutating func next() -> Batch? {
    for index in ready.indices.reversed() {
      guard var batch = ready[index].popFirst() else { continue }
      if batch.entries.count > capacity, batch.repeats == nil {
        putBack(Batch(entries: Array(batch.entries[capacity...]), priority: batch.priority))
        batch.entries.removeLast(batch.entries.count - capacity)
      }
      return batch
    }
    return nil
  }

  /// Nothing more is coming: what is gathered goes as it is, small groups that may share mixed calls together.
  package mutating func flush() {
    var mixed: [MixKey: [Entry]] = [:]
    var mixKeys: [MixKey] = []
    for (key, group) in groups.sorted(by: { $0.value.order < $1.value.order }) {
      if let mixKey = mixKey(key), group.entries.count < mixKey.capacity {
        if mixed[mixKey] == nil { mixKeys.append(mixKey) }
        mixed[mixKey, default: []] += group.entries
      } else {
        push(Batch(entries: group.entries, priority: group.priority))
      }
    }
    groups.removeAll()
    last = nil
    waiting = 0
    waitingHigh = 0
    for mixKey in mixKeys { pushMixed(mixed[mixKey] ?? [], capacity: mixKey.capacity) }
  }

  /// The window is full: the largest groups go, until no more than `limit` entries wait.
  package mutating func relieve(to limit: Int) {
    for (key, _) in groups.sorted(by: { $0.value.entries.count > $1.value.entries.count }) {
      if waiting <= limit { return }
      release(key)
    }
  }

  /// Everything that has not been taken out, and forgets it.
  package mutating func drain() -> [Entry] {
    var entries: [Entry] = []
    flush()
    while let batch = next() { entries += batch.entries }
    return entries
  }

  private func mixKey(_ key: Key) -> MixKey? {
    // A later layer holds recipients that an earlier one has too.
    guard key.layer == 0, let mixedCapacity, let text = key.content.mixKey else { return nil }
    return MixKey(
      text: Verbatim(text), lane: key.lane, capacity: min(mixedCapacity, capacity(of: key.lane, key.content)))
  }

  /// Each entry goes into the first call with room that doesn't have its recipient. One recipient may be in thousands of
  /// messages, so nothing here may grow with the square of that.
  private mutating func pushMixed(_ entries: [Entry], capacity: Int) {
    var batches: [Batch] = []
    /// The first call with room.
    var open = 0
    /// For each recipient the first call behind those that have it.
    var behind: [Verbatim: Int] = [:]
    for entry in entries {
      let identity = Verbatim(entry.target.identity)
      var index = max(open, behind[identity] ?? 0)
      while index < batches.count, batches[index].entries.count >= capacity { index += 1 }
      if index == batches.count { batches.append(Batch(entries: [], priority: .low)) }
      batches[index].entries.append(entry)
      batches[index].priority = max(batches[index].priority, entry.priority)
      behind[identity] = index + 1
      while open < batches.count, batches[open].entries.count >= capacity { open += 1 }
    }
    for batch in batches { push(batch) }
  }

  private mutating func release(_ key: Key) {
    guard let group = groups.removeValue(forKey: key) else { return }
    last = nil
    waiting -= group.entries.count
    if group.priority == .high { waitingHigh -= group.entries.count { $0.priority == .high } }
    push(Batch(entries: group.entries, priority: group.priority))
  }

  private func index(_ priority: Message.Priority) -> Int {
    Message.Priority.allCases.firstIndex(of: priority).unsafelyUnwrapped
  }
}

/// First in, first out, in amortized constant time.
package struct Queue<Element> {
  private var elements: [Element?] = []
  private var head = 0

  package init() {}

  package var isEmpty: Bool { head == elements.count }

  package mutating func append(_ element: Element) { elements.append(element) }

  package mutating func prepend(_ element: Element) {
    if head > 0 {
      head -= 1
      elements[head] = element
    } else {
      elements.insert(element, at: 0)
    }
  }

  package mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    elements[head] = nil
    head += 1
    if head > 1024, head * 2 > elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }
}

extension Split {
  /// The two halves, or nil for a call of one recipient.
  package static func halves<Item>(of batch: Grouper<Item>.Batch) -> [Grouper<Item>.Batch]? {
    guard batch.entries.count > 1 else { return nil }
    let middle = batch.entries.count / 2
    return [batch.entries[..<middle], batch.entries[middle...]].map {
      .init(entries: Array($0), priority: batch.priority)
    }
  }
}
