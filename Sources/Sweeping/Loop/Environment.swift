import Core
import FoundationEssentials
import Ledger
import Spooling

/// A moment by both clocks: what `date` says, which people set and which may jump, and the steady one, by which pauses run.
package struct Moment: Sendable, Hashable {
  package var date: Date
  /// Seconds since some moment in the past (CLOCK_BOOTTIME); never jumps.
  package var steady: Double

  package init(date: Date, steady: Double) {
    self.date = date
    self.steady = steady
  }

  /// The steady time at which the wall clock will show `date`, if nobody sets it.
  package func steady(of date: Date) -> Double { steady + date.timeIntervalSince(self.date) }
  package func date(of steady: Double) -> Date { date + (steady - self.steady) }
}

/// Everything a sweep needs from outside, injected.
package struct SweepEnvironment: Sendable {
  package var spool: any SpoolDisk
  package var ledger: any Ledger
  package var configuration: Configuration
  /// The transport for a channel (channels may trust different certificates).
  package var transport: @Sendable (Channel) -> any Transport
  package var clock: @Sendable () -> Moment
  /// Evenly spread over 0..<1.
  package var random: @Sendable () -> Double
  /// 32 lower-case hex digits, never the same twice.
  package var nonce: @Sendable () -> String
  package var observe: @Sendable (SweepEvent) -> Void
  /// Messages in hand at the most; one channel alone gets half of it.
  package var window = 8192
  /// Recipients of one message under way at once; of a longer list half as many join them when half are through. More
  /// where calls are large.
  package var stretch = 16_384
  /// What providers remember between calls.
  package var sessions = SessionStore()
  /// What receivers need; nil where nothing is received.
  package var receiving: ReceivingKit?

  package init(
    spool: any SpoolDisk, ledger: any Ledger, configuration: Configuration,
    transport: @escaping @Sendable (Channel) -> any Transport, clock: @escaping @Sendable () -> Moment,
    random: @escaping @Sendable () -> Double, nonce: @escaping @Sendable () -> String,
    observe: @escaping @Sendable (SweepEvent) -> Void
  ) {
    self.spool = spool
    self.ledger = ledger
    self.configuration = configuration
    self.transport = transport
    self.clock = clock
    self.random = random
    self.nonce = nonce
    self.observe = observe
  }

  package func now() -> Date { clock().date }
}

/// What a sweep is about, and when it ends.
package struct Selection: Sendable {
  /// Only messages of this channel.
  package var channel: String?
  /// At most so many messages.
  package var limit: Int?
  /// It goes on until it is told to stop: `watch`.
  package var isEndless = false

  package init() {}
}
