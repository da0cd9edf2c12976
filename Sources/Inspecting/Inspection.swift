import Core
import FoundationEssentials
import Ledger
import Spooling
import Sweeping

/// Looks whether folders, history and ledger agree, and whether what waits can be sent. Sends nothing; mends what can be
/// mended when asked to. Sweeps may run meanwhile: what they have in hand is theirs, and what vanishes is no complaint.
///
/// Each part is a file of its own: InspectionMessages (what waits), InspectionHistory (what is settled),
/// InspectionLedger (sweeps and calls).
package struct Inspection {
  /// What mending needs beside the spool.
  package struct Repair: Sendable {
    package var ledger: any LedgerAudit
    package var random: @Sendable () -> Double
    package var nonce: @Sendable () -> String

    package init(
      ledger: any LedgerAudit, random: @escaping @Sendable () -> Double, nonce: @escaping @Sendable () -> String
    ) {
      self.ledger = ledger
      self.random = random
      self.nonce = nonce
    }
  }

  let spool: Spool
  /// Nil when it can't be used: then nothing is routed or rescued.
  let configuration: Configuration?
  /// Nil where there is none, or it can't be read.
  let ledger: (any LedgerAudit)?
  let repair: Repair?
  let now: @Sendable () -> Date
  let tell: (Complaint) -> Void

  /// Files whose last line is missing or torn, by name: the ledger is asked about all of them at once.
  var broken: [String: Broken] = [:]
  /// Dead sweeps have left something, or were given something back.
  var needsRescue = false
  /// Files with a second hard link somewhere, told together: a backup may have linked all of them.
  var linked = Strays()
  /// What is no plain file, told together: a slip with `cp -r` brings a thousand folders.
  var odd = Strays()

  var limit: Int { (configuration ?? Configuration()).maxMessageBytes }

  package init(
    _ spool: Spool, _ configuration: Configuration?, _ ledger: (any LedgerAudit)?, repair: Repair?,
    now: @escaping @Sendable () -> Date, tell: @escaping (Complaint) -> Void
  ) {
    self.spool = spool
    self.configuration = configuration
    self.ledger = repair?.ledger ?? ledger
    self.repair = repair
    self.now = now
    self.tell = tell
  }

  package mutating func run() throws(SweepTrouble) {
    do throws(SystemFault) {
      let isReadOnly = try inspectDisk()
      try inspectFolders(isReadOnly: isReadOnly)
      try inspectForgotten()
      for folder in [Folder.new, .deferred] { try inspectWaiting(folder) }
      for folder in [Folder.deferred, .done, .failed] { try inspectHistory(of: folder) }
      tellStrays()
      try inspectSweeps()
    } catch {
      throw SweepTrouble(fault: error)
    }
    do throws(LedgerFault) {
      try resolveBroken()
      if needsRescue { try rescue() }
      try inspectLedger()
    } catch {
      tell(Complaint(.error, .ledger, SpoolLayout.ledger, error.message, hint: SweepTrouble(fault: error).hint))
    }
  }

  // MARK: Folders

  /// A disk that is nearly full is told before it stops a sweep.
  /// - Returns: whether nothing can be written to it at all.
  private func inspectDisk() throws(SystemFault) -> Bool {
    let room = try spool.diskRoom()
    let remedy = "free some space on the spool's file system; msgspool prune --older-than 7d removes what is settled"
    if room.isReadOnly {
      tell(
        Complaint(
          .error, .disk, spool.path, "its file system is mounted read-only: nothing is sent",
          hint: "remount it read-write"))
    }
    if room.isShortOfBytes {
      tell(
        Complaint(
          .warning, .disk, spool.path,
          "its file system is nearly full: \(DiskRoom.text(room.bytes)) of \(DiskRoom.text(room.allBytes)) are left",
          hint: remedy))
    }
    if room.isShortOfFiles {
      tell(
        Complaint(
          .warning, .disk, spool.path,
          "its file system has room for only \(room.files) more files (inodes), of \(room.allFiles)", hint: remedy))
    }
    return room.isReadOnly
  }

  private func inspectFolders(isReadOnly: Bool) throws(SystemFault) {
    let root = try spool.facts()
    if root.mode & 0o002 != 0 {
      tell(
        Complaint(
          .error, .permissions, spool.path, "anybody may write in it", hint: "chmod o-w \(spool.path.shellWord)"))
    }
    for folder in Folder.allCases where spool.has(folder) {
      let facts = try spool.facts(folder)
      let path = spool.path(folder)
      inspectOwner(FileName(folder.rawValue), in: spool.rootDescriptor, folder.rawValue + "/", root)
      if facts.device != root.device {
        tell(
          Complaint(
            .error, .permissions, path, "lies on another file system than the spool, and nothing can be renamed across",
            hint: "keep the whole spool on one file system"))
      }
      // Nobody may on such a disk, which has been told.
      if !isReadOnly, !spool.mayWork(in: folder) {
        tell(
          Complaint(
            .error, .permissions, path, "this user may not work in it",
            hint: "run as the sweeper's user, or let it own the spool: chown -R msgspool \(spool.path.shellWord)"))
      }
      guard facts.mode & 0o002 != 0 else { continue }
      let isForProducers = folder == .tmp || folder == .new
      // With the sticky bit, as /tmp has it, producers can't take away each other's files.
      if isForProducers, facts.mode & 0o1000 != 0 { continue }
      tell(
        Complaint(
          isForProducers ? .warning : .error, .permissions, path, "anybody may write in it, and remove what is there",
          hint: isForProducers
            ? "chmod +t \(path.shellWord), or give producers a group: chmod 2770" : "chmod o-w \(path.shellWord)"))
    }
    if !isReadOnly { inspectReceipts() }
    for name in [SpoolLayout.ledger, SpoolLayout.configuration] {
      guard let facts = spool.facts(of: name), facts.mode & 0o002 != 0 else { continue }
      tell(closed(FileName(name), in: spool.rootDescriptor, "\(spool.path)/\(name)", facts))
    }
  }

  /// Receipts that can't be removed are read in every sweep, and those that can't be kept stay in the way.
  private func inspectReceipts() {
    for folder in ReceiptFolder.closed(in: spool) {
      tell(
        Complaint(
          .error, .permissions, "\(spool.path)/\(folder)", "this user may not work in it",
          hint: "run as the sweeper's user, or let it own the spool: chown -R msgspool \(spool.path.shellWord)"))
    }
  }

  @discardableResult
  func inspectOwner(_ name: FileName, in folder: Int32, _ subject: String, _ root: FileFacts) -> Bool {
    Inspection.inspectOwner(name, in: folder, subject, root, of: spool, isRepair: repair != nil, tell: tell)
  }

  /// Whether the ledger's files are the spool's owner's: looked at before it is opened, which fails otherwise.
  package static func inspectLedgerOwner(of spool: Spool, isRepair: Bool, tell: (Complaint) -> Void) {
    guard let root = try? spool.facts() else { return }
    for name in [SpoolLayout.ledger, "\(SpoolLayout.ledger)-wal", "\(SpoolLayout.ledger)-shm"] {
      inspectOwner(FileName(name), in: spool.rootDescriptor, name, root, of: spool, isRepair: isRepair, tell: tell)
    }
  }

  /// What the sweeper needs for itself must be the spool's owner's: what root left there shuts it out.
  /// - Returns: whether it is, or has become, the owner's.
  @discardableResult
  private static func inspectOwner(
    _ name: FileName, in folder: Int32, _ subject: String, _ root: FileFacts, of spool: Spool, isRepair: Bool,
    tell: (Complaint) -> Void
  ) -> Bool {
    guard let facts = try? FileFacts(of: name, in: folder), facts.owner != root.owner else { return true }
    var complaint = Complaint(
      .error, .permissions, subject, "belongs to user \(facts.owner), and the spool to user \(root.owner)",
      hint: "as root: msgspool check --repair, or chown -R --reference=\(spool.path.shellWord) "
        + "\(spool.path)/\(subject)".shellWord)
    if isRepair, spool.giveToOwner(name, in: folder, root) { complaint.action = "given to the spool's owner" }
    tell(complaint)
    return complaint.action != nil
  }

  /// The complaint about a file that anybody may write to, mended where that is asked for.
  func closed(_ name: FileName, in folder: Int32, _ subject: String, _ facts: FileFacts) -> Complaint {
    var complaint = Complaint(
      .warning, .permissions, subject, "anybody may write to it", hint: "check --repair takes that right away")
    if repair != nil, spool.closeToOthers(name, in: folder, facts) {
      complaint.action = "others may no longer write to it"
    }
    return complaint
  }

  private mutating func inspectForgotten() throws(SystemFault) {
    var walk = try Walk(.tmp, of: spool, includesIgnored: true)
    let now = now()
    while let found = try walk.next() {
      if found.isOdd {
        // A hidden one is its owner's, as in every other folder.
        if !SpoolLayout.isHidden(found.name) { note(odd: found) }
        continue
      }
      guard let facts = try? FileFacts(of: found.name, in: found.place.descriptor) else { continue }
      let age = now.timeIntervalSince(facts.modified)
      guard age > Pruning.forgotten, !SpoolLayout.keepsFolder(found.name, facts) else { continue }
      var complaint = Complaint(
        .warning, .leftovers, subject(found), "a producer left it unfinished \(TimeSpan.text(age)) ago",
        hint: "msgspool prune removes it")
      if repair != nil {
        try spool.remove(found.name, in: found.place.descriptor, path: found.place.path)
        complaint.action = "removed"
      }
      tell(complaint)
    }
  }

  // MARK: Helpers

  func subject(_ found: Walk.Found) -> String { "\(found.place.label)/\(found.name.display)" }

  mutating func note(odd found: Walk.Found) {
    odd.add(
      subject(found), "is no plain file (a symbolic link, FIFO, device or folder): it is never opened or moved",
      hint: "move it out of the spool")
  }

  func tellStrays() {
    for line in linked.lines + odd.lines {
      tell(Complaint(.error, .oddities, line.subject, line.problem, hint: line.hint))
    }
  }
}
