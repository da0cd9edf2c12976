import Dispatch
import Foundation
import Synchronization

/// A TCP server on a port of 127.0.0.1 that does to each connection exactly what a script says, on a thread of its own.
package final class ScriptedServer: Sendable {
  package struct Seen: Sendable, Hashable {
    /// Counted from 1 in the order of acceptance.
    package var connection: Int
    package var bytes: [UInt8]
    /// False for what had arrived when the connection ended in the middle of a request.
    package var isWhole: Bool

    package var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  package let port: UInt16
  private let listener: Int32
  /// Its reading end becomes readable when the writing end is closed.
  private let stop: (reading: Int32, writing: Int32)
  private let isStopped = Atomic(false)
  private let threads = DispatchGroup()
  private let log = Log()

  package init(_ script: @escaping @Sendable (Connection) -> Void) throws {
    (listener, port) = try listenOnLoopback(backlog: 1024)
    var ends: [Int32] = [0, 0]
    let closedOnExec = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, closedOnExec, 0, &ends) == 0 else { throw POSIXError(.EMFILE) }
    stop = (ends[0], ends[1])
    let (listener, stopping, threads, log) = (listener, ends[0], threads, log)
    spawn(in: threads) {
      var number = 0
      while let descriptor = acceptNext(from: listener, until: stopping) {
        number += 1
        let connection = Connection(descriptor, number: number, log: log)
        spawn(in: threads) {
          script(connection)
          connection.close()
        }
      }
      _ = Glibc.close(listener)
      _ = Glibc.close(stopping)
    }
  }

  deinit {
    stopListening()
  }

  package func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

  /// Blocks until one more request has been read than at the last call; false after 20 seconds.
  package func waitForRequest() -> Bool { log.arrivals.wait(timeout: .now() + 20) == .success }

  /// Waits until every connection's script has ended, those still waiting to be accepted included.
  /// - Returns: all that arrived.
  package func finish() -> [Seen] {
    stopListening()
    threads.wait()
    return log.seen.withLock { $0 }
  }

  private func stopListening() {
    if !isStopped.exchange(true, ordering: .relaxed) { _ = Glibc.close(stop.writing) }
  }

  fileprivate final class Log: Sendable {
    let seen = Mutex<[Seen]>([])
    let arrivals = DispatchSemaphore(value: 0)
  }

  /// One accepted connection. No call blocks for longer than 20 seconds.
  package final class Connection: Sendable {
    package let number: Int
    private let descriptor: Int32
    private let isOpen = Atomic(true)
    private let unread = Mutex<[UInt8]>([])
    private let log: Log

    fileprivate init(_ descriptor: Int32, number: Int, log: Log) {
      (self.descriptor, self.number, self.log) = (descriptor, number, log)
      var limit = timeval(tv_sec: 20, tv_usec: 0)
      let size = socklen_t(MemoryLayout<timeval>.size)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    /// The next request, head and body (by Content-Length), as it came; nil when the connection ends first.
    package func readRequest() -> [UInt8]? {
      unread.withLock { unread in
        while true {
          if let length = wholeRequest(in: unread) {
            let request = Array(unread.prefix(length))
            unread.removeFirst(length)
            note(request, isWhole: true)
            return request
          }
          var chunk = [UInt8](repeating: 0, count: 65_536)
          let count = recv(descriptor, &chunk, chunk.count, 0)
          if count <= 0 {
            if !unread.isEmpty { note(unread, isWhole: false) }
            return nil
          }
          unread += chunk.prefix(count)
        }
      }
    }

    /// The next line without its end (CR LF); nil when the connection ends first.
    package func readLine() -> String? {
      unread.withLock { unread in
        while true {
          if let end = unread.firstRange(of: [0x0D, 0x0A]) {
            let line = String(decoding: unread[..<end.lowerBound], as: UTF8.self)
            unread.removeSubrange(..<end.upperBound)
            return line
          }
          var chunk = [UInt8](repeating: 0, count: 65_536)
          let count = recv(descriptor, &chunk, chunk.count, 0)
          if count <= 0 { return nil }
          unread += chunk.prefix(count)
        }
      }
    }

    /// Waits for some bytes and takes them, whatever they are; false when the connection ends first.
    package func readSome() -> Bool {
      var chunk = [UInt8](repeating: 0, count: 1024)
      return recv(descriptor, &chunk, chunk.count, 0) > 0
    }

    /// Whether the other side closes within so many seconds, when it has nothing more to say.
    package func isClosed(within seconds: Double) -> Bool {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      return poll(&waiting, 1, Int32(seconds * 1000)) > 0
    }

    /// False when the other side has gone.
    @discardableResult
    package func write(_ bytes: [UInt8]) -> Bool {
      var sent = 0
      while sent < bytes.count {
        let count = bytes.withUnsafeBytes {
          send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, noSignal)
        }
        if count <= 0 { return false }
        sent += count
      }
      return true
    }

    @discardableResult
    package func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    /// An answer of status 200 with this body.
    @discardableResult
    package func answer(_ body: String = "ok") -> Bool {
      write("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Reads until the other side has closed.
    package func waitUntilClosed() {
      while readRequest() != nil {}
    }

    /// Ends the connection with FIN. Not by `close` alone: a program that another test started in the instant of
    /// `accept` holds the descriptor too, and would keep the connection open.
    package func close() {
      guard isOpen.exchange(false, ordering: .relaxed) else { return }
      shutdown(descriptor, Int32(SHUT_RDWR))
      _ = Glibc.close(descriptor)
    }

    /// Ends the connection with RST.
    package func reset() {
      guard isOpen.exchange(false, ordering: .relaxed) else { return }
      // Linux resets a connected socket that is connected to nothing.
      var nothing = sockaddr()
      nothing.sa_family = sa_family_t(AF_UNSPEC)
      connect(descriptor, &nothing, socklen_t(MemoryLayout<sockaddr>.size))
      _ = Glibc.close(descriptor)
    }

    private func note(_ bytes: [UInt8], isWhole: Bool) {
      log.seen.withLock { $0.append(Seen(connection: number, bytes: bytes, isWhole: isWhole)) }
      log.arrivals.signal()
    }

    private func wholeRequest(in bytes: [UInt8]) -> Int? {
      guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
      let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
      let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
        .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
      let whole = end.upperBound + (length ?? 0)
      return bytes.count >= whole ? whole : nil
    }
  }
}

/// A socket that listens on a free port of 127.0.0.1.
package func listenOnLoopback(backlog: Int32) throws -> (descriptor: Int32, port: UInt16) {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  var address = loopback(port: 0)
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let failed = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, size) != 0 || listen(descriptor, backlog) != 0 || getsockname(descriptor, $0, &size) != 0
    }
  }
  if failed { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
  return (descriptor, UInt16(bigEndian: address.sin_port))
}

package func loopback(port: UInt16) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return address
}

private let noSignal = Int32(MSG_NOSIGNAL)

/// Nil when stopped and nobody waits to be accepted any more.
private func acceptNext(from listener: Int32, until stopping: Int32) -> Int32? {
  let readable = Int16(POLLIN)
  var waiting = [
    pollfd(fd: listener, events: readable, revents: 0), pollfd(fd: stopping, events: readable, revents: 0),
  ]
  while poll(&waiting, 2, -1) > 0 {
    if waiting[0].revents != 0 {
      let descriptor = accept(listener, nil, nil)
      if descriptor >= 0 { return descriptor }
    } else if waiting[1].revents != 0 {
      return nil
    }
  }
  return nil
}

private func spawn(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
  group.enter()
  Thread.detachNewThread {
    body()
    group.leave()
  }
}
