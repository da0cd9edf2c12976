import Spooling
import Testing

@testable import Sweeping

private let name = FileName("m")

@Suite struct ShareTests {
  private func take(_ count: Int, of channel: String, in share: Share) {
    var left = count
    while left > 0, share.admits(name, of: channel, .normal) {
      share.take(.init(messages: 1, bytes: 10), of: channel)
      left -= 1
    }
  }

  @Test func oneChannelGetsHalfAndTheNextStillFindsRoom() {
    let share = Share(messages: 60)
    take(100, of: "bulk", in: share)
    #expect(share.room() == 30 && share.isTight && share.hasMore(of: "bulk"))
    take(100, of: "second", in: share)
    #expect(share.room() == 15)
    #expect(share.admits(name, of: "third", .normal))
  }

  @Test func highIsNeverKeptOutByItsOwnChannel() {
    let share = Share(messages: 10)
    take(100, of: "bulk", in: share)
    #expect(!share.admits(name, of: "bulk", .normal) && share.admits(name, of: "bulk", .high))
  }

  @Test func whatWasPassedOverIsWantedAgainWhenHalfOfTheShareIsFree() {
    let share = Share(messages: 12)
    take(100, of: "bulk", in: share)
    #expect(!share.isWanting && !share.isDry)
    #expect(!share.giveBack(.init(messages: 1, bytes: 10), of: "bulk"))
    #expect(share.giveBack(.init(messages: 2, bytes: 20), of: "bulk"))
    #expect(share.isWanting)
  }

  @Test func aFullChannelIsWaitedForWhileItsMessagesFlow() {
    let share = Share(messages: 10)
    #expect(!share.awaitRoom())
    take(100, of: "bulk", in: share)
    take(1, of: "other", in: share)
    #expect(share.awaitRoom() && share.flowed == 0)
    // Another channel's is no room for this one.
    #expect(!share.giveBack(.init(messages: 1, bytes: 10), of: "other") && share.flowed == 0)
    #expect(share.giveBack(.init(messages: 1, bytes: 10), of: "bulk") && share.flowed == 1)
    #expect(!share.awaitRoom())
  }

  @Test func whereAChannelIsClosedFilesAreReadFirstWithoutWaiting() {
    let share = Share(messages: 10)
    take(100, of: "bulk", in: share)
    share.close("bad")
    #expect(share.isTight && !share.awaitRoom())
  }

  @Test func aHugeMessageFillsTheShareAloneAndLeavesItWhole() {
    let share = Share(messages: 10)
    share.take(.init(messages: 1, bytes: Share.bytes * 2), of: "bulk")
    #expect(share.room() == 0)
    #expect(share.giveBack(.init(messages: 1, bytes: Share.bytes * 2), of: "bulk"))
    #expect(share.room() == 10)
  }

  @Test func aClosedChannelIsPassedOverAndStillDry() {
    let share = Share(messages: 10)
    share.close("bad")
    #expect(share.isTight && !share.admits(name, of: "bad", .high))
    #expect(share.isDry && share.passedOver == 1)
    share.open("bad")
    #expect(share.isWanting && !share.isDry)
  }

  @Test func aProbeTakesOneAndNotTheOneToAvoidUnlessThereIsNoOther() {
    let share = Share(messages: 10)
    share.probe("bad", avoiding: [FileName("culprit")])
    #expect(!share.admits(FileName("culprit"), of: "bad", .normal))
    #expect(share.admits(FileName("other"), of: "bad", .normal))
    share.take(.init(messages: 1, bytes: 1), of: "bad")
    #expect(!share.admits(FileName("third"), of: "bad", .normal))
    _ = share.giveBack(.init(messages: 1, bytes: 1), of: "bad")
    share.beginLook()
    #expect(!share.admits(FileName("culprit"), of: "bad", .normal))
    share.endLook()
    #expect(share.admits(FileName("culprit"), of: "bad", .normal))
  }
}
