import Core
import FoundationEssentials
import Spooling

/// Feeds a report: every file that may have something to tell, one after the other, in flat memory.
package struct ReportReader {
  private let spool: Spool
  /// Files looked at so far, now and then.
  private let progress: (Int) -> Void

  /// - Parameter progress: hears how many files were looked at, every thousand.
  package init(_ spool: Spool, progress: @escaping (Int) -> Void) {
    self.spool = spool
    self.progress = progress
  }

  package func read(since: Date, until: Date) throws(SystemFault) -> Report {
    var report = Report(since: since, until: until)
    var reader = HistoryReader()
    var files = 0
    // Those in cur/ are under way: their lines are another sweep's business for a moment.
    for folder in [Folder.done, .failed, .deferred, .hold] where spool.has(folder) && !spool.closed.contains(folder) {
      var walk = try Walk(folder, of: spool)
      while let found = try walk.next() {
        files += 1
        if files.isMultiple(of: 1000) { progress(files) }
        if found.isOdd { continue }
        // A settled file was written to last when it was settled.
        let isSettled = folder == .done || folder == .failed
        reader.read(found.name, in: found.place.descriptor, notBefore: isSettled ? since : nil) { entries in
          report.take(entries, name: found.name.display)
        }
      }
    }
    progress(files)
    return report
  }
}
