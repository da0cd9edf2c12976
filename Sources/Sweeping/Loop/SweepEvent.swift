import Core
import FoundationEssentials
import Glibc
import Ledger
import Spooling

/// What a sweep tells while it runs; the program makes text, log lines and progress of it.
package enum SweepEvent: Sendable {
  /// A call ended.
  case call(CallReport)
  /// A message left cur/.
  case settled(SettledMessage)
  /// Something a person should know, once.
  case notice(Notice)
  case progress(SweepSummary)
  /// A folder of the spool is another now: the sweep finishes what is in flight, and ends.
  case replaced
}

/// A message that left cur/. Names are as `FileName.display`.
package struct SettledMessage: Sendable {
  /// The file's name in the folder where it is now.
  package var name: String
  /// Its name until then, where that was taken there.
  package var formerName: String?
  package var line: HistoryLine
}

extension Settled {
  func event(_ line: HistoryLine) -> SettledMessage {
    let former = settlement.file.name
    return SettledMessage(name: name.display, formerName: former == name ? nil : former.display, line: line)
  }
}

package struct CallReport: Sendable {
  package var id: String
  package var channel: String
  package var provider: String
  /// Whom it was for; named only where somebody wants to know.
  let call: Call
  package var recipients: [String] { call.recipients.map(\.target.address) }
  package var messages: Int
  /// The HTTP status, when there was one.
  package var status: Int?
  package var seconds: Double
  package var outcomes: [Outcome]
  package var failure: TransportFailure?
}

package struct Notice: Sendable, Hashable {
  /// The file or channel it is about.
  package var subject: String
  package var message: String
  /// What a provider said. It may repeat an address or a text, so it is for people, and not for logs.
  package var said: String?
  package var hint: String?

  package init(_ subject: String, _ message: String, said: String? = nil, hint: String? = nil) {
    self.subject = subject
    self.message = message
    self.said = said
    self.hint = hint
  }
}

/// Counts of one sweep, as `sweep --json` ends with.
package struct SweepSummary: Sendable, Hashable {
  package var claimed = 0
  package var done = 0
  package var deferred = 0
  package var failed = 0
  package var unconfirmed = 0
  package var invalid = 0
  /// Claimed or looked at, and left for the next sweep.
  package var left = 0
  package var calls = 0
  /// Recipients in those calls.
  package var recipients = 0
  package var seconds = 0.0

  package init() {}

  /// What a rescue settled before the sweep.
  package mutating func add(_ rescued: SweepSummary) {
    claimed += rescued.claimed
    done += rescued.done
    deferred += rescued.deferred
    failed += rescued.failed
    unconfirmed += rescued.unconfirmed
    invalid += rescued.invalid
  }

  package mutating func count(_ state: MessageState) {
    switch state {
    case .done, .duplicate: done += 1
    case .deferred: deferred += 1
    case .failed, .expired: failed += 1
    case .unconfirmed: unconfirmed += 1
    case .invalid: invalid += 1
    }
  }
}

/// Why a sweep had to stop, and the exit status for it (sysexits).
package struct SweepTrouble: Error, Sendable, Hashable {
  package enum Kind: Int32, Sendable { case cannotWrite = 73, io = 74, tryAgain = 75, permission = 77 }

  package var kind: Kind
  package var message: String
  package var hint: String?

  package init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }
}

extension SweepTrouble {
  package init(fault: SystemFault) {
    let kind: Kind
    switch fault.number {
    case ENOSPC, EDQUOT, EROFS, EFBIG: kind = .cannotWrite
    case EACCES, EPERM: kind = .permission
    case EMFILE, ENFILE: kind = .tryAgain
    default: kind = .io
    }
    self.init(kind, "nothing more is sent, as nothing more can be recorded: \(fault)", hint: fault.hint)
  }

  package init(fault: LedgerFault) {
    let (kind, hint): (Kind, String?) =
      switch fault.kind {
      case .full: (.cannotWrite, "free some space on the spool's file system, then sweep again")
      case .permission: (.permission, "let the sweeper's user own the spool: chown -R msgspool SPOOL")
      case .busy: (.tryAgain, "another process holds the ledger; sweep again later")
      case .damaged: (.io, "sweep again: a new ledger begins, and messages that were in doubt become unconfirmed")
      case .io: (.io, "look at the kernel's log and at the ledger before sweeping again")
      case .other: (.io, "see what it says of it: msgspool check")
      }
    let system = fault.number == 0 ? nil : SystemFault("ledger", fault.number, "")
    self.init(
      system.map { SweepTrouble(fault: $0).kind } ?? kind,
      "nothing more is sent, as nothing more can be recorded: \(fault.message)", hint: system?.hint ?? hint)
  }
}
