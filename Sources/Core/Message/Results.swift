extension HistoryLine {
  /// What became of each recipient, in their order; equal where all of them are.
  ///
  /// Of a long list those who were accepted, and of whom nothing but an id is to be said, are bytes of two texts: a million
  /// of them take no more than their line does. All others are kept as they are.
  package struct Results: Sendable, Hashable {
    /// Up to so many are kept each for itself.
    private static let few = 64

    private struct Other: Sendable, Hashable {
      var index: Int
      var result: Result
    }

    private var short: [Result] = []
    private var recipients = Texts()
    /// Empty where there is none.
    private var ids = Texts()
    /// By index.
    private var others: [Other] = []

    package init() {}
    package init(_ results: some Sequence<Result>) { for result in results { append(result) } }

    private var isLong: Bool { !recipients.isEmpty }

    package mutating func append(_ result: Result) {
      if !isLong {
        if short.count < Results.few { return short.append(result) }
        for earlier in short { keep(earlier) }
        short = []
      }
      keep(result)
    }

    /// Somebody was accepted, and there is no more to say.
    package mutating func append(accepted to: String, id: String?) {
      guard isLong, id?.isEmpty != true else { return append(Result(to: to, state: .accepted, id: id)) }
      recipients.append(to)
      ids.append(id ?? "")
    }

    private mutating func keep(_ result: Result) {
      let isPlain = result.state == .accepted && result.isPlain && result.id?.isEmpty != true
      if !isPlain { others.append(Other(index: recipients.count, result: result)) }
      recipients.append(isPlain ? result.to : "")
      ids.append(isPlain ? result.id ?? "" : "")
    }

    /// How many have the state.
    package func count(_ state: RecipientState) -> Int {
      let plain = isLong && state == .accepted ? recipients.count - others.count : 0
      return plain + short.count { $0.state == state } + others.count { $0.result.state == state }
    }

    /// - accepted: gets the recipient and the id, as UTF-8, of one that was accepted and of whom there is no more to say.
    package func visit(
      accepted: (_ to: UnsafeBufferPointer<UInt8>, _ id: UnsafeBufferPointer<UInt8>) -> Void, other: (Result) -> Void
    ) {
      for result in short { other(result) }
      var rest = others[...]
      for index in recipients.indices {
        if rest.first?.index == index {
          rest.popFirst().map { other($0.result) }
        } else {
          recipients.withUTF8(at: index) { to in ids.withUTF8(at: index) { accepted(to, $0) } }
        }
      }
    }
  }
}

extension HistoryLine.Results: RandomAccessCollection, ExpressibleByArrayLiteral {
  package init(arrayLiteral results: HistoryLine.Result...) { self.init(results) }

  package var startIndex: Int { 0 }
  package var endIndex: Int { isLong ? recipients.count : short.count }

  package subscript(index: Int) -> HistoryLine.Result {
    guard isLong else { return short[index] }
    if let other = other(at: index) { return other }
    let id = ids[index]
    return HistoryLine.Result(to: recipients[index], state: .accepted, id: id.isEmpty ? nil : id)
  }

  private func other(at index: Int) -> HistoryLine.Result? {
    var (low, high) = (0, others.count)
    while low < high {
      let middle = (low + high) / 2
      if others[middle].index < index { low = middle + 1 } else { high = middle }
    }
    return low < others.count && others[low].index == index ? others[low].result : nil
  }
}
