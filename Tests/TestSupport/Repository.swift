import Foundation

/// The repository's own files, for tests that read them: fixtures, documents, and the sources where their walls are checked.
package enum Repository {
  package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// - Parameter path: from the root, such as `Tests/Fixtures/aliyun`.
  package static func file(_ path: String) -> URL { root.appending(path: path) }

  package static func text(_ path: String) throws -> String { try String(contentsOf: file(path), encoding: .utf8) }

  /// The paths of all files below a folder that end so, from the root and sorted.
  package static func files(below folder: String, ending suffix: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: file(folder).path)
      .filter { $0.hasSuffix(suffix) }.map { "\(folder)/\($0)" }.sorted()
  }
}
