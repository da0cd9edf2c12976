import Core
import TestSupport
import Testing

@testable import Sweeping

private typealias Entry = Grouper<Int>.Entry
private typealias Batch = Grouper<Int>.Batch

private func entry(
  _ address: String, _ body: String = "hello", _ priority: Message.Priority = .normal, mix: String? = nil,
  lane: Target.Lane = .init(), item: Int = 0
) -> Entry {
  Entry(Target(address, lane: lane), Content([.init("body", body)], mixKey: mix), priority, item)
}

extension Grouper {
  fileprivate mutating func all() -> [Batch] {
    flush()
    return ready()
  }

  fileprivate mutating func ready() -> [Batch] {
    var batches: [Batch] = []
    while let batch = next() { batches.append(batch) }
    return batches
  }
}

extension [Grouper<Int>.Batch] {
  fileprivate var addresses: [[String]] { map { $0.entries.map(\.target.address) } }
}

@Suite struct GrouperTests {
  @Test func twoRecipientsThatLookAlikeShareACall() {
    var grouper = Grouper<Int>(capacity: 10)
    for (index, address) in ["caf\u{E9}", "cafe\u{301}", "caf\u{E9}"].enumerated() {
      grouper.add(.init(Target(address), Content([.init("body", "x")]), .normal, index))
    }
    grouper.flush()
    #expect(grouper.next()?.entries.map(\.item) == [0, 1] && grouper.next()?.entries.map(\.item) == [2])
  }

  // MARK: Fullness

  @Test func callsAreAsFullAsTheyCanBe() {
    var grouper = Grouper<Int>(capacity: 3)
    for index in 0..<7 { grouper.add(entry("r\(index)")) }
    #expect(grouper.ready().addresses == [["r0", "r1", "r2"], ["r3", "r4", "r5"]])
    #expect(grouper.waiting == 1)
    #expect(grouper.all().addresses == [["r6"]])
    #expect(grouper.isEmpty)
  }

  @Test func differentContentsNeverShareACallWithoutAMixKey() {
    var grouper = Grouper<Int>(capacity: 10, mixedCapacity: 10)
    grouper.add(entry("a", "one"))
    grouper.add(entry("b", "two"))
    grouper.add(entry("c", "one"))
    #expect(grouper.all().addresses == [["a", "c"], ["b"]])
  }

  @Test func contentsThatOnlyLookAlikeStayApart() {
    // é in one scalar and in two: equal to Swift, but each is sent as it was written.
    var grouper = Grouper<Int>(capacity: 10)
    grouper.add(entry("a", "\u{E9}"))
    grouper.add(entry("b", "e\u{301}"))
    let bodies = grouper.all().map { Array(($0.entries[0].content["body"] ?? "").utf8) }
    #expect(bodies == [[0xC3, 0xA9], [0x65, 0xCC, 0x81]])
  }

  @Test func fieldsCannotRunIntoEachOther() {
    let one = Content([.init("a", "bc"), .init("d", "e")])
    #expect(one != Content([.init("ab", "c"), .init("d", "e")]))
    #expect(one != Content([.init("a", "bc")]))
    #expect(one == Content([.init("a", "bc"), .init("d", "e")]))
    #expect(one.hashValue == Content([.init("a", "bc"), .init("d", "e")]).hashValue)
  }

  @Test func lanesNeverMeetAndKeepTheirOwnCapacity() {
    let topics = Target.Lane("topics", capacity: 2)
    var grouper = Grouper<Int>(capacity: 5)
    for index in 0..<3 {
      grouper.add(entry("t\(index)", lane: topics))
      grouper.add(entry("p\(index)"))
    }
    #expect(grouper.all().addresses == [["t0", "t1"], ["p0", "p1", "p2"], ["t2"]])
  }

  @Test(arguments: [0, -3, 1]) func aCapacityBelowTwoMeansOneEach(capacity: Int) {
    var grouper = Grouper<Int>(capacity: capacity, mixedCapacity: 0)
    for index in 0..<3 { grouper.add(entry("r\(index)", "b\(index)", mix: "m")) }
    #expect(grouper.all().addresses == [["r0"], ["r1"], ["r2"]])
  }

  @Test func aLaneCannotHoldMoreThanTheChannelAllows() {
    var grouper = Grouper<Int>(capacity: 2)
    for index in 0..<4 { grouper.add(entry("r\(index)", lane: .init("wide", capacity: 100))) }
    #expect(grouper.ready().map(\.entries.count) == [2, 2])
  }

  // MARK: One recipient, several messages

  @Test func oneRecipientIsNeverTwiceInACall() {
    var grouper = Grouper<Int>(capacity: 3)
    for (index, address) in ["a", "a", "b", "a", "b", "c"].enumerated() { grouper.add(entry(address, item: index)) }
    #expect(Set(grouper.all().addresses) == [["a", "b", "c"], ["a", "b"], ["a"]])
  }

  @Test func spellingsOfOneRecipientAreOneRecipient() {
    var grouper = Grouper<Int>(capacity: 3)
    for address in ["+86 138", "+86138"] {
      grouper.add(Entry(Target(address, identity: "86138"), Content([]), .normal, 0))
    }
    #expect(grouper.all().map(\.entries.count) == [1, 1])
  }

  // MARK: Order

  @Test func highPriorityGoesFirstThenArrival() {
    var grouper = Grouper<Int>(capacity: 1)
    for (index, priority) in [Message.Priority.low, .normal, .high, .low, .high, .normal].enumerated() {
      grouper.add(entry("r\(index)", "hello", priority))
    }
    #expect(grouper.all().addresses == [["r2"], ["r4"], ["r1"], ["r5"], ["r0"], ["r3"]])
  }

  @Test func aCallIsAsUrgentAsItsMostUrgentMessage() {
    var grouper = Grouper<Int>(capacity: 2)
    grouper.add(entry("a", "x", .normal))
    grouper.add(entry("b", "y", .low))
    grouper.add(entry("c", "y", .high))
    grouper.add(entry("d", "x", .normal))
    #expect(grouper.all().addresses == [["b", "c"], ["a", "d"]])
  }

  @Test func aCallThatIsPutBackIsTheNextOfItsPriority() throws {
    var grouper = Grouper<Int>(capacity: 1)
    for index in 0..<3 { grouper.add(entry("r\(index)")) }
    let first = grouper.next()
    let second = grouper.next()
    grouper.putBack(try #require(second))
    grouper.putBack(try #require(first))
    grouper.add(entry("h", "hello", .high))
    #expect(grouper.ready().addresses == [["h"], ["r0"], ["r1"], ["r2"]])
  }

  @Test func aRepeatedCallKeepsItsKeyOnTheWayThrough() {
    var grouper = Grouper<Int>(capacity: 5)
    grouper.push(Batch(entries: [entry("a")], priority: .normal, repeats: "call-1"))
    #expect(grouper.ready().map(\.repeats) == ["call-1"])
  }

  // MARK: Mixed calls

  @Test func smallGroupsShareMixedCallsAndLargeOnesDoNot() {
    var grouper = Grouper<Int>(capacity: 100, mixedCapacity: 3)
    for index in 0..<3 { grouper.add(entry("l\(index)", "large", mix: "m")) }
    for index in 0..<4 { grouper.add(entry("s\(index)", "small \(index)", mix: "m")) }
    grouper.add(entry("o", "other key", mix: "n"))
    grouper.add(entry("x", "no key"))
    #expect(grouper.all().addresses == [["l0", "l1", "l2"], ["x"], ["s0", "s1", "s2"], ["s3"], ["o"]])
  }

  @Test func mixedCallsAreFullThoughARecipientIsInManyMessages() {
    var grouper = Grouper<Int>(capacity: 100, mixedCapacity: 2)
    for (index, address) in ["a", "a", "a", "b", "c", "d"].enumerated() {
      grouper.add(entry(address, "body \(index)", mix: "m"))
    }
    #expect(grouper.all().addresses == [["a", "b"], ["a", "c"], ["a", "d"]])
  }

  @Test func mixedCallsKeepLanesApart() {
    var grouper = Grouper<Int>(capacity: 100, mixedCapacity: 10)
    grouper.add(entry("a", "1", mix: "m", lane: .init("home")))
    grouper.add(entry("b", "2", mix: "m", lane: .init("abroad")))
    #expect(grouper.all().map(\.entries.count) == [1, 1])
  }

  @Test(arguments: [nil, "m"] as [String?]) func thousandsOfMessagesToOneRecipientDoNotTakeTheSquareOfIt(mix: String?) {
    func work(_ count: Int) -> Double {
      var grouper = Grouper<Int>(capacity: 1000, mixedCapacity: 100)
      let entries = (0..<count).map { entry("a", mix == nil ? "same" : "body \($0)", mix: mix, item: $0) }
      var calls = 0
      let seconds = processorSeconds {
        for entry in entries { grouper.add(entry) }
        calls = grouper.all().count
      }
      #expect(calls == count)
      return seconds
    }
    let small = work(400)
    #expect(work(3200) < max(small, 0.001) * 28)
  }

  /// Of what names nobody twice identities are not compared: the calls are the same.
  @Test(arguments: 0..<50) func longListsAreGroupedAsOthersAre(seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    let capacity = Int.random(in: 2...9, using: &random)
    var (told, untold) = (Grouper<Int>(capacity: capacity), Grouper<Int>(capacity: capacity))
    let lists = (0..<4).map { _ in Owner() }
    var item = 0
    for _ in 0..<30 {
      let list = lists.randomElement(using: &random) ?? lists[0]
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        // Some of no list have anybody's address.
        let isListed = Int.random(in: 0..<5, using: &random) > 0
        let name = isListed ? list.next() : Int.random(in: 0..<40, using: &random)
        let entry = entry("r\(name)", item: item)
        untold.add(entry)
        told.add(.init(entry.target, entry.content, entry.priority, item, of: isListed ? ObjectIdentifier(list) : nil))
        item += 1
      }
      // (Relieving does not say which of two groups of one size goes.)
      if Int.random(in: 0..<9, using: &random) == 0 {
        told.flush()
        untold.flush()
      }
    }
    #expect(told.all().map { $0.entries.map(\.item) } == untold.all().map { $0.entries.map(\.item) })
  }

  private final class Owner {
    private var count = 0
    func next() -> Int {
      count += 1
      return count
    }
  }

  // MARK: Relief and draining

  @Test func reliefLetsTheLargestGroupsGo() {
    var grouper = Grouper<Int>(capacity: 10)
    for index in 0..<4 { grouper.add(entry("a\(index)", "large")) }
    for index in 0..<2 { grouper.add(entry("b\(index)", "middle")) }
    grouper.add(entry("c", "small"))
    grouper.relieve(to: 3)
    #expect(grouper.waiting == 3)
    #expect(grouper.ready().addresses == [["a0", "a1", "a2", "a3"]])
    grouper.relieve(to: 0)
    #expect(grouper.waiting == 0)
    #expect(grouper.ready().count == 2)
  }

  @Test func drainingGivesEverythingBackOnce() {
    var grouper = Grouper<Int>(capacity: 3, mixedCapacity: 2)
    for index in 0..<10 { grouper.add(entry("r\(index % 4)", "b\(index % 3)", mix: "m", item: index)) }
    grouper.push(Batch(entries: [entry("z", item: 10)], priority: .high))
    #expect(grouper.drain().map(\.item).sorted() == Array(0...10))
    #expect(grouper.isEmpty && grouper.drain().isEmpty)
  }

  // MARK: Whatever comes

  @Test(arguments: 1...30) func nothingIsLostOrDoubledAndEveryLimitIsKept(seed: Int) throws {
    var random = SeededGenerator(UInt64(seed))
    let capacity = Int.random(in: 1...8, using: &random)
    let mixed = Bool.random(using: &random) ? Int.random(in: 1...10, using: &random) : nil
    var grouper = Grouper<Int>(capacity: capacity, mixedCapacity: mixed)
    let lanes = [Target.Lane(), .init("topics", capacity: 2), .init("wide", capacity: 50)]
    var batches: [Batch] = []
    var entries: [Entry] = []
    func take(_ count: Int) {
      for _ in 0..<count {
        guard let batch = grouper.next() else { return }
        if Int.random(in: 0..<10, using: &random) == 0 { grouper.putBack(batch) } else { batches.append(batch) }
      }
    }
    for item in 0..<300 {
      let new = Entry(
        Target("r\(Int.random(in: 0..<12, using: &random))", lane: lanes[Int.random(in: 0..<3, using: &random)]),
        Content(
          [.init("body", "b\(Int.random(in: 0..<6, using: &random))")],
          mixKey: Bool.random(using: &random) ? "m\(Int.random(in: 0..<2, using: &random))" : nil),
        Message.Priority.allCases.randomElement(using: &random) ?? .normal, item)
      entries.append(new)
      grouper.add(new)
      switch Int.random(in: 0..<20, using: &random) {
      case 0: take(3)
      case 1: grouper.relieve(to: Int.random(in: 0...40, using: &random))
      case 2: grouper.flush()
      default: break
      }
    }
    batches += grouper.all()

    #expect(batches.flatMap { $0.entries.map(\.item) }.sorted() == Array(0..<300))
    for batch in batches {
      let lane = try #require(batch.entries.first).target.lane
      let contents = Set(batch.entries.map(\.content))
      #expect(batch.entries.count <= min(capacity, lane.capacity ?? capacity))
      #expect(Set(batch.entries.map(\.target.identity)).count == batch.entries.count)
      #expect(batch.entries.allSatisfy { $0.target.lane == lane })
      #expect(batch.priority == batch.entries.map(\.priority).max())
      if contents.count > 1 {
        #expect(batch.entries.count <= mixed ?? 0)
        #expect(Set(contents.map(\.mixKey)).count == 1 && contents.first?.mixKey != nil)
      }
      // What was put in comes out as it was.
      for entry in batch.entries {
        #expect(entries[entry.item].target == entry.target && entries[entry.item].content == entry.content)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 7, 100]) func distinctRecipientsOfOneContentTakeTheFewestCalls(capacity: Int) {
    for count in [0, 1, 2, 6, 7, 99, 100, 101] {
      var grouper = Grouper<Int>(capacity: capacity)
      for index in 0..<count { grouper.add(entry("r\(index)")) }
      #expect(grouper.all().count == (count + capacity - 1) / capacity)
    }
  }
}

@Suite struct SplitTests {
  private func batch(_ count: Int) -> Batch {
    Batch(entries: (0..<count).map { entry("r\($0)") }, priority: .high, repeats: "call-1")
  }

  @Test func aCallOfOneIsNotHalved() {
    #expect(Split.halves(of: batch(1)) == nil)
    #expect(Split.halves(of: batch(0)) == nil)
  }

  @Test(arguments: [2, 3, 4, 999]) func theHalvesHoldEverybodyOnceAndNobodyIsAlone(count: Int) throws {
    let halves = try #require(Split.halves(of: batch(count)))
    #expect(halves.count == 2)
    #expect(halves.flatMap { $0.entries.map(\.target.address) } == (0..<count).map { "r\($0)" })
    #expect(abs(halves[0].entries.count - halves[1].entries.count) <= 1)
    #expect(halves.allSatisfy { $0.priority == .high })
  }

  @Test func aHalfIsAnotherCallThanTheWhole() throws {
    // The idempotency key stands for all of the recipients.
    #expect(try #require(Split.halves(of: batch(4))).allSatisfy { $0.repeats == nil })
  }
}
