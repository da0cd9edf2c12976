import Core
import FoundationEssentials
import Ledger
import Threading

/// How long a channel rests that sends too often: its `throttle_pause`, doubled while it goes on, up to a day, and back
/// after an accepted call, which ends the suspension.
struct Throttle {
  private static let longest = 86_400.0

  let pause: Double

  /// - Parameter before: the suspension that a probe came out of, if one did.
  func next(after before: Suspension?) -> Double {
    guard let before, before.kind == .throttled, let until = before.until else { return pause }
    return min(max(pause, 2 * until.timeIntervalSince(before.since)), max(pause, Throttle.longest))
  }

  /// Whether it still rests. Only another `throttle_pause` than the one that the suspension was made with shortens it: of
  /// that one its length is a doubling.
  func holds(_ suspension: Suspension, at now: Date) -> Bool {
    guard let until = suspension.until, now < until, now > suspension.since - 1 else { return false }
    let length = until.timeIntervalSince(suspension.since)
    var known = pause
    while known < Throttle.longest, abs(known - length) > 1 { known *= 2 }
    return abs(known - length) <= 1 || abs(length - Throttle.longest) <= 1
  }
}

extension Suspension {
  private static let loginWord = "not logged in: run msgspool login "

  /// What `status` and `check` say.
  package static func notLoggedIn(_ channel: String, _ said: String = "") -> String {
    loginWord + channel + (said.isEmpty ? "" : " (\(said))")
  }

  static let unqueued = "WeChat takes messages but does not queue them"

  /// It lasts until somebody logs in.
  package var isOfLogin: Bool { reason.utf8.starts(with: Suspension.loginWord.utf8) }

  /// Whether a login since has ended it.
  func isOver(with standing: SessionStore.Standing) -> Bool {
    guard case .ok(let account) = standing, isOfLogin else { return false }
    return account.since > since || reason == Suspension.notLoggedIn(channel)
  }
}

extension SessionStore.Standing {
  /// Why nothing can be sent; nil where it can.
  package func want(of channel: Channel) -> String? {
    switch self {
    case .free, .ok: nil
    case .none: Suspension.notLoggedIn(channel.name)
    case .ended(let account): Suspension.notLoggedIn(channel.name, channel.masked(account.reason ?? ""))
    case .unusable(let problem, _): Suspension.notLoggedIn(channel.name, problem)
    }
  }
}

/// The thread that notices, beside an endless sweep, that somebody has logged in or out. Session files may lie anywhere,
/// and are looked at every two seconds while there are channels that need one.
final class LoginLookout: Sendable {
  private static let interval = 2.0

  private let inbox = Inbox<Configuration>()
  private let sessions: SessionStore
  private let post: @Sendable (Event) -> Void

  init(_ sessions: SessionStore, post: @escaping @Sendable (Event) -> Void) {
    self.sessions = sessions
    self.post = post
  }

  func reload(_ configuration: Configuration) { inbox.post(configuration) }
  func close() { inbox.close() }

  func run() {
    var channels: [Channel] = []
    var known: [String: SessionStore.Standing] = [:]
    while !inbox.isClosed {
      if let configuration = inbox.takeAll(within: channels.isEmpty ? nil : LoginLookout.interval).last {
        channels = configuration.channels.values.filter { $0.loggedIn != nil }
        // The engine looks for itself when it begins, and when it reloads.
        known = Dictionary(uniqueKeysWithValues: channels.map { ($0.name, sessions.standing(of: $0)) })
        continue
      }
      for channel in channels {
        let standing = sessions.standing(of: channel)
        if let before = known.updateValue(standing, forKey: channel.name), before.login != standing.login {
          post(.login(channel.name))
        }
      }
    }
  }
}

extension SessionStore.Standing {
  /// The login, apart from what changes while it lasts.
  fileprivate var login: Date? { if case .ok(let account) = self { account.since } else { nil } }
}
