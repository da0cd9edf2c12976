import Foundation
import TestSupport
import Testing

@Suite("What strangers may send through personal WeChat")
struct WeChatHostileTests {
  /// Names that are taken for something else by whoever is careless.
  private static let names = [
    "<b>Tom & \"Jerry\"</b>", "a&amp;b", "<span class=\"emoji emoji1f604\"></span>", "李四👨‍👩‍👧", "\u{202E}gnp.exe",
    "  padded  ", "'; rm -rf /", "{name}{text}", "re:mark", "cafe\u{301}", "\u{1B}[31mred",
  ]

  @Test("Names are compared and shown as people read them, and what they would do to a terminal is not done")
  func names() async throws {
    try await withStation { station in
      try station.configureWeb(
        #"repeat_window: "0s", replies: [{ when: { text: { prefix: "q" } }, answer: "{name}: {text}" }]"#)
      for name in Self.names { try await station.phone("befriend", ["nick": name], of: Station.web) }
      try await station.logInToWeb()
      let listed = try await station.run("contacts", ["wx"])
      #expect(!listed.stdout.contains("\u{1B}") && !listed.stdout.contains("\u{202E}"))
      let contacts = try await station.run("contacts", ["wx", "--json"]).stdout.split(separator: "\n")
        .map { try Parsed(String($0)) }
      for (number, name) in Self.names.enumerated() {
        let plain = name.trimmingCharacters(in: .whitespaces)
        let entry = contacts.first { $0["nick"]?.text?.unicodeScalars.elementsEqual(plain.unicodeScalars) == true }
        let word = try #require(entry?["to"]?.text, "\(name) is listed as it is")
        let message = try JSONSerialization.data(withJSONObject: ["to": word, "body": "to \(number)"])
        try station.spool.drop("m\(number)", message)
      }
      #expect(try await station.sweep()["done"] == Self.names.count)
      try await station.watching {
        for (number, name) in Self.names.enumerated() {
          try await station.hear("q\(number) {1}{name}", ["from": name])
        }
        #expect(try await eventually { try station.inbox().count == Self.names.count })
        for (number, name) in Self.names.enumerated() {
          let plain = name.trimmingCharacters(in: .whitespaces)
          let expected = ["to \(number)", "\(plain): q\(number) {1}{name}"]
          // A terminal's escape has no place in a message: it is left out on the way.
          let clean = expected.map { $0.replacingOccurrences(of: "\u{1B}", with: "") }
          #expect(try await eventually { try await station.texts(name) == clean }, "\(name)")
        }
      }
    }
  }

  @Test("A text of a megabyte comes in whole, and takes no expression's time")
  func longText() async throws {
    try await withStation { station in
      try station.configureWeb(
        #"receive: "sweep", replies: [{ when: { text: { regex: "^(a+)+$" } }, answer: "x" }]"#)
      try await station.logInToWeb()
      let text = String(repeating: "a<&😄", count: 150_000) + "!"
      try await station.hear(text)
      try await station.hear(String(repeating: "a", count: 4097))
      let swept = try await station.sweep()
      #expect(swept.status == 0, "\(swept.stderr)")
      #expect(try station.inbox().first?["text"]?.text == text)
      #expect(try await station.texts("老张").isEmpty)
    }
  }

  @Test("A file's name leads nowhere, and two of one name are two files")
  func paths() async throws {
    try await withStation { station in
      try station.configureWeb(#"receive: "sweep""#)
      try await station.logInToWeb()
      let names = [
        "../../../etc/passwd", "/etc/shadow", "..", ".", "", ".ssh", "a/b\\c.txt", "con\u{202E}fdp.exe", "nul\u{7}l",
        "~/x", String(repeating: "长", count: 300) + ".pdf", "name\nwith\nlines", "-rf",
      ]
      for name in names {
        try await station.hear("", ["kind": "file", "name": name, "base64": Data("bytes".utf8).base64EncodedString()])
      }
      _ = try await station.sweep()
      let inbox = try station.inbox()
      #expect(inbox.count == names.count)
      for message in inbox {
        let file = try #require(message["files"]?.array.first)
        let path = try #require(file["path"]?.text, "\(file)")
        #expect(path.hasPrefix("inbox/files/wx.\(message["id"]?.text ?? "?")/"), "\(path)")
        let name = try #require(path.split(separator: "/").last)
        #expect(!name.hasPrefix(".") && path.split(separator: "/").count == 4, "\(path)")
        #expect(name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" && $0 != "\\" }, "\(path)")
        #expect(try station.spool.bytes(path) == Array("bytes".utf8))
      }
    }
  }
}
