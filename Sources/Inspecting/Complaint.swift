import Sweeping

/// Something that `check` has to say.
package struct Complaint: Sendable, Hashable {
  package enum Severity: String, Sendable, Comparable, CaseIterable {
    /// Worth knowing; nothing is wrong.
    case note
    /// Mends itself or can wait; somebody should look.
    case warning
    /// Messages fail, are lost or lie because of it.
    case error

    package static func < (one: Severity, other: Severity) -> Bool {
      allCases.firstIndex(of: one).unsafelyUnwrapped < allCases.firstIndex(of: other).unsafelyUnwrapped
    }
  }

  /// What it is about, for counting complaints of one kind together.
  package enum Topic: String, Sendable, CaseIterable {
    case configuration, disk, permissions, messages, oddities, leftovers, history, sweeps, ledger
  }

  package var severity: Severity
  package var topic: Topic
  /// The file, channel or folder it is about.
  package var subject: String
  package var problem: String
  package var hint: String?
  /// What was done about it; nil when it is as it was.
  package var action: String?

  package init(
    _ severity: Severity, _ topic: Topic, _ subject: String, _ problem: String, hint: String? = nil,
    action: String? = nil
  ) {
    self.severity = severity
    self.topic = topic
    self.subject = subject
    self.problem = problem
    self.hint = hint
    self.action = action
  }
}
