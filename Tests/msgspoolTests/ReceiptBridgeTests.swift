import Foundation
import TestSupport
import Testing

/// The bridges for web and mail servers, run as these run them.
@Suite(
  "What a web server or a mail server hands on becomes a receipt, flushed before the service hears of it",
  .disabled(if: find(program: "/usr/bin/python3") == nil, "needs python3"))
struct ReceiptBridgeTests {
  private static let python = "/usr/bin/python3"
  private static let callback = Repository.file("Sources/Extras/Bridges/receipts-callback.py").path
  private static let number = "13800138000"

  /// A message that was accepted, and the id of its call.
  private static func accepted(_ station: Station, _ channel: Station.Channel) async throws -> String {
    try station.configure(["sms": channel])
    try station.spool.drop("m", #"{"channel":"sms","to":"\#(number)","params":{"code":"1"}}"#)
    #expect(try await station.sweep()["done"] == 1)
    // The first sweep of a spool with receipts makes their folders.
    #expect(FileManager.default.fileExists(atPath: "\(station.spool.path)/receipts/new"))
    return try #require(try station.spool.last("done/m")["calls"]?[0].text)
  }

  /// As a web server runs it: the request in the environment, its body on standard input.
  private static func cgi(
    _ station: Station, _ path: String, _ body: String, method: String = "POST", with more: [String: String] = [:]
  ) async throws -> (status: String, body: String) {
    var environment = [
      "MSGSPOOL_DIR": station.spool.path, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method,
      "SERVER_NAME": "example.test", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "example.test",
      "SCRIPT_NAME": "/receipts", "PATH_INFO": path, "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
      "CONTENT_LENGTH": String(body.utf8.count), "PATH": "/usr/bin:/bin",
    ]
    environment.merge(more) { $1 }
    let ran = try await run(python, [callback], stdin: Data(body.utf8), env: environment)
    let parts = ran.stdout.replacing("\r\n", with: "\n").split(separator: "\n\n", maxSplits: 1).map(String.init)
    let status = parts.first?.split(separator: "\n").first { $0.hasPrefix("Status: ") } ?? ""
    return (String(status.dropFirst("Status: ".count)), parts.count > 1 ? parts[1] : "")
  }

  @Test("A CGI program takes what the service posts, and the secret in the URL counts")
  func cgi() async throws {
    try await withStation { station in
      let call = try await Self.accepted(station, .aliyun(#"receipts: "drop", receipt_secret: "s3cret""#))
      let report = "[\(aliyunReport(Self.number, out: call))]"
      let forged = try await Self.cgi(
        station, "/sms/guess", "[\(aliyunReport(Self.number, out: call, success: false))]")
      let taken = try await Self.cgi(station, "/sms/s3cret", report)
      // Aliyun looks for a number as code, Tencent for result 0; the status is what the others look at.
      #expect(forged.status == "200 OK" && taken.status == "200 OK")
      #expect(try Parsed(taken.body)["code"]?.int == 0 && Parsed(taken.body)["result"]?.int == 0)
      #expect(station.receipts("new").count == 2 && station.receipts("new").allSatisfy { $0.hasPrefix("sms.") })
      #expect(station.receipts("tmp").isEmpty)
      try await station.sweep()
      #expect(try await station.recipients()["delivered"] == 1)
      #expect(station.receipts("new").isEmpty && station.receipts("unknown").count == 1)
    }
  }

  @Test("What is no callback is refused, and what cannot be written now is not said to be taken")
  func refused() async throws {
    try await withStation { station in
      _ = try await Self.accepted(station, .aliyun(#"receipts: "drop""#))
      func status(_ path: String, _ body: String = "[]", _ more: [String: String] = [:], method: String = "POST")
        async throws -> String
      {
        try await Self.cgi(station, path, body, method: method, with: more).status
      }
      #expect(try await status("/").hasPrefix("404"))
      #expect(try await status("/../../etc/x").hasPrefix("404"))
      #expect(try await status("/sms", method: "PUT").hasPrefix("405"))
      #expect(try await status("/sms", "[]", ["CONTENT_LENGTH": "x"]).hasPrefix("400"))
      #expect(try await status("/sms", "[]", ["CONTENT_LENGTH": "9"]).hasPrefix("400"))
      #expect(try await status("/sms", "[]", ["CONTENT_LENGTH": "999999999"]).hasPrefix("413"))
      // Nobody says how long it is: an empty body would be taken for the service's.
      #expect(try await status("/sms", "[]", ["CONTENT_LENGTH": ""]).hasPrefix("411"))
      #expect(try await status("/sms", "[]", ["MSGSPOOL_DIR": "/nonexistent"]).hasPrefix("503"))
      #expect(station.receipts("new").isEmpty && station.receipts("tmp").isEmpty)
    }
  }

  @Test(
    "The URL is handed on as it came, whatever the server makes of its parts",
    arguments: [
      ("/receipts/sms/a+b/%7e?x=1%2B2", "http://example.test/receipts/sms/a+b/%7e?x=1%2B2"),
      ("http://other.test/receipts/sms/a%2bb", "http://example.test/receipts/sms/a%2bb"),
    ])
  func url(raw: String, expected: String) async throws {
    try await withStation { station in
      _ = try await Self.accepted(station, .aliyun(#"receipts: "drop""#))
      let taken = try await Self.cgi(station, "/sms/a+b/~", "[]", with: ["REQUEST_URI": raw])
      #expect(taken.status == "200 OK")
      let name = try #require(station.receipts("new").first)
      #expect(try Parsed(station.spool.bytes("receipts/new/\(name)"))["url"]?.text == expected)
    }
  }

  @Test("A channel may be called anything, and a secret may have any sign")
  func anyName() async throws {
    try await withStation { station in
      try station.configure(["短信": .aliyun(#"receipts: "drop", receipt_secret: "a+b=""#)])
      try station.spool.drop("m", #"{"channel":"短信","to":"\#(Self.number)","params":{"code":"1"}}"#)
      #expect(try await station.sweep()["done"] == 1)
      let call = try #require(try station.spool.last("done/m")["calls"]?[0].text)
      let report = "[\(aliyunReport(Self.number, out: call))]"
      #expect(try await Self.cgi(station, "/短信/a+b=", report).status == "200 OK")
      try await station.sweep()
      #expect(try await station.recipients()["delivered"] == 1)
    }
  }

  /// A request whose body comes in chunks, as the server hands it on: its end is marked, its length is not known.
  private static let chunked = """
    import importlib.util, io, sys
    spec = importlib.util.spec_from_file_location("bridge", sys.argv[1])
    bridge = importlib.util.module_from_spec(spec); spec.loader.exec_module(bridge)
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/sms", "SCRIPT_NAME": "", "QUERY_STRING": "",
               "SERVER_NAME": "h", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr,
               "wsgi.input": io.BytesIO(sys.argv[2].encode()), "wsgi.input_terminated": True}
    print(bridge.take(environ)[0])
    """

  @Test("A body in chunks is read to its end where the server marks it")
  func chunks() async throws {
    try await withStation { station in
      let call = try await Self.accepted(station, .aliyun(#"receipts: "drop""#))
      let report = "[\(aliyunReport(Self.number, out: call))]"
      let ran = try await run(
        Self.python, ["-c", Self.chunked, Self.callback, report],
        env: ["MSGSPOOL_DIR": station.spool.path, "PATH": "/usr/bin:/bin"])
      #expect(ran.stdout == "200 OK\n", "\(ran.stderr)")
      try await station.sweep()
      #expect(try await station.recipients()["delivered"] == 1)
    }
  }

  /// Serves the bridge on a port of the kernel's choice, and posts to it what its arguments say.
  private static let server = """
    import base64, hashlib, hmac, importlib.util, sys, threading, urllib.parse, urllib.request
    from wsgiref.simple_server import make_server, WSGIRequestHandler
    class Quiet(WSGIRequestHandler):
        def log_message(self, *arguments): pass
    spec = importlib.util.spec_from_file_location("bridge", sys.argv[1])
    bridge = importlib.util.module_from_spec(spec); spec.loader.exec_module(bridge)
    server = make_server("127.0.0.1", 0, bridge.application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sid, token = sys.argv[2:4]
    for status, key in (("failed", "wrong"), ("delivered", token)):
        form = {"AccountSid": "AC" + "0" * 32, "MessageSid": sid, "MessageStatus": status, "To": "+12125550100"}
        url = "https://example.test/sms?x=1"
        text = url + "".join(name + form[name] for name in sorted(form))
        signature = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.server_port}/sms?x=1", urllib.parse.urlencode(form).encode(),
            {"X-Twilio-Signature": signature})
        print(urllib.request.urlopen(request).status)
    server.shutdown()
    """

  @Test("Under a WSGI server and behind a proxy, what the service signed is what is checked")
  func wsgi() async throws {
    try await withStation { station in
      try station.configure(["sms": .twilio(#"receipts: "drop""#)])
      try station.spool.drop("m", #"{"channel":"sms","to":"+12125550100","body":"x"}"#)
      #expect(try await station.sweep()["done"] == 1)
      let sid = try #require(try station.spool.last("done/m")["results"]?[0]["id"]?.text)
      let ran = try await run(
        Self.python, ["-c", Self.server, Self.callback, sid, "token-for-tests"],
        env: [
          "MSGSPOOL_DIR": station.spool.path, "MSGSPOOL_CALLBACK_BASE": "https://example.test", "PATH": "/usr/bin:/bin",
        ])
      #expect(ran.stdout == "200\n200\n", "\(ran.stderr)")
      try await station.sweep()
      #expect(try await station.recipients()["delivered"] == 1)
      #expect(station.receipts("unknown").count == 1, "the forged one")
    }
  }

  // MARK: Mail

  /// A report as a mail system writes it (RFC 3464).
  private static func bounce(
    to sender: String, of address: String, action: String, status: String, messageId: String?
  ) -> String {
    let returned = messageId.map { "Message-ID: \($0)\n" } ?? ""
    return """
      Return-Path: <>
      Delivered-To: \(sender)
      From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
      To: \(sender)
      Subject: Undelivered Mail Returned to Sender
      Auto-Submitted: auto-replied
      MIME-Version: 1.0
      Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

      --=_b
      Content-Type: text/plain

      I'm sorry to have to inform you.

      --=_b
      Content-Type: message/delivery-status

      Reporting-MTA: dns; mx.example.net
      Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0000

      Final-Recipient: rfc822; \(address)
      Action: \(action)
      Status: \(status)
      Diagnostic-Code: smtp; 550 5.1.1 <\(address)>: no such user

      --=_b
      Content-Type: text/rfc822-headers

      \(returned)Subject: x

      --=_b--

      """
  }

  @Test(
    "Mail that comes back names its mail by the Message-ID or by the address it came to",
    .enabled(if: TestPython.with("aiosmtpd") != nil, TestPython.missing("aiosmtpd")), arguments: [false, true])
  func mail(isVerp: Bool) async throws {
    let python = try #require(TestPython.with("aiosmtpd"))
    let server = Repository.file("Tests/Fixtures/mail_server.py").path
    let filter = Repository.file("Sources/Extras/Bridges/receipts-mail.py").path
    try await withStation { station in
      let record = "\(station.spool.path)/mail.jsonl"
      try await whileRunning(python, [server, record]) { port in
        try station.configure(
          text: #"{ channels: { mail: { provider: "email", from: "Alerts <alert+prod@example.com>", security: "none", "#
            + "receipts: \"drop\", verp: \(isVerp), url: \"smtp://127.0.0.1:\(port)\" } } }")
        try station.spool.drop(
          "m", #"{"channel":"mail","to":["a@example.com","b@example.com"],"title":"t","body":"x"}"#)
        let swept = try await station.sweep()
        #expect(swept["done"] == 1, "\(swept.stderr)")
        let mail = try Parsed(String(contentsOfFile: record, encoding: .utf8))
        let sender = try #require(mail["from"]?.text)
        #expect(sender.contains("+prod+") == isVerp, "\(sender)")
        let id = try #require(mail["headers"]?["message-id"]?.text)
        func deliver(_ bounce: String) async throws -> Int32 {
          try await run(
            Self.python, [filter, "--spool", station.spool.path, "--channel", "mail"], stdin: Data(bounce.utf8)
          ).status
        }
        func bounce(_ address: String, _ action: String, _ status: String) -> String {
          Self.bounce(to: sender, of: address, action: action, status: status, messageId: isVerp ? nil : id)
        }
        // Not yet is no word; a stranger's address is none of the call's.
        #expect(try await deliver(bounce("a@example.com", "delayed", "4.4.1")) == 0)
        #expect(try await deliver(bounce("a@example.com", "failed", "5.1.1")) == 0)
        #expect(try await deliver(bounce("b@example.com", "delivered", "2.0.0")) == 0)
        #expect(try await deliver("Subject: out of office\n\nI am away.\n") == 0)
        try await station.sweep()
        let counts = try await station.recipients()
        #expect(counts["undelivered"] == 1 && counts["delivered"] == 1, "\(counts)")
        let results = String(decoding: try station.spool.bytes("done/m"), as: UTF8.self)
        #expect(results.contains("no such user") && results.contains("5.1.1"))
        // No JSON: it is kept once its writer had time to finish it.
        for name in station.receipts("new") { try station.spool.age("receipts/new/\(name)", seconds: 10) }
        try await station.sweep()
        #expect(station.receipts("new").isEmpty && station.receipts("unknown").count == 1)
      }
      let ran = try await run(Self.python, [filter, "--spool", "/nonexistent", "--channel", "mail"])
      #expect(ran.status == 75, "the mail server tries again")
      // A file of that name would be passed over for ever.
      let nameless = try await run(Self.python, [filter, "--spool", station.spool.path, "--channel", ""])
      #expect(nameless.status == 2 && station.receipts("new").isEmpty)
    }
  }
}
