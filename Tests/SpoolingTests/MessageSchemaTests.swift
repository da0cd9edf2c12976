import Core
import Foundation
import TestSupport
import Testing

@testable import Spooling

@Suite("The JSON Schema and the decoder agree on what a message is")
struct MessageSchemaTests {
  private static let corpus = Repository.file("Tests/Corpus/messages")

  /// Accepts any template, and leaves the producer's fields as they are.
  private struct AnyTemplate: TemplateShelf {
    var isReadable: Bool { true }

    func template(named name: String) throws(JSONFault) -> MessageTemplate {
      // As the spool's own shelf has it.
      guard !name.isEmpty else { throw JSONFault(offset: -1, problem: "use: has no name") }
      return try MessageTemplate(Array(#"{"title":"{a}"}"#.utf8), path: "templates/\(name).json")
    }
  }

  private static let cases = [
    #"{}"#, #"{"to":"a","body":"b"}"#, #"{"to":["a","b"]}"#, #"{"to":[]}"#, #"{"to":""}"#, #"{"to":["a",""]}"#,
    #"{"to":["a",null]}"#, #"{"to":null,"channel":null}"#, #"{"to":7}"#, #"{"id":""}"#, #"{"id":"x"}"#, #"{"body":""}"#,
    #"{"body":7}"#, #"{"format":"markdown"}"#, #"{"format":"Markdown"}"#, #"{"format":null}"#,
    #"{"priority":"urgent"}"#,
    #"{"params":{"a":"b"}}"#, #"{"params":{"a":null}}"#, #"{"params":{"a":1}}"#, #"{"params":["a"]}"#,
    #"{"params":["a",null]}"#, #"{"params":"a"}"#, #"{"use":"disk","params":{"a":1}}"#,
    #"{"use":"disk","params":{"a":true}}"#, #"{"use":"disk","params":{"a":["b"]}}"#, #"{"use":"disk","params":["a"]}"#,
    #"{"use":null,"params":["a"]}"#, #"{"use":7}"#, #"{"use":""}"#, #"{"send_at":"2026-11-22T09:00:00Z"}"#,
    #"{"send_at":"2026-11-22 09:00:00.5+08:00"}"#, #"{"send_at":"2026-11-22T24:00:00Z"}"#, #"{"send_at":"2026-11-22"}"#,
    #"{"send_at":"2026-13-22T09:00:00Z"}"#, #"{"send_at":1795338000}"#, #"{"send_at":-1}"#, #"{"send_at":1e12}"#,
    #"{"send_at":1.5,"expires_at":"2026-11-22t09:00:60z"}"#, #"{"attachments":["/a"]}"#, #"{"attachments":[7]}"#,
    #"{"attachments":"/a"}"#, #"{"attachments":[{"path":"/a","name":null}]}"#, #"{"attachments":[{"name":"a"}]}"#,
    #"{"attachments":[{"path":"/a","base64":"YQ=="}]}"#, #"{"attachments":[{"path":"/a","base64":null}]}"#,
    #"{"attachments":[{"base64":"YQ=="}]}"#, #"{"attachments":[{"base64":"Y"}]}"#, #"{"attachments":[{"base64":""}]}"#,
    #"{"attachments":[{"path":"/a","size":1}]}"#, #"{"options":{"a":[1]},"meta":{"x":{"y":null}}}"#, #"{"options":[]}"#,
    #"{"meta":"x"}"#, #"{"titel":"x"}"#, #"[]"#, #"7"#, #""text""#,
  ]

  @Test(
    "What one takes, the other takes",
    .disabled(if: TestPython.with("jsonschema") == nil, TestPython.missing("jsonschema")))
  func agreement() async throws {
    let python = try #require(TestPython.with("jsonschema"))
    var texts = Self.cases.map { Data($0.utf8) }
    for name in try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path) {
      texts.append(try Data(contentsOf: Self.corpus.appending(path: name)))
    }
    // What a schema does not see: JSON that is none, repeated keys, history behind the message.
    let judged = texts.filter { text in
      let complaint = complaint(text)
      return (try? JSONSerialization.jsonObject(with: text, options: .fragmentsAllowed)) != nil
        && (!complaint.contains("(line ") || complaint.contains("is no message"))
    }
    #expect(judged.count > Self.cases.count / 2)
    let script = """
      import base64, json, sys
      from jsonschema import Draft202012Validator
      schema, *texts = json.load(sys.stdin)
      Draft202012Validator.check_schema(schema)
      validator = Draft202012Validator(schema)
      print(json.dumps([validator.is_valid(json.loads(base64.b64decode(text).decode("utf-8-sig"))) for text in texts]))
      """
    let input = JSON.array([MessageSchema.json] + judged.map { .string($0.base64EncodedString()) })
    let ran = try await run(python, ["-c", script], stdin: Data(input.bytes))
    #expect(ran.status == 0, "\(ran.stderr)")
    let verdicts = try Parsed(ran.stdout).array
    #expect(verdicts.count == judged.count)
    for (text, verdict) in zip(judged, verdicts) {
      let isMessage = complaint(text).isEmpty
      #expect(
        verdict == .boolean(isMessage), "\(String(decoding: text.prefix(200), as: UTF8.self)): \(complaint(text))")
    }
  }

  private func decoded(_ text: Data) -> Result<MessageFile, Fault> {
    Array(text).withUnsafeBufferPointer { buffer in
      do throws(Fault) { return .success(try MessageFile(buffer, limit: 1 << 24, templates: AnyTemplate())) } catch {
        return .failure(error)
      }
    }
  }

  private func complaint(_ text: Data) -> String {
    // A value that the template has no place for is no matter of shape.
    switch decoded(text) {
    case .success: ""
    case .failure(let fault): fault.message.contains("is missing; templates/") ? "" : fault.message
    }
  }
}
