import Foundation

/// A spool in a folder of its own that goes with it, and what a producer, an operator or a test does to it from outside:
/// files and their bytes, none of the product's own reading.
package final class TemporarySpool: Sendable {
  package static let folders = ["tmp", "new", "cur", "deferred", "done", "failed"]

  package let path: String

  /// - Parameter parent: where to make it; the system's temporary folder otherwise.
  package init(in parent: String? = nil) throws {
    var template = Array("\(parent ?? NSTemporaryDirectory())/msgspool-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for folder in Self.folders {
      try FileManager.default.createDirectory(atPath: self[folder], withIntermediateDirectories: false)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a folder.
  package subscript(folder: String) -> String { "\(path)/\(folder)" }

  // MARK: Dropping

  /// Drops a file as a careful producer does: written aside, then renamed.
  package func drop(_ name: String, _ content: some DataProtocol) throws {
    try Data(content).write(to: URL(filePath: "\(self["tmp"])/\(name)"))
    try move("tmp/\(name)", "new/\(name)")
  }

  package func drop(_ name: String, _ message: String) throws { try drop(name, Data(message.utf8)) }

  /// As above, for a name that is no text.
  package func drop(bytes name: [UInt8], _ message: String) throws {
    try Data(message.utf8).write(to: URL(filePath: "\(self["tmp"])/odd"))
    let target = (Array("\(self["new"])/".utf8) + name).map { CChar(bitPattern: $0) } + [0]
    let result = rename("\(self["tmp"])/odd", target)
    guard result == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
  }

  /// `mv`.
  package func move(_ from: String, _ to: String) throws {
    guard rename("\(path)/\(from)", "\(path)/\(to)") == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
  }

  /// `touch -d`: how old a file looks, which for a deferred one is when it is due.
  package func age(_ file: String, seconds: Double) throws {
    try setModified(file, Date(timeIntervalSinceNow: -seconds))
  }

  package func setModified(_ file: String, _ date: Date) throws {
    let time = timespec(tv_sec: Int(date.timeIntervalSince1970), tv_nsec: 0)
    guard utimensat(AT_FDCWD, "\(path)/\(file)", [time, time], AT_SYMLINK_NOFOLLOW) == 0 else {
      throw POSIXError(.init(rawValue: errno) ?? .EIO)
    }
  }

  package func modified(_ file: String) throws -> Date {
    var status = stat()
    guard lstat("\(path)/\(file)", &status) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    return Date(
      timeIntervalSince1970: Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9)
  }

  /// Everything deferred is due now.
  package func letDeferredFallDue() throws {
    for name in names(in: "deferred") { try age("deferred/\(name)", seconds: 1) }
  }

  // MARK: Looking

  /// Names in a folder, sorted; with `cur/SWEEP/` before them in cur.
  package func names(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: self[folder])) ?? []
    guard folder == "cur" else { return names.sorted() }
    return names.flatMap { sweep in
      ((try? FileManager.default.contentsOfDirectory(atPath: "\(self["cur"])/\(sweep)")) ?? []).map { "\(sweep)/\($0)" }
    }.sorted()
  }

  /// Folders that hold a file of that name.
  package func folders(of name: String) -> [String] {
    Self.folders.filter { folder in
      names(in: folder).contains { $0 == name || (folder == "cur" && $0.hasSuffix("/\(name)")) }
    }
  }

  package func bytes(_ file: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(path)/\(file)"))) }

  /// The history of a file: what stands behind the bytes that were dropped, oldest first.
  /// - Parameter mayBeTorn: a writer died in the middle of a line, or of several; the last one is whole again.
  /// - Throws: when the dropped bytes are no prefix of the file, or a whole line is no JSON object.
  package func history(_ file: String, of dropped: String, mayBeTorn: Bool = false) throws -> [Parsed] {
    let bytes = try bytes(file)
    guard bytes.starts(with: dropped.utf8) else {
      throw SpoolDamage(description: "\(file): the dropped bytes were changed")
    }
    let lines = bytes.dropFirst(dropped.utf8.count).split(separator: UInt8(ascii: "\n"))
    return try lines.enumerated().compactMap { index, line in
      do { return try Parsed(line) } catch {
        if mayBeTorn, index < lines.count - 1 { return nil }
        throw SpoolDamage(description: "\(file): no history: \(String(decoding: line, as: UTF8.self))")
      }
    }
  }

  /// `tail -n 1`.
  package func last(_ file: String) throws -> Parsed {
    guard let line = try bytes(file).split(separator: UInt8(ascii: "\n")).last else {
      throw SpoolDamage(description: "\(file) is empty")
    }
    return try Parsed(line)
  }
}

package struct SpoolDamage: Error, CustomStringConvertible {
  package var description: String

  package init(description: String) { self.description = description }
}

/// A JSON value as another program would read it.
package enum Parsed: Sendable, Hashable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([Parsed])
  case object([String: Parsed])

  package init(_ text: some Sequence<UInt8>) throws {
    self.init(try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed))
  }

  package init(_ text: String) throws { try self.init(text.utf8) }

  private init(_ value: Any) {
    switch value {
    case let text as String: self = .string(text)
    case let values as [Any]: self = .array(values.map { Parsed($0) })
    case let members as [String: Any]: self = .object(members.mapValues { Parsed($0) })
    case let number as NSNumber:
      // Numbers and booleans are one class; only its type code tells them apart.
      let isBoolean = number.objCType.pointee == CChar(UInt8(ascii: "c"))
      self = isBoolean ? .boolean(number.boolValue) : .number(number.doubleValue)
    default: self = .null
    }
  }

  package subscript(key: String) -> Parsed? { if case .object(let members) = self { members[key] } else { nil } }
  package subscript(index: Int) -> Parsed { array[index] }
  package var array: [Parsed] { if case .array(let values) = self { values } else { [] } }
  package var keys: Set<String> { if case .object(let members) = self { Set(members.keys) } else { [] } }
  package var text: String? { if case .string(let text) = self { text } else { nil } }
  package var int: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }

  /// RFC 3339 with milliseconds, as the product writes it.
  package var date: Date? {
    text.flatMap {
      try? Date(
        $0, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted)
      )
    }
  }
}

extension Parsed: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  package init(stringLiteral text: String) { self = .string(text) }
  package init(integerLiteral number: Int) { self = .number(Double(number)) }
  package init(booleanLiteral flag: Bool) { self = .boolean(flag) }
}
