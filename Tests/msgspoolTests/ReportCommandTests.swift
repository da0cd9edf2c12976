import Foundation
import TestSupport
import Testing

@Suite("What was sent, told as text, JSON and one page")
struct ReportCommandTests {
  /// Names, reasons and codes as hostile as a producer and a provider can make them.
  private static let hostile = #"<script>alert(1)</script>"'&--><img src=//x.test/a.png>]]>"#

  private func fill(_ station: Station) async throws {
    try station.configure(["push": .wxpusher("price: 0.5"), "text": .twilio()])
    for number in 0..<20 {
      try station.spool.drop("m\(number)", #"{"channel":"push","to":"UID_\#(number)","body":"hi"}"#)
    }
    try station.spool.drop(
      bytes: Array("<b onload=x>\u{202E}.json".utf8), #"{"channel":"text","to":"nonsense","body":"hi"}"#)
    _ = try await station.sweep()
    let at = ISO8601DateFormatter().string(from: Date() - 3600)
    let said = try String(decoding: JSONEncoder().encode(Self.hostile), as: UTF8.self)
    func settle(_ place: String, _ state: String, _ result: String) throws {
      try Data(
        """
        {"channel":"text","to":"+1","body":"hi"}
        {"msgspool":1,"at":"\(at)","state":"\(state)","channel":\(said),"attempt":1,"recipients":{},"calls":[],\
        "results":[{"to":"+1","state":"\(result)"}],"error":{"kind":"provider","code":\(said),"message":\(said)},\
        "dropped":"\(at)"}

        """.utf8
      ).write(to: URL(filePath: "\(station.spool.path)/\(place)"))
    }
    try settle("failed/doubt", "unconfirmed", "unconfirmed")
    try settle("failed/refused", "failed", "rejected")
  }

  @Test("The terminal's text has all the parts, within 80 columns")
  func text() async throws {
    try await withStation { station in
      try await fill(station)
      let ran = try await station.run("report")
      #expect(ran.status == 0)
      for part in [
        "channel", "recipients (UTC)", "what went wrong", "in doubt (1)", "slowest calls", "10.00", "100.0 %",
      ] {
        #expect(ran.stdout.contains(part), "\(part)")
      }
      // Names and codes of others' making may be longer; they are whole, as they are handles.
      let own = ran.stdout.split(separator: "\n").filter { !$0.contains("script") && !$0.hasPrefix("/") }
      #expect(own.allSatisfy { $0.count <= 80 }, "\(own.filter { $0.count > 80 })")
      #expect(!ran.stdout.unicodeScalars.contains("\u{202E}"))
    }
  }

  @Test("The JSON has the counts")
  func json() async throws {
    try await withStation { station in
      try await fill(station)
      let report = try Parsed(try await station.run("report", ["--json", "--since", "1d"]).stdout)
      #expect(report["messages"]?.int == 23 && report["doubtful_count"]?.int == 1)
      let push = report["channels"]?.array.first { $0["channel"]?.text == "push" }
      #expect(push?["sent"]?.int == 20 && push?["accepted"]?.int == 20)
      #expect([24, 25].contains(report["steps"]?.array.count) && report["slowest_calls"]?.array.isEmpty == false)
    }
  }

  @Test("The page needs nothing from elsewhere, and nothing that others wrote is markup in it")
  func page() async throws {
    try await withStation { station in
      try await fill(station)
      let file = "\(station.spool.path)/report.html"
      let ran = try await station.run("report", ["--html", file])
      #expect(ran.status == 0 && ran.stdout.isEmpty)
      let page = try String(contentsOfFile: file, encoding: .utf8)
      #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("default-src 'none'"))
      // No address but within text, no script, no style or picture from elsewhere.
      #expect(page.firstMatch(of: #/(?i)<\s*(script|link|img|iframe|object|embed|base|form|a)\b/#) == nil)
      #expect(
        page.firstMatch(of: #/(?i)\s(src|href|on[a-z]+|action|srcset|xlink:href)\s*=/#) == nil || !hasAttribute(page))
      #expect(page.firstMatch(of: #/(?i)(@import|url\()/#) == nil)
      #expect(!page.unicodeScalars.contains("\u{202E}"))
      #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;--&gt;"))
      // A table behind each plot; one of them is of those who are awaited.
      #expect(page.matches(of: #/<svg /#).count == 3 && page.matches(of: #/<details>/#).count == 3)
      #expect(page.contains("retry NAME --state unconfirmed"))
      try await parsed(file)
    }
  }

  /// Whether such an attribute stands in a tag, and not in text.
  private func hasAttribute(_ page: String) -> Bool {
    page.matches(of: #/<[a-zA-Z][^<>]*>/#).contains { tag in
      // Values are quoted; what stands in them is text.
      let bare = String(tag.0).replacing(#/"[^"]*"/#, with: "")
      return bare.firstMatch(of: #/(?i)\s(src|href|on[a-z]+|action|srcset)\s*=/#) != nil
    }
  }

  /// Every tag is closed in its turn.
  private func parsed(_ file: String) async throws {
    guard let python = ["/usr/bin/python3"].first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
      return
    }
    let program = """
      import html.parser, sys
      void = {"meta", "rect", "line", "br", "hr"}
      class Check(html.parser.HTMLParser):
          stack = []
          def handle_starttag(self, tag, attrs):
              if tag not in void: self.stack.append(tag)
          def handle_endtag(self, tag):
              assert tag in void or (self.stack and self.stack.pop() == tag), (tag, self.getpos(), self.stack)
      check = Check(); check.feed(open(sys.argv[1], encoding="utf-8").read()); check.close()
      assert not check.stack, check.stack
      """
    let ran = try await run(python, ["-c", program, file])
    #expect(ran.status == 0, "\(ran.stderr)")
  }

  @Test("A spool where nothing happened is told as such")
  func empty() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      #expect(try await station.run("report").stdout.contains("nothing was settled"))
      #expect(try await station.run("report", ["--since", "2999-01-01T00:00:00Z"]).status == 64)
      let file = "\(station.spool.path)/r.html"
      #expect(try await station.run("report", ["--html", file]).status == 0)
      try await parsed(file)
    }
  }
}
