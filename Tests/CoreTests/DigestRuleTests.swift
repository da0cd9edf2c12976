import Core
import Foundation
import TestSupport
import Testing

/// What several messages become, and when.
@Suite struct DigestRuleTests {
  private let rule = DigestRule(every: 600, max: 3)

  private func message(
    _ body: String, title: String? = nil, url: String? = nil, format: Message.Format = .text,
    priority: Message.Priority = .normal
  ) -> Message {
    Message(body: body, title: title, format: format, url: url, id: "id", priority: priority)
  }

  // MARK: Windows

  @Test func aWindowEndsAtAMultipleOfItsLengthByTheChannelsClock() {
    let zone = Zone.gmt
    #expect(rule.end(after: moment("2026-11-22T09:03:20Z"), in: zone) == moment("2026-11-22T09:10:00Z"))
    #expect(rule.end(after: moment("2026-11-22T09:10:00Z"), in: zone) == moment("2026-11-22T09:20:00Z"))
    let daily = DigestRule(every: 86400)
    #expect(daily.end(after: moment("2026-11-22T09:03:20Z"), in: zone) == moment("2026-11-23T00:00:00Z"))
  }

  @Test func aWindowIsNeverLongerThanItsLength() {
    for seconds in stride(from: 0.0, to: 100_000, by: 777.7) {
      let now = moment("2026-11-22T09:03:20Z") + seconds
      let wait = rule.end(after: now, in: .gmt).timeIntervalSince(now)
      #expect(wait > 0 && wait <= 600)
    }
  }

  @Test func whatFailsTogetherIsDueTogether() {
    let due = moment("2026-11-22T09:03:20.123Z")
    #expect(DigestRule.retry(due) == moment("2026-11-22T09:04:00Z"))
    #expect(DigestRule.retry(due + 3) == DigestRule.retry(due))
  }

  // MARK: Who shares

  @Test func urgentOnesAndThoseThatNoTextCanHoldGoByThemselves() {
    #expect(DigestRule.admits(message("a")) && DigestRule.admits(message("a", priority: .low)))
    #expect(!DigestRule.admits(message("a", priority: .high)))
    var other = message("a")
    other.template = "T1"
    #expect(!DigestRule.admits(other))
    other = message("a")
    other.params = .positional(["1"])
    #expect(!DigestRule.admits(other))
    other = message("a")
    other.attachments = [.init(source: .path("/srv/a"))]
    #expect(!DigestRule.admits(other))
  }

  // MARK: The text

  @Test func oneMessageIsItself() {
    let one = message("a", title: "t", url: "https://a.test")
    #expect(rule.message(of: [one]) == one)
  }

  @Test func severalSayWhatEachSaysInTheirOrder() {
    let whole = rule.message(of: [message("95 %", title: "Disk"), message("down"), message("late", title: "Job")])
    #expect(whole.title == "3 messages" && whole.id == nil)
    #expect(whole.body == "Disk\n95 %\n\ndown\n\nJob\nlate")
  }

  @Test func whatIsSaidSeveralTimesIsSaidOnceWithHowOften() {
    let whole = rule.message(of: [message("95 %", title: "Disk"), message("down"), message("95 %", title: "Disk")])
    #expect(whole.body == "2 × Disk\n95 %\n\ndown")
    #expect(rule.message(of: [message("a"), message("a")]).body == "2 × a")
    // By bytes: é in one scalar and in two are two texts.
    #expect(rule.message(of: [message("\u{E9}"), message("e\u{301}")]).body == "\u{E9}\n\ne\u{301}")
  }

  @Test func anAddressOfAllStaysTheTextsOwnAndSeveralStandWhereTheyBelong() {
    let same = rule.message(of: [message("a", url: "https://x.test"), message("b", url: "https://x.test")])
    #expect(same.url == "https://x.test" && same.body == "a\n\nb")
    let several = rule.message(of: [message("a", url: "https://x.test"), message("b")])
    #expect(several.url == nil && several.body == "a\nhttps://x.test\n\nb")
  }

  @Test func htmlIsPutTogetherWithTitlesAndAddressesEscaped() {
    let whole = rule.message(of: [
      message("<i>a</i>", title: "<b>&\"", url: "https://x.test/?a&b", format: .html),
      message("b", url: "javascript:alert(1)", format: .html),
    ])
    #expect(whole.format == .html)
    #expect(
      whole.body == """
        <p><b>&lt;b&gt;&amp;&quot;</b></p>
        <i>a</i>
        <p><a href="https://x.test/?a&amp;b">https://x.test/?a&amp;b</a></p>
        <hr>
        b
        <p>javascript:alert(1)</p>
        """)
  }

  @Test func markdownIsPutTogetherWithRulesBetween() {
    let whole = rule.message(of: [
      message("# a", title: "t\nu", format: .markdown), message("b", format: .markdown),
      message("b", format: .markdown),
    ])
    #expect(whole.body == "**t u**\n\n# a\n\n---\n\n2 ×\n\nb")
  }

  // MARK: Gathering

  private func gathered(_ members: [(to: String, body: String, since: Double)]) -> [[String]] {
    var digester = Digester<String>()
    for member in members {
      digester.add(
        .init(
          Target(member.to), Content([]), message(member.body), since: Date(timeIntervalSince1970: member.since),
          name: member.body, member.body))
    }
    #expect(digester.waiting == members.count)
    defer { #expect(digester.waiting == 0) }
    return digester.take().map { $0.map(\.item) }
  }

  @Test func aRecipientsMessagesComeTogetherOldestFirst() {
    #expect(
      gathered([("x", "b", 2), ("y", "c", 1), ("x", "a", 1), ("x", "B", 2)]) == [["a", "B", "b"], ["c"]])
  }

  @Test func formatsAndOptionsAreNotMixed() {
    var digester = Digester<Int>()
    for (number, format) in [Message.Format.text, .html, .text].enumerated() {
      digester.add(
        .init(Target("x"), Content([]), message("a", format: format), since: .distantPast, name: "\(number)", number))
    }
    var other = message("a")
    other.options = [.init("sound", .string("loud"))]
    digester.add(.init(Target("x"), Content([]), other, since: .distantPast, name: "3", 3))
    #expect(digester.take().map { $0.map(\.item) } == [[0, 2], [1], [3]])
  }

  @Test func noTextHasMoreThanTheRuleAllows() {
    let channel = Channel.plain { $0.digest = rule }
    let members = (0..<7).map {
      Digester<Int>.Member(
        Target("x"), Content([.init("body", "\($0)")]), message("\($0)"), since: .distantPast, name: "\($0)", $0)
    }
    let texts = channel.texts(of: members)
    #expect(texts.map { $0.members.map(\.item) } == [[0, 1, 2], [3, 4, 5], [6]])
    #expect(texts.map { $0.content["body"] } == ["0\n\n1\n\n2", "3\n\n4\n\n5", "6"])
  }

  @Test func whatTheProviderFindsTooLongIsHalved() {
    let digests = Channel("short", ShortProvider())
    digests.digest = DigestRule(every: 600, max: 100)
    let members = (0..<8).map {
      Digester<Int>.Member(
        Target("x"), Content([.init("body", "\($0)")]), message("\($0)"), since: .distantPast, name: "\($0)", $0)
    }
    let texts = digests.texts(of: members)
    #expect(texts.flatMap { $0.members.map(\.item) } == Array(0..<8))
    #expect(texts.allSatisfy { ($0.content["body"] ?? "").utf8.count <= 10 } && texts.count == 2)
  }

  // MARK: Routing

  private func route(_ message: Message, _ lines: [HistoryLine] = [], at now: String, quiet: QuietHours? = nil) -> Route
  {
    let channel = Channel.plain {
      $0.digest = rule
      $0.quietHours = quiet
    }
    let now = moment(now)
    return Router(.of(channel, byDefault: "plain")).route(message, Progress(lines), dropped: now, now: now)
  }

  private func due(_ route: Route) -> Date? {
    if case .wait(let until, let fault, _) = route, fault.code == "digest" { until } else { nil }
  }

  private var addressed: Message {
    var message = message("a")
    message.to = ["x"]
    return message
  }

  @Test func aMessageWaitsForTheEndOfItsWindowOnce() {
    #expect(due(route(addressed, at: "2026-11-22T09:03:00Z")) == moment("2026-11-22T09:10:00Z"))
    let waited = HistoryLine(
      at: moment("2026-11-22T09:03:00Z"), state: .deferred, error: Fault(.throttled, code: "digest", "waits"))
    guard case .go = route(addressed, [waited], at: "2026-11-22T09:10:00Z") else {
      Issue.record("it waits again")
      return
    }
  }

  @Test func afterItsOwnTimeItWaitsForItsWindow() {
    let waited = HistoryLine(
      at: moment("2026-11-22T08:00:00Z"), state: .deferred, error: Fault(.message, code: "send_at", "waits"))
    #expect(due(route(addressed, [waited], at: "2026-11-22T09:03:00Z")) == moment("2026-11-22T09:10:00Z"))
  }

  @Test func aRetryByHandIsAMessageLikeAnother() {
    let failed = HistoryLine(at: moment("2026-11-22T08:00:00Z"), state: .failed, error: Fault(.recipient, "gone"))
    #expect(due(route(addressed, [failed], at: "2026-11-22T09:03:00Z")) != nil)
  }

  @Test func whatIsUrgentOrWouldExpireDoesNotWait() {
    var urgent = addressed
    urgent.priority = .high
    #expect(due(route(urgent, at: "2026-11-22T09:03:00Z")) == nil)
    var brief = addressed
    brief.expiresAt = moment("2026-11-22T09:09:00Z")
    #expect(due(route(brief, at: "2026-11-22T09:03:00Z")) == nil)
    brief.expiresAt = moment("2026-11-22T09:11:00Z")
    #expect(due(route(brief, at: "2026-11-22T09:03:00Z")) != nil)
  }

  @Test func aWindowThatEndsInQuietHoursEndsWithThem() {
    let quiet = QuietHours(from: 22 * 3600, to: 7 * 3600, zone: .gmt)
    #expect(
      due(route(addressed, at: "2026-11-22T21:55:00Z", quiet: quiet)) == moment("2026-11-23T07:00:00Z"))
  }
}

/// Takes ten bytes.
private struct ShortProvider: Provider {
  static let card = PlainProvider.card
  init() {}
  init(_ settings: Settings) throws(SettingFault) {}
  func target(_ address: String) throws(RecipientFault) -> Target { Target(address) }
  func content(of message: Message) throws(MessageFault) -> Content {
    let body = message.body ?? ""
    guard body.utf8.count <= 10 else { throw MessageFault("body", "is too long") }
    return Content([.init("body", body)])
  }
  func exchange(for call: Call, at now: Date, nonce: String) -> Exchange { .http(HTTPRequest(.post, "https://x.test")) }
  func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer { .all(.accepted(), in: call) }
}
