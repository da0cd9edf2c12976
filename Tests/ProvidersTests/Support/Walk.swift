import Core
import Foundation

@testable import Providers

/// A call taken step by step through answers that somebody made up.
struct Walk {
  var requests: [WireRequest] = []
  var stages: [String] = []
  var answer: Answer?
  var session: Session

  init(
    _ provider: some Provider, _ call: Call, _ responses: HTTPResponse..., session: Session = Session(),
    at now: Date = Pinned.now
  ) {
    self.session = session
    let channel = Channel("main", provider)
    take(Classification.begin(call, by: channel, session, at: now, nonce: Pinned.nonce))
    for response in responses {
      guard let stage = stages.last, answer == nil else { return }
      take(
        Classification.proceed(
          .http(response), after: stage, call, by: channel, self.session, at: now, nonce: Pinned.nonce))
    }
  }

  private mutating func take(_ step: Step) {
    let changed: Session?
    switch step {
    case .prepare(let exchange, let stage, let new):
      requests.append(WireRequest(exchange))
      stages.append(stage)
      changed = new
    case .send(let exchange, let new):
      requests.append(WireRequest(exchange))
      stages.append(Step.sending)
      changed = new
    case .finish(let answer, let new), .again(let answer, let new):
      self.answer = answer
      changed = new
    }
    session = changed ?? session
  }
}

extension HTTPResponse {
  static func json(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, body: Array(text.utf8))
  }
}
