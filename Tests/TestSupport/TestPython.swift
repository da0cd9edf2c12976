import Foundation
import Testing

/// A Python with the packages that a test talks to: `$MSGSPOOL_TEST_PYTHON`, else the virtual environment that
/// `Tests/prepare-python.sh` makes in the build folder, else Debian's own.
///
/// Looked up in the file system only: traits are evaluated while other tests run, on the few threads that all share.
package enum TestPython {
  /// The interpreter that has this package, as its folder is called.
  package static func with(_ package: String) -> String? {
    let own = Repository.file(".build/test-python/bin/python").path
    let candidates = [ProcessInfo.processInfo.environment["MSGSPOOL_TEST_PYTHON"], own, "/usr/bin/python3"]
    return candidates.compactMap { $0 }.first { has($0, package) }
  }

  package static func missing(_ package: String) -> Comment {
    "needs Python with \(package): make setup, or Tests/prepare-python.sh"
  }

  private static func has(_ python: String, _ package: String) -> Bool {
    let libraries = URL(fileURLWithPath: python).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "lib")
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries.path)) ?? []
    return FileManager.default.isExecutableFile(atPath: python)
      && versions.contains { version in
        // Debian keeps its packages apart from those that pip installs.
        version.hasPrefix("python3")
          && ["site-packages", "dist-packages"].contains {
            FileManager.default.fileExists(atPath: libraries.appending(path: "\(version)/\($0)/\(package)").path)
          }
      }
  }
}
