import Foundation
import Spooling
import TestSupport
import Testing

@testable import Sweeping

private let now = moment("2026-11-22T09:00:00Z")

private func name(_ number: Int) -> FileName { FileName("m\(number)") }

@Suite struct DueTimesTests {
  @Test func whatFallsDueComesOutInTheOrderOfItsTimes() {
    var times = DueTimes()
    for number in [3, 1, 2, 5, 4] { times.add(name(number), due: now + Double(number)) }
    #expect(times.next == now + 1)
    #expect(times.takeDue(at: now + 3).names == [name(1), name(2), name(3)])
    #expect(times.next == now + 4)
    #expect(times.takeDue(at: now + 3.5).names.isEmpty)
  }

  @Test func nothingIsDueOfNothing() {
    var times = DueTimes()
    #expect(times.next == nil)
    let due = times.takeDue(at: now)
    #expect(due.names.isEmpty && !due.needsListing)
  }

  @Test func beyondItsRoomItRemembersWhenToListAgain() {
    var times = DueTimes(capacity: 8)
    for number in (1...20).shuffled() { times.add(name(number), due: now + Double(number)) }
    // Whatever was forgotten is due no earlier than what it names next.
    var seen: Set<FileName> = []
    var needsListing = false
    while !needsListing, let next = times.next {
      let due = times.takeDue(at: next)
      seen.formUnion(due.names)
      needsListing = due.needsListing
    }
    #expect(needsListing && seen.count < 20)
    #expect(Set((1...seen.count).map(name)) == seen)
  }

  @Test(arguments: 1...20) func theSoonestIsAlwaysFirst(seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    var times = DueTimes(capacity: 64)
    var model: [Int] = []
    for _ in 0..<60 {
      let number = Int.random(in: 0..<1000, using: &random)
      times.add(name(number), due: now + Double(number))
      model.append(number)
    }
    #expect(times.takeDue(at: now + 1000).names == model.sorted().map(name))
  }
}
