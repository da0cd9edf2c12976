import Core

/// The end of a message's stay in cur/: its line is appended, flushed, and the file renamed to where it belongs.
package final class Settlement: Sendable {
  package let file: ClaimedFile
  /// Nil for a message that goes back unchanged.
  package let line: HistoryLine?
  /// The channel in whose share of the messages in hand it is.
  package let share: String
  /// The line is in the file already, and perhaps not on the disk: it is flushed, and the file renamed.
  package let isWritten: Bool

  package init(_ file: ClaimedFile, _ line: HistoryLine?, share: String = "", isWritten: Bool = false) {
    self.file = file
    self.line = line
    self.share = share
    self.isWritten = isWritten
  }

  package var folder: Folder { line.map { SpoolLayout.folder(of: $0.state) } ?? .new }
}

/// A message that left cur/, and under which name.
package struct Settled: Sendable {
  package let settlement: Settlement
  /// In its folder, where its own may have been taken; its own where somebody has taken the file away.
  package let name: FileName
}

/// Settles messages in groups, so that one flush serves thousands. Outcomes are in the ledger before anything gets here;
/// what a crash leaves undone in here, the rescuer does again (see Rescue).
package struct Settler {
  /// Up to here files are flushed one by one; beyond, one flush of the file system is cheaper.
  private static let fewFiles = 4

  private let disk: any SpoolDisk
  private let folder: any SweepDisk
  private var bytes: [UInt8] = []
  /// A longer line's memory is not kept for the next.
  private static let mostKept = 1 << 20

  package init(_ folder: any SweepDisk, of disk: any SpoolDisk) {
    self.folder = folder
    self.disk = disk
  }

  package init(_ folder: SweepFolder) { self.init(folder, of: folder.spool) }

  /// - Throws: at the first thing that could not be recorded. What was renamed before is settled; the rest stays in cur/.
  @discardableResult
  package mutating func settle(_ settlements: [Settlement]) throws(SystemFault) -> [Settled] {
    let flushesEach = settlements.count <= Settler.fewFiles
    var hasLines = false
    for settlement in settlements {
      guard let line = settlement.line else { continue }
      hasLines = true
      if !settlement.isWritten {
        try append(line, to: settlement.file, flush: flushesEach)
      } else if flushesEach {
        try folder.append([], to: settlement.file, due: nil, flush: true)
      }
    }
    if hasLines, !flushesEach { try disk.flushAll() }
    var settled: [Settled] = []
    settled.reserveCapacity(settlements.count)
    var rest = settlements[...]
    // Neighbours that go to one folder go together, so that its place is looked at once for all of them.
    while let target = rest.first?.folder {
      let run = rest.prefix { $0.folder == target }
      for (settlement, name) in zip(run, try folder.put(run.map(\.file.name), into: target)) {
        settled.append(Settled(settlement: settlement, name: name ?? settlement.file.name))
      }
      rest = rest.dropFirst(run.count)
    }
    return settled
  }

  private mutating func append(_ line: HistoryLine, to file: ClaimedFile, flush: Bool) throws(SystemFault) {
    bytes.removeAll(keepingCapacity: true)
    if !file.endsWithNewline { bytes.append(UInt8(ascii: "\n")) }
    History.write(line, to: &bytes)
    try folder.append(bytes, to: file, due: line.state == .deferred ? line.due : nil, flush: flush)
    if bytes.capacity > Settler.mostKept { bytes = [] }
  }
}
