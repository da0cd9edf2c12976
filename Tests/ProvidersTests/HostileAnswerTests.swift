import Core
import Foundation
import TestSupport
import Testing

@testable import Providers

/// What a hostile far end, or a gateway before an honest one, may answer; and what a hostile producer may want to be sent.
@Suite("No answer and no message makes a provider crash, hang, claim too much or let anything into a header")
struct HostileAnswerTests {
  // MARK: Answers

  @Test("The corpus, with every status", arguments: Specimen.all)
  func corpus(_ specimen: Specimen) throws {
    let provider = try specimen.make()
    let fuzzing = Fuzzing("answers-\(specimen)", seed: 0)
    let files = Fuzzing.corpus("answers")
    #expect(files.count >= 15)
    let call = try provider.call(specimen.message, to: specimen.addresses)
    for file in files {
      for status in [200, 201, 400, 429, 503] {
        fuzzing.run(file.bytes) { judge(provider, call, HTTPResponse(status: status, body: file.bytes), stage: nil) }
      }
    }
    #expect(fuzzing.isQuick, "\(fuzzing.report)")
  }

  @Test("Answers from a seed", arguments: Specimen.all, Fuzzing.seeds)
  func seeded(_ specimen: Specimen, seed: UInt64) throws {
    let provider = try specimen.make()
    let call = try provider.call(specimen.message, to: specimen.addresses)
    var mutator = Mutator(seed)
    let fuzzing = Fuzzing("answers-\(specimen)", seed: seed)
    let seeds = [specimen.success, specimen.throttled, specimen.wrongCredentials, specimen.unknownCode].compactMap {
      $0
    }.map {
      (status: $0.0, value: try? JSONScanner.value(of: Array($0.1.utf8)), bytes: Array($0.1.utf8))
    }
    for _ in 0..<Fuzzing.inputs(250, 25_000) {
      let seed = mutator.pick(seeds)
      let status =
        mutator.chance(60) ? seed.status : mutator.pick([0, 100, 199, 200, 204, 302, 400, 401, 404, 429, 500, 999, -1])
      let body = mutator.damaged(seed.value.map { mutator.text(mutator.mutated($0)) } ?? seed.bytes)
      let headers = (0..<Int.random(in: 0...3, using: &mutator.random)).map { _ in
        HTTPHeader(
          mutator.pick(["retry-after", "date", "content-type", "x-acs-retry-after", "location", "set-cookie", ""]),
          mutator.pick(Mutator.texts))
      }
      let response = HTTPResponse(status: status, headers: headers, body: body)
      fuzzing.run(body) { judge(provider, call, response, stage: nil) }
    }
    #expect(fuzzing.isQuick, "\(fuzzing.report)")
  }

  /// Whatever came back: an outcome for each recipient, waits of a day at the most, success only with a status of success.
  private func judge(_ provider: any Provider, _ call: Call, _ response: HTTPResponse, stage: String?) {
    let now = Pinned.now
    let channel = Channel("main", provider)
    var step = Classification.proceed(
      .http(response), after: Step.sending, call, by: channel, Session(), at: now, nonce: Pinned.nonce)
    // A provider of several steps gets the same answer to each.
    for _ in 0..<8 {
      switch step {
      case .prepare(_, let stage, let session):
        step = Classification.proceed(
          .http(response), after: stage, call, by: channel, session ?? Session(), at: now, nonce: Pinned.nonce)
      case .send(_, let session):
        step = Classification.proceed(
          .http(response), after: Step.sending, call, by: channel, session ?? Session(), at: now, nonce: Pinned.nonce)
      case .finish(let answer, _), .again(let answer, _):
        check(answer.outcomes, call, response)
        if case .slowDown(let seconds?) = answer.advice { #expect(seconds > 0 && seconds <= 86_400) }
        step = .finish(answer)
      }
      if case .finish = step { break }
    }
    guard let provider = provider as? any AskableProvider else { return }
    let question = Question(call: call, startedAt: now)
    switch provider.finding(in: response, for: question, at: now) {
    case .found(let outcomes): check(outcomes, call, response)
    case .more(let cursor):
      var next = question
      next.cursor = cursor
      let request = provider.lookup(next, at: now, nonce: Pinned.nonce)
      #expect(request.url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
      #expect(request.url.hasPrefix("https://"), "the answer does not say where the credentials go")
    case .notFound, .undecided: break
    }
  }

  private func check(_ outcomes: [Outcome], _ call: Call, _ response: HTTPResponse) {
    #expect(outcomes.count == call.recipients.count)
    for outcome in outcomes {
      if outcome.state == .accepted { #expect((200..<300).contains(response.status)) }
      if let wait = outcome.retryAfter { #expect(wait > 0 && wait <= 86_400) }
      #expect(outcome.state == .accepted || outcome.kind != nil)
    }
  }

  // MARK: Messages

  /// A message of hostile texts in every field, and the options that the card knows in any shape.
  private func message(_ specimen: Specimen, _ mutator: inout Mutator) -> Message {
    var message = specimen.message
    func text() -> String { mutator.pick(Mutator.texts + hostileTexts) }
    if mutator.chance(50) { message.body = text() }
    if mutator.chance(50) { message.title = text() }
    if mutator.chance(50) { message.url = text() }
    if mutator.chance(30) { message.template = text() }
    if mutator.chance(30) { message.id = text() }
    if mutator.chance(30) {
      message.params = mutator.chance(50) ? .named([.init(text(), text())]) : .positional([text(), text()])
    }
    message.format = mutator.pick(Message.Format.allCases)
    message.priority = mutator.pick(Message.Priority.allCases)
    for option in specimen.provider.card.options where mutator.chance(40) {
      let value: JSON =
        switch option.kind {
        case .string, .identifier: .string(text())
        case .integer: .integer(mutator.pick([0, 1, 2, 60, -1, .max, .min]))
        case .number: .number(mutator.pick(["0", "1.5", "-1e400"]))
        case .boolean: .boolean(mutator.chance(50))
        case .strings: .strings([text(), text()])
        case .object, .structure: .object([.init(text(), mutator.value())])
        }
      message.options.append(.init(option.name, value))
    }
    return message
  }

  @Test("What a producer writes gets into no header, address or argument", arguments: Specimen.all, Fuzzing.seeds)
  func messages(_ specimen: Specimen, seed: UInt64) throws {
    let provider = try specimen.make()
    var mutator = Mutator(seed)
    let fuzzing = Fuzzing("requests-\(specimen)", seed: seed)
    let honest = provider.exchange(
      for: try provider.call(specimen.message, to: specimen.addresses), at: Pinned.now, nonce: Pinned.nonce)
    for _ in 0..<Fuzzing.inputs(150, 10_000) {
      let message = message(specimen, &mutator)
      let kinds = specimen.provider.card.targetKinds.map { "\($0.kind):" } + [""]
      var addresses = mutator.chance(50) ? specimen.addresses : []
      if addresses.count < specimen.provider.card.recipientsPerCall {
        addresses.append(mutator.pick(kinds) + mutator.pick(Mutator.texts + hostileTexts))
      }
      let shown = Array("\(message) \(addresses)".utf8)
      fuzzing.run(shown) {
        guard let content = try? provider.rendered(message) else { return }
        let targets = addresses.compactMap { try? provider.target($0) }
        guard let lane = targets.first?.lane else { return }
        let recipients = targets.filter { $0.lane == lane }.map { Call.Recipient($0) }
        let call = Call(id: "call-1", contents: [content], recipients: recipients)
        check(provider.exchange(for: call, at: Pinned.now, nonce: Pinned.nonce), honest)
        if let provider = provider as? any AskableProvider {
          let question = Question(call: call, startedAt: Pinned.now)
          check(.http(provider.lookup(question, at: Pinned.now, nonce: Pinned.nonce)), nil)
        }
      }
    }
    #expect(fuzzing.isQuick, "\(fuzzing.report)")
  }

  private func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }

  private func check(_ exchange: Exchange, _ honest: Exchange?) {
    switch exchange {
    case .http(let request):
      #expect(request.url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "\(request.url)")
      if case .http(let honest)? = honest {
        #expect(host(request.url) == host(honest.url), "a message does not say where it goes: \(request.url)")
      }
      for header in request.headers { #expect(isPlain(header.name) && isPlain(header.value), "\(header.name)") }
      for part in request.parts {
        #expect(isPlain(part.name) && isPlain(part.fileName ?? "") && isPlain(part.type ?? ""))
      }
    case .mail(let mail):
      for header in mail.headers { #expect(isPlain(header.name) && isPlain(header.value), "\(header.name)") }
      for address in mail.recipients + [mail.sender] {
        #expect(
          address.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "<") })
      }
      if case .mail(let honest)? = honest { #expect(mail.url == honest.url) }
    case .program(let program):
      if case .program(let honest)? = honest { #expect(program.command.first == honest.command.first) }
      for (name, value) in program.environment { #expect(!name.utf8.contains(0) && !value.utf8.contains(0)) }
    }
  }

  private func host(_ url: String) -> Substring {
    url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(2).first ?? ""
  }
}
