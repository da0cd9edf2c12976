import Core
import FoundationEssentials
import Testing

@Suite("Reply rules")
struct RuleBookTests {
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)
  private static let book = ContactBook(
    [
      .init(.friend, user: "@z", remark: "老张", nick: "张大力"),
      .init(.friend, user: "@twin1", nick: "重名"), .init(.friend, user: "@twin2", nick: "重名"),
      .init(.group, user: "@@g", nick: "家人群"),
    ], fetched: now)

  private static func message(
    _ text: String, from user: String = "@z", _ role: Incoming.Sender.Kind = .friend, group: String? = nil,
    kind what: Incoming.Kind = .text, age: Double = 1
  ) -> Incoming {
    var sender = Incoming.Sender(role, user: user)
    sender.name = "老张"
    let group = group.map { Incoming.Sender(.group, user: $0) }
    var message = Incoming(
      id: "1", at: now - age, kind: what, from: sender, group: group,
      correspondent: Correspondent(user: group?.user ?? user, to: "", since: now), raw: .null)
    message.text = text
    return message
  }

  private static func rule(_ answer: ReplyRule.Answer, _ change: (inout ReplyRule) -> Void = { _ in }) -> ReplyRule {
    var rule = ReplyRule(answer: answer)
    change(&rule)
    return rule
  }

  private static func answer(
    _ message: Incoming, _ rules: [ReplyRule], _ talk: Talk = Talk(),
    _ change: (inout PersonalSettings) -> Void = { _ in }
  ) -> ReplyWork.Kind? {
    var settings = PersonalSettings(receive: .watch)
    settings.rules = rules
    change(&settings)
    return RuleBook(settings, book).work(for: message, json: .string("json"), files: [], talk, at: now)?.kind
  }

  private static let echo = rule(.echo)

  @Test("The first rule that matches answers, and null ends the search")
  func first() {
    let rules = [
      Self.rule(.text("a")) { $0.text = .exactly("x") }, Self.rule(.none) { $0.text = .prefix("no") }, Self.echo,
    ]
    #expect(Self.answer(Self.message("x"), rules) == .text("a"))
    #expect(Self.answer(Self.message("nothing"), rules) == nil)
    #expect(Self.answer(Self.message("yes"), rules) == .text("yes"))
    #expect(Self.answer(Self.message("yes"), []) == nil)
  }

  @Test("A text is filled in once: what came from outside is not looked at again")
  func filled() {
    let rule = Self.rule(.text("{name}: {text} {1} {2} {9} {other}")) { $0.text = .regex("^echo (.*) (.*)$") }
    #expect(
      Self.answer(Self.message("echo {name} {1}"), [rule]) == .text("老张: echo {name} {1} {name} {1} {9} {other}"))
  }

  @Test("Texts of more than 4096 characters match no expression")
  func longText() {
    let rule = Self.rule(.text("a")) { $0.text = .regex("x") }
    #expect(Self.answer(Self.message(String(repeating: "x", count: 4096)), [rule]) == .text("a"))
    #expect(Self.answer(Self.message(String(repeating: "x", count: 4097)), [rule]) == nil)
  }

  @Test("A name that two have is nobody's, and a stranger of that name is not the friend")
  func names() {
    func answers(_ from: [String], _ message: Incoming) -> Bool {
      Self.answer(message, [Self.rule(.echo) { $0.from = from }]) != nil
    }
    #expect(answers(["老张"], Self.message("x")))
    #expect(!answers(["重名"], Self.message("x", from: "@twin1")))
    #expect(!answers(["老张"], Self.message("x", from: "@impostor", .stranger)))
    #expect(!answers(["owner"], Self.message("x")))
    #expect(answers(["owner"], Self.message("x", from: "o@im.wechat", .owner)))
  }

  @Test("Groups are answered where a rule is for groups, or names that group")
  func groups() {
    let inGroup = Self.message("x", group: "@@g")
    #expect(Self.answer(inGroup, [Self.echo]) == nil)
    #expect(Self.answer(inGroup, [Self.rule(.echo) { $0.groups = .all }]) == .text("x"))
    #expect(Self.answer(inGroup, [Self.rule(.echo) { $0.groups = .named(["家人群"]) }]) == .text("x"))
    #expect(Self.answer(inGroup, [Self.rule(.echo) { $0.groups = .named(["别的"]) }]) == nil)
    #expect(Self.answer(inGroup, [Self.rule(.echo) { $0.from = ["group:家人群"] }]) == .text("x"))
    #expect(Self.answer(Self.message("x"), [Self.rule(.echo) { $0.groups = .all }]) == nil)
    #expect(
      Self.answer(
        inGroup,
        [
          Self.rule(.echo) {
            $0.groups = .all
            $0.needsMention = true
          }
        ]) == nil)
  }

  @Test(
    "Oneself, public accounts and bots are never answered",
    arguments: [Incoming.Sender.Kind.own, .public, .bot])
  func never(kind: Incoming.Sender.Kind) { #expect(Self.answer(Self.message("x", kind), [Self.echo]) == nil) }

  @Test(
    "System and recall messages are never answered, whatever a rule says", arguments: [Incoming.Kind.system, .recall])
  func neverOf(kind: Incoming.Kind) {
    #expect(Self.answer(Self.message("x", kind: kind), [Self.rule(.text("a")) { $0.kinds = [kind] }]) == nil)
  }

  @Test("What is older than reply_within is not answered")
  func old() {
    #expect(Self.answer(Self.message("x", age: 599), [Self.echo]) != nil)
    #expect(Self.answer(Self.message("x", age: 601), [Self.echo]) == nil)
  }

  @Test("The same text of the same sender within the window is the same message, delivered twice")
  func twice() {
    var talk = Talk()
    talk.texts = [.init("x", at: Self.now - 10)]
    #expect(Self.answer(Self.message("x"), [Self.echo], talk) == nil)
    #expect(Self.answer(Self.message("y"), [Self.echo], talk) != nil)
    talk.texts = [.init("x", at: Self.now - 12)]
    #expect(Self.answer(Self.message("x"), [Self.echo], talk) != nil)
  }

  @Test("One of our own last five answers that comes back is not answered")
  func ownAnswer() {
    var talk = Talk()
    talk.answers = ["5", "4", "3", "2", "x", "0"].map { .init($0, at: Self.now - 3600) }
    #expect(Self.answer(Self.message("x"), [Self.echo], talk) == nil)
    #expect(Self.answer(Self.message("0"), [Self.echo], talk) != nil)
  }

  @Test("A sender is answered five times in a minute at the most")
  func often() {
    var talk = Talk()
    talk.answers = (0..<5).map { .init("\($0)", at: Self.now - Double($0)) }
    #expect(Self.answer(Self.message("x"), [Self.echo], talk) == nil)
    talk.answers = (0..<5).map { .init("\($0)", at: Self.now - Double($0 * 15)) }
    #expect(Self.answer(Self.message("x"), [Self.echo], talk) != nil)
  }

  @Test("Pictures answer to rules for pictures; an echo of one is no answer")
  func kinds() {
    let picture = Self.message("", kind: .image)
    #expect(Self.answer(picture, [Self.echo]) == nil)
    #expect(Self.answer(picture, [Self.rule(.echo) { $0.kinds = [.image] }]) == nil)
    #expect(Self.answer(picture, [Self.rule(.text("nice")) { $0.kinds = [.image, .file] }]) == .text("nice"))
  }

  @Test(
    "What is to be done survives the ledger",
    arguments: [
      ReplyWork.Kind.text("你好\n"), .run(["/bin/a", "b c"], input: "{}", timeout: 2.5),
      .forward(channel: "ops", to: ["me"], text: "t", files: [.init(name: "a", type: "b/c", path: "inbox/files/x/a")]),
    ])
  func work(kind: ReplyWork.Kind) {
    let work = ReplyWork(kind, expires: Self.now, user: "@z")
    #expect(ReplyWork(work.json) == work)
  }
}
