import Core
import Foundation
import TestSupport
import Testing

@testable import Providers

/// What each service bills for a text.
@Suite struct BillingTests {
  private func settings(_ values: [(String, JSON)]) -> Settings {
    Settings(endpoint: "https://x.test", values: Dictionary(uniqueKeysWithValues: values))
  }

  private func units(_ provider: some BillingProvider, _ message: Message, to address: String) throws -> Int {
    provider.units(of: try provider.content(of: message), to: try provider.target(address))
  }

  private func twilio() throws -> Twilio {
    try Twilio(
      settings([
        ("account_sid", .string("AC00000000000000000000000000000000")), ("auth_token", .string("t")),
        ("from", .string("+15005550006")),
      ]))
  }

  @Test func twilioBillsByTheAlphabet() throws {
    let twilio = try twilio()
    #expect(try units(twilio, Message(body: String(repeating: "a", count: 161)), to: "+12125550100") == 2)
    #expect(try units(twilio, Message(body: String(repeating: "验", count: 71)), to: "+12125550100") == 2)
  }

  @Test func vonageBillsByTheAlphabetAndSendsByIt() throws {
    let vonage = try Vonage(
      settings([("api_key", .string("k")), ("api_secret", .string("s")), ("from", .string("Acme"))]))
    #expect(try units(vonage, Message(body: String(repeating: "€", count: 80)), to: "+12125550100") == 1)
    #expect(try units(vonage, Message(body: String(repeating: "€", count: 81)), to: "+12125550100") == 2)
    #expect(try units(vonage, Message(body: String(repeating: "验", count: 71)), to: "+12125550100") == 2)
    #expect(try vonage.content(of: Message(body: "a[€]"))["type"] == nil)
    #expect(try vonage.content(of: Message(body: "ç"))["type"] == "unicode")
  }

  @Test func whatIsNoShortMessageIsOne() throws {
    let twilio = try twilio()
    let long = Message(body: String(repeating: "a", count: 500))
    #expect(try units(twilio, long, to: "whatsapp:+12125550100") == 1)
    var media = long
    media.options = [.init("media_url", .strings(["https://x.test/a.png"]))]
    #expect(try units(twilio, media, to: "+12125550100") == 1)
  }

  private func aliyun(_ texts: JSON? = nil) throws -> AliyunSMS {
    try AliyunSMS(
      settings(
        [
          ("access_key_id", .string("LTAI")), ("access_key_secret", .string("s")), ("sign_name", .string("阿里云")),
          ("template", .string("SMS_1")),
        ] + (texts.map { [("template_texts", $0)] } ?? [])))
  }

  private func named(_ value: String) -> Message { Message(params: .named([.init("code", value)])) }

  @Test func aliyunBillsTheSignatureToo() throws {
    // 【阿里云】 is five.
    let aliyun = try aliyun(.object([.init("SMS_1", .string("您的验证码${code}，5分钟内有效。"))]))
    #expect(try units(aliyun, named("123456"), to: "13800000001") == 1)
    // 5 + 5 + value + 8: 70 is one, 71 two.
    #expect(try units(aliyun, named(String(repeating: "1", count: 52)), to: "13800000001") == 1)
    #expect(try units(aliyun, named(String(repeating: "1", count: 53)), to: "13800000001") == 2)
  }

  @Test func withoutATemplatesTextWhatIsKnownIsCounted() throws {
    let aliyun = try aliyun()
    #expect(try units(aliyun, named(String(repeating: "1", count: 65)), to: "13800000001") == 1)
    #expect(try units(aliyun, named(String(repeating: "1", count: 66)), to: "13800000001") == 2)
  }

  @Test func abroadTheAlphabetCounts() throws {
    let aliyun = try AliyunSMS(
      settings([
        ("access_key_id", .string("LTAI")), ("access_key_secret", .string("s")), ("sign_name", .string("x")),
        ("template", .string("SMS_1")), ("template_texts", .object([.init("SMS_1", .string("${code}"))])),
      ]))
    // The brackets of the signature are beyond the alphabet.
    #expect(try units(aliyun, named(String(repeating: "1", count: 100)), to: "+12125550100") == 2)
  }

  @Test func placesAreFilledByNumberOrInTheirOrder() throws {
    let texts = try TemplateTexts(
      settings([
        (
          "template_texts",
          .object([
            .init("t", .string("{1} and {2}, {1} again; {9}")), .init("h", .string("${NUM_2}:${TXT_8}")),
            .init("n", .string("${a}-${b}-${a}")),
          ])
        )
      ]))
    #expect(
      texts.text("t", signature: "s", .positional(#"["x","y"]"#)) == "【s】x and y, x again; {9}")
    #expect(texts.text("h", signature: nil, .positional(#"["12","y"]"#)) == "12:y")
    #expect(texts.text("n", signature: nil, .named(#"{"a":"1","b":"2"}"#)) == "1-2-1")
    #expect(texts.text("other", signature: "s", .positional(#"["x","y"]"#)) == "【s】xy")
  }
}
