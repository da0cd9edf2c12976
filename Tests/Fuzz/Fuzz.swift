import Core
import FoundationEssentials
import Providers

@testable import Configuring
@testable import Spooling

// The inputs that strangers make, for libFuzzer (Tests/fuzz.sh): what it finds to reach more code with, it keeps and
// changes further. FUZZ names what the input is. A crash, an address error or a claim below that fails ends the run.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: start, count: count)
  switch kind {
  case "messages": readMessage(input)
  case "configurations": readConfiguration(input)
  case "answers": readAnswer(input)
  default: fatalError("FUZZ is one of: messages, configurations, answers")
  }
  return 0
}

private let kind = ProcessInfo.processInfo.environment["FUZZ"] ?? ""
private let now = Date(timeIntervalSince1970: 1_790_000_000)
private let nonce = "0123456789abcdef0123456789abcdef"

/// A dropped file: what is read is written again as the same, and history stays on its lines.
private func readMessage(_ input: UnsafeBufferPointer<UInt8>) {
  if let value = try? JSONScanner.value(of: Array(input)) {
    precondition((try? JSONScanner.value(of: Array(value.text.utf8))) == value, "JSON is not read back")
  }
  guard let file = try? MessageFile(input, limit: 1 << 20) else {
    _ = MessageFile.history(in: input, limit: 1 << 20)
    return
  }
  for line in file.lines {
    var text: [UInt8] = []
    History.write(line, to: &text)
    precondition(!text.dropLast().contains(UInt8(ascii: "\n")), "a history line of two lines")
    precondition(text.withUnsafeBufferPointer { History.lines(in: $0).count } == 1, "a history line is not read back")
  }
  _ = Router(everything.configuration).route(file.message, Progress(file.lines), dropped: now, now: now)
}

/// A configuration that an operator wrote.
private func readConfiguration(_ input: UnsafeBufferPointer<UInt8>) {
  _ = try? reader.configuration("config.json", .init(bytes: Array(input), mode: 0o600))
}

/// The body of an answer, from every provider's far end, to a call and to a question about a lost one. Its length chooses
/// provider and status.
private func readAnswer(_ input: UnsafeBufferPointer<UInt8>) {
  let (channel, call) = everything.calls[input.count % everything.calls.count]
  let status = [200, 200, 201, 400, 429, 503][input.count / everything.calls.count % 6]
  let response = HTTPResponse(status: status, body: Array(input))
  var stage = Step.sending
  var session = Session()
  for _ in 0..<8 {
    let step = Classification.proceed(
      .http(response), after: stage, call, by: channel, session, at: now, nonce: nonce)
    switch step {
    case .prepare(_, let next, let new): (stage, session) = (next, new ?? session)
    case .send(_, let new): (stage, session) = (Step.sending, new ?? session)
    case .finish(let answer, _), .again(let answer, _):
      precondition(answer.outcomes.count == call.recipients.count, "an outcome is missing")
      precondition(status < 300 || !answer.outcomes.contains { $0.state == .accepted }, "accepted with \(status)")
      return ask(channel, call, response)
    }
  }
}

private func ask(_ channel: Channel, _ call: Call, _ response: HTTPResponse) {
  guard let provider = channel.askable else { return }
  let question = Question(call: call, startedAt: now, endedBy: now + channel.timeout)
  if case .found(let outcomes) = provider.finding(in: response, for: question, at: now) {
    precondition(outcomes.count == call.recipients.count, "an outcome is missing")
  }
}

private let reader = ConfigurationReader(
  providers: Catalogue.providers, environment: { _ in "secret" },
  file: { _ in ConfigurationReader.File(bytes: Array("secret".utf8), mode: 0o600) })

/// A channel of each provider that speaks HTTP, and a call through it: from the spools below CHANNELS, which Tests/fuzz.sh
/// has the program make.
private let everything: (configuration: Configuration, calls: [(Channel, Call)]) = {
  let files = FileManager.default
  guard let folder = ProcessInfo.processInfo.environment["CHANNELS"],
    let names = try? files.contentsOfDirectory(atPath: folder), !names.isEmpty
  else { fatalError("CHANNELS names no folder of spools") }
  var all = Configuration()
  let calls = names.sorted().map { name -> (Channel, Call) in
    let spool = "\(folder)/\(name)"
    guard let text = files.contents(atPath: "\(spool)/config.json"),
      let configuration = try? reader.configuration("config.json", .init(bytes: Array(text), mode: 0o600)),
      let dropped = try? files.contentsOfDirectory(atPath: "\(spool)/new").first,
      let bytes = files.contents(atPath: "\(spool)/new/\(dropped)"),
      let file = try? Array(bytes).withUnsafeBufferPointer({ try MessageFile($0, limit: 1 << 20) }),
      case .go(let itinerary) = Router(configuration).route(file.message, Progress([]), dropped: now, now: now)
    else { fatalError("\(name): no channel, or no message for it") }
    all.channels.merge(configuration.channels) { earlier, _ in earlier }
    return (
      itinerary.channel,
      Call(
        id: "call", contents: [itinerary.legs[0].content],
        recipients: itinerary.legs.map { Call.Recipient($0.target) })
    )
  }
  return (all, calls)
}()
