import Core
import FoundationEssentials
import Signing

/// What WxPusher says of its tasks (providers/wxpusher.md, section 5): information, and no word about anybody's message. What
/// its answers mean is not documented, and by report a task is said to wait for minutes after its message has arrived.
extension WxPusher: ReceiptProvider {
  package static var hasCallbacks: Bool { false }
  package static func recognizes(_ drop: ReceiptDrop) -> Bool { false }
  package static func entries(in drop: ReceiptDrop) -> [ReceiptEntry] { [] }
}

extension WxPusher: ReceiptAsking {
  package var callsPerRound: Int { 1 }

  /// Each of a call's recipients is a question: the first of them are enough to see how it goes.
  private static let most = 20

  private static func asked(_ round: ReceiptRound) -> [String] {
    Array((round.calls.first?.recipients ?? []).lazy.compactMap(\.id).prefix(most))
  }

  package func question(
    _ round: inout ReceiptRound, _ session: Session, at now: Date, nonce: String
  ) -> HTTPRequest? {
    let ids = Self.asked(round)
    guard round.asked < ids.count else { return nil }
    let query = PercentEncoding.encode([Pair("sendRecordId", ids[round.asked])])
    return HTTPRequest(
      .get, "\(base)/api/send/query/status?\(query)", headers: [HTTPHeader("Accept", "application/json")])
  }

  package func reading(_ response: HTTPResponse, _ round: inout ReceiptRound, at now: Date) -> ReceiptReading {
    var reading = ReceiptReading()
    if response.status == 429 {
      reading.pause = RetryAfter.seconds(in: response, now: now) ?? 30
      return reading
    }
    guard response.status == 200, let value = CallbackJSON.value(of: response) else {
      reading.trouble = "HTTP \(response.status)"
      return reading
    }
    let data = value["data"]
    let word = CallbackJSON.text(data) ?? CallbackJSON.text(data?["status"]) ?? "unknown"
    let name = "status \(word.shortened)"
    round.notes[name] = String((round.notes[name].flatMap { Int($0) } ?? 0) + 1)
    guard round.asked >= Self.asked(round).count, let call = round.calls.first else { return reading }
    let counts = round.notes.sorted { $0.key < $1.key }.compactMap { note in
      Int(note.value).map { ReceiptSums.Count(note.key, $0) }
    }
    reading.sums = [ReceiptSums(call: call.id, counts, isFinal: false)]
    return reading
  }
}
