import CMicrohttpd
import Dispatch
import Glibc

/// libmicrohttpd: from callbacks to `SandboxRequest`, from `SandboxReply` to the wire. Nothing here knows a provider.
///
/// Daemon and connections go by their addresses as integers, since pointers are not Sendable; what makes that safe is
/// that each is only used while libmicrohttpd owns it (a suspended connection stays until it is resumed).
enum SandboxDaemon {
  /// Request line and headers must fit in; 1000 numbers in an Aliyun query make a request line of 14 to 20 kB.
  private static let connectionMemory = 64 * 1024
  private static let connections: UInt32 = 1000

  /// Whether the library can be opened; asked before anything else.
  static var isThere: Bool { msgspool_mhd_opens() }

  /// The daemon keeps the service alive until it is stopped.
  static func start(listening: Int32, service: SandboxService) -> UInt {
    let owner = Unmanaged.passRetained(service)
    let daemon = msgspool_mhd_start(
      listening, connectionMemory, connections, owner.toOpaque(), began, handle, ended)
    if daemon == nil { owner.release() }
    return UInt(bitPattern: daemon)
  }

  /// Waits for the daemon's thread; not to be called on it.
  static func stop(_ daemon: UInt, service: SandboxService) {
    msgspool_MHD_stop_daemon(OpaquePointer(bitPattern: daemon))
    Unmanaged.passUnretained(service).release()
  }

  /// Only in the callback that handles the connection.
  static func suspend(_ connection: UInt) { msgspool_MHD_suspend_connection(OpaquePointer(bitPattern: connection)) }

  static func resume(_ connection: UInt) { msgspool_MHD_resume_connection(OpaquePointer(bitPattern: connection)) }

  static func after(milliseconds: Int, _ work: @escaping @Sendable () -> Void) {
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds), execute: work)
  }
}

/// A request while it arrives, and its answer while it waits. Only libmicrohttpd's thread touches it.
private final class Pending {
  let target: String
  var started = false
  var body: [UInt8] = []
  let largestBody: Int
  var tooLarge = false
  var polls = false
  var served: SandboxCore.Served?

  init(target: String) {
    self.target = target
    largestBody = SandboxCatalogue.largestBody(target: target)
  }
}

// MARK: - Callbacks

/// The request line has been read: this is the only place that sees the target before it is decoded.
private func began(
  _: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _: OpaquePointer?
) -> UnsafeMutableRawPointer? {
  Unmanaged.passRetained(Pending(target: target.map { String(cString: $0) } ?? "")).toOpaque()
}

private func ended(
  _: UnsafeMutableRawPointer?, _: OpaquePointer?, _ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
  _: MHD_RequestTerminationCode
) {
  guard let pending = context?.pointee else { return }
  Unmanaged<Pending>.fromOpaque(pending).release()
  context?.pointee = nil
}

/// Called once when the headers are there, for every piece of the body, at its end, and after a delay.
private func handle(
  _ owner: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _: UnsafePointer<CChar>?,
  _ method: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _ piece: UnsafePointer<CChar>?,
  _ pieceSize: UnsafeMutablePointer<Int>?, _ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
  guard let owner, let connection, let method, let pieceSize, let context = context?.pointee else { return .NO }
  let pending = Unmanaged<Pending>.fromOpaque(context).takeUnretainedValue()
  if !pending.started {
    pending.started = true
    let length = msgspool_MHD_lookup_connection_value(connection, .HEADER_KIND, "content-length").flatMap {
      Int(String(cString: $0))
    }
    pending.tooLarge = (length ?? 0) > pending.largestBody
    if !pending.tooLarge {
      pending.body.reserveCapacity(length ?? 0)
      return .YES
    }
  }
  if pieceSize.pointee > 0 {
    pending.tooLarge = pending.tooLarge || pending.body.count + pieceSize.pointee > pending.largestBody
    if !pending.tooLarge {
      let raw = UnsafeRawBufferPointer(start: piece, count: pieceSize.pointee)
      pending.body.append(contentsOf: raw)
    }
    pieceSize.pointee = 0
    return .YES
  }
  if let served = pending.served { return depart(served, connection) }

  let service = Unmanaged<SandboxService>.fromOpaque(owner).takeUnretainedValue()
  let address = UInt(bitPattern: connection)
  guard let served = answer(to: pending, method, connection, service) else {
    // Asleep; or awake because the server stops, and then there is nothing to say.
    defer { pending.polls = true }
    return pending.polls ? .NO : .YES
  }
  pending.served = served
  let sleeps =
    served.delayMilliseconds > 0 && service.suspend(address, milliseconds: served.delayMilliseconds)
  return sleeps ? .YES : depart(served, connection)
}

/// Nil where there is none yet.
private func answer(
  to pending: Pending, _ method: UnsafePointer<CChar>, _ connection: OpaquePointer, _ service: SandboxService
) -> SandboxCore.Served? {
  let address = UInt(bitPattern: connection)
  if pending.polls { return service.answer(for: address) }
  let request = SandboxRequest(
    method: String(cString: method), target: pending.target, headers: headers(of: connection), body: pending.body)
  return pending.tooLarge ? service.refuseTooLarge(request) : service.serve(request, on: address)
}

private func headers(of connection: OpaquePointer) -> [FormPair] {
  var headers: [FormPair] = []
  headers.reserveCapacity(16)
  withUnsafeMutablePointer(to: &headers) { headers in
    let collect: MHD_KeyValueIterator = { list, _, name, value in
      guard let list, let name else { return .YES }
      let text = value.map { String(cString: $0) } ?? ""
      list.assumingMemoryBound(to: [FormPair].self).pointee.append(FormPair(String(cString: name).lowercased(), text))
      return .YES
    }
    _ = msgspool_MHD_get_connection_values(connection, .HEADER_KIND, collect, headers)
  }
  return headers
}

// MARK: - Answers

private func depart(_ served: SandboxCore.Served, _ connection: OpaquePointer) -> MHD_Result {
  let reply = served.reply
  let response: OpaquePointer?
  switch served.departure {
  case .reset:
    reset(connection)
    return .NO
  case .whole:
    response = reply.body.withUnsafeBytes { body in
      // MUST_COPY: the library does not write to what it copies from.
      msgspool_MHD_create_response_from_buffer(
        body.count, UnsafeMutableRawPointer(mutating: body.baseAddress), .RESPMEM_MUST_COPY)
    }
  case .truncated:
    let half = Unmanaged.passRetained(Half(of: reply.body)).toOpaque()
    response = msgspool_MHD_create_response_from_callback(UInt64(reply.body.count), 4096, Half.read, half, Half.free)
  }
  guard let response else { return .NO }
  defer { msgspool_MHD_destroy_response(response) }
  for header in reply.headers { msgspool_MHD_add_response_header(response, header.name, header.value) }
  return msgspool_MHD_queue_response(connection, UInt32(reply.status), response)
}

/// Sends a TCP reset at once. Disconnecting a connected stream socket does that on Linux; SO_LINGER would leave it to
/// the library's close, which sends an orderly end first.
private func reset(_ connection: OpaquePointer) {
  var nobody = sockaddr()
  nobody.sa_family = sa_family_t(AF_UNSPEC)
  _ = connect(msgspool_mhd_socket(connection), &nobody, socklen_t(MemoryLayout<sockaddr>.size))
}

/// A body that breaks off in the middle.
private final class Half {
  let bytes: ArraySlice<UInt8>

  init(of body: [UInt8]) { bytes = body.prefix(body.count / 2) }

  /// MHD_CONTENT_READER_END_WITH_ERROR, a cast that Swift does not import.
  static let brokenOff = -2

  static let read: MHD_ContentReaderCallback = { half, position, buffer, room in
    guard let half, let buffer else { return Half.brokenOff }
    let rest = Unmanaged<Half>.fromOpaque(half).takeUnretainedValue().bytes.dropFirst(Int(position)).prefix(room)
    if rest.isEmpty { return Half.brokenOff }
    return rest.withUnsafeBytes { rest in
      UnsafeMutableRawBufferPointer(start: buffer, count: room).copyMemory(from: rest)
      return rest.count
    }
  }

  static let free: MHD_ContentReaderFreeCallback = { half in
    if let half { Unmanaged<Half>.fromOpaque(half).release() }
  }
}
