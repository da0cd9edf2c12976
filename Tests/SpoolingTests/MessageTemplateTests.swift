import Core
import Foundation
import TestSupport
import Testing

@testable import Spooling

@Suite("A template's places are filled by values, and what a value holds is never obeyed")
struct MessageTemplateTests {
  private func message(_ template: String, _ own: String) throws -> Message {
    let template = try MessageTemplate(Array(template.utf8), path: "templates/t.json")
    let members = try #require(try JSONScanner.value(of: Array(own.utf8)).members)
    return try MessageDecoding.message(try template.filled(members))
  }

  private func problem(_ template: String, _ own: String) -> String {
    do {
      _ = try message(template, own)
      return ""
    } catch let fault as JSONFault {
      return fault.problem
    } catch {
      return "\(error)"
    }
  }

  // MARK: Filling

  @Test("Places stand in any text of the template; the producer's own fields go before the template's")
  func filled() throws {
    let template = """
      {"channel":"alerts","to":["{who}","team"],"title":"Disk {host}","body":"{host}: {percent} % of {{all}}",
       "options":{"summary":"{host}"},"meta":{"n":[1,"{percent}"]},"template":"T1","params":{"code":"{percent}"}}
      """
    let own = #"{"use":"t","params":{"who":"UID_1","host":"db \"1\"","percent":9.50},"id":"x","title":"mine {host}"}"#
    let message = try message(template, own)
    #expect(message.channel == "alerts" && message.to == ["UID_1", "team"] && message.id == "x")
    #expect(message.title == "mine {host}", "what the producer says itself has no places")
    #expect(message.body == "db \"1\": 9.50 % of {all}" && message.option("summary") == .string("db \"1\""))
    #expect(message.params == .named([.init("code", "9.50")]))
  }

  @Test(
    "In a body a value is shown as its format has it",
    arguments: [
      ("text", "a {x} b", "<b>*_`\n", "a <b>*_`\n b"),
      ("html", "<b>{x}</b>", "</b><script>&\"'", "<b>&lt;/b&gt;&lt;script&gt;&amp;&quot;&#39;</b>"),
      (
        "html", "<a href=\"https://e.example/{x}\">", "\"><script>", "<a href=\"https://e.example/%22%3E%3Cscript%3E\">"
      ),
      ("html", "<a href='{x}'>", "javascript:alert(1)", "<a href='javascript%3Aalert%281%29'>"),
      (
        "markdown", "**{x}**", "a** [l](http://e) _`<b>&\\",
        "**a\\*\\* \\[l\\]\\(http\\:\\/\\/e\\) \\_\\`\\<b\\>\\&\\\\**"
      ),
      ("markdown", "{x}", "  # no\n- heading\n1. list\u{2028}x", "\\# no \\- heading 1\\. list x"),
      ("markdown", "[l](https://e/{x})", "a) [m](javascript:b", "[l](https://e/a%29%20%5Bm%5D%28javascript%3Ab)"),
      ("markdown", "run `{x}` now", "a` *b* \\", "run `a' *b* \\` now"),
      // A mark behind a sign makes another character of it for Swift alone.
      ("markdown", "{x}", "*\u{20E3}", "\\*\u{20E3}"), ("html", "{x}", "<\u{301}b>", "&lt;\u{301}b&gt;"),
      ("markdown", "{x}", "中文 ok", "中文 ok"),
    ])
  func escaped(format: String, body: String, value: String, expected: String) throws {
    let template = JSON.object([.init("format", .string(format)), .init("body", .string(body))]).text
    let own = JSON.object([
      .init("use", .string("t")), .init("params", .object([.init("x", .string(value))])),
    ]).text
    #expect(try message(template, own).body == expected)
  }

  @Test("The producer's own format is the one that counts, as it is the one that is sent")
  func ownFormat() throws {
    let message = try message(#"{"body":"{x}"}"#, #"{"use":"t","format":"html","params":{"x":"<"}}"#)
    #expect(message.body == "&lt;" && message.format == .html)
  }

  @Test("In a link a value is one piece of it; alone it is a link or an error")
  func links() throws {
    let url = #"{"url":"https://e.example/{x}?a={y}"}"#
    #expect(
      try message(url, #"{"use":"t","params":{"x":"../a b","y":"1&b=2#周"}}"#).url
        == "https://e.example/..%2Fa%20b?a=1%26b%3D2%23%E5%91%A8")
    #expect(
      try message(#"{"url":"{x}"}"#, #"{"use":"t","params":{"x":"https://e.example/?a=1"}}"#).url
        == "https://e.example/?a=1")
    #expect(
      problem(#"{"url":"{x}"}"#, #"{"use":"t","params":{"x":"javascript:alert(1)"}}"#).contains("params.x: is no link"))
  }

  // MARK: Errors

  @Test(
    "Unknown and missing places, and what is no template, are errors that name the file, the field and what is expected",
    arguments: [
      (#"{"body":"{host}"}"#, #"{"use":"t"}"#, "params.host: is missing; templates/t.json has a place for it in body"),
      (#"{"body":"{host}"}"#, #"{"use":"t","params":{"host":null}}"#, "params.host: is missing"),
      (
        #"{"body":"{host}"}"#, #"{"use":"t","params":{"host":"a","hots":"b"}}"#,
        "params.hots: is no place of templates/t.json; did you mean \"host\"?"
      ),
      (#"{"body":"x"}"#, #"{"use":"t","params":{"a":"b"}}"#, "params.a: is no place of templates/t.json; it has none"),
      (
        #"{"body":"{a}"}"#, #"{"use":"t","params":{"a":["b"]}}"#,
        "params.a: found an array; expected a string, a number, true or false"
      ),
      (#"{"body":"{a}"}"#, #"{"use":"t","params":["b"]}"#, "params: found an array; expected an object"),
      (#"{"body":"{a"}"#, #"{"use":"t","params":{"a":"b"}}"#, "templates/t.json: body: has a single brace"),
      (#"{"options":{"x":["}"]}}"#, #"{"use":"t"}"#, "templates/t.json: options.x[0]: has a single brace"),
      (
        #"{"titel":"x"}"#, #"{"use":"t"}"#,
        "templates/t.json: titel: is no field of a template; did you mean \"title\"?"
      ),
      (#"{"use":"t"}"#, #"{"use":"t"}"#, "templates/t.json: use: is no field of a template"),
      (#"[]"#, #"{"use":"t"}"#, "templates/t.json: found an array; expected an object"),
      (#"{"a":1,"a":2}"#, #"{"use":"t"}"#, "templates/t.json: "),
      (#"{"priority":"{p}"}"#, #"{"use":"t","params":{"p":"urgent"}}"#, "priority: found \"urgent\"; expected one of"),
    ])
  func errors(template: String, own: String, expected: String) {
    #expect(problem(template, own).hasPrefix(expected), "\(problem(template, own))")
  }

  // MARK: The shelf

  private func file(_ spool: Spool, _ text: String) -> String {
    let result = Array(text.utf8).withUnsafeBufferPointer { buffer -> Result<MessageFile, Fault> in
      do throws(Fault) { return .success(try MessageFile(buffer, limit: 1 << 20, templates: spool.templates)) } catch {
        return .failure(error)
      }
    }
    switch result {
    case .success(let file): return file.message.body ?? ""
    case .failure(let fault): return fault.message
    }
  }

  @Test("A template is a plain file in the spool's templates/, looked at again when it has changed")
  func shelf() throws {
    let temporary = try TemporarySpool()
    let spool = try Spool(temporary.path)
    let message = #"{"use":"disk","params":{"x":"1"}}"#
    #expect(file(spool, message).contains("there is no templates/disk.json"))
    let folder = temporary.path + "/templates"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    try Data(#"{"body":"one {x}"}"#.utf8).write(to: URL(filePath: folder + "/disk.json"))
    #expect(file(spool, message) == "one 1")
    try Data(#"{"body":"another {x}"}"#.utf8).write(to: URL(filePath: folder + "/disk.json"))
    #expect(file(spool, message) == "another 1")
    #expect(file(spool, #"{"use":"dsik"}"#).contains("did you mean \"disk\"?"))
    try Data(#"{"body":"secret"}"#.utf8).write(to: URL(filePath: temporary.path + "/outside.json"))
    symlink("../outside.json", folder + "/link.json")
    for name in ["../outside", "link", "", ".", "a/b", "disk\\u0000"] {
      let problem = file(spool, #"{"use":"\#(name)"}"#)
      #expect(problem.contains("use:") && !problem.contains("secret"), "\(name): \(problem)")
    }
    mkfifo(folder + "/pipe.json", 0o600)
    #expect(file(spool, #"{"use":"pipe"}"#).contains("use: templates/pipe.json"))
    try Data(count: 2 << 20).write(to: URL(filePath: folder + "/large.json"))
    #expect(file(spool, #"{"use":"large"}"#).contains("use: templates/large.json"))
  }
}
