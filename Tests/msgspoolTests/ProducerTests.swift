import Foundation
import Synchronization
import TestSupport
import Testing

/// One of the programs in Sources/Extras/Producers: what it is called, and how to build and start it.
struct Producer: Sendable, CustomTestStringConvertible {
  let language: String
  let file: String
  /// The compiler and its arguments, after which come the source and, for a compiled one, nothing else.
  var build: [String] = []
  /// What starts it; SOURCE and FOLDER (of the built program) are filled in.
  let start: [String]
  /// A trap of the language: what it needs besides cron's bare environment.
  var env: [String: String] = [:]

  var testDescription: String { language }

  static let all = [
    Producer(language: "sh", file: "drop.sh", start: ["sh", "SOURCE"]),
    Producer(language: "Python", file: "drop.py", start: ["python3", "SOURCE"]),
    Producer(language: "Node", file: "drop.js", start: ["node", "SOURCE"]),
    Producer(language: "Perl", file: "drop.pl", start: ["perl", "SOURCE"]),
    Producer(language: "Ruby", file: "drop.rb", start: ["ruby", "SOURCE"]),
    Producer(language: "PHP", file: "drop.php", start: ["php", "SOURCE"]),
    Producer(language: "Tcl", file: "drop.tcl", start: ["tclsh", "SOURCE"]),
    Producer(
      language: "C", file: "drop.c",
      build: ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-o", "FOLDER/drop", "SOURCE"],
      start: ["FOLDER/drop"]),
    Producer(
      language: "Rust", file: "drop.rs", build: ["rustc", "-O", "-D", "warnings", "-o", "FOLDER/drop", "SOURCE"],
      start: ["FOLDER/drop"]),
    Producer(
      language: "Go", file: "drop.go", build: ["go", "build", "-o", "FOLDER/drop", "SOURCE"], start: ["FOLDER/drop"]),
    Producer(
      language: "Java", file: "Drop.java", build: ["javac", "-Xlint:all", "-Werror", "-d", "FOLDER", "SOURCE"],
      // Without its statistics file and second compiler it starts sooner, and writes nothing but the message.
      start: ["java", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-cp", "FOLDER", "Drop"],
      env: ["LC_ALL": "C.UTF-8"]),
  ]

  static let sources = Repository.file("Sources/Extras/Producers")

  /// Why it can't run here, if so.
  var missing: String? {
    let program = build.first ?? start[0]
    return find(program: program) == nil ? "\(language) (no \(program))" : nil
  }

  static let here = all.filter { $0.missing == nil }

  /// The command line up to the producer's own arguments.
  func command() async throws -> [String] {
    let folder = try await Workshop.shared.folder(of: self)
    return start.map { filled($0, folder: folder) }
  }

  func filled(_ argument: String, folder: String) -> String {
    argument.replacing("SOURCE", with: Self.sources.appending(path: file).path).replacing("FOLDER", with: folder)
  }

  /// Runs it as cron would: with a PATH, a HOME, and no locale.
  func drop(_ arguments: [String], behind wrapper: [String] = []) async throws -> Ran {
    let inherited = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME"].contains($0.key) }
    let command = try await wrapper + command() + arguments
    return try await run(command[0], Array(command[1...]), env: inherited.merging(env) { $1 })
  }
}

/// Builds each compiled producer once, into a folder that goes when the tests end.
actor Workshop {
  static let shared = Workshop()
  private static let root = NSTemporaryDirectory() + "msgspool-producers-\(getpid())"
  private var built: [String: Task<String, any Error>] = [:]

  private init() { atexit { try? FileManager.default.removeItem(atPath: Workshop.root) } }

  func folder(of producer: Producer) async throws -> String {
    if let task = built[producer.language] { return try await task.value }
    let task = Task {
      let folder = "\(Self.root)/\(producer.language)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      guard !producer.build.isEmpty else { return folder }
      let command = producer.build.map { producer.filled($0, folder: folder) }
      let ran = try await run(command[0], Array(command[1...]), timeout: .seconds(300))
      try #require(ran.status == 0, "\(command.joined(separator: " ")): \(ran.stderr)")
      return folder
    }
    built[producer.language] = task
    return try await task.value
  }
}

/// A spool of its own for one test.
final class Scratch: Sendable {
  let root: String
  var spool: String { root + "/spool" }

  init(folders: [String] = ["tmp", "new", "cur", "deferred", "done", "failed"]) throws {
    // As the kernel spells it, for the trace's sake.
    root =
      FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "msgspool-\(UUID().uuidString)").path
    for folder in folders {
      try FileManager.default.createDirectory(atPath: "\(root)/spool/\(folder)", withIntermediateDirectories: true)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(spool)/\(folder)")
  }

  func bytes(of name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: "\(spool)/new/\(name)"))
  }
}

/// A text that a careless encoder, shell or argument parser would spoil.
struct Nasty: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let text: String

  init(_ name: String, _ text: String) {
    testDescription = name
    self.text = text
  }

  static let bodies = [
    Nasty("nothing", ""),
    Nasty("quotes and backslashes", #"She said "hi" to 'C:\new\table\' \u0041 \\ \" </script> &amp;"#),
    Nasty(
      "lines and every control character",
      "one\n\n\ttwo\r\nthree\rfour"
        + String(String.UnicodeScalarView((1...31).map { Unicode.Scalar($0) })) + "\u{7f} \n\n"),
    Nasty(
      "the world's scripts",
      "数据库备份失败:磁盘已满。“引号” 👩‍👩‍👧 🇨🇳 𝒳 𠮷 \u{10FFFF} "
        + "ÀÁÂÃÄÅÆÇÈ àáâ e\u{301} \u{80}\u{85}\u{9f} \u{2028}\u{2029} \u{fffd} a\u{feff}b"),
    Nasty("options", "--help -n -e"),
    Nasty("a number", "007"),
    Nasty(
      "what printf, a shell or Tcl would work out",
      #"%s %n %d 100% %% \n\c $HOME ${PATH} `id` $(id) [exit 3] {*}$argv ; & | ~ * ? # !!"#),
    Nasty("100 kB of lines", String(repeating: "行 \"x\" \\ ", count: 16) + "\n").repeated(to: 100_000),
    Nasty("100 kB in one line", "长文本, é😀 ").repeated(to: 100_000),
  ]

  private func repeated(to bytes: Int) -> Nasty {
    Nasty(testDescription, String(repeating: text, count: bytes / text.utf8.count))
  }
}

@Suite("Producers in other languages", .serialized)
struct ProducerTests {
  @Test(
    "every language is tried here",
    .enabled(if: Producer.here.count == Producer.all.count, "not tried: \(Producer.all.compactMap(\.missing))"))
  func everyLanguage() {}

  @Test("drops exactly one message, byte for byte", arguments: Producer.here, Nasty.bodies)
  func drops(producer: Producer, body: Nasty) async throws {
    let scratch = try Scratch()
    // Java and compilers read arguments from a file at "@"; PHP and Perl take "0" for false.
    let recipients = ["@everyone", #"组 "b\"#, "0"]
    let channel = "--version \"1\""
    let ran = try await producer.drop([scratch.spool, channel, recipients.joined(separator: ","), body.text])
    #expect(ran.status == 0 && ran.stderr.isEmpty, "\(ran.stderr)")
    #expect(try scratch.names(in: "new").map { $0 + "\n" } == [ran.stdout])
    #expect(try scratch.names(in: "tmp").isEmpty)

    let data = try scratch.bytes(of: ran.stdout.trimmingCharacters(in: .newlines))
    let message = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(Set(message.keys) == ["channel", "to", "body"])
    #expect(message["channel"] as? String == channel)
    #expect(message["to"] as? [String] == recipients)
    // Byte for byte, since Swift holds composed and decomposed accents for equal; and outside of #expect, which would
    // take minutes to describe how 100 kB differ.
    let arrived = try #require(message["body"] as? String)
    let same = arrived.utf8.elementsEqual(body.text.utf8)
    #expect(same, "arrived: \(arrived.prefix(200).debugDescription)")
    // What happened is appended as lines of their own.
    #expect(data.last == UInt8(ascii: "\n") && data.count { $0 == UInt8(ascii: "\n") } == 1)
  }

  @Test(
    "recipients without a name are left out, and so is a list without recipients", arguments: Producer.here,
    ["", "a,,0,"])
  func emptyRecipients(producer: Producer, to: String) async throws {
    let scratch = try Scratch()
    let ran = try await producer.drop([scratch.spool, "robot", to, "text"])
    #expect(ran.status == 0, "\(ran.stderr)")
    let name = try #require(try scratch.names(in: "new").first)
    let message = try #require(try JSONSerialization.jsonObject(with: scratch.bytes(of: name)) as? [String: Any])
    #expect(message["to"] as? [String] == (to == "a,,0," ? ["a", "0"] : nil))
    #expect(message.count == (to == "a,,0," ? 3 : 2))
  }

  @Test("drops of the same instant are messages of their own", arguments: Producer.here)
  func unique(producer: Producer) async throws {
    let scratch = try Scratch()
    let several = ["/bin/sh", "-c", #"for n in 1 2 3 4; do "$@" & done; wait"#, "sh"]
    let ran = try await producer.drop([scratch.spool, "alerts", "UID_a", "text"], behind: several)
    let names = ran.stdout.split(separator: "\n").map(String.init)
    #expect(names.count == 4, "\(ran.stderr)")
    #expect(try scratch.names(in: "new").sorted() == names.sorted())
    // Such names are a producer's unfinished business to the sweeper.
    #expect(!names.contains { $0.hasPrefix(".") || [".tmp", ".part", "~"].contains(where: $0.hasSuffix) })
  }

  @Test(
    "the text is on disk before its name is in new/, and the name before the end",
    .enabled("no strace here that may trace") { await Strace.works() }, arguments: Producer.here)
  func durable(producer: Producer) async throws {
    let scratch = try Scratch()
    let trace = scratch.root + "/trace"
    let ran = try await producer.drop(
      [scratch.spool, "alerts", "UID_a", "text"], behind: Strace.command(writing: trace))
    #expect(ran.status == 0, "\(ran.stderr)")
    let name = ran.stdout.trimmingCharacters(in: .newlines)
    let calls = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").map(String.init)

    /// `-y` shows a descriptor as 3</path>.
    func last(_ names: [String], on path: String) -> Int? {
      calls.lastIndex { call in names.contains { call.contains("\($0)(") } && call.contains("<\(path)>") }
    }
    let write = try #require(last(["write", "writev", "pwrite64"], on: "\(scratch.spool)/tmp/\(name)"))
    let flush = try #require(last(["fsync", "fdatasync"], on: "\(scratch.spool)/tmp/\(name)"), "no flush of the file")
    let rename = try #require(calls.lastIndex { $0.contains("rename") && $0.contains("\(name)\"") })
    let folder = try #require(last(["fsync"], on: "\(scratch.spool)/new"), "no flush of the folder")
    #expect(write < flush && flush < rename && rename < folder, "\(calls)")
    #expect(![flush, rename, folder].contains { calls[$0].contains("= -1") }, "\(calls)")
  }

  @Test("a text that does not fit on the disk is an error and never reaches new/", arguments: Producer.here)
  func full(producer: Producer) async throws {
    let scratch = try Scratch()
    // A file may not grow over 8 KiB here: the write breaks off in the middle, as it does on a full disk.
    let limited = ["/bin/sh", "-c", #"trap "" XFSZ; ulimit -f 16; exec "$@""#, "sh"]
    let long = String(repeating: "long ", count: 20_000)
    let ran = try await producer.drop([scratch.spool, "alerts", "UID_a", long], behind: limited)
    #expect(ran.status != 0)
    #expect(!ran.stderr.isEmpty)
    #expect(ran.stdout.isEmpty)
    #expect(try scratch.names(in: "new").isEmpty)
  }

  @Test("the umask alone decides who may read the file", arguments: Producer.here)
  func mode(producer: Producer) async throws {
    let scratch = try Scratch()
    let masked = ["/bin/sh", "-c", #"umask 027; exec "$@""#, "sh"]
    let ran = try await producer.drop([scratch.spool, "alerts", "UID_a", "text"], behind: masked)
    let name = ran.stdout.trimmingCharacters(in: .newlines)
    let attributes = try FileManager.default.attributesOfItem(atPath: "\(scratch.spool)/new/\(name)")
    #expect(attributes[.posixPermissions] as? Int == 0o640, "\(ran.stderr)")
  }

  @Test(
    "a missing spool is an error that names the folder and the remedy", arguments: Producer.here,
    [[], ["tmp"]])
  func missingSpool(producer: Producer, folders: [String]) async throws {
    let scratch = try Scratch(folders: folders)
    let ran = try await producer.drop([scratch.spool, "alerts", "UID_a", "text"])
    #expect(ran.status == 66)
    #expect(ran.stderr.contains("no spool at \(scratch.spool)"), "\(ran.stderr)")
    #expect(ran.stderr.contains("msgspool init \(scratch.spool)"), "\(ran.stderr)")
    #expect(ran.stdout.isEmpty)
  }

  @Test("too few or too many arguments are a usage error", arguments: Producer.here, [3, 5])
  func usage(producer: Producer, count: Int) async throws {
    let scratch = try Scratch()
    let ran = try await producer.drop([scratch.spool] + Array(repeating: "word", count: count - 1))
    #expect(ran.status == 64)
    #expect(ran.stderr.contains("SPOOL CHANNEL TO"), "\(ran.stderr)")
    #expect(try scratch.names(in: "new").isEmpty)
  }

  @Test(
    "Java refuses a text that its locale has already spoiled, and says what to do",
    arguments: Producer.here.filter { $0.language == "Java" })
  func javaLocale(java: Producer) async throws {
    var java = java
    java.env = [:]
    let scratch = try Scratch()
    let ran = try await java.drop([scratch.spool, "alerts", "UID_a", "数据库"])
    #expect(ran.status == 64)
    #expect(ran.stderr.contains("LC_ALL=C.UTF-8"), "\(ran.stderr)")
    #expect(try scratch.names(in: "new").isEmpty && scratch.names(in: "tmp").isEmpty)
  }

  @Test("the table in the producers' README names every file, and no other")
  func readme() throws {
    let readme = try String(contentsOf: Producer.sources.appending(path: "README.md"), encoding: .utf8)
    let linked = readme.matches(of: /\]\(([Dd]rop\.[a-z]+)\)/).map { String($0.1) }
    let files = try FileManager.default.contentsOfDirectory(atPath: Producer.sources.path)
      .filter { $0 != "README.md" }
    #expect(Set(linked) == Set(files))
    #expect(Set(Producer.all.map(\.file)) == Set(files))
  }
}

enum Strace {
  static func command(writing trace: String) -> [String] {
    let calls = "write,writev,pwrite64,fsync,fdatasync,sync,syncfs,rename,renameat,renameat2,link,linkat"
    return ["strace", "-f", "-y", "-s", "0", "-o", trace, "-e", "trace=\(calls)"]
  }

  /// It may be installed where the container does not let it trace.
  static func works() async -> Bool {
    let command = command(writing: "/dev/null") + ["true"]
    return (try? await run(command[0], Array(command[1...])))?.status == 0
  }
}

@Suite("Producers and the program")
struct ProducerDeliveryTests {
  /// The commands this needs, as their help describes them.
  static func programIsReady() async -> Bool {
    guard let program = builtProgram() else { return false }
    for (command, option) in [("sandbox", "--record"), ("sweep", "--dry-run")] {
      let ran = try? await run(program, [command, "--help"], timeout: .seconds(10))
      guard ran?.status == 0, ran?.stdout.contains(option) == true else { return false }
    }
    return true
  }

  @Test(
    "a real sweep delivers what every language dropped",
    .enabled("this msgspool has no sandbox and sweep yet (by their --help)") { await programIsReady() })
  func delivered() async throws {
    let program = try #require(builtProgram())
    let scratch = try Scratch(folders: [])
    try FileManager.default.createDirectory(atPath: scratch.root, withIntermediateDirectories: true)
    let (spool, record, config) = (scratch.spool, scratch.root + "/record", scratch.root + "/config.json")
    let made = try await run(program, ["init", spool])
    #expect(made.status == 0, "\(made.stderr)")

    var bodies: [String: String] = [:]
    for producer in Producer.here {
      let body = "\(producer.language): \"磁盘\" 95% \\ full\n\t👩‍👧"
      let ran = try await producer.drop([spool, "alerts", "UID_a,UID_b", body])
      #expect(ran.status == 0, "\(ran.stderr)")
      bodies[producer.language] = body
    }
    let expected = bodies.count

    try await whileRunning(program, ["sandbox", "--record", record]) { address in
      let channel: [String: Any] = ["provider": "wxpusher", "app_token": "AT_test", "endpoint": address, "rate": 0]
      let configuration = try JSONSerialization.data(withJSONObject: ["channels": ["alerts": channel]])
      // A literal secret in a file that others may read is refused.
      #expect(
        FileManager.default.createFile(
          atPath: config, contents: configuration, attributes: [.posixPermissions: 0o600]))
      let swept = try await run(program, ["sweep", "--spool", spool, "--config", config, "--json"])
      #expect(swept.status == 0, "\(swept.stderr)")
    }
    #expect(try scratch.names(in: "done").count == expected)

    let lines = try Data(contentsOf: URL(filePath: record)).split(separator: UInt8(ascii: "\n"))
    let sent = try lines.flatMap { strings(in: try JSONSerialization.jsonObject(with: $0)) }
    for (language, body) in bodies {
      #expect(sent.contains { $0.contains(body) }, "dropped by \(language)")
    }
  }

  /// Every text anywhere in a JSON value.
  private func strings(in value: Any) -> [String] {
    switch value {
    case let text as String: [text]
    case let list as [Any]: list.flatMap(strings)
    case let object as [String: Any]: object.values.flatMap(strings)
    default: []
    }
  }
}
