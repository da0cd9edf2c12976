/// What a file system has left for this user, and what it has in all.
package struct DiskRoom: Sendable, Hashable {
  package var bytes: Int
  package var allBytes: Int
  /// Files that can still be made (inodes).
  package var files: Int
  /// 0 where the file system has no such limit.
  package var allFiles: Int
  package var isReadOnly: Bool

  package init(bytes: Int, allBytes: Int, files: Int, allFiles: Int, isReadOnly: Bool = false) {
    self.bytes = bytes
    self.allBytes = allBytes
    self.files = files
    self.allFiles = allFiles
    self.isReadOnly = isReadOnly
  }

  /// Less than a twentieth is left, and not so much that a day of messages would fit all the same.
  private static let share = 20
  private static let plentyOfBytes = 1 << 30
  private static let plentyOfFiles = 10_000

  /// `17 MiB`.
  package static func text(_ bytes: Int) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var (number, unit) = (bytes, 0)
    while number >= 10 * 1024, unit + 1 < units.count { (number, unit) = (number / 1024, unit + 1) }
    return "\(number) \(units[unit])"
  }

  package var isShortOfBytes: Bool { bytes < allBytes / DiskRoom.share && bytes < DiskRoom.plentyOfBytes }
  package var isShortOfFiles: Bool {
    allFiles > 0 && files < allFiles / DiskRoom.share && files < DiskRoom.plentyOfFiles
  }
}
