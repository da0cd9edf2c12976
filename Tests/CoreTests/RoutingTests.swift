import Core
import FoundationEssentials
import TestSupport
import Testing

private let now = moment("2026-11-22T09:00:00Z")

private func message(_ to: String..., change: (inout Message) -> Void = { _ in }) -> Message {
  var message = Message(channel: "plain", to: to.isEmpty ? ["a"] : to, body: "hello")
  change(&message)
  return message
}

private func route(
  _ message: Message, _ configuration: Configuration = .of(.plain()), _ lines: HistoryLine..., dropped: Date = now,
  now: Date = now
) -> Route {
  Router(configuration).route(message, Progress(lines), dropped: dropped, now: now)
}

private func line(_ state: MessageState, attempt: Int = 1, _ results: HistoryLine.Result...) -> HistoryLine {
  HistoryLine(at: now, state: state, attempt: attempt, results: results, dropped: now)
}

extension Route {
  fileprivate var itinerary: Itinerary? { if case .go(let itinerary) = self { itinerary } else { nil } }

  fileprivate var finish: (state: MessageState, fault: Fault, channel: String?)? {
    if case .finish(let state, let fault, let channel) = self { (state, fault, channel) } else { nil }
  }

  fileprivate var wait: (until: Date, fault: Fault)? {
    if case .wait(let until, let fault, _) = self { (until, fault) } else { nil }
  }

  /// `a`, `a ask call-1`, `b rejected`: who is in it, and how it starts.
  fileprivate var legs: [String] {
    (itinerary?.legs ?? []).map { leg in
      let name = leg.isFallback ? "\(leg.to) by \(leg.channel) to \(leg.target.address)" : leg.to
      return switch leg.start {
      case .send: name
      case .ask(let call): "\(name) ask \(call)"
      case .decided(let outcome): "\(name) \(outcome.state)"
      }
    }
  }
}

@Suite struct RoutingTests {
  // MARK: The channel

  @Test func theMessageNamesItsChannel() {
    #expect(route(message()).itinerary?.channel.name == "plain")
  }

  @Test func theDefaultChannelServesThoseWithout() {
    let configuration = Configuration.of(.plain(), byDefault: "plain")
    #expect(route(message { $0.channel = nil }, configuration).itinerary?.channel.name == "plain")
  }

  @Test func withoutADefaultTheChannelMustBeNamed() throws {
    let finish = try #require(route(message { $0.channel = nil }).finish)
    #expect(finish.state == .invalid && finish.fault.kind == .message && finish.channel == nil)
    #expect(finish.fault.message.hasPrefix("channel: ") && finish.fault.hint?.contains("plain") == true)
  }

  @Test func anUnknownChannelIsInvalidAndTheNearestIsNamed() throws {
    let finish = try #require(route(message { $0.channel = "plian" }).finish)
    #expect(finish.state == .invalid && finish.fault.kind == .message)
    #expect(finish.fault.message.contains("\"plian\"") && finish.fault.message.contains("did you mean \"plain\"?"))
  }

  @Test func aHugeChannelNameMakesAShortComplaint() throws {
    let finish = try #require(route(message { $0.channel = String(repeating: "x", count: 1 << 20) }).finish)
    #expect(finish.fault.message.utf8.count < 300)
  }

  // MARK: Content and options

  @Test func whatTheProviderCannotSayIsInvalid() throws {
    let finish = try #require(route(message { $0.body = nil }).finish)
    #expect(finish.state == .invalid && finish.fault == Fault(.message, "body: is missing"))
  }

  @Test func aMessageWithoutRecipientsIsInvalid() throws {
    let finish = try #require(route(message { $0.to = nil }).finish)
    #expect(finish.state == .invalid && finish.fault.message.hasPrefix("to: is missing"))
  }

  @Test func aChannelWithItsOwnTargetNeedsNoRecipients() {
    let configuration = Configuration.of(Channel("robot", RobotProvider()))
    let route = route(Message(channel: "robot", body: "hello"), configuration)
    #expect(route.itinerary?.legs.map(\.to) == [""])
  }

  @Test(arguments: [
    (JSON.Member("sound", .boolean(true)), "found true or false; expected string"),
    (.init("level", .string("1")), "found a string; expected integer"),
    (.init("level", .number("1.5")), "found a number; expected integer"),
    (.init("loud", .integer(1)), "found a number; expected boolean"),
    (.init("tags", .object([])), "found an object; expected list of strings"),
    (.init("tags", .array([.null])), "found an array; expected list of strings"),
    (.init("extra", .array([])), "found an array; expected object"),
    (.init("soudn", .string("x")), "is no option of plain; did you mean \"sound\"?"),
    (.init("appToken", .string("x")), "is no option of plain"),
  ])
  func optionsAreCheckedAgainstTheProvidersList(option: JSON.Member, problem: String) throws {
    let finish = try #require(route(message { $0.options = [option] }).finish)
    #expect(finish.state == .invalid && finish.fault.message == "options.\(option.key): \(problem)")
  }

  @Test func knownOptionsOfTheRightKindPass() {
    let options: [JSON.Member] = [
      .init("sound", .string("x")), .init("level", .integer(-1)), .init("ratio", .number("0.5")),
      .init("loud", .boolean(false)), .init("tags", .strings([])), .init("extra", .object([])),
    ]
    #expect(route(message { $0.options = options }).itinerary != nil)
    let short: [JSON.Member] = [.init("sound", .integer(9)), .init("tags", .string("a"))]
    #expect(route(message { $0.options = short }).itinerary != nil)
  }

  @Test func whatTheProviderHasNoRoomForIsInvalid() throws {
    for (change, field) in [
      ({ $0.template = "T1" }, "template"), ({ $0.params = .named([.init("a", "1")]) }, "params"),
      ({ $0.params = .positional(["1"]) }, "params"), ({ $0.attachments = [.init(source: .data([]))] }, "attachments"),
    ] as [((inout Message) -> Void, String)] {
      let finish = try #require(route(message(change: change)).finish)
      #expect(finish.state == .invalid && finish.fault.message.hasPrefix("\(field): plain "), "\(finish.fault.message)")
    }
    let nothing = message {
      $0.template = ""
      $0.params = .named([])
    }
    #expect(route(nothing).itinerary != nil)
  }

  @Test func aHugeOptionNameMakesAShortComplaint() throws {
    let key = String(repeating: "x", count: 1 << 20)
    let finish = try #require(route(message { $0.options = [.init(key, .null)] }).finish)
    #expect(finish.fault.message.utf8.count < 300)
  }

  // MARK: Time

  @Test func beforeSendAtItWaits() throws {
    let until = now + 60
    let wait = try #require(route(message { $0.sendAt = until }).wait)
    #expect(wait.until == until && wait.fault.code == "send_at")
    #expect(route(message { $0.sendAt = until }, now: until).itinerary != nil)
  }

  @Test func atExpiresAtItExpires() throws {
    let message = message { $0.expiresAt = now }
    let finish = try #require(route(message).finish)
    #expect(finish.state == .expired && finish.fault.code == "expires_at" && finish.channel == "plain")
    #expect(route(message, now: now - 0.001).itinerary != nil)
  }

  @Test func expiryComesBeforeWaiting() {
    #expect(route(message { ($0.sendAt, $0.expiresAt) = (now + 60, now - 60) }).finish?.state == .expired)
  }

  @Test func theChannelsAgeLimitCountsFromTheDrop() throws {
    let configuration = Configuration.of(.plain { $0.expireAfter = 3600 })
    #expect(route(message(), configuration, dropped: now - 3600).itinerary != nil)
    let finish = try #require(route(message(), configuration, dropped: now - 3601).finish)
    #expect(finish.state == .expired && finish.fault.code == "expire_after")
    #expect(finish.fault.message.contains("1h") && finish.fault.message.contains("2026-11-22T07:59:59.000Z"))
  }

  @Test func aMessageForNextMonthIsNotTooOldWhenItsTimeComes() throws {
    let configuration = Configuration.of(.plain { $0.expireAfter = 3600 })
    let message = message { $0.sendAt = now }
    let dropped = now - 30 * 86_400
    #expect(route(message, configuration, dropped: dropped).itinerary != nil)
    #expect(route(message, configuration, dropped: dropped, now: now + 3600).itinerary != nil)
    let finish = try #require(route(message, configuration, dropped: dropped, now: now + 3601).finish)
    #expect(finish.state == .expired && finish.fault.message.contains("send_at"))
  }

  @Test func aRetriedOldMessageIsAsOldAsItsOwnSendAtOrItsDrop() {
    let configuration = Configuration.of(.plain { $0.expireAfter = 3600 })
    let message = message { $0.sendAt = now - 30 * 86_400 }
    #expect(route(message, configuration, dropped: now - 60).itinerary != nil)
  }

  @Test(arguments: [Message.Priority.low, .normal, .high]) func quietHoursHoldAllButHighPriority(
    priority: Message.Priority
  ) {
    let quiet = QuietHours(from: 8 * 3600, to: 10 * 3600, zone: .gmt)
    let route = route(message { $0.priority = priority }, .of(.plain { $0.quietHours = quiet }))
    #expect((route.itinerary != nil) == (priority == .high))
    #expect(route.wait?.until == (priority == .high ? nil : now + 3600))
  }

  @Test func sendAtHoldsHighPriorityToo() {
    #expect(route(message { ($0.sendAt, $0.priority) = (now + 1, .high) }).wait != nil)
  }

  @Test func aMessageInDoubtThatGetsTooOldIsUnconfirmedAndNotExpired() {
    // Expired says that it did not arrive; nobody knows.
    let history = line(.deferred, .init(to: "a", state: .unconfirmed, call: "call-1"))
    #expect(route(message { $0.expiresAt = now }, .of(.plain()), history).finish?.state == .unconfirmed)
  }

  @Test func rescueRoutesWhateverTheTime() {
    let message = message { ($0.sendAt, $0.expiresAt) = (now + 60, now - 60) }
    #expect(Router(.of(.plain())).routeAtOnce(message, Progress([])).itinerary != nil)
    let empty = Message(channel: "plain", to: ["a"])
    #expect(Router(.of(.plain())).routeAtOnce(empty, Progress([])).finish?.state == .invalid)
  }

  // MARK: Recipients

  @Test func duplicatesAreSentOnce() {
    #expect(route(message("a", "b", "a")).legs == ["a", "b"])
  }

  @Test func spellingsOfOneRecipientAreSentOnceUnderTheFirst() {
    #expect(route(message("Ann", "bob", "ANN")).legs == ["Ann", "bob"])
  }

  @Test func aBadAddressIsRejectedWithoutCostingTheOthers() {
    let route = route(message("a", "bad one", "b"))
    #expect(route.legs == ["a", "bad one rejected", "b"])
    guard case .decided(let outcome)? = route.itinerary?.legs[1].start else { return }
    #expect(outcome.kind == .recipient && outcome.reason == "is not good")
  }

  @Test func namesInTheAddressBookBecomeTheirAddresses() {
    let configuration = Configuration.of(.plain { $0.recipients = ["team": ["x", "y"], "boss": ["z"]] })
    let route = route(message("team", "w", "boss", "y"), configuration)
    #expect(route.legs == ["x", "y", "w", "z"])
    #expect(route.itinerary?.legs.map(\.original) == ["team", "team", "w", "boss"])
  }

  @Test func addressesAreBytes() {
    let (one, other) = ("caf\u{E9}", "cafe\u{301}")
    let route = route(message(one, other, one))
    #expect(route.itinerary?.legs.map { Verbatim($0.to) } == [Verbatim(one), Verbatim(other)])
    let history = line(.deferred, .init(to: one, state: .accepted), .init(to: other, state: .deferred))
    #expect(
      CoreTests.route(message(one, other), .of(.plain()), history).itinerary?.legs.map { Verbatim($0.to) } == [
        Verbatim(other)
      ])
  }

  @Test func aSecretAddressIsKnownByItsName() throws {
    let configuration = Configuration.of(
      .plain {
        $0.recipients = ["alice": [Contact(secret: "slack://T/S/x", shown: "alice")]]
        $0.fallback = "second"
      },
      .plain("second") { $0.recipients = ["alice": [Contact(secret: "mailto://u:p@x", shown: "alice (MAIL)")]] })
    let first = try #require(route(message("alice"), configuration).itinerary?.legs.first)
    #expect(first.to == "alice" && first.target.address == "alice" && first.target.wire == "slack://T/S/x")
    let second = try #require(Router(configuration).fallbacks(of: first, message("alice"), visited: ["plain"]).first)
    #expect(second.to == "alice" && second.target.address == "alice (MAIL)" && second.target.wire == "mailto://u:p@x")
    // From the history, which knows names alone.
    let history = line(.deferred, .init(to: "alice", state: .deferred, channel: "second", address: "alice (MAIL)"))
    let again = try #require(route(message("alice"), configuration, history).itinerary?.legs.first)
    #expect(again.target.wire == "mailto://u:p@x" && again.target.address == "alice (MAIL)")
  }

  @Test func theAddressBookIsNotLookedUpTwice() {
    let configuration = Configuration.of(.plain { $0.recipients = ["a": ["b"], "b": ["c"]] })
    #expect(route(message("a"), configuration).legs == ["b"])
  }

  // MARK: History

  @Test func onlyDeferredRecipientsAreTriedAgain() {
    let history = line(
      .deferred, attempt: 3, .init(to: "a", state: .accepted), .init(to: "b", state: .deferred),
      .init(to: "c", state: .rejected))
    let route = route(message("a", "b", "c"), .of(.plain()), history)
    #expect(route.legs == ["b"])
    #expect(route.itinerary?.attempts == 3 && route.itinerary?.hasRejected == true)
  }

  @Test func whoWasNotInTheLastAttemptIsStillSentTo() {
    let history = line(.deferred, .init(to: "a", state: .accepted))
    #expect(route(message("a", "b"), .of(.plain()), history).legs == ["b"])
  }

  @Test func aLostCallIsAskedAboutAndNotSentAgain() {
    let history = line(.deferred, .init(to: "a", state: .unconfirmed, call: "call-1"), .init(to: "b", state: .deferred))
    #expect(route(message("a", "b"), .of(.plain()), history).legs == ["a ask call-1", "b"])
  }

  @Test func whoIsInDoubtIsNotSentToAgainWhileOthersAreRetried() {
    // Nobody can be asked: that must not look like "not sent yet" to the next attempt.
    let history = line(
      .deferred, .init(to: "a", state: .unconfirmed, code: "timeout", reason: "no answer"),
      .init(to: "b", state: .deferred))
    let route = route(message("a", "b"), .of(.plain()), history)
    #expect(route.legs == ["a unconfirmed", "b"])
    guard case .decided(let outcome)? = route.itinerary?.legs[0].start else { return }
    #expect(outcome.code == "timeout" && outcome.reason == "no answer")
  }

  @Test(arguments: [MessageState.failed, .expired, .unconfirmed])
  func aRetryByHandSendsToAllButTheAccepted(state: MessageState) {
    let history = line(
      state, attempt: 8, .init(to: "a", state: .accepted), .init(to: "b", state: .rejected),
      .init(to: "c", state: .unconfirmed, call: "call-1"), .init(to: "d", state: .deferred))
    let route = route(message("a", "b", "c", "d"), .of(.plain()), history)
    #expect(route.legs == ["b", "c", "d"])
    #expect(route.itinerary?.attempts == 0 && route.itinerary?.hasRejected == false)
  }

  @Test func whenEverybodyWasAcceptedNobodyIsLeft() {
    let route = route(message("a"), .of(.plain()), line(.failed, .init(to: "a", state: .accepted)))
    #expect(route.itinerary?.legs.isEmpty == true)
  }

  // MARK: Fallbacks

  private var configured: Configuration {
    .of(
      .plain { $0.fallback = "second" },
      .plain("second") {
        $0.fallback = "third"
        $0.recipients = ["boss": ["y1", "y2"]]
      },
      .plain("third") { $0.fallback = "plain" })
  }

  @Test func aFallbackKnowsTheOriginalInItsOwnBook() throws {
    let router = Router(configured)
    let leg = try #require(route(message("boss"), configured).itinerary?.legs.first)
    let next = router.fallbacks(of: leg, message("boss"), visited: ["plain"])
    #expect(next.map(\.target.address) == ["y1", "y2"])
    #expect(next.allSatisfy { $0.to == "boss" && $0.isFallback && $0.channel == "second" && $0.original == "boss" })
  }

  @Test func aFallbackWithoutTheNameTakesItAsAnAddress() throws {
    let leg = try #require(route(message("x"), configured).itinerary?.legs.first)
    let next = Router(configured).fallbacks(of: leg, message("x"), visited: ["plain"])
    #expect(next.map(\.target.address) == ["x"])
  }

  @Test func fallbacksNeverGoInCircles() throws {
    let router = Router(configured)
    var leg = try #require(route(message("x"), configured).itinerary?.legs.first)
    var visited: Set<String> = ["plain"]
    for expected in ["second", "third"] {
      leg = try #require(router.fallbacks(of: leg, message("x"), visited: visited).first)
      #expect(leg.channel == expected)
      visited.insert(leg.channel)
    }
    #expect(router.fallbacks(of: leg, message("x"), visited: visited).isEmpty)
  }

  @Test func aChannelCannotFallBackToItself() throws {
    let configuration = Configuration.of(.plain { $0.fallback = "plain" })
    let leg = try #require(route(message("x"), configuration).itinerary?.legs.first)
    #expect(Router(configuration).fallbacks(of: leg, message("x"), visited: ["plain"]).isEmpty)
  }

  @Test func optionsThatTheFallbackDoesNotKnowAreLeftOut() throws {
    let configuration = Configuration.of(.plain { $0.fallback = "robot" }, Channel("robot", RobotProvider()))
    let message = message("x") { $0.options = [.init("sound", .string("bell"))] }
    let leg = try #require(route(message, configuration).itinerary?.legs.first)
    let next = try #require(Router(configuration).fallbacks(of: leg, message, visited: ["plain"]).first)
    // A channel with its own target has one recipient, whose address is empty.
    #expect(next.target.address == "" && next.to == "x")
    guard case .send = next.start else { Issue.record("\(next.start)"); return }
  }

  @Test func whatTheFallbackCannotSayIsRejectedThere() throws {
    let configuration = Configuration.of(
      Channel("robot", RobotProvider()).with { $0.fallback = "plain" }, .plain())
    let message = Message(channel: "robot", to: ["x"])
    let leg = try #require(route(message, configuration).itinerary?.legs.first)
    let next = try #require(Router(configuration).fallbacks(of: leg, message, visited: ["robot"]).first)
    guard case .decided(let outcome) = next.start else { Issue.record("\(next.start)"); return }
    #expect(outcome.state == .rejected && outcome.reason == "body: is missing")
  }

  @Test func aDeferredFallbackGoesOnThroughItsChannel() {
    let history = line(
      .deferred, .init(to: "boss", state: .accepted, channel: "second", address: "y1"),
      .init(to: "boss", state: .deferred, channel: "second", address: "y2"))
    #expect(route(message("boss"), configured, history).legs == ["boss by second to y2"])
  }

  @Test func aLostCallOfAFallbackIsAskedAboutThere() {
    let history = line(.deferred, .init(to: "x", state: .unconfirmed, channel: "second", address: "x", call: "call-2"))
    #expect(route(message("x"), configured, history).legs == ["x by second to x ask call-2"])
  }

  @Test func aFallbackThatIsNoLongerConfiguredIsGivenUp() {
    let history = line(.deferred, .init(to: "x", state: .deferred, channel: "gone", address: "x"))
    let route = route(message("x"), configured, history)
    #expect(route.legs.isEmpty && route.itinerary?.hasRejected == true)
  }
}

extension Channel {
  fileprivate func with(_ change: (Channel) -> Void) -> Channel {
    change(self)
    return self
  }
}
