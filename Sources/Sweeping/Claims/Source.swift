import Core
import FoundationEssentials
import Spooling

/// Where claims come from: the spool's files today; a queue that hosts share, and receivers, are to follow. A source claims
/// within its share, on a thread of its own, and posts what it has.
package protocol Source: AnyObject, Sendable {
  /// Asks for something; returns at once. From any thread.
  func ask(_ request: SourceRequest)
  /// Works until stopped, on the thread that calls it.
  func run()
  /// Nothing more is claimed; `run` returns. From any thread.
  func stop()
  /// Everything that may be claimed was, as of the last `rested`.
  var isDry: Bool { get }
}

/// What is asked of a source.
package enum SourceRequest: Sendable {
  // By the engine:

  /// A channel has room again for what was passed over.
  case room
  /// A time that `rested` named has come.
  case due
  /// These went back unchanged: a sweep that ends does not take them again.
  case returned([FileName])
  /// The configuration was read again.
  case configured(defaultChannel: String?, maxMessageBytes: Int)

  // By the kernel's notifications:

  /// Look at everything there is: some were lost, or the clock was set.
  case look
  /// These arrived, or were written to again.
  case arrived([FileName])
  /// These came into being in place of a rename, and may not be whole yet.
  case created([FileName])
  /// These were deferred, or given another due time, by whomever.
  case deferred([FileName])
}

/// What a source tells.
package enum SourceEvent: Sendable {
  /// Claimed, flushed and read. `isMore`: the source goes on at once.
  case claimed([Claim], isMore: Bool)
  /// A file was looked at and left.
  case left
  /// Something a person should know.
  case notice(Notice)
  /// All that is there and may be claimed was. When to ask again (`due`): by the wall clock, for what is deferred; by the
  /// steady one, for files that were left alone, half written or under a second name.
  /// - after: how many requests of the engine it has seen.
  case rested(after: Int, due: Date?, look: Double?)
  case failed(SystemFault)
}
