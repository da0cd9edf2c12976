import Core

/// Results of an answer that has one for each phone number: found by the number they name, not by their place. A number
/// that is in the call twice takes its results in their order.
struct NumberedResults<Element> {
  private var waiting: [Verbatim: [Element]] = [:]

  init(_ elements: [Element], number: (Element) -> String?) {
    for element in elements.reversed() {
      guard let number = number(element) else { continue }
      waiting[NumberedResults.complete(number), default: []].append(element)
    }
  }

  mutating func next(for target: Target) -> Element? {
    waiting[NumberedResults.complete(target.wire)]?.popLast()
  }

  /// As we write it, whether or not the answer leaves the + or +86 out.
  private static func complete(_ number: String) -> Verbatim {
    Verbatim(
      (try? PhoneNumber.withPlus(number).number) ?? (try? PhoneNumber.withPlus("+\(number)").number) ?? number)
  }
}
