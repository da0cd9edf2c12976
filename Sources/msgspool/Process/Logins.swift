import Core
import FoundationEssentials
import Ledger
import Spooling
import Sweeping

/// How the channels stand that somebody has to log in to, for status and check.
struct LoginRow {
  let channel: String
  /// `ok`, `ended` or `none`.
  let state: String
  let account: String?
  let since: Date?
  let isReceiving: Bool
  /// Why nothing can be sent.
  let reason: String?
  let hint: String?

  static func rows(_ configuration: Configuration, _ spool: Spool) -> [LoginRow] {
    let store = SessionStore(spool: spool.path)
    return configuration.channels.values.filter { $0.loggedIn != nil }.sorted { $0.name < $1.name }.map { channel in
      let files = store.files(of: channel)
      let standing = store.standing(of: channel)
      let login = "msgspool login \(channel.name)"
      func row(_ state: String, _ account: Account?, _ reason: String?, _ hint: String?) -> LoginRow {
        LoginRow(
          channel: channel.name, state: state, account: account?.name, since: account?.since,
          isReceiving: files?.isHeld(.receive) ?? false, reason: reason, hint: hint)
      }
      return switch standing {
      case .ok(let account): row("ok", account, nil, nil)
      case .ended(let account): row("ended", account, channel.masked(account.reason ?? "the session is over"), login)
      case .unusable(let problem, let hint): row("none", nil, problem, hint)
      case .none, .free: row("none", nil, "nobody has logged in", login)
      }
    }
  }

  var json: JSON {
    var members: [JSON.Member] = [.init("channel", .string(channel)), .init("state", .string(state))]
    if let account { members.append(.init("account", .string(account))) }
    if let since { members.append(.init("since", .string(RFC3339.string(since)))) }
    members.append(.init("receiving", .boolean(isReceiving)))
    if let reason { members.append(.init("reason", .string(reason))) }
    return .object(members)
  }

  /// A line for people, and why nothing can be sent below it.
  func text(at now: Date) -> String {
    var words = [state]
    if let since { words.append(phrase("since {1}", TimeSpan.text(now.timeIntervalSince(since)))) }
    if let account, !account.isEmpty { words.append(account.safeText) }
    if isReceiving { words.append(phrase("receiving")) }
    let style: Console.Style = state == "ok" ? .green : .red
    var text = "  " + Console.styled(channel.safeText, style) + "  " + words.joined(separator: phrase(", ")) + "\n"
    if let reason { text += Columns.wrapped(Phrases.error(reason).safeText, indent: 4) }
    if let hint, reason != nil { text += Columns.wrapped("-> " + Phrases.error(hint).safeText, indent: 4) }
    return text
  }
}
