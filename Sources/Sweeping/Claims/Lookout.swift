import Core
import FoundationEssentials
import Spooling
import Threading

/// The thread that hears from the kernel what happens to a watched spool, and tells the source and the engine.
final class Lookout: Sendable {
  private let watcher: Watcher
  private let source: any Source
  private let post: @Sendable (Event) -> Void
  private let ownSweep: FileName

  init(_ watcher: Watcher, _ source: any Source, sweep: String, post: @escaping @Sendable (Event) -> Void) {
    self.watcher = watcher
    self.source = source
    self.post = post
    ownSweep = FileName(sweep)
  }

  func stop() { watcher.wake() }

  func run() {
    while let sights = watcher.wait() { tell(sights) }
  }

  /// Kinds apart, each in its order.
  func tell(_ sights: [Watcher.Sight]) {
    var arrived: [FileName] = []
    var created: [FileName] = []
    var deferred: [FileName] = []
    var isUnsure = false
    for sight in sights {
      switch sight {
      case .arrived(let name): arrived.append(name)
      case .created(let name): created.append(name)
      case .deferred(let name): deferred.append(name)
      case .sweep(let name): if name != ownSweep { post(.neighbour) }
      case .overflow:
        isUnsure = true
        if !watcher.isInPlace { post(.replaced) }
      case .clockSet: isUnsure = true
      case .replaced: post(.replaced)
      }
    }
    if !arrived.isEmpty { source.ask(.arrived(arrived)) }
    if !created.isEmpty { source.ask(.created(created)) }
    if !deferred.isEmpty { source.ask(.deferred(deferred)) }
    if isUnsure { source.ask(.look) }
  }
}

/// The thread that settles, beside an endless sweep, what other sweeps leave behind when they die.
final class Rescuer: Sendable {
  private let inbox = Inbox<SweepEnvironment>()
  private let post: @Sendable (Event) -> Void

  init(post: @escaping @Sendable (Event) -> Void) { self.post = post }

  func ask(_ environment: SweepEnvironment) { inbox.post(environment) }
  func close() { inbox.close() }

  func run() {
    while let environment = inbox.takeAll().last {
      var rescue = Rescue(environment)
      do throws(SweepTrouble) {
        try rescue.run()
        post(.rescued(rescue.summary, othersLive: rescue.othersLive))
      } catch {
        post(.failed(error))
      }
    }
  }
}
