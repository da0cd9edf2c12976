import CSQLite
import Glibc
import Ledger

/// A connection and its prepared statements. Not thread-safe: its owner holds a lock.
final class SQLiteDatabase {
  private let handle: OpaquePointer
  private let path: String
  private let access: Access
  private var statements: [String: Statement] = [:]
  /// A commit failed when its frames were in the log already. Whoever opens the ledger next would take them for committed,
  /// unless another commit has overwritten them by then.
  var isLogDoubtful = false

  enum Access {
    /// Makes the file where there is none.
    case create
    case read
    /// Reads a file that nobody writes, without the companions that WAL mode needs and only its owner may make.
    case readUnwritten
    /// Reads beside writers, with their companions of the file as they are.
    case readInPassing
  }

  /// Before the first use of the library, and once in a process; where it is refused all is as it was.
  private static let countsNoMemory: Void = { _ = msgspool_sqlite_counts_no_memory() }()

  init(_ path: String, _ access: Access) throws(LedgerFault) {
    SQLiteDatabase.countsNoMemory
    var handle: OpaquePointer?
    let mode: Int32 =
      switch access {
      case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .read: SQLITE_OPEN_READONLY
      case .readUnwritten, .readInPassing: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
      }
    let name =
      switch access {
      case .create, .read: path
      case .readUnwritten: SQLiteDatabase.uri(path) + "?immutable=1"
      case .readInPassing: SQLiteDatabase.uri(path) + "?readonly_shm=1"
      }
    // No mutex of its own: the owner's lock serializes.
    let code = sqlite3_open_v2(name, &handle, mode | SQLITE_OPEN_NOMUTEX, nil)
    guard let handle, code == SQLITE_OK else {
      defer { sqlite3_close_v2(handle) }
      throw SQLiteDatabase.fault(code, handle, path, access)
    }
    self.handle = handle
    self.path = path
    self.access = access
    sqlite3_extended_result_codes(handle, 1)
    // Several sweepers share the file; each holds it for a commit.
    sqlite3_busy_timeout(handle, 30_000)
  }

  private static func uri(_ path: String) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/".utf8)
    return "file:"
      + path.utf8.map { plain.contains($0) ? String(Character(Unicode.Scalar($0))) : percent($0) }.joined()
  }

  private static func percent(_ byte: UInt8) -> String { (byte < 16 ? "%0" : "%") + String(byte, radix: 16) }

  deinit {
    for statement in statements.values { statement.finalize() }
    sqlite3_close_v2(handle)
  }

  func execute(_ sql: String) throws(LedgerFault) {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw fault() }
  }

  /// The prepared statement, made at its first use.
  func statement(_ sql: String) throws(LedgerFault) -> Statement {
    if let statement = statements[sql] { return statement }
    var pointer: OpaquePointer?
    guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &pointer, nil) == SQLITE_OK,
      let pointer
    else { throw fault() }
    let statement = Statement(pointer, self)
    statements[sql] = statement
    return statement
  }

  /// Everything in `body` is recorded and flushed together, or not at all.
  func transaction<Result>(_ body: () throws(LedgerFault) -> Result) throws(LedgerFault) -> Result {
    // IMMEDIATE: a writer that starts as a reader could not wait for its turn.
    try execute("BEGIN IMMEDIATE")
    do throws(LedgerFault) {
      let result = try body()
      do throws(LedgerFault) {
        try execute("COMMIT")
      } catch {
        isLogDoubtful = true
        throw error
      }
      return result
    } catch {
      // After a full disk or an I/O error SQLite has already rolled back, and says so; either is fine.
      sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
      throw error
    }
  }

  /// The number that the last inserted row got.
  var lastRow: Int { Int(sqlite3_last_insert_rowid(handle)) }

  var changes: Int { Int(sqlite3_changes64(handle)) }

  /// To be asked right after the call that failed.
  func fault() -> LedgerFault {
    SQLiteDatabase.fault(sqlite3_extended_errcode(handle), handle, path, access)
  }

  /// With what the system said: a full disk, a short supply of descriptors and a missing permission all make SQLite
  /// "unable to open database file".
  private static func fault(
    _ code: Int32, _ handle: OpaquePointer?, _ path: String, _ access: Access
  ) -> LedgerFault {
    // SQLite itself remembers the reason (sqlite3_system_errno) of some failures only.
    let said = errno
    var kind = kind(code)
    var number: Int32 = 0
    switch (code & 0xFF, access) {
    case (SQLITE_IOERR, _): number = reasons.contains(said) ? said : 0
    // A page that could not be read looks like one that holds nonsense; the ledger must not be set aside for that.
    case (SQLITE_CORRUPT, _) where said == EIO, (SQLITE_NOTADB, _) where said == EIO:
      (kind, number) = (.io, EIO)
    case (SQLITE_NOMEM, _): number = ENOMEM
    case (SQLITE_FULL, _): number = ENOSPC
    case (SQLITE_CANTOPEN, .create), (SQLITE_READONLY, .create):
      number = hindrance(path)
      if number == 0 { kind = .io }
    default: break
    }
    let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
    let reason = number == 0 ? "" : " (\(String(cString: strerror(number))))"
    return LedgerFault(kind, "\(path): \(message)\(reason)", number: number)
  }

  /// Anything else was left over from a call that has nothing to do with it.
  private static let reasons: Set<Int32> = [
    EIO, ENOSPC, EDQUOT, EROFS, EFBIG, EACCES, EPERM, ENOMEM, EMFILE, ENFILE,
  ]

  /// What keeps files from being made and written there; 0 when nothing does any more. SQLite tries to read what it could
  /// not write or make, and tells of that instead.
  private static func hindrance(_ path: String) -> Int32 {
    if Glibc.access(path, W_OK) != 0, errno != ENOENT { return errno }
    // Two of them, as many as SQLite makes beside the file: there may be room for one more.
    let probes = ["\(path)-probe", "\(path)-probe-2"]
    defer { for probe in probes { unlink(probe) } }
    for probe in probes {
      let descriptor = open(probe, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
      guard descriptor >= 0 else { return errno }
      close(descriptor)
    }
    return 0
  }

  private static func kind(_ code: Int32) -> LedgerFault.Kind {
    switch code & 0xFF {
    case SQLITE_FULL: .full
    case SQLITE_IOERR, SQLITE_NOMEM: .io
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: .busy
    case SQLITE_PERM, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_AUTH: .permission
    case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged
    default: .other
    }
  }

  /// A prepared statement: bind in order, then run.
  final class Statement {
    private let pointer: OpaquePointer
    private unowned let database: SQLiteDatabase
    private var index: Int32 = 0

    fileprivate init(_ pointer: OpaquePointer, _ database: SQLiteDatabase) {
      self.pointer = pointer
      self.database = database
    }

    fileprivate func finalize() { sqlite3_finalize(pointer) }

    /// Starts over with nothing bound.
    var fresh: Statement {
      sqlite3_reset(pointer)
      index = 0
      return self
    }

    func bind(_ text: String?) -> Statement {
      index += 1
      guard var text else {
        sqlite3_bind_null(pointer, index)
        return self
      }
      text.withUTF8 { utf8 in
        utf8.withMemoryRebound(to: CChar.self) {
          _ = msgspool_bind_text(pointer, index, $0.baseAddress ?? UnsafePointer(bitPattern: 1), Int32($0.count))
        }
      }
      return self
    }

    func bind(_ number: Int?) -> Statement {
      guard let number else {
        index += 1
        sqlite3_bind_null(pointer, index)
        return self
      }
      return bind(number)
    }

    func bind(_ number: Int) -> Statement {
      index += 1
      sqlite3_bind_int64(pointer, index, Int64(number))
      return self
    }

    func bind(_ number: Double?) -> Statement {
      index += 1
      if let number { sqlite3_bind_double(pointer, index, number) } else { sqlite3_bind_null(pointer, index) }
      return self
    }

    /// Whether there is a row.
    func step() throws(LedgerFault) -> Bool {
      switch sqlite3_step(pointer) {
      case SQLITE_ROW: return true
      case SQLITE_DONE: return false
      default:
        let fault = database.fault()
        sqlite3_reset(pointer)
        throw fault
      }
    }

    /// Runs a statement that gives no rows.
    func run() throws(LedgerFault) {
      _ = try step()
      sqlite3_reset(pointer)
    }

    /// The first row through `read`, or nil.
    func first<Value>(_ read: (Statement) -> Value) throws(LedgerFault) -> Value? {
      defer { sqlite3_reset(pointer) }
      return try step() ? read(self) : nil
    }

    func text(_ column: Int32) -> String? {
      guard let bytes = sqlite3_column_text(pointer, column) else { return nil }
      let count = Int(sqlite3_column_bytes(pointer, column))
      return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    func integer(_ column: Int32) -> Int { Int(sqlite3_column_int64(pointer, column)) }
    func double(_ column: Int32) -> Double { sqlite3_column_double(pointer, column) }
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(pointer, column) == SQLITE_NULL }
  }
}
