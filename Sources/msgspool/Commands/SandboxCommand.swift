import Core
import Configuring
import Glibc
import Sandbox

enum SandboxCommand: Command {
  static let guide = Guide(
    name: "sandbox", summary: "a local stand-in for the providers' APIs",
    options: [
      .init("--port", "N", "the port on 127.0.0.1 (0, the default, takes any free one)"),
      .init("--record", "FILE", "append one JSON line per request", .file),
      .init("--callbacks", "DIR", "drop the vendors' callbacks into DIR/new, as into a spool's receipts/"),
      .init("--fault", "SPEC", "misbehave; see below", repeats: true),
      .init("--phone", "auto|manual", "who scans and confirms WeChat's codes; see below"),
    ],
    details: """
      Prints its address as the first line, then serves every provider at the
      vendor's own paths: checks signatures, limits and required fields as they do,
      and answers as they do. Any non-empty credentials are taken, or with --config
      only those of the channels there. Point channels at it with
      endpoint: "http://127.0.0.1:PORT".

      Personal WeChat has a phone: with --phone auto (the default) it scans a code
      after 1 s and confirms it after 2. A test tells it what to do with
      POST /sandbox/wechat-web/COMMAND, or wechat-ilink, and JSON: scan, confirm,
      expire, refuse, code {"digits"}, kick {"code"}, befriend {"nick","remark"},
      say {"from","text","group","kind","name","base64"}.
      GET /sandbox/wechat-web/received tells what everybody got.

      \(Sandbox.Fault.faultHelp)
      """,
    examples: [
      ("msgspool sandbox --record sandbox.jsonl", "try msgspool without an account"),
      ("msgspool sandbox --callbacks spool/receipts --fault undelivered:every=10", "every tenth did not arrive"),
      ("msgspool sandbox --fault throttle:provider=twilio,count=1", "the first Twilio call is throttled"),
    ])

  static func run(_ arguments: Arguments) throws(Failure) -> ExitStatus {
    let port = try arguments.integer("--port", in: 0...65535) ?? 0
    var faults: [Sandbox.Fault] = []
    for spec in arguments.all("--fault") {
      do throws(FaultError) {
        faults.append(try Sandbox.Fault(spec))
      } catch {
        throw Failure(.usage, "--fault \(spec): \(error)", hint: "msgspool sandbox --help lists them")
      }
    }
    let phone = arguments["--phone"] ?? "auto"
    guard ["auto", "manual"].contains(phone) else {
      throw Failure(.usage, "--phone \(phone): expected auto or manual")
    }
    var credentials: [String: [[String: String]]] = [:]
    if let path = arguments["--config"] { credentials = try self.credentials(path) }
    let server = SandboxServer(
      port: UInt16(port), credentials: credentials, record: arguments["--record"], faults: faults,
      isPhoneAutomatic: phone == "auto", callbacks: arguments["--callbacks"])
    do throws(SandboxError) {
      try server.start()
    } catch {
      throw Failure(.cannotWrite, "\(error)", hint: error.hint)
    }
    Console.output(
      arguments.has("--json")
        ? JSON.object([.init("address", .string(server.address))]).text + "\n" : server.address + "\n")
    // Nobody would ever find it.
    if let failure = Console.outputFailure {
      server.stop()
      throw failure
    }
    var set = sigset_t()
    sigemptyset(&set)
    for signal in [SIGTERM, SIGINT] { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    var number: Int32 = 0
    sigwait(&set, &number)
    server.stop()
    return .ok
  }

  /// The accounts that a configuration's channels name, under the providers' own setting names.
  private static func credentials(_ path: String) throws(Failure) -> [String: [[String: String]]] {
    let configuration = try Surroundings.configuration(path)
    var accounts: [String: [[String: String]]] = [:]
    for channel in configuration.channels.values.sorted(by: { $0.name < $1.name }) {
      accounts[channel.card.name, default: []].append(channel.account)
    }
    return accounts
  }
}
