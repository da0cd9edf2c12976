import Testing

@testable import Sandbox

@Suite struct WireTests {
  @Test(arguments: [
    #"{"a":[1,-0.5e+3,true,false,null,"\u00e9\ud83d\ude80\"\\\/\b\f\n\r\t"],"b":{}}"#, "[]", " 0 ", #""é🚀""#, "\"\"",
  ])
  func whatIsJSONIsReadAndWrittenAgainTheSame(text: String) throws {
    let value = try WireJSON(parsing: text)
    #expect(try WireJSON(parsing: value.text) == value)
  }

  @Test func escapesBecomeWhatTheyStandFor() throws {
    #expect(try WireJSON(parsing: #""\u00e9\ud83d\ude80\n""#) == "é🚀\n")
    #expect(WireJSON.string("a\"\\\n\u{1}\u{7F}/é").text == #""a\"\\\n\u0001\u007f/é""#)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\" 1}", "{a:1}", "01", "1.", "-", "tru", "\"a", "\"\u{1}\"", #""\x""#, #""\ud800""#,
    #""\ud800\u0041""#, "1 2", "[1]]", "nul", String(repeating: "[", count: 500),
  ])
  func whatIsNoJSONIsRefused(text: String) {
    #expect(throws: WireJSONError.self) { try WireJSON(parsing: text) }
  }

  @Test func invalidUTF8IsRefused() {
    #expect(throws: WireJSONError.self) { try WireJSON(parsing: [0x22, 0xFF, 0x22]) }
  }

  @Test func formsAreDecodedAsBrowsersEncodeThem() {
    let pairs = FormPair.pairs(of: "a=1+2&b=%E5%AD%97&c&=x&d=%zz%4&&e=f=g".utf8)
    let expected = [
      FormPair("a", "1 2"), FormPair("b", "字"), FormPair("c", ""), FormPair("", "x"), FormPair("d", "%zz%4"),
      FormPair("e", "f=g"),
    ]
    #expect(pairs == expected)
    #expect(PercentEncoding.query([FormPair("a b", "*~+é")]) == "a%20b=%2A~%2B%C3%A9")
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2024-05-20T08:30:15Z", 1_716_193_815), ("2024-02-29T23:59:59Z", 1_709_251_199),
    ("2000-03-01T00:00:00Z", 951_868_800), ("1969-12-31T23:59:59Z", -1),
  ])
  func datesGoBothWays(text: String, unix: Int) {
    #expect(WireTime.unix(iso8601: text) == unix)
    let time = WireTime(unix: unix)
    #expect("\(time.dayText)T\(time.timeText)Z" == text)
  }

  @Test(arguments: [
    "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-05-20T24:00:00Z", "2024-05-20 08:30:15Z", "x",
  ])
  func noSuchDate(text: String) {
    #expect(WireTime.unix(iso8601: text) == nil)
  }

  @Test func weekdaysAreThoseOfTheCalendar() {
    #expect(WireTime(unix: 0).rfc2822 == "Thu, 01 Jan 1970 00:00:00 +0000")
    #expect(WireTime(unix: 1_709_208_000).rfc2822 == "Thu, 29 Feb 2024 12:00:00 +0000")
  }

  @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar", "\u{7F}~é字"]) func base64GoesBothWays(text: String)
  {
    let encoded = Base64.encode(Array(text.utf8))
    #expect(Base64.decode(encoded.utf8) == Array(text.utf8))
    #expect(encoded.utf8.count % 4 == 0)
  }

  @Test func noBase64IsRefused() {
    #expect(Base64.encode(Array("foobar".utf8)) == "Zm9vYmFy")
    for text in ["Zg=", "Z===", "Zm9v!mFy", "Zg==Zg=="] { #expect(Base64.decode(text.utf8) == nil, "\(text)") }
  }
}
