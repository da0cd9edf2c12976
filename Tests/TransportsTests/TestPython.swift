import Foundation
import Testing

/// A Python with the packages that the tests talk to: `$MSGSPOOL_TEST_PYTHON`, else the virtual environment that
/// `Tests/prepare-python.sh` makes in the build folder.
///
/// Looked up in the file system only: traits are evaluated while other tests run, on the few threads that all share.
enum TestPython {
  static let packages = ["aiosmtpd", "apprise"]
  static let missing: Comment = "needs Python with aiosmtpd and apprise: run Tests/prepare-python.sh"

  static let path: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let own = root.appending(path: ".build/test-python/bin/python").path
    let candidates = [ProcessInfo.processInfo.environment["MSGSPOOL_TEST_PYTHON"], own].compactMap { $0 }
    return candidates.first(where: has)
  }()

  private static func has(_ python: String) -> Bool {
    let libraries = URL(fileURLWithPath: python).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "lib")
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries.path)) ?? []
    return FileManager.default.isExecutableFile(atPath: python)
      && versions.contains { version in
        packages.allSatisfy {
          FileManager.default.fileExists(atPath: libraries.appending(path: "\(version)/site-packages/\($0)").path)
        }
      }
  }
}
