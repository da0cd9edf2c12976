import Foundation

/// A Python with the packages that the tests talk to: `$MSGSPOOL_TEST_PYTHON`, else a virtual environment in the build
/// folder, made on first use where a package index can be reached.
enum TestPython {
  static let packages = ["aiosmtpd", "apprise"]

  static let path: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let environment = root.appending(path: ".build/test-python")
    let own = environment.appending(path: "bin/python").path
    for candidate in [ProcessInfo.processInfo.environment["MSGSPOOL_TEST_PYTHON"], own] {
      if let candidate, has(packages, candidate) { return candidate }
    }
    guard run("/usr/bin/env", ["python3", "-m", "venv", environment.path]),
      run(own, ["-m", "pip", "-q", "--disable-pip-version-check", "--retries", "1", "install"] + packages),
      has(packages, own)
    else { return nil }
    return own
  }()

  private static func has(_ packages: [String], _ python: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: python)
      && run(python, ["-c", "import " + packages.joined(separator: ", ")])
  }

  private static func run(_ program: String, _ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
