import Core
import FoundationEssentials
import Threading

/// The receivers of an endless sweep: one for each channel that receives, on a thread of its own. Touched by the engine's
/// thread only.
final class Receivers {
  private let environment: SweepEnvironment
  private let post: @Sendable (Event) -> Void
  private var running: [(receiver: Receiver, worker: Worker)] = []
  private var configuration: Configuration
  /// When each channel's other side last wrote, as its receiver told.
  private var words: [String: Date] = [:]

  init(_ environment: SweepEnvironment, post: @escaping @Sendable (Event) -> Void) {
    self.environment = environment
    self.post = post
    configuration = environment.configuration
  }

  func start() {
    guard let kit = environment.receiving else { return }
    var environment = environment
    environment.configuration = configuration
    let channels = configuration.channels.values.sorted { $0.name < $1.name }
    for channel in channels where channel.personal.map({ $0.receive != .off }) == true {
      guard let receiver = Receiver(channel, environment, kit, tell: { [post] in post(.received($0)) }),
        let worker = Worker({ receiver.run() })
      else { continue }
      running.append((receiver, worker))
    }
  }

  /// With another configuration, receivers begin anew: their rules may be others.
  func reload(_ new: Configuration) {
    let isRunning = !running.isEmpty || environment.receiving != nil
    stop()
    configuration = new
    if isRunning { start() }
  }

  func stop() {
    for item in running { item.receiver.stop() }
    for item in running { item.worker.join() }
    running.removeAll()
  }

  func heard(_ word: Date, on channel: String) { words[channel] = word }

  /// What was put off for want of an allowance while the other side was writing falls due at once.
  func settled(_ channel: String, at date: Date) {
    guard let word = words[channel], word >= date - 5, let channel = configuration.channels[channel],
      let kit = environment.receiving
    else { return }
    kit.bringForward(channel, limit: configuration.maxMessageBytes, now: environment.now())
  }
}

extension SweepEnvironment {
  /// Asks once for each channel that is received by sweeps, before anything is sent.
  /// - Parameter begins: gets what ends it at once, from any thread; false where it is not to begin.
  package func receiveOnce(_ selection: Selection, begins: (_ stop: @escaping @Sendable () -> Void) -> Bool) {
    guard let receiving else { return }
    for channel in configuration.channels.values.sorted(by: { $0.name < $1.name }) {
      if let only = selection.channel, only != channel.name { continue }
      guard channel.personal?.receive == .sweep, let receiver = Receiver(channel, self, receiving, tell: { _ in })
      else {
        continue
      }
      guard begins({ receiver.stop() }) else { return }
      receiver.once()
    }
  }
}
