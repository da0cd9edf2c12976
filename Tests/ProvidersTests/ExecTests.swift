import Core
import Foundation
import Testing

@testable import Providers

@Suite struct ExecTests {
  private func make(_ values: [String: JSON] = ["command": .strings(["/bin/notify", "-x"])]) throws -> Exec {
    try Exec(settings(Exec.self, values))
  }

  private func answer(_ output: String, status: Int32? = 0, errors: String = "", to addresses: [String] = ["a", "b"])
    throws -> Answer
  {
    let exec = try make()
    let call = try exec.call(Message(body: "x"), to: addresses)
    return exec.answer(
      .program(ProgramResponse(status: status, output: Array(output.utf8), errors: errors)), to: call, at: Pinned.now)
  }

  @Test func theProgramGetsALineForEachRecipient() throws {
    let exec = try make(["command": .strings(["/bin/notify", "a b"]), "secret": .string("s3cret")])
    let call = try exec.mixedCall([
      (Message(body: "x\ny", title: "t", options: [.init("program", .object([.init("n", .integer(1))]))]), "a"),
      (Message(params: .named([.init("code", "1")]), priority: .high), "b\"\n"),
    ])
    guard case .program(let request) = exec.exchange(for: call, at: Pinned.now, nonce: Pinned.nonce) else {
      Issue.record("no program")
      return
    }
    #expect(request.command == ["/bin/notify", "a b"] && request.environment == ["MSGSPOOL_SECRET": "s3cret"])
    let lines = String(decoding: request.input, as: UTF8.self).split(separator: "\n").map { Value(Data($0.utf8)) }
    #expect(
      lines == [
        .object([
          "to": .string("a"), "call": .string("call-1"), "body": .string("x\ny"), "title": .string("t"),
          "format": .string("text"), "priority": .string("normal"), "options": .object(["n": .number(1)]),
        ]),
        .object([
          "to": .string("b\"\n"), "call": .string("call-1"), "format": .string("text"), "priority": .string("high"),
          "params": .object(["code": .string("1")]),
        ]),
      ])
  }

  @Test(arguments: hostileTexts)
  func aLineStaysOneLine(text: String) throws {
    let exec = try make()
    guard
      case .program(let request) = exec.exchange(
        for: try exec.call(Message(body: text), to: [text]), at: Pinned.now, nonce: Pinned.nonce)
    else { return }
    #expect(request.input.count { $0 == 10 } == 1)
    let line = try #require(Value(Data(request.input)))
    #expect(line["to"]?.string == text && line["body"]?.string == text)
  }

  @Test func everyLineIsBelievedForItsRecipient() throws {
    let output = """
      not JSON
      {"to":"b","state":"deferred","code":7,"reason":"busy","retry_after":30}
      {"to":"c","state":"accepted"}
      {"to":"a","state":"accepted","id":"17"}
      """
    #expect(
      try answer(output).outcomes
        == [.accepted(id: "17"), .deferred(.throttled, code: "7", reason: "busy", retryAfter: 30)])
    let rejected = try answer(#"{"to":"a","state":"rejected","reason":"no"}"# + "\n" + #"{"to":"b","state":"ok"}"#)
    #expect(rejected.outcomes.map(\.state) == [.rejected, .unconfirmed])
    let twice = try answer(#"{"to":"a","state":"accepted"}"# + "\n" + #"{"to":"a","state":"rejected"}"#, to: ["a"])
    #expect(twice.outcomes.map(\.state) == [.unconfirmed])
    let slow = try answer(#"{"to":"a","state":"deferred","retry_after":9}"#, to: ["a"])
    #expect(slow.advice == .slowDown(retryAfter: 9))
  }

  @Test(
    arguments: [
      (0, "unconfirmed uncertain"), (nil, "unconfirmed uncertain"), (1, "unconfirmed uncertain"),
      (75, "deferred provider"),
      (69, "deferred provider"), (65, "rejected message"), (67, "rejected recipient"), (70, "deferred provider"),
      (64, "deferred credentials"), (77, "deferred credentials"), (78, "deferred credentials"),
      (126, "deferred credentials"),
      (127, "deferred credentials"), (255, "unconfirmed uncertain"),
    ] as [(Int32?, String)])
  func withoutALineTheExitStatusDecides(status: Int32?, expected: String) throws {
    let nobody = try answer("", status: status, errors: "first\nthe last word")
    #expect(nobody.outcomes.map { "\($0.state) \($0.kind.map { "\($0)" } ?? "")" } == [expected, expected])
    #expect(nobody.outcomes[0].reason == "the last word")
    #expect((nobody.advice == .suspend) == expected.contains("credentials"))
    // Who was served beside it is.
    let some = try answer(#"{"to":"a","state":"accepted"}"#, status: status)
    #expect(some.outcomes[0] == .accepted() && some.advice == nobody.advice)
  }

  @Test func linesAreMatchedByTheBytesOfTheirAddress() throws {
    let (one, other) = ("caf\u{E9}", "cafe\u{301}")
    let output = [one, other].map {
      #"{"to":"\#($0)","state":"\#($0 == one ? "accepted" : "x")","id":"\#($0.utf8.count)"}"#
    }
    let text = output.joined(separator: "\n").replacing("\"x\"", with: "\"accepted\"")
    #expect(try answer(text, to: [one, other]).outcomes == [.accepted(id: "5"), .accepted(id: "6")])
  }

  @Test func theProgramGetsTheAddressAndNotItsName() throws {
    let exec = try make()
    var target = try exec.target("slack://T/S/x")
    target.address = "alice"
    let call = Call(id: "c", contents: [try exec.rendered(Message(body: "x"))], recipients: [.init(target)])
    guard case .program(let run) = exec.exchange(for: call, at: Pinned.now, nonce: "") else { return }
    let line = String(decoding: run.input, as: UTF8.self)
    #expect(line.contains("slack://T/S/x") && !line.contains("alice"))
  }

  @Test func settingsThatCannotWorkAreRefused() {
    for command in [[], ["notify"], [""], ["./notify"], ["/bin/a", "b\0"]] {
      #expect(throws: SettingFault.self) { try make(["command": .strings(command)]) }
    }
  }

  @Test func attachmentsAreRefused() throws {
    let exec = try make()
    #expect(throws: MessageFault.self) { try exec.rendered(Message(attachments: [.init(source: .data([]))])) }
  }
}
