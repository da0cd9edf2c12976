import Foundation

/// What strikes a program at its N-th system call, counted over all its threads: `Tests/Calamity/calamity.c`, loaded
/// before the C library. `Injection` does it with strace, which counts per thread; the two check each other.
package struct Calamity: Sendable, CustomStringConvertible {
  package enum Act: Sendable {
    /// Count only.
    case none
    /// SIGKILL before the call.
    case kill
    /// Half of a write, or any other call whole, then SIGKILL.
    case torn
    /// The write says that it wrote half, which is true.
    case short
    /// The power fails: the file system that is mounted there stops as it is on its disk.
    case cut(disk: String)
    case fail(Int32)
  }

  package var act: Act
  package var at: Int
  /// An error stays.
  package var lasts = false
  /// Renames know no flags, as on some file systems.
  package var renamesPlainly = false
  /// Calls that only read count as well.
  package var countsReads = false
  /// Only calls of this name count.
  package var only: String?
  /// Nothing counts before this file is there.
  package var after: String?
  /// Before this call the kernel flushes the disk that is cut off later, as it may at any time.
  package var flush = 0

  package init(_ act: Act, at: Int = 0) {
    self.act = act
    self.at = at
  }

  package static let none = Calamity(.none)
  package static let killed: Int32 = 128 + 9

  package var description: String {
    let what =
      switch act {
      case .none: "nothing"
      case .kill: "killed"
      case .torn: "killed in the middle"
      case .short: "short write"
      case .cut: "power cut"
      case .fail(let number): Self.name(of: number) + (lasts ? " for good" : "")
      }
    return "\(what) at \(only ?? "call") \(at)" + (flush > 0 ? ", flushed at \(flush)" : "")
  }

  package static func name(of number: Int32) -> String {
    switch number {
    case ENOSPC: "ENOSPC"
    case EDQUOT: "EDQUOT"
    case EIO: "EIO"
    case EROFS: "EROFS"
    case EACCES: "EACCES"
    case EMFILE: "EMFILE"
    case ENOMEM: "ENOMEM"
    case EINTR: "EINTR"
    default: "errno \(number)"
    }
  }

  // MARK: Striking

  package struct Struck: Sendable {
    package var ran: Ran
    /// The names of the calls that were counted.
    package var calls: [String]
    /// The call it struck at first; nil when the program ended before.
    package var at: String?
  }

  /// Lets it strike at what `body` runs with the environment it is given.
  package func strike(_ body: (_ environment: [String: String]) async throws -> Ran) async throws -> Struck {
    let log = "\(NSTemporaryDirectory())/calamity-\(UUID().uuidString)"
    defer { unlink(log) }
    let ran = try await body(try await environment(log: log))
    var calls: [String] = []
    var at: String?
    for line in ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n") {
      if line.hasPrefix("struck ") { at = at ?? String(line.dropFirst(7)) } else { calls.append(String(line)) }
    }
    return Struck(ran: ran, calls: calls, at: at)
  }

  private func environment(log: String) async throws -> [String: String] {
    var variables = ["LD_PRELOAD": try await Self.library.value, "CALAMITY_LOG": log, "CALAMITY_AT": String(at)]
    switch act {
    case .none: break
    case .kill: variables["CALAMITY_DO"] = "kill"
    case .torn: variables["CALAMITY_DO"] = "torn"
    case .short: variables["CALAMITY_DO"] = "short"
    case .cut(let disk):
      variables["CALAMITY_DO"] = "cut"
      variables["CALAMITY_DISK"] = disk
    case .fail(let number): variables["CALAMITY_DO"] = String(number)
    }
    if lasts { variables["CALAMITY_LASTS"] = "1" }
    if renamesPlainly { variables["CALAMITY_PLAIN"] = "1" }
    if countsReads { variables["CALAMITY_READS"] = "1" }
    if flush > 0 { variables["CALAMITY_SYNC"] = String(flush) }
    variables["CALAMITY_ONLY"] = only
    variables["CALAMITY_AFTER"] = after
    return variables
  }

  // MARK: The library

  package static let isMissing = compiler == nil
  private static let compiler = ["cc", "clang", "gcc"].first { find(program: $0) != nil }

  /// Made once, at its first use.
  private static let library = Task<String, any Error> {
    let source = Repository.file("Tests/Calamity/calamity.c").path
    let path = "\(NSTemporaryDirectory())/calamity-\(getpid()).so"
    let options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    let compiled = try await run(compiler ?? "cc", options + ["-o", path, source, "-ldl"])
    guard compiled.status == 0 else { throw RunError.noFirstLine("cc", compiled) }
    atexit { unlink("\(NSTemporaryDirectory())/calamity-\(getpid()).so") }
    return path
  }
}

/// The power of a disk, as far as an ext4 image on a loop device has one.
package final class Disk: Sendable {
  package static let whyNot: String? =
    if geteuid() != 0 {
      "only root mounts"
    } else if let missing = ["mkfs.ext4", "mount", "umount"].first(where: {
      find(program: $0) == nil
    }) { "\(missing) is missing" } else if access("/dev/loop-control", R_OK | W_OK) != 0 {
      "there are no loop devices"
    } else { nil }

  package let path: String
  private let image: String
  private let options: String

  /// - Parameters:
  ///   - options: of mount, behind `loop`.
  package init(megabytes: Int = 24, options: String = "") async throws {
    let root = "\(NSTemporaryDirectory())/disk-\(UUID().uuidString)"
    image = "\(root)/image"
    path = "\(root)/mounted"
    self.options = options.isEmpty ? "loop" : "loop,\(options)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try await must("truncate", "-s", "\(megabytes)M", image)
    try await must("mkfs.ext4", "-q", "-F", "-m", "0", image)
    try await mount()
  }

  private func mount() async throws { try await must("mount", "-o", options, image, path) }

  /// Takes the power away; nothing that was not flushed remains.
  package func cut() throws {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(folder) }
    // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
    var flags: UInt32 = 2
    guard ioctl(folder, 0x8004_587D, &flags) == 0 else { throw RunError.failed("ioctl", errno: errno) }
  }

  /// Gives the power back: the journal is replayed.
  package func restore() async throws {
    try await unmount()
    try await mount()
  }

  /// A child that some other test has just started may hold a file for an instant.
  private func unmount() async throws {
    let deadline = Date(timeIntervalSinceNow: 20)
    while try await run("umount", [path]).status != 0, Date() < deadline {
      try await Task.sleep(for: .milliseconds(20))
    }
    if access("\(path)/lost+found", F_OK) == 0 { try await must("umount", path) }
  }

  package func remove() async throws {
    try await unmount()
    try FileManager.default.removeItem(atPath: URL(filePath: path).deletingLastPathComponent().path)
  }
}

/// Runs a program that must not fail.
package func must(_ program: String, _ arguments: String...) async throws {
  let ran = try await run(program, arguments)
  guard ran.status == 0 else { throw SpoolDamage(description: "\(program) \(arguments): \(ran.stderr)") }
}
