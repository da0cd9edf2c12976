import Core
import FoundationEssentials
import Signing

// Login, check and logout: one conversation, whose state goes from turn to turn in `memory`. Section numbers are those of
// providers/wechat-ilink.md: it is section 2.

extension WeChatILink {
  /// Codes drawn in one login, as the vendor's client does.
  private static let mostCodes = 3
  /// Seconds that a code is good for.
  private static let codeLife = 300
  /// Seconds for a poll: the service holds it for 35.
  private static let pollTime = 40.0
  private static let callTime = 15.0
  /// Polls in a row that did not get through, after which the service counts as out of reach.
  private static let mostUnreached = 5

  private enum Phase {
    static let check = "check"
    static let code = "code"
    static let poll = "poll"
  }

  /// What is kept from one turn to the next.
  private struct Memory {
    var phase = Phase.code
    var qrcode = ""
    var host = WeChatILink.host
    var codes = 0
    var unreached = 0
    var wasScanned = false
    /// Digits that the last poll carried.
    var digits = ""

    init() {}

    init(_ value: JSON) {
      phase = value["phase"]?.string ?? phase
      qrcode = value["qrcode"]?.string ?? ""
      host = value["host"]?.string ?? host
      codes = value["codes"]?.integer ?? 0
      unreached = value["unreached"]?.integer ?? 0
      wasScanned = value["scanned"]?.boolean ?? false
      digits = value["digits"]?.string ?? ""
    }

    var json: JSON {
      .object([
        .init("phase", .string(phase)), .init("qrcode", .string(qrcode)), .init("host", .string(host)),
        .init("codes", .integer(codes)), .init("unreached", .integer(unreached)),
        .init("scanned", .boolean(wasScanned)), .init("digits", .string(digits)),
      ])
    }
  }

  package func converse(
    _ event: Dialogue.Event, _ memory: JSON, _ session: Session, at now: Date, nonce: String
  ) -> Dialogue.Turn {
    var state = Memory(memory)
    switch event {
    case .begin(.check): return check(session, nonce: nonce)
    case .begin(.login): return askForCode(Memory(), session, nonce: nonce)
    case .begin(.refresh):
      var session = session
      session.contacts = session.account.flatMap { Login($0.own) }.map { Self.book($0, at: now) }
      return Dialogue.Turn([], .end(session))
    // There is no call that ends a binding.
    case .begin(.logout): return Dialogue.Turn([], .end(session))
    case .waited: return poll(state)
    case .typed(let digits):
      state.digits = digits
      return poll(state)
    case .replied(let reply):
      switch state.phase {
      case Phase.check: return checked(reply, session)
      case Phase.code: return gotCode(reply, state)
      default: return polled(reply, state, session, at: now, nonce: nonce)
      }
    }
  }

  private static func book(_ login: Login, at now: Date) -> ContactBook {
    ContactBook([ContactBook.Entry(.owner, user: login.user)], fetched: now)
  }

  // MARK: Check

  private func check(_ session: Session, nonce: String) -> Dialogue.Turn {
    guard let login = session.account.flatMap({ Login($0.own) }) else {
      return Dialogue.Turn([], .over(.init(.ended, "there is no session")))
    }
    var state = Memory()
    state.phase = Phase.check
    let members: [JSON.Member] = [
      .init("ilink_user_id", .string(login.user)),
      .init("context_token", .string(session.learned["tokens"]?[login.user]?.string ?? "")),
    ]
    let request = request(
      "getconfig", members, host: login.host, prefix: login.prefix, token: login.token, nonce: nonce)
    return Dialogue.Turn([], .ask(request, within: Self.callTime), memory: state.json)
  }

  /// Before the owner's first word it is refused (-4), and the session is good all the same.
  private func checked(_ reply: Reply, _ session: Session) -> Dialogue.Turn {
    guard case .http(let response) = reply else { return .unreachable(reply) }
    let answer = ILinkAnswer(response)
    if answer.isSessionOver || response.status == 401 {
      return Dialogue.Turn([], .over(.init(.ended, code: "-14", answer.words ?? "the session is over")))
    }
    guard response.status == 200 else { return .unreachable(reply) }
    return Dialogue.Turn([], .end(session))
  }

  // MARK: The code

  private func askForCode(_ memory: Memory, _ session: Session, nonce: String) -> Dialogue.Turn {
    var state = memory
    state.phase = Phase.code
    state.wasScanned = false
    state.digits = ""
    state.host = Self.host
    let known = session.account.flatMap { Login($0.own) }.map { [$0.token] } ?? []
    let request = request(
      "get_bot_qrcode?bot_type=3", [.init("local_token_list", .strings(known))], host: Self.host, token: nil,
      nonce: nonce)
    return Dialogue.Turn([], .ask(request, within: Self.callTime), memory: state.json)
  }

  private func gotCode(_ reply: Reply, _ memory: Memory) -> Dialogue.Turn {
    guard case .http(let response) = reply, response.status == 200 else { return .unreachable(reply) }
    let answer = ILinkAnswer(response)
    guard !answer.isRefusal, let code = answer.body["qrcode"]?.string, !code.isEmpty else {
      return Dialogue.Turn(
        [],
        .over(
          .init(.refused, code: answer.code.map { String($0) }, answer.words ?? "WeChat's answer holds no code")))
    }
    let link = answer.body["qrcode_img_content"]?.string ?? code
    var state = memory
    state.qrcode = code
    state.codes += 1
    var turn = poll(state)
    turn.news = [.qr(url: link, expires: Self.codeLife)]
    return turn
  }

  // MARK: The poll

  private func poll(_ memory: Memory, _ news: [Dialogue.Phase] = []) -> Dialogue.Turn {
    var state = memory
    state.phase = Phase.poll
    var path = "get_qrcode_status?qrcode=\(PercentEncoding.encode(state.qrcode))"
    if !state.digits.isEmpty { path += "&verify_code=\(PercentEncoding.encode(state.digits))" }
    return Dialogue.Turn(news, .ask(poll(path, host: state.host), within: Self.pollTime), memory: state.json)
  }

  private func wait(_ memory: Memory, _ news: [Dialogue.Phase] = []) -> Dialogue.Turn {
    Dialogue.Turn(news, .pause(0.5), memory: memory.json)
  }

  private func polled(
    _ reply: Reply, _ memory: Memory, _ session: Session, at now: Date, nonce: String
  ) -> Dialogue.Turn {
    var state = memory
    // A long poll that nobody answered, or a gateway that gave up: "wait".
    guard case .http(let response) = reply, response.status < 500 else {
      if case .notSent = reply { state.unreached += 1 }
      return state.unreached < Self.mostUnreached ? wait(state) : .unreachable(reply)
    }
    state.unreached = 0
    let answer = ILinkAnswer(response)
    let status = answer.body["status"]?.string ?? ""
    let digits = state.digits
    if status != "need_verifycode" { state.digits = "" }
    switch status {
    case "wait": return wait(state)
    case "scaned":
      let isNew = !state.wasScanned
      state.wasScanned = true
      return wait(state, isNew ? [.scanned] : [])
    case "need_verifycode":
      state.digits = ""
      return Dialogue.Turn([.code(isRepeated: !digits.isEmpty)], .read, memory: state.json)
    case "scaned_but_redirect":
      guard let host = answer.body["redirect_host"]?.string.flatMap({ origins.handedOut($0)?.host }) else {
        return Self.strange("redirect_host")
      }
      state.host = host
      return poll(state, [.redirected])
    case "expired":
      guard state.codes < Self.mostCodes else {
        return Dialogue.Turn([.expired], .over(.init(.timeout, "\(Self.mostCodes) codes have expired unscanned")))
      }
      var turn = askForCode(state, session, nonce: nonce)
      turn.news = [.expired]
      return turn
    case "confirmed": return confirmed(answer.body, session, at: now)
    case "binded_redirect": return bound(session, at: now)
    case "verify_code_blocked":
      return Dialogue.Turn(
        [],
        .over(
          .init(
            .refused, code: status, "the digits were wrong too often, and WeChat takes no more",
            hint: "wait a while, then log in again")))
    default:
      guard response.status == 200, !answer.isRefusal else {
        return Dialogue.Turn(
          [],
          .over(
            .init(
              .refused, code: answer.code.map { String($0) } ?? String(response.status),
              answer.words ?? "WeChat refuses the login")))
      }
      return wait(state)
    }
  }

  private static func strange(_ field: String) -> Dialogue.Turn {
    Dialogue.Turn(
      [],
      .over(.init(.refused, code: field, "\(field) is missing in WeChat's answer, or leads elsewhere than to WeChat")))
  }

  private func confirmed(_ body: JSON, _ session: Session, at now: Date) -> Dialogue.Turn {
    guard let token = body["bot_token"]?.string, !token.isEmpty, let bot = body["ilink_bot_id"]?.string, !bot.isEmpty,
      let user = body["ilink_user_id"]?.string, !user.isEmpty
    else { return Self.strange("bot_token, ilink_bot_id or ilink_user_id") }
    var (host, prefix) = (Self.host, "")
    if let base = body["baseurl"]?.string, !base.isEmpty {
      guard let place = origins.handedOut(base) else { return Self.strange("baseurl") }
      host = place.host
      prefix = String(place.path.reversed().drop { $0 == "/" }.reversed())
    }
    let account = Account(
      provider: Self.card.name, name: bot, since: now,
      own: .object([
        .init("bot_token", .string(token)), .init("ilink_bot_id", .string(bot)),
        .init("ilink_user_id", .string(user)), .init("host", .string(host)), .init("prefix", .string(prefix)),
      ]))
    return ready(account, at: now)
  }

  /// The token that we named is bound already: it stays good.
  private func bound(_ session: Session, at now: Date) -> Dialogue.Turn {
    guard let known = session.account, Login(known.own) != nil else {
      return Dialogue.Turn(
        [],
        .over(
          .init(
            .refused, code: "binded_redirect",
            "WeChat says that the bot is linked already, and there is no session of it here",
            hint: "unlink the bot in WeChat, then log in again")))
    }
    var turn = ready(Account(provider: known.provider, name: known.name, since: now, own: known.own), at: now)
    // What it has received stays received.
    if case .end(var ready) = turn.next, session.learned != .null {
      ready.learned = session.learned
      turn.next = .end(ready)
    }
    return turn
  }

  private func ready(_ account: Account, at now: Date) -> Dialogue.Turn {
    var session = Session()
    session.account = account
    session.contacts = Login(account.own).map { Self.book($0, at: now) }
    session.learned = .object([])
    return Dialogue.Turn([.confirmed], .end(session))
  }
}
