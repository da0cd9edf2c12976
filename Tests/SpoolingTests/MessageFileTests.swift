import Core
import Foundation
import TestSupport
import Testing

@testable import Spooling

private func message(_ text: String) throws(Fault) -> Message { try MessageFile(text: text).message }

private func fault(_ text: String, limit: Int = 1 << 20) -> Fault? {
  do throws(Fault) {
    _ = try MessageFile(text: text, limit: limit)
    return nil
  } catch {
    return error
  }
}

private let history = "{\"msgspool\":1,\"at\":\"2026-11-22T09:00:00.000Z\",\"state\":\"deferred\",\"attempt\":1}"

@Suite struct MessageFileTests {
  // MARK: Fields

  @Test func everyFieldIsRead() throws {
    let all = try message(
      """
      {"channel":"c","to":["a","b"],"body":"B","title":"T","format":"markdown","url":"https://u","template":"t",
       "params":{"x":"1","y":""},"id":"i","send_at":"2026-11-22T09:00:00+08:00","expires_at":1795338000.5,
       "priority":"high","attachments":["/p",{"path":"/q","name":"n","type":"text/plain"},{"base64":"aGk=","name":"h"}],
       "options":{"o":1,"p":[true]},"meta":{"anything":[1,{"a":null}]}}
      """)
    #expect(
      all
        == Message(
          channel: "c", to: ["a", "b"], body: "B", title: "T", format: .markdown, url: "https://u", template: "t",
          params: .named([.init("x", "1"), .init("y", "")]), id: "i", sendAt: moment("2026-11-22T01:00:00Z"),
          expiresAt: Date(timeIntervalSince1970: 1_795_338_000.5), priority: .high,
          attachments: [
            .init(source: .path("/p")), .init(name: "n", type: "text/plain", source: .path("/q")),
            .init(name: "h", source: .data(Array("hi".utf8))),
          ], options: [.init("o", .integer(1)), .init("p", .array([.boolean(true)]))]))
  }

  @Test func leftOutIsAbsentAndTheDefaultsHold() throws {
    #expect(try message("{}") == Message())
    #expect(try message("{}").format == .text && message("{}").priority == .normal && message("{}").to == nil)
  }

  @Test(arguments: MessageField.allCases.map(\.rawValue)) func nullIsTheSameAsAbsent(field: String) throws {
    #expect(try message("{\"\(field)\":null}") == Message())
  }

  @Test func nullInsideIsAbsentTooWhereThingsMayBeAbsent() throws {
    #expect(try message("{\"params\":{\"a\":null,\"b\":\"1\"}}").params == .named([.init("b", "1")]))
    #expect(try message("{\"options\":{\"a\":null}}").options.isEmpty)
    #expect(
      try message("{\"attachments\":[{\"path\":\"/p\",\"base64\":null,\"name\":null}]}").attachments
        == [.init(source: .path("/p"))])
  }

  @Test func oneRecipientNeedsNoArray() throws {
    #expect(try message("{\"to\":\"a\"}").to == ["a"])
  }

  @Test func positionalParametersKeepTheirOrder() throws {
    #expect(try message("{\"params\":[\"b\",\"a\",\"\"]}").params == .positional(["b", "a", ""]))
  }

  // MARK: Wrong fields

  private static let wrong: [(String, String, String)] = [
    ("channel", "1", "found 1; expected a string"), ("channel", "[]", "found an array; expected a string"),
    ("to", "1", "found 1; expected a string or an array of strings"), ("to", "{}", "found an object; expected"),
    ("to", "[]", "is an empty array"), ("to", "\"\"", "is an empty string"),
    ("body", "true", "found true; expected a string"), ("body", "{}", "found an object; expected a string"),
    ("title", "[\"a\"]", "found an array"), ("url", "0", "found 0"), ("template", "false", "found false"),
    ("format", "\"rtf\"", "found \"rtf\"; expected one of \"text\", \"markdown\", \"html\""),
    ("format", "1", "found 1; expected one of"), ("format", "\"Text\"", "found \"Text\""),
    ("priority", "\"urgent\"", "found \"urgent\"; expected one of \"low\", \"normal\", \"high\""),
    ("priority", "2", "found 2"),
    ("params", "\"a\"", "found \"a\"; expected an object of strings or an array of strings"),
    ("id", "7", "found 7; expected a string"), ("id", "\"\"", "is an empty string"),
    ("send_at", "\"tomorrow\"", "found \"tomorrow\"; expected an RFC 3339 time"),
    ("send_at", "true", "found true; expected an RFC 3339 time"), ("send_at", "-1", "found -1"),
    ("send_at", "1795338000000", "found 1795338000000"), ("send_at", "1e400", "found 1e400"),
    ("send_at", "\"🚀🚀🚀🚀🚀\"", "expected an RFC 3339 time"), ("send_at", "\"2026-02-30T00:00:00Z\"", "expected"),
    ("expires_at", "\"2026-11-22\"", "found \"2026-11-22\"; expected an RFC 3339 time"),
    ("expires_at", "[]", "found an array"), ("attachments", "\"/p\"", "found \"/p\"; expected an array"),
    ("options", "[]", "found an array; expected an object"), ("options", "\"a\"", "found \"a\"; expected an object"),
    ("meta", "1", "found 1; expected an object"), ("meta", "[]", "found an array; expected an object"),
  ]

  @Test func aWrongFieldIsNamedWithWhatWasFoundAndWhatIsExpected() throws {
    for (field, value, problem) in Self.wrong {
      let found = try #require(fault("{\"\(field)\":\(value)}"), "\(field): \(value)")
      #expect(found.kind == .message && found.message.hasPrefix("\(field): "), "\(found.message)")
      #expect(found.message.contains(problem), "\(found.message)")
    }
  }

  @Test(arguments: [
    ("{\"to\":[\"a\",1]}", "to[1]: found 1; expected a string"), ("{\"to\":[\"a\",\"\"]}", "to[1]: is an empty string"),
    ("{\"to\":[null]}", "to[0]: found null"), ("{\"to\":[[\"a\"]]}", "to[0]: found an array"),
    ("{\"params\":{\"a\":1}}", "params.a: found 1; expected a string"),
    ("{\"params\":[1]}", "params[0]: found 1; expected a string"), ("{\"params\":[null]}", "params[0]: found null"),
    ("{\"attachments\":[1]}", "attachments[0]: found 1; expected a path or an object"),
    ("{\"attachments\":[{}]}", "attachments[0]: expected either path or base64"),
    ("{\"attachments\":[{\"path\":\"/p\",\"base64\":\"aGk=\"}]}", "attachments[0]: expected either path or base64"),
    ("{\"attachments\":[{\"base64\":\"?\"}]}", "attachments[0].base64: is not base64"),
    ("{\"attachments\":[{\"path\":1}]}", "attachments[0].path: found 1"),
    (
      "{\"attachments\":[\"/p\",{\"pth\":\"/p\"}]}",
      "attachments[1].pth: is no field of a message; did you mean \"path\"?"
    ),
  ])
  func theFaultLeadsToTheVeryPlace(text: String, problem: String) {
    #expect(fault(text)?.message.hasPrefix(problem) == true, "\(fault(text)?.message ?? "")")
  }

  @Test(arguments: [
    ("chanel", "did you mean \"channel\"?"), ("sendAt", "did you mean \"send_at\"?"),
    ("recipients", "known are channel, to,"),
    ("msgspool", "is no field"), ("", "is no field"),
  ])
  func anUnknownFieldNamesTheNearest(field: String, hint: String) throws {
    let found = try #require(fault("{\"\(field)\":1}"))
    #expect(found.message.hasPrefix("\(field): is no field of a message") && found.message.contains(hint))
  }

  @Test func anUnknownFieldIsAnErrorThoughItIsNull() {
    #expect(fault("{\"chanel\":null}") != nil)
  }

  @Test func whatAFaultQuotesIsShortAndHarmless() throws {
    let huge = String(repeating: "x", count: 100_000)
    let nasty = "\\u001b[31m\\u009b\\u202e\\n"
    for text in [
      "{\"\(huge)\":1}", "{\"body\":\(String(repeating: "1", count: 100_000))}", "{\"format\":\"\(huge)\"}",
      "{\"params\":{\"\(huge)\":1}}", "{\"attachments\":[{\"\(huge)\":\"\"}]}", "{\"attachments\":[{\"\(huge)\":1}]}",
      "{\"send_at\":\"\(huge)\"}", "{\"\(nasty)\":1}", "{\"format\":\"\(nasty)\"}", "{\"params\":{\"\(nasty)\":1}}",
      "{\"attachments\":[{\"\(nasty)\":\"\"}]}", "{\"attachments\":[{\"\(nasty)\":1}]}",
      "{\"\(huge)\":1,\"\(huge)\":1}", "{\"\(huge)\" 1}",
    ] {
      let found = try #require(fault(text))
      #expect(found.message.utf8.count < 500, "\(found.message.prefix(100))")
      let harmful: [Unicode.GeneralCategory] = [.control, .format, .lineSeparator, .paragraphSeparator]
      let isHarmless = !found.message.unicodeScalars.contains { harmful.contains($0.properties.generalCategory) }
      #expect(isHarmless, "\(found.message.prefix(100).debugDescription)")
    }
  }

  // MARK: The file

  @Test func aByteOrderMarkIsTolerated() throws {
    #expect(try message("\u{FEFF}{\"body\":\"x\"}").body == "x")
    #expect(fault("\u{FEFF}\u{FEFF}{}") != nil)
    #expect(fault("{}\u{FEFF}") != nil)
  }

  @Test(arguments: [
    "", " ", "\n", "\u{FEFF}", "null", "[]", "[{}]", "\"body\"", "1", "{", "{}}", "{} x", "{}{}", "{}[]",
  ])
  func whatIsNoMessageIsRefused(text: String) {
    #expect(fault(text)?.kind == .message)
  }

  @Test func invalidTextIsRefusedWhereverItIs() {
    for bytes: [UInt8] in [
      Array("{\"body\":\"".utf8) + [0xFF] + Array("\"}".utf8), Array("{\"".utf8) + [0xC3] + Array("\":1}".utf8),
      Array("{\"body\":\"\\ud800\"}".utf8), [0xFF, 0xFE] + Array("{}".utf8), Array("{".utf8) + [0], [0, 0, 0, 0],
    ] {
      #expect(throws: Fault.self) { try MessageFile(bytes: bytes) }
    }
  }

  @Test func noTextOfTheCorpusIsAMessage() throws {
    let folder = Repository.file("Tests/Fixtures/json-parsing/test_parsing")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
    #expect(names.count == 318)
    for name in names {
      let bytes = Array(try Data(contentsOf: folder.appending(path: name)))
      // Some are messages to nobody: it is the channel that refuses those.
      if let file = try? MessageFile(bytes: bytes) {
        #expect(file.message.to == nil && file.message.channel == nil && file.lines.isEmpty, "\(name)")
      }
    }
  }

  @Test func aFaultInTheTextSaysWhere() {
    #expect(fault("{\n  \"body\": x\n}")?.message.hasSuffix("(line 2, column 11)") == true)
    #expect(fault("")?.message.contains("empty") == true)
  }

  @Test func repeatedFieldsAreAnError() {
    #expect(fault("{\"to\":\"a\",\"to\":\"b\"}")?.message.contains("\"to\" stands here for the second time") == true)
  }

  // MARK: Size

  @Test func theLimitCountsTheMessageAndNotItsHistory() throws {
    let text = "{\"body\":\"\(String(repeating: "x", count: 89))\"}"
    #expect(text.utf8.count == 100)
    let lines = String(repeating: history + "\n", count: 50)
    for limit in [100, 101, 1000] {
      #expect(try MessageFile(text: text, limit: limit).message.body?.utf8.count == 89)
      #expect(try MessageFile(text: text + "\n" + lines, limit: limit).lines.count == 50)
    }
    for limit in [1, 50, 98, 99] {
      #expect(fault(text, limit: limit)?.message.contains("max_message_bytes (\(limit) bytes)") == true)
      #expect(fault(text + "\n" + lines, limit: limit)?.message.contains("max_message_bytes") == true)
    }
  }

  @Test func aFileBeyondTheLimitIsTooLargeWhereverItIsCut() {
    let text =
      "{\"body\":\"a\\u0041\\ud83d\\ude00é\",\"to\":[\"a\",\"b\"],\"send_at\":1795338000,\"meta\":{\"x\":true,\"y\":null}}"
    for limit in 1..<text.utf8.count {
      let fault = fault(text + "\n" + history, limit: limit)
      #expect(fault?.message.contains("max_message_bytes") == true, "\(limit): \(fault?.message ?? "")")
    }
  }

  @Test func aMistakeAtTheBeginningOfALargeFileIsAMistake() {
    let fault = fault("{\"body\":x, \(String(repeating: " ", count: 1000))}", limit: 100)
    #expect(fault?.message.contains("a value is expected") == true)
  }

  // MARK: History behind it

  @Test func linesFollowTheMessage() throws {
    for text in [
      "{}\n\(history)\n\(history)\n", "{}\(history)\n\(history)", "{}\r\n\(history)", "{} \n\n \(history)\n\n",
    ] {
      let file = try MessageFile(text: text)
      #expect(!file.lines.isEmpty && file.lines.allSatisfy { $0.state == .deferred }, "\(text)")
    }
  }

  @Test func aTornLineIsIgnoredAndTheNextIsRead() throws {
    for cut in 0..<history.utf8.count {
      let torn = String(history.prefix(cut))
      #expect(try MessageFile(text: "{}\n\(torn)").lines.isEmpty, "\(torn)")
      #expect(try MessageFile(text: "{}\n\(history)\n\(torn)").lines.count == 1, "\(torn)")
      #expect(try MessageFile(text: "{}\n\(torn)\n\(history)\n").lines.count == 1, "\(torn)")
    }
  }

  @Test func theZerosOfAPowerCutAreIgnored() throws {
    let zeros = String(repeating: "\u{0}", count: 4096)
    #expect(try MessageFile(text: "{}\n\(zeros)").lines.isEmpty)
    #expect(try MessageFile(text: "{}\n\(zeros)\n\(history)\n").lines.count == 1)
    #expect(try MessageFile(text: "{}\n\(history)\n\(zeros)").lines.count == 1)
    #expect(try MessageFile(text: "{}\n\(history)\n{\"msgspool\":1,\(zeros)\n\(history)\n").lines.count == 2)
  }

  @Test func whatIsNoHistoryIsNotTolerated() {
    for tail in ["x", "{\"body\":\"y\"}", "{\"msgspoo1\":1}", "[1]", ",", "//", "{\"a\":{\"msgspool\":1}}"] {
      #expect(fault("{}\n\(tail)")?.message.contains("something follows the message") == true, "\(tail)")
    }
  }

  @Test(arguments: ["", " ", "\n ", " \n\t", "\n"]) func allReadersSeeTheSameLines(between: String) throws {
    let text = Array("{\"to\":\"a\"}\(between)\(history)\n\(history)\n".utf8)
    #expect(try MessageFile(bytes: text).lines.count == 2)
    text.withUnsafeBufferPointer { buffer in
      #expect(RawFile(buffer).history.count == 2)
      #expect(MessageFile.history(in: buffer, limit: 1 << 20).count == 2)
    }
  }

  @Test func aFileOfHistoryAloneIsNoMessage() {
    #expect(fault(history)?.message.hasPrefix("msgspool: is no field") == true)
  }

  @Test func theHistoryOfAnUnreadableMessageIsFoundAllTheSame() {
    func lines(_ text: String) -> Int {
      Array(text.utf8).withUnsafeBufferPointer { MessageFile.history(in: $0, limit: 1000).count }
    }
    #expect(lines("{\"body\":1}\n\(history)\n") == 1)
    #expect(lines("not JSON\n\(history)\n\(history)") == 2)
    #expect(lines("{\"body\":\"torn\n\(history)\n") == 1)
    #expect(lines("\(String(repeating: "x", count: 5000))\n\(history)\n") == 1)
    #expect(lines("") == 0 && lines("{}") == 0)
  }

  @Test func manyLinesTakeNoMoreThanTheirShareOfTime() throws {
    func work(_ count: Int) throws -> Double {
      let text = "{}\n" + String(repeating: history + "\n", count: count)
      var lines = 0
      let seconds = try processorSeconds { lines = try MessageFile(text: text).lines.count }
      #expect(lines == count)
      return seconds
    }
    let small = try work(300)
    #expect(try work(2400) < max(small, 0.002) * 28)
  }
}
