import Core
import FoundationEssentials
import Glibc

/// Why a session file can't be used.
package enum SessionFault: Error, Sendable, Hashable {
  /// Others may read it, it is no plain file, or holds no session: only a person can mend that.
  case unusable(String, hint: String)
  case system(SystemFault)

  package var message: String {
    switch self {
    case .unusable(let problem, _): problem
    case .system(let fault): "\(fault)"
    }
  }

  package var hint: String {
    switch self {
    case .unusable(_, let hint): hint
    case .system(let fault): fault.hint
    }
  }
}

/// The session file of one channel, and what lies beside it: SESSION.contacts, and the locks SESSION.lock (a login or
/// logout runs), SESSION.calls (shared by calls in flight, alone for whoever replaces the session) and SESSION.receive (a
/// process receives). All writes are whole or not at all.
package struct SessionFiles: Sendable {
  /// Where the session file is.
  package let path: String

  private static let longest = 4 << 20
  private static let longestContacts = 64 << 20

  /// - Parameter file: the channel's setting; nil for the spool's own.
  package init(spool: String, channel: String, file: String?) {
    path = file ?? "\(spool)/sessions/\(FileName.made(of: channel)).json"
  }

  package var contactsPath: String { "\(path).contacts" }

  // MARK: Reading

  /// What tells one state of the file from another; nil where there is none.
  package func stamp() -> FileStamp? {
    FileStamp(path: path)
  }

  /// The session; nil where there is none.
  package func read() throws(SessionFault) -> Account? {
    guard let bytes = try SessionFiles.bytes(of: path, limit: SessionFiles.longest) else { return nil }
    guard let value = try? JSONScanner.value(of: bytes), let account = Account(value) else {
      throw .unusable("\(path) holds no session of this msgspool", hint: "remove it, then: msgspool login CHANNEL")
    }
    return account
  }

  /// Why it is refused, where others may read it.
  package func exposure() -> SessionFault? {
    guard let facts = try? FileFacts(ofWhatIsAt: path), facts.isRegular, facts.mode & 0o044 != 0 else { return nil }
    return SessionFiles.exposed(path)
  }

  private static func exposed(_ path: String) -> SessionFault {
    .unusable("\(path) holds a session, and others may read it", hint: "chmod 600 \(path)")
  }

  /// The contacts of that login; nil where there are none.
  package func contacts(of account: Account) -> ContactBook? {
    guard let bytes = try? SessionFiles.bytes(of: contactsPath, limit: SessionFiles.longestContacts),
      let value = try? JSONScanner.value(of: bytes),
      value["since"]?.string.flatMap(RFC3339.date) == account.since
    else { return nil }
    return ContactBook(value)
  }

  private static func bytes(of path: String, limit: Int) throws(SessionFault) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else {
      let number = errno
      if number == ENOENT { return nil }
      throw .system(SystemFault("open", number, path))
    }
    defer { close(descriptor) }
    let facts: FileFacts
    do throws(SystemFault) { facts = try FileFacts(descriptor, path: path) } catch { throw .system(error) }
    guard facts.isRegular else { throw .unusable("\(path) is no plain file", hint: "move it away") }
    guard facts.mode & 0o044 == 0 else { throw exposed(path) }
    guard facts.size <= limit else { throw .unusable("\(path) is too large to be a session", hint: "move it away") }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: facts.size, alignment: 1)
    defer { buffer.deallocate() }
    do throws(SystemFault) {
      return Array(buffer[..<(try Syscalls.readAll(descriptor, into: buffer, path: path))])
    } catch {
      throw .system(error)
    }
  }

  // MARK: Writing

  /// Makes the folder, where there is none.
  package func makeFolder() throws(SystemFault) {
    let folder = String(path.throughLastSlash.dropLast())
    if folder.isEmpty || mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
    throw SystemFault("mkdir", errno, folder)
  }

  package func write(_ account: Account) throws(SystemFault) {
    try makeFolder()
    try WholeFile.write(account.json.bytes + [UInt8(ascii: "\n")], to: path, mode: 0o600)
  }

  package func write(_ contacts: ContactBook, of account: Account) throws(SystemFault) {
    try WholeFile.write(contacts.json(login: account.since).bytes, to: contactsPath, mode: 0o600)
  }

  /// A new login takes the place of what there was.
  package func replace(_ account: Account, _ contacts: ContactBook?) throws(SystemFault) {
    try makeFolder()
    WholeFile.removeScraps(of: path)
    if let contacts { try write(contacts, of: account) } else { try WholeFile.remove(contactsPath) }
    try write(account)
  }

  /// Locks stay: somebody may wait for one.
  package func remove() throws(SystemFault) {
    WholeFile.removeScraps(of: path)
    try WholeFile.remove(path)
    try WholeFile.remove(contactsPath)
  }

  /// Marks the session as ended, if the file still holds that login: another may have taken its place meanwhile.
  package func end(_ account: Account) throws(SessionFault) {
    guard let known = try read(), known.isSameLogin(as: account), known.state == .ok else { return }
    do throws(SystemFault) {
      try write(known.ended(account.reason ?? "the service no longer takes it"))
    } catch {
      throw .system(error)
    }
  }

  // MARK: Locks

  package enum Lock: String, Sendable {
    /// A login or a logout runs.
    case login = "lock"
    /// Calls in flight use the session, or somebody replaces it.
    case calls
    /// A process receives.
    case receive
  }

  /// Nil while somebody else holds it in a way that excludes this one.
  package func hold(_ lock: Lock, shared: Bool = false) throws(SystemFault) -> HeldLock? {
    try makeFolder()
    return try HeldLock("\(path).\(lock.rawValue)", shared: shared)
  }

  /// Whether somebody holds it.
  package func isHeld(_ lock: Lock) -> Bool {
    let path = "\(path).\(lock.rawValue)"
    guard (try? FileFacts(ofWhatIsAt: path)) != nil else { return false }
    do throws(SystemFault) { return try HeldLock(path, shared: true) == nil } catch { return false }
  }
}

/// Tells one state of a file that is replaced as a whole from another.
package struct FileStamp: Sendable, Hashable {
  private var inode: UInt64
  private var size: Int
  private var modified: Date

  /// Nil where there is no file.
  package init?(path: String) {
    guard let facts = try? FileFacts(ofWhatIsAt: path) else { return nil }
    (inode, size, modified) = (facts.inode, facts.size, facts.modified)
  }
}

extension FileName {
  /// A part of a file's name from a text that anything may be in: letters, digits, `-`, `_`, `.` and what is beyond ASCII
  /// stay, all else is `%XX`; too long a one ends with its digest.
  package static func made(of text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      let isPlain =
        byte >= 0x80 || isalnum(Int32(byte)) != 0 || "-_".utf8.contains(byte) || (byte == 0x2E && !bytes.isEmpty)
      if isPlain {
        bytes.append(byte)
      } else {
        bytes += "%".utf8
        bytes += (byte < 16 ? "0" : "").utf8
        bytes += String(byte, radix: 16).utf8
      }
    }
    guard bytes.count > 120 else { return String(decoding: bytes, as: UTF8.self) }
    let digest = FileName(text).identity(inode: 0)
    return String(decoding: bytes.prefix(80), as: UTF8.self).filter { $0 != "\u{FFFD}" } + "%"
      + String(digest, radix: 16)
  }
}

// MARK: - As files hold them

extension Account {
  package var json: JSON {
    var members: [JSON.Member] = [
      .init("session", .integer(1)), .init("provider", .string(provider)), .init("account", .string(name)),
      .init("since", .string(RFC3339.string(since))), .init("state", .string(state.rawValue)),
    ]
    if let reason { members.append(.init("reason", .string(reason))) }
    return .object(members + [.init("own", own)])
  }

  package init?(_ value: JSON) {
    guard value["session"]?.integer == 1, let provider = value["provider"]?.string,
      let since = value["since"]?.string.flatMap(RFC3339.date),
      let state = value["state"]?.string.flatMap(State.init(rawValue:)), let own = value["own"]
    else { return nil }
    self.init(provider: provider, name: value["account"]?.string ?? "", since: since, own: own)
    self.state = state
    reason = value["reason"]?.string
  }
}

extension ContactBook {
  func json(login: Date) -> JSON {
    .object([
      .init("contacts", .integer(1)), .init("since", .string(RFC3339.string(login))),
      .init("fetched", .string(RFC3339.string(fetched))), .init("entries", .array(entries.map(\.json))),
    ])
  }

  init?(_ value: JSON) {
    guard value["contacts"]?.integer == 1, let fetched = value["fetched"]?.string.flatMap(RFC3339.date),
      let entries = value["entries"]?.array
    else { return nil }
    self.init(entries.compactMap(Entry.init(_:)), fetched: fetched)
  }
}

extension ContactBook.Entry {
  fileprivate var json: JSON {
    var members: [JSON.Member] = [.init("kind", .string(kind.rawValue)), .init("user", .string(user))]
    for (name, text) in [("remark", remark), ("nick", nick), ("alias", alias)] where !text.isEmpty {
      members.append(.init(name, .string(text)))
    }
    if own != .null { members.append(.init("own", own)) }
    return .object(members)
  }

  fileprivate init?(_ value: JSON) {
    guard let kind = value["kind"]?.string.flatMap(Kind.init(rawValue:)), let user = value["user"]?.string else {
      return nil
    }
    self.init(
      kind, user: user, remark: value["remark"]?.string ?? "", nick: value["nick"]?.string ?? "",
      alias: value["alias"]?.string ?? "", own: value["own"] ?? .null)
  }
}
