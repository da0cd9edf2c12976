import Testing
import Threading

import Threading

@Suite struct InboxTests {
  @Test func everythingPostedIsTakenOnceAndInOrder() {
    let inbox = Inbox<Int>()
    for index in 0..<3 { inbox.post(index) }
    #expect(inbox.takeAll() == [0, 1, 2])
    inbox.post(3)
    #expect(inbox.takeAll() == [3])
  }

  @Test func waitingEndsWithTheTime() {
    #expect(Inbox<Int>().takeAll(within: 0.001).isEmpty)
    #expect(Inbox<Int>().takeAll(within: -5).isEmpty)
  }

  @Test func aClosedInboxGivesTheRestAndThenNothingForGood() {
    let inbox = Inbox<Int>()
    inbox.post(1)
    inbox.close()
    #expect(inbox.takeAll() == [1])
    #expect(inbox.takeAll().isEmpty && inbox.takeAll().isEmpty)
  }

  @Test func whatAnotherThreadPostsWakesTheTaker() throws {
    let inbox = Inbox<Int>()
    let worker = try #require(Worker { for index in 0..<100 { inbox.post(index) } })
    var taken: [Int] = []
    while taken.count < 100 { taken += inbox.takeAll(within: 10) }
    worker.join()
    #expect(taken == Array(0..<100))
  }
}
