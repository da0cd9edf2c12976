import Core
import Testing

@testable import Providers

/// One line of a provider's table of answers, as its document has it.
struct AnswerRow: CustomTestStringConvertible, Sendable {
  var status: Int
  var body: String
  var state: RecipientState
  var kind: ErrorKind
  var advice: Answer.Advice
  /// What a call of several recipients is told, when it differs.
  var several: Answer.Advice
  var attempts: Int?
  var wait: Double?

  var testDescription: String { "\(status) \(body)" }

  init(
    _ status: Int, _ body: String, _ state: RecipientState, _ kind: ErrorKind, _ advice: Answer.Advice = .proceed,
    several: Answer.Advice? = nil, attempts: Int? = nil, wait: Double? = nil
  ) {
    (self.status, self.body, self.state, self.kind, self.advice) = (status, body, state, kind, advice)
    self.several = several ?? advice
    (self.attempts, self.wait) = (attempts, wait)
  }

  func check(_ provider: some Provider, _ call: Call, headers: [HTTPHeader] = []) {
    let answer = provider.answer(status, body, headers: headers, to: call)
    #expect(answer.outcomes == call.recipients.map { _ in answer.outcomes[0] })
    #expect(answer.outcomes[0].state == state)
    #expect(answer.outcomes[0].kind == kind)
    #expect(answer.outcomes[0].attempts == attempts)
    #expect(answer.outcomes[0].retryAfter == wait)
    #expect(answer.outcomes[0].code != nil)
    #expect(answer.advice == (call.recipients.count > 1 ? several : advice))
  }
}

extension Message {
  /// A message with one option.
  static func with(_ option: String, _ value: JSON) -> Message {
    Message(body: "x", options: [.init(option, value)])
  }
}

/// The field that a provider finds fault with.
func faultyField(_ provider: some Provider, _ message: Message) -> String? {
  do {
    _ = try provider.rendered(message)
    return nil
  } catch {
    return error.field
  }
}
