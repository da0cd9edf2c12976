import Testing

@testable import Sandbox

@Suite struct TwilioSandboxTests {
  @Test func aCreatedMessageIsTheResourceThatFetchAndListAnswer() throws {
    let clock = ManualClock()
    let server = try sandbox(clock: clock)
    let created = try server.text(body: "同一内容")
    #expect(created.status == 201)
    #expect(created.json["status"] == "queued")
    #expect(created.json["date_created"] == "Mon, 20 May 2024 08:30:15 +0000")
    #expect(created.json["date_sent"] == WireJSON.null)
    let uri = try #require(created.json["uri"]?.string)
    let sid = try #require(created.json["sid"]?.string)
    #expect(sid.hasPrefix("SM") && sid.count == 34)
    #expect(try server.response("GET", uri, headers: TwilioRequest.headers()).json == created.json)
    #expect(try server.list().json["messages"]?.array == [created.json])
    clock.advance(60)
    let delivered = try server.response("GET", uri, headers: TwilioRequest.headers()).json
    #expect(delivered["status"] == "delivered")
    #expect(delivered["date_sent"] == "Mon, 20 May 2024 08:30:16 +0000")
    #expect(server.records.map(\.outcome) == [.accepted, .lookup, .lookup, .lookup])
    #expect(server.records[0].content == ["From": "+15005550006", "Body": "同一内容"])
    #expect(server.records[0].recipients == ["+8613800138000"])
  }

  static let service = "MG00000000000000000000000000000003"

  static let refused: [(form: String, code: Int)] = [
    ("From=%2B15005550006&Body=x", 21604),
    ("To=%2B8613800138000&Body=x", 21603),
    ("To=%2B8613800138000&From=%2B15005550006", 21602),
    ("To=%2B8613800138000&From=%2B15005550006&Body=+%0A", 21602),
    ("To=+8613800138000&From=%2B15005550006&Body=x", 21211),
    ("To=13800138000&From=%2B15005550006&Body=x", 21211),
    ("To=%2B0123456789&From=%2B15005550006&Body=x", 21211),
    ("To=%2B8613800138000&From=ThisNameIsTooLong&Body=x", 21212),
    ("To=%2B8613800138000&MessagingServiceSid=MG1&Body=x", 21705),
    ("To=%2B8613800138000&From=%2B15005550006&Body=x&StatusCallback=https://a_b.com/", 21609),
    ("To=%2B8613800138000&From=%2B15005550006&Body=x&ValidityPeriod=36001", 21624),
    ("To=%2B8613800138000&From=%2B15005550006&MediaUrl=ftp://example.com/a", 21620),
    ("To=%2B8613800138000&MessagingServiceSid=\(service)&Body=x&ScheduleType=fixed&SendAt=2024-05-20T08:40:15Z", 35114),
  ]

  @Test(arguments: refused) func aMessageIsRefusedWithTwiliosCode(form: String, code: Int) throws {
    let server = try sandbox()
    let response = try server.response(
      "POST", TwilioRequest.path, headers: TwilioRequest.headers(), body: Array(form.utf8))
    #expect(response.status == 400)
    #expect(response.json["code"]?.int == code)
    #expect(response.json["status"] == 400)
    #expect(response.json["more_info"]?.string == "https://www.twilio.com/docs/errors/\(code)")
    #expect(server.records.map(\.outcome) == [.rejected])
  }

  @Test func sendersAndMediaThatTwilioTakesAreTaken() throws {
    let server = try sandbox()
    for from in ["+15005550006", "12345", "My Shop", "whatsapp:+14155238886"] {
      #expect(try server.text([("To", "+8613800138000"), ("From", from), ("Body", "x")]).status == 201, "\(from)")
    }
    let media = (0..<10).map { ("MediaUrl", "https://example.com/\($0)") }
    let to = [("To", "+8613800138000"), ("From", "+15005550006")]
    let picture = try server.text(to + media)
    #expect(picture.json["sid"]?.string?.hasPrefix("MM") == true)
    #expect(picture.json["num_media"] == "10")
    #expect(try server.text(to + media + media).json["code"] == 21623)
  }

  @Test func aMessagingServiceAcceptsAndSchedules() throws {
    let clock = ManualClock()
    let server = try sandbox(clock: clock)
    let form = [("To", "+8613800138000"), ("MessagingServiceSid", Self.service), ("Body", "x")]
    let now = try server.text(form).json
    #expect(now["status"] == "accepted")
    #expect(now["num_segments"] == "0")
    #expect(now["from"] == WireJSON.null)
    let later = try server.text(form + [("ScheduleType", "fixed"), ("SendAt", "2024-05-20T09:30:15Z")]).json
    #expect(later["status"] == "scheduled")
    clock.advance(600)
    #expect(try server.list().json["messages"]?.array?.map { $0["status"] } == ["scheduled", "delivered"])
  }

  @Test func aBodyMayHave1600UTF16Units() throws {
    let server = try sandbox()
    #expect(try server.text(body: String(repeating: "字", count: 1600)).status == 201)
    #expect(try server.text(body: String(repeating: "字", count: 1601)).json["code"] == 21617)
    #expect(try server.text(body: String(repeating: "🚀", count: 801)).json["code"] == 21617)
  }

  @Test(arguments: [
    (String(repeating: "a", count: 160), 1), (String(repeating: "a", count: 161), 2),
    (String(repeating: "€", count: 80), 1), (String(repeating: "€", count: 81), 2),
    (String(repeating: "字", count: 70), 1), (String(repeating: "字", count: 71), 2),
    (String(repeating: "👩‍👩‍👧‍👦", count: 7), 2),
  ])
  func segmentsAreCountedInTheAlphabetThatTheTextNeeds(text: String, segments: Int) {
    #expect(TwilioRules.segments(of: text) == segments)
  }

  @Test func credentialsMustBeThere() throws {
    let server = try sandbox()
    let body = TwilioRequest.message()
    let form = FormPair("Content-Type", "application/x-www-form-urlencoded")
    let bad = ["Basic !!!!", "Bearer x", "Basic " + Base64.encode(Array("user:".utf8))]
    let headers: [[FormPair]] = [[]] + bad.map { [FormPair("Authorization", $0)] }
    for header in headers {
      let response = try server.response("POST", TwilioRequest.path, headers: header + [form], body: body)
      #expect(response.status == 401)
      #expect(response.json["code"] == 20003)
      #expect(response.header("www-authenticate") != nil)
    }
    #expect(server.records.allSatisfy { $0.outcome == .credentials })
  }

  @Test func anAccountIsOpenedByItsTokenAndByItsKeyAndByNothingElse() throws {
    let account = [
      "account_sid": TwilioRequest.account, "auth_token": "token", "api_key_sid": "SK1", "api_key_secret": "s3cret",
    ]
    let server = try sandbox(credentials: ["twilio": [account]])
    func status(_ user: String, _ password: String, _ path: String = TwilioRequest.path) throws -> Int {
      let headers = TwilioRequest.headers(user, password)
      return try server.response("POST", path, headers: headers, body: TwilioRequest.message()).status
    }
    #expect(try status(TwilioRequest.account, "token") == 201)
    #expect(try status("SK1", "s3cret") == 201)
    #expect(try status("SK1", "token") == 401)
    #expect(try status(TwilioRequest.account, "s3cret") == 401)
    #expect(try status("SK1", "s3cret", "/2010-04-01/Accounts/AC2/Messages.json") == 404)
    #expect(server.records.map(\.outcome).suffix(3) == [.credentials, .credentials, .credentials])
  }

  @Test func listsAreFilteredByNumberAndByWhenItWasSent() throws {
    let clock = ManualClock()
    let server = try sandbox(clock: clock)
    _ = try server.text(to: "+8613800138000", body: "first")
    clock.advance(86_400)
    _ = try server.text(to: "+8613800138000", body: "second")
    _ = try server.text(to: "+8613900139000", body: "other")
    func bodies(_ filters: [(String, String)]) throws -> [String] {
      try server.list(filters).json["messages"]?.array?.compactMap { $0["body"]?.string } ?? []
    }
    // What is still queued has no date_sent, so a date filter hides it.
    #expect(try bodies([("To", "+8613800138000"), ("DateSent>", "2024-05-20")]) == ["first"])
    clock.advance(60)
    #expect(try bodies([("To", "+8613800138000")]) == ["second", "first"])
    #expect(try bodies([("From", "+15005550006")]) == ["other", "second", "first"])
    #expect(try bodies([("From", "+1")]) == [])
    #expect(try bodies([("DateSent", "2024-05-20")]) == ["first"])
    #expect(try bodies([("DateSent>", "2024-05-21")]) == ["other", "second"])
    #expect(try bodies([("DateSent<", "2024-05-20")]) == ["first"])
    let range = [("DateSent>", "2024-05-20T08:30:00Z"), ("DateSent<", "2024-05-20T08:31:00Z")]
    #expect(try bodies(range) == ["first"])
  }

  @Test func pagesFollowEachOtherEvenWhileMessagesArrive() throws {
    let server = try sandbox()
    for number in 0..<5 { _ = try server.text(body: "\(number)") }
    var uri: String? = TwilioRequest.path + "?PageSize=2&To=%2B8613800138000"
    var seen: [String] = []
    while let target = uri, seen.count < 20 {
      let page = try server.response("GET", target, headers: TwilioRequest.headers()).json
      seen += page["messages"]?.array?.compactMap { $0["body"]?.string } ?? []
      #expect(page["page_size"] == 2)
      uri = page["next_page_uri"]?.string
      _ = try server.text(body: "new")
    }
    #expect(seen == ["4", "3", "2", "1", "0"])
  }

  @Test func accountsDoNotSeeEachOther() throws {
    let server = try sandbox()
    let created = try server.text().json
    let uri = try #require(created["uri"]?.string)
    let other = "/2010-04-01/Accounts/AC2/Messages"
    #expect(
      try server.response("GET", other + ".json", headers: TwilioRequest.headers()).json["messages"]?.array == [])
    let sid = uri.split(separator: "/").last ?? ""
    #expect(try server.response("GET", "\(other)/\(sid)", headers: TwilioRequest.headers()).status == 404)
  }
}
