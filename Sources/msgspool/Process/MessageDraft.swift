import Core
import FoundationEssentials
import Glibc
import Spooling

/// The message that a command line describes, as the JSON that is dropped.
struct MessageDraft {
  private let arguments: Arguments
  /// Nil where the producer may not read it.
  private let configuration: Configuration?

  init(_ arguments: Arguments, _ configuration: Configuration?) {
    self.arguments = arguments
    self.configuration = configuration
  }

  func bytes() throws(Failure) -> [UInt8] {
    var members: [JSON.Member] = []
    func add(_ field: String, _ value: String?) {
      if let value { members.append(.init(field, .string(value))) }
    }
    add("channel", arguments["--channel"])
    let to = arguments.all("--to")
    if to.count == 1 { add("to", to[0]) } else if !to.isEmpty { members.append(.init("to", .strings(to))) }
    add("title", arguments["--title"])
    let body = try body()
    if !body.isEmpty { add("body", body) }
    for field in ["id", "format", "url", "template", "use", "priority"] { add(field, arguments["--\(field)"]) }
    for (option, field) in [("--send-at", "send_at"), ("--expires-at", "expires_at")] {
      guard let text = arguments[option] else { continue }
      members.append(.init(field, Double(text) == nil ? .string(text) : .number(text)))
    }
    members += try object("params", of: "--param") { .string($0) }
    let attachments = try attachments()
    if !attachments.isEmpty { members.append(.init("attachments", .array(attachments))) }
    members += try object("options", of: "--option", MessageDraft.value)
    members += try object("meta", of: "--meta", MessageDraft.value)
    return JSON.object(members).bytes + [UInt8(ascii: "\n")]
  }

  private func body() throws(Failure) -> String {
    if let body = arguments.operands.first { return body }
    // A template speaks for itself; its text is not waited for.
    return arguments.has("--template") || arguments.has("--use") ? "" : try StandardInput.text()
  }

  // MARK: Pairs

  /// The member of that name; none where no pair is given.
  private func object(
    _ field: String, of option: String, _ value: (String) -> JSON
  ) throws(Failure) -> [JSON.Member] {
    var pairs: [JSON.Member] = []
    for text in arguments.all(option) {
      guard let (name, behind) = text.halves(at: "="), !name.isEmpty else {
        throw Failure(.usage, "\(option): found \"\(text)\"; expected NAME=VALUE")
      }
      if pairs.contains(where: { $0.key == name }) { throw Failure(.usage, "\(option): \(name) is given twice") }
      pairs.append(.init(name, value(behind)))
    }
    return pairs.isEmpty ? [] : [.init(field, .object(pairs))]
  }

  /// What reads as a number, a truth, a list or an object is that; anything else is the text itself.
  static func value(_ text: String) -> JSON {
    let parsed = try? JSONScanner.value(of: Array(text.utf8))
    switch parsed {
    case .number, .boolean, .array, .object: return parsed ?? .string(text)
    case .string, .null, nil: return .string(text)
    }
  }

  // MARK: Files

  private var limit: Int { (configuration ?? Configuration()).maxMessageBytes }

  /// Inside the message while there is room, so that what is sent is what the file held when it was handed over.
  private func attachments() throws(Failure) -> [JSON] {
    // What else is in the message needs some room too.
    var room = limit - limit / 16
    var attachments: [JSON] = []
    for path in arguments.all("--attach") {
      let descriptor = try open(path)
      defer { close(descriptor) }
      let size: Int
      do throws(SystemFault) {
        let facts = try FileFacts(descriptor, path: path)
        guard facts.isRegular else { throw SystemFault("read", facts.isFolder ? EISDIR : EINVAL, path) }
        size = facts.size
      } catch {
        throw Failure(.usage, "--attach: \(error)", hint: "name a plain file; nothing was dropped")
      }
      let name = path.pieces(at: "/").last ?? path
      guard (size + 2) / 3 * 4 <= room else {
        attachments.append(try byPath(path, name))
        continue
      }
      room -= (size + 2) / 3 * 4
      let text = Data(try read(descriptor, size, path)).base64EncodedString()
      attachments.append(.object([.init("name", .string(name)), .init("base64", .string(text))]))
    }
    return attachments
  }

  private func open(_ path: String) throws(Failure) -> Int32 {
    // The file is the caller's; root's too, who took the place of the spool's owner.
    let (descriptor, number) = Identity.asRoot {
      (Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), errno)
    }
    if descriptor >= 0 { return descriptor }
    throw Failure(
      number == EACCES ? .noPermission : .usage, "--attach: \(SystemFault("open", number, path))",
      hint: "nothing was dropped")
  }

  private func read(_ descriptor: Int32, _ size: Int, _ path: String) throws(Failure) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
    defer { buffer.deallocate() }
    do throws(SystemFault) {
      return Array(buffer[..<(try Syscalls.readAll(descriptor, into: buffer, path: path))])
    } catch {
      throw Failure(error)
    }
  }

  /// A file that is too large to travel inside the message.
  private func byPath(_ path: String, _ name: String) throws(Failure) -> JSON {
    let whole = path.hasPrefix("/") ? path : Surroundings.currentFolder() + "/" + path
    do throws(MessageFault) {
      _ = try Attachments.resolve(
        [.init(name: name, source: .path(whole))], below: configuration?.attachmentDirectories ?? [])
    } catch {
      throw Failure(
        .usage, "--attach: \(path) is too large to travel inside a message of \(limit) bytes (max_message_bytes)",
        hint: "by its path it \(error.problem); \(error.hint ?? "see attachment_directories in the configuration")")
    }
    return .object([.init("name", .string(name)), .init("path", .string(whole))])
  }
}
