import Core
import FoundationEssentials
import Glibc
import Spooling
import Sweeping

/// What waits: would the next sweep be able to send it?
extension Inspection {
  mutating func inspectWaiting(_ folder: Folder) throws(SystemFault) {
    var walk = try Walk(folder, of: spool, includesIgnored: true)
    while let found = try walk.next() {
      if SpoolLayout.isIgnored(found.name) {
        try inspectIgnored(found)
      } else if found.isOdd {
        note(odd: found)
      } else {
        inspectWaiting(found)
      }
    }
  }

  /// Hidden names are a producer's own business, apart from a copy that a sweep did not finish.
  private func inspectIgnored(_ found: Walk.Found) throws(SystemFault) {
    guard found.name.bytes.starts(with: Array(".copy-".utf8)), !found.isOdd else { return }
    var complaint = Complaint(
      .warning, .leftovers, subject(found), "is a copy that a sweep did not finish",
      hint: "the message itself is beside it or went its way; check --repair removes the copy")
    if repair != nil {
      try spool.remove(found.name, in: found.place.descriptor, path: found.place.path)
      complaint.action = "removed"
    }
    tell(complaint)
  }

  private mutating func inspectWaiting(_ found: Walk.Found) {
    guard let facts = try? FileFacts(of: found.name, in: found.place.descriptor) else { return }
    inspectFile(found, facts)
    switch spool.peek(found, limit: limit) {
    case nil: return
    case .odd?: note(odd: found)
    case .unreadable(let fault)?:
      tell(
        Complaint(
          .error, .messages, subject(found), "cannot be read: \(fault)",
          hint: "let the producer write it with a readable mode (umask 022)"))
    case .invalid(_, let remains)? where remains.mayBeUnfinished(in: found.place.folder, facts, now: now()): return
    case .invalid(let fault, _)?: tell(complaint(found, fault))
    case .message(let file)?: inspect(file, found)
    }
  }

  private func complaint(_ found: Walk.Found, _ fault: Fault) -> Complaint {
    // Most faults' hints are for failed/, where the sweep will put it; here it can still be corrected before.
    let hint = fault.hint.flatMap { $0.contains("failed/") ? nil : $0 }
    return Complaint(
      .error, .messages, subject(found), fault.message,
      hint: hint ?? "correct the file before a sweep takes it, or remove it")
  }

  private func inspect(_ file: MessageFile, _ found: Walk.Found) {
    guard let configuration else { return }
    switch Router(configuration).routeAtOnce(file.message, Progress(file.lines, again: file.again)) {
    case .finish(_, let fault, _): tell(complaint(found, fault))
    case .wait: return
    case .go(let itinerary):
      inspectAttachments(of: itinerary, found)
      for leg in itinerary.legs {
        guard case .decided(let outcome) = leg.start, outcome.state == .rejected else { continue }
        tell(
          Complaint(
            .error, .messages, subject(found), "to: \"\(leg.to.prefix(80))\" \(outcome.reason ?? "is no recipient")",
            hint: "the other recipients are sent to; see: msgspool providers \(itinerary.channel.card.name)"))
      }
    }
  }

  private func inspectAttachments(of itinerary: Itinerary, _ found: Walk.Found) {
    for (index, attachment) in (itinerary.legs.first?.content.attachments ?? []).enumerated() {
      guard case .file(let file) = attachment.source else { continue }
      do throws(SystemFault) {
        close(try AttachmentStore.open(file).descriptor)
      } catch {
        tell(
          Complaint(
            .error, .messages, subject(found), "attachments[\(index)]: \(error)",
            hint: "put the file there, readable for the sweeper, before the message is sent"))
      }
    }
  }

  /// A second name within the spool is a move that was cut short between two steps; any other is somebody else's.
  /// - Returns: whether this is the name to go.
  private mutating func inspectLinks(_ found: Walk.Found, _ facts: FileFacts) -> Bool {
    let others = [Folder.new, .deferred, .done, .failed].filter { $0 != found.place.folder }
    guard let twin = spool.twin(of: found.name, facts, in: others) else {
      linked.add(
        subject(found), ClaimReader.secondLink,
        hint: "find / -xdev -samefile \("\(found.place.path)/\(found.name.display)".shellWord) tells its names")
      return false
    }
    // The other name is looked at as well, and complained about if it is the one to go.
    guard isOldName(found, twin) else { return false }
    var complaint = Complaint(
      .error, .oddities, subject(found),
      "is \(twin.folder.rawValue)/\(twin.name.display) as well: its move there was cut short, and it is not sent",
      hint: "msgspool check --repair finishes the move")
    if repair != nil, (try? spool.remove(found.name, in: found.place.descriptor, path: found.place.path)) != nil {
      complaint.action = "the name here is removed"
    }
    tell(complaint)
    return true
  }

  /// Whether the name is the one that a cut move left behind. A new name may have got a number; where both are the same, a
  /// message goes to new/ when a person wants it to, and else to where its last line says.
  private func isOldName(_ found: Walk.Found, _ twin: (folder: Folder, name: FileName)) -> Bool {
    guard twin.name == found.name else { return twin.name.bytes.count > found.name.bytes.count }
    if found.place.folder == .new || twin.folder == .new { return twin.folder == .new }
    var reader = TailReader()
    guard case .tail(let tail)? = reader.read(found.name, in: found.place.descriptor, path: found.place.path),
      let last = tail.last
    else { return false }
    return SpoolLayout.folder(of: last.state) != found.place.folder
  }

  /// What may be wrong with any file of the spool.
  /// - Returns: false for a name that a move has left behind: the file is elsewhere.
  @discardableResult
  mutating func inspectFile(_ found: Walk.Found, _ facts: FileFacts) -> Bool {
    if facts.links > 1, now().timeIntervalSince(facts.modified) > ClaimReader.linkGrace, inspectLinks(found, facts) {
      return false
    }
    if facts.mode & 0o002 != 0 {
      tell(closed(found.name, in: found.place.descriptor, subject(found), facts))
    }
    guard found.place.folder == .failed || found.place.folder == .deferred else { return true }
    if (try? FileFacts(of: found.name, in: spool.descriptor(.new))) != nil {
      tell(
        Complaint(
          .note, .oddities, subject(found), "new/ has another message of that name",
          hint: "nothing is overwritten: the later one is numbered; msgspool show tells both"))
    }
    return true
  }
}
