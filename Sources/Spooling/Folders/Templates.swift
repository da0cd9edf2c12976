import Core
import Glibc
import Synchronization

/// Where messages' `use` finds its templates.
package protocol TemplateShelf: Sendable {
  /// - Throws: `JSONFault` naming the file, what was found and what is expected.
  func template(named name: String) throws(JSONFault) -> MessageTemplate
  /// False where this user may not look at them: what a message makes of one is then for the sweeper to say.
  var isReadable: Bool { get }
}

/// templates/ of a spool, which its operator makes. Each template is read once, and again when its file has changed.
final class SpoolTemplates: TemplateShelf {
  private struct Known {
    var facts: FileFacts
    var template: MessageTemplate
  }

  /// More than this is no template.
  private static let largest = 1 << 20

  /// The spool's own folder.
  private let root: Int32
  private let known = Mutex<[String: Known]>([:])

  /// - Parameter root: open as long as this lives.
  init(_ root: Int32) { self.root = root }

  var isReadable: Bool {
    faccessat(root, SpoolLayout.templates, R_OK | X_OK, AT_EACCESS) == 0 || errno != EACCES
  }

  func template(named name: String) throws(JSONFault) -> MessageTemplate {
    let path = "\(SpoolLayout.templates)/\(name.shortened.displayText).json"
    // One plain component: a name leads nowhere else.
    let isPlain = name.utf8.allSatisfy { byte in
      byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte >= 0x80 || "._-".utf8.contains(byte)
    }
    guard !name.isEmpty, isPlain, name.utf8.first != UInt8(ascii: "."), name.utf8.count < 200 else {
      throw JSONFault(
        offset: -1,
        problem: "use: found \"\(name.shortened.displayText)\"; expected the name of a template: letters, digits, . _ -"
      )
    }
    let found: (facts: FileFacts, bytes: [UInt8]?)
    do throws(SystemFault) {
      found = try read(name, path)
    } catch {
      throw problem(name, path, error)
    }
    guard let bytes = found.bytes else {
      // Unchanged since it was read.
      if let template = known.withLock({ $0[name]?.template }) { return template }
      throw JSONFault(offset: -1, problem: "\(path): changes as it is read")
    }
    let template = try MessageTemplate(bytes, path: path)
    known.withLock { $0[name] = Known(facts: found.facts, template: template) }
    return template
  }

  /// - Returns: no bytes where the file is the one that is known.
  private func read(_ name: String, _ path: String) throws(SystemFault) -> (facts: FileFacts, bytes: [UInt8]?) {
    let folder = try Syscalls.openFolder(SpoolLayout.templates, in: root, path: SpoolLayout.templates)
    defer { close(folder) }
    let file = try Syscalls.openToRead(FileName("\(name).json"), in: folder, path: path)
    defer { close(file) }
    let facts = try FileFacts(file, path: path)
    guard facts.isRegular else { throw SystemFault("read", EINVAL, path) }
    guard facts.size <= SpoolTemplates.largest else { throw SystemFault("read", EFBIG, path) }
    if known.withLock({ $0[name]?.facts == facts }) { return (facts, nil) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: facts.size, alignment: 1)
    defer { buffer.deallocate() }
    return (facts, Array(buffer[..<(try Syscalls.readAll(file, into: buffer, path: path))]))
  }

  private func problem(_ name: String, _ path: String, _ fault: SystemFault) -> JSONFault {
    guard fault.number == ENOENT else {
      return JSONFault(offset: -1, problem: "use: \(path): \(String(cString: strerror(fault.number)))")
    }
    let nearest = Suggestion.nearest(to: name, among: names).map { "; did you mean \"\($0)\"?" }
    return JSONFault(
      offset: -1,
      problem:
        "use: found \"\(name.displayText)\"; expected a template of this spool, and there is no \(path)\(nearest ?? "")"
    )
  }

  /// Of the templates there are.
  var names: [String] {
    guard let folder = try? Syscalls.openFolder(SpoolLayout.templates, in: root, path: SpoolLayout.templates) else {
      return []
    }
    defer { close(folder) }
    var names: [String] = []
    guard var listing = try? Listing(folder, path: SpoolLayout.templates) else { return [] }
    while names.count < 1000, let entry = try? listing.next() {
      let name = entry.name.display
      if name.utf8.count > 5, name.hasSuffix(".json") { names.append(String(name.dropLast(5))) }
    }
    return names
  }
}
