import Core
import FoundationEssentials

/// History lines to bytes and back (contract, section 4).
enum History {
  /// Every line begins with this, which no message does (`msgspool` is no field of one).
  static let opening = Array("{\"msgspool\":".utf8)

  // MARK: Reading

  /// Whether what follows a message may be history: nothing, a line, a torn piece of one, or the zeros that a power
  /// cut leaves where data had not reached the disk.
  static func canBegin(_ tail: UnsafeBufferPointer<UInt8>) -> Bool {
    // A torn piece ends with the file, with zeros, or with the newline that whoever appended next put first.
    let piece = tail.prefix(opening.count).prefix { $0 != 0 && $0 != UInt8(ascii: "\n") }
    return piece.elementsEqual(opening.prefix(piece.count))
  }

  /// The lines of attempts in `bytes`, oldest first. What is no complete line is ignored: the truth is in the ledger.
  static func lines(in bytes: UnsafeBufferPointer<UInt8>) -> [HistoryLine] {
    entries(in: bytes).compactMap(\.line)
  }

  /// Everything in `bytes`, oldest first.
  static func entries(in bytes: UnsafeBufferPointer<UInt8>) -> [HistoryEntry] {
    guard !bytes.isEmpty else { return [] }
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap { slice in
      let line = UnsafeBufferPointer(rebasing: slice)
      guard line.starts(with: opening) else { return nil }
      var scanner = JSONScanner(line)
      guard let value = try? scanner.value() else { return nil }
      // A version we don't know is not guessed at.
      guard value["msgspool"]?.integer == 1 else { return nil }
      return self.line(value).map(HistoryEntry.line) ?? ReceiptCoding.entry(value)
    }
  }

  private static func line(_ value: JSON) -> HistoryLine? {
    guard let at = value["at"]?.string.flatMap(RFC3339.date),
      let state = value["state"]?.string.flatMap(MessageState.init(rawValue:))
    else { return nil }
    return HistoryLine(
      at: at, state: state, sweep: value["sweep"]?.string, channel: value["channel"]?.string,
      provider: value["provider"]?.string, attempt: attempt(value["attempt"]),
      calls: value["calls"]?.array?.compactMap(\.string) ?? [],
      results: value["results"]?.array?.compactMap(result) ?? [], error: value["error"].flatMap(fault),
      due: value["due"]?.string.flatMap(RFC3339.date), dropped: value["dropped"]?.string.flatMap(RFC3339.date))
  }

  /// A producer may write history too, and numbers nobody can count on from.
  private static func attempt(_ value: JSON?) -> Int { min(max(value?.integer ?? 0, 0), 1_000_000) }

  private static func result(_ value: JSON) -> HistoryLine.Result? {
    guard let to = value["to"]?.string, let state = value["state"]?.string.flatMap(RecipientState.init(rawValue:))
    else { return nil }
    var result = HistoryLine.Result(
      to: to, state: state, id: value["id"]?.string, code: value["code"]?.string, reason: value["reason"]?.string,
      channel: value["channel"]?.string, address: value["address"]?.string, call: value["call"]?.string,
      digest: value["digest"]?.integer.flatMap { $0 > 1 ? $0 : nil },
      parts: value["parts"]?.array?.compactMap(part) ?? [])
    result.isByReceipt = value["by"]?.string == "receipt"
    return result
  }

  private static func part(_ value: JSON) -> HistoryLine.Part? {
    guard let name = value["part"]?.string, let state = value["state"]?.string.flatMap(RecipientState.init(rawValue:))
    else { return nil }
    return HistoryLine.Part(
      name, state, id: value["id"]?.string, code: value["code"]?.string, reason: value["reason"]?.string)
  }

  private static func fault(_ value: JSON) -> Fault? {
    guard let kind = value["kind"]?.string.flatMap(ErrorKind.init(rawValue:)) else { return nil }
    return Fault(
      kind, code: value["code"]?.string, value["message"]?.string ?? "", hint: value["hint"]?.string)
  }

  // MARK: Writing

  /// Appends the line with its newline. Written by hand rather than through `JSON`: it is on the path of every message.
  static func write(_ line: HistoryLine, to bytes: inout [UInt8]) {
    // About what a recipient takes: a long line does not double while it is written.
    if line.results.count > 64 { bytes.reserveCapacity(bytes.count + 512 + line.results.count * 96) }
    put("{\"msgspool\":1,\"at\":\"", &bytes)
    RFC3339.write(line.at, to: &bytes)
    put("\",\"state\":\"", &bytes)
    bytes.append(contentsOf: line.state.rawValue.utf8)
    put("\"", &bytes)
    member("channel", line.channel, &bytes)
    member("provider", line.provider, &bytes)
    member("attempt", line.attempt, &bytes)
    write(counts: line.results, &bytes)
    list("calls", line.calls, &bytes) { JSON.write($0, to: &$1) }
    write(line.results, &bytes)
    if let error = line.error {
      put(",\"error\":", &bytes)
      JSON(error).write(to: &bytes)
    }
    member("due", line.due, &bytes)
    member("dropped", line.dropped, &bytes)
    member("sweep", line.sweep, &bytes)
    put("}\n", &bytes)
  }

  private static func write(_ results: HistoryLine.Results, _ bytes: inout [UInt8]) {
    name("results", &bytes)
    put("[", &bytes)
    var isFirst = true
    func next() {
      if !isFirst { put(",", &bytes) }
      isFirst = false
    }
    results.visit { to, id in
      next()
      put("{\"to\":", &bytes)
      JSON.write(utf8: to, to: &bytes)
      put(",\"state\":\"accepted\"", &bytes)
      if !id.isEmpty {
        name("id", &bytes)
        JSON.write(utf8: id, to: &bytes)
      }
      put("}", &bytes)
    } other: {
      next()
      write($0, &bytes)
    }
    put("]", &bytes)
  }

  private static func write(_ result: HistoryLine.Result, _ bytes: inout [UInt8]) {
    put("{\"to\":", &bytes)
    JSON.write(result.to, to: &bytes)
    outcome(result.state, id: result.id, code: result.code, reason: result.reason, &bytes)
    member("channel", result.channel, &bytes)
    member("address", result.address, &bytes)
    member("call", result.call, &bytes)
    if result.isByReceipt { member("by", "receipt", &bytes) }
    if let digest = result.digest { member("digest", digest, &bytes) }
    if !result.parts.isEmpty { list("parts", result.parts, &bytes) { write($0, &$1) } }
    put("}", &bytes)
  }

  private static func write(_ part: HistoryLine.Part, _ bytes: inout [UInt8]) {
    put("{\"part\":", &bytes)
    JSON.write(part.name, to: &bytes)
    outcome(part.state, id: part.id, code: part.code, reason: part.reason, &bytes)
    put("}", &bytes)
  }

  private static func outcome(
    _ state: RecipientState, id: String?, code: String?, reason: String?, _ bytes: inout [UInt8]
  ) {
    member("state", state.rawValue, &bytes)
    member("id", id, &bytes)
    member("code", code, &bytes)
    member("reason", reason, &bytes)
  }

  private static func write(counts results: HistoryLine.Results, _ bytes: inout [UInt8]) {
    put(",\"recipients\":{", &bytes)
    var isFirst = true
    for state in RecipientState.allCases {
      let count = results.count(state)
      if count == 0 { continue }
      if !isFirst { put(",", &bytes) }
      isFirst = false
      put("\"", &bytes)
      bytes.append(contentsOf: state.rawValue.utf8)
      put("\":", &bytes)
      write(count, &bytes)
    }
    put("}", &bytes)
  }

  private static func member(_ key: StaticString, _ value: String?, _ bytes: inout [UInt8]) {
    guard let value else { return }
    name(key, &bytes)
    JSON.write(value, to: &bytes)
  }

  private static func member(_ key: StaticString, _ value: Int, _ bytes: inout [UInt8]) {
    name(key, &bytes)
    write(value, &bytes)
  }

  private static func member(_ key: StaticString, _ value: Date?, _ bytes: inout [UInt8]) {
    guard let value else { return }
    name(key, &bytes)
    put("\"", &bytes)
    RFC3339.write(value, to: &bytes)
    put("\"", &bytes)
  }

  private static func put(_ text: StaticString, _ bytes: inout [UInt8]) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private static func name(_ key: StaticString, _ bytes: inout [UInt8]) {
    put(",\"", &bytes)
    put(key, &bytes)
    put("\":", &bytes)
  }

  /// - Parameter count: not negative.
  private static func write(_ count: Int, _ bytes: inout [UInt8]) {
    if count >= 10 { write(count / 10, &bytes) }
    bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: count % 10))
  }

  private static func list<Value>(
    _ key: StaticString, _ values: [Value], _ bytes: inout [UInt8], _ write: (Value, inout [UInt8]) -> Void
  ) {
    name(key, &bytes)
    put("[", &bytes)
    for (index, value) in values.enumerated() {
      if index > 0 { put(",", &bytes) }
      write(value, &bytes)
    }
    put("]", &bytes)
  }
}

extension JSON {
  /// `error` in a history line and in `--json` output.
  package init(_ fault: Fault) {
    var members = [JSON.Member("kind", .string(fault.kind.rawValue))]
    if let code = fault.code { members.append(.init("code", .string(code))) }
    members.append(.init("message", .string(fault.message)))
    if let hint = fault.hint { members.append(.init("hint", .string(hint))) }
    self = .object(members)
  }
}
