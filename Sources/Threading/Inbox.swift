/// A mailbox between threads: anybody posts, one thread takes everything there is.
package final class Inbox<Element: Sendable>: @unchecked Sendable {
  // Unchecked: `waiting` and `isOver` are touched with the monitor's lock held, and by nobody else.
  private let monitor = Monitor()
  private var waiting: [Element] = []
  private var isOver = false

  package init() {}

  package func post(_ element: Element) {
    monitor.locked {
      waiting.append(element)
      monitor.signal()
    }
  }

  /// Nothing more will be posted: whoever waits gets the rest, then nothing.
  package func close() {
    monitor.locked {
      isOver = true
      monitor.broadcast()
    }
  }

  package var isClosed: Bool { monitor.locked { isOver } }
  package var isEmpty: Bool { monitor.locked { waiting.isEmpty } }

  /// Everything there is, without waiting.
  package func takeNow() -> [Element] { monitor.locked { takeWaiting() } }

  /// Everything there is; waits until there is something, for so many seconds at the most. Empty after a timeout, or for
  /// good once closed.
  package func takeAll(within seconds: Double? = nil) -> [Element] {
    monitor.locked {
      let deadline = seconds.map(Monitor.Deadline.init(after:))
      while waiting.isEmpty, !isOver {
        if let deadline {
          guard monitor.wait(until: deadline) else { break }
        } else {
          monitor.wait()
        }
      }
      return takeWaiting()
    }
  }

  private func takeWaiting() -> [Element] {
    defer { waiting.removeAll(keepingCapacity: waiting.count < 4096) }
    return waiting
  }
}
