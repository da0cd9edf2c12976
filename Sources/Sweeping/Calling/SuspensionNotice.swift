import Core
import FoundationEssentials
import Ledger

extension Suspension {
  /// What people are told: what is wrong, what to do, and when it is tried again.
  var notice: Notice {
    if isOfLogin {
      let known = Suspension.notLoggedIn(channel)
      let said = String(reason.dropFirst(known.count)).replacing(["(": "", ")": ""])
      return Notice(
        "channel \(channel)", "suspended: \(known)", said: said.isEmpty ? nil : ContactBook.trimmed(said),
        hint: "what waits stays in new/")
    }
    if reason == Suspension.unqueued {
      return Notice(
        "channel \(channel)", "suspended", said: reason,
        hint: "see in WeChat whether anything arrived; the next sweep tries with one call first")
    }
    let cause =
      switch (suspectedFor, kind) {
      case (.some, _): "so many were refused alike that something is wrong with the channel or its messages"
      case (nil, .quota): "the quota or balance is used up"
      case (nil, .throttled): "it sends too often"
      default: "the credentials or settings are wrong"
      }
    let remedy =
      switch kind {
      case .quota: "top up the account"
      case .throttled: "send less, and wait"
      default: "correct the channel in the configuration"
      }
    let next =
      switch until {
      case nil: "the next sweep tries with one call first"
      case .distantFuture?: "nothing is sent before the configuration has changed: the provider bars those who go on"
      case let until?:
        "nothing is sent before \(RFC3339.string(until)): until then the provider refuses, and bars those who go on"
      }
    return Notice("channel \(channel)", "suspended: \(cause)", said: reason, hint: "\(remedy); \(next)")
  }
}
