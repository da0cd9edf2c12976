import Configuring
import Core
import Providers
import Testing

/// An object whose values may each be a secret: a webhook's headers.
@Suite struct SecretMembersTests {
  private func read(_ headers: String, mode: UInt32 = 0o640) throws -> Configuration {
    let reader = ConfigurationReader(
      providers: Catalogue.providers, environment: { $0 == "HOOK" ? "Bearer s3cret" : nil },
      file: { (path) throws(ConfigurationFault) in
        .init(bytes: Array("from file\n".utf8), mode: path == "/open" ? 0o644 : 0o600)
      })
    let text = #"{ channels: { h: { provider: "webhook", url: "https://example.com/hook", headers: \#(headers) } } }"#
    return try reader.configuration("config.json", .init(bytes: Array(text.utf8), mode: mode))
  }

  @Test func eachValueMayComeFromElsewhere() throws {
    let channel = try #require(try read(#"{ A: { env: "HOOK" }, B: { file: "/closed" }, C: "literal" }"#).channels["h"])
    #expect(channel.secrets.contains("Bearer s3cret") && channel.secrets.contains("from file"))
    #expect(channel.masked("said Bearer s3cret, literal") == "said ***, ***")
  }

  @Test func secretsAreMaskedInTheFormsThatTravel() throws {
    let hook = try #require(try read(#"{ A: { env: "HOOK" } }"#).channels["h"])
    #expect(hook.masked("no s3cret here") == "no *** here")
    let text =
      #"{ channels: { t: { provider: "twilio", account_sid: "AC\#(String(repeating: "0", count: 32))", "#
      + #"auth_token: "t0ken", from: "+15005550006" } } }"#
    let reader = ConfigurationReader(
      providers: Catalogue.providers, environment: { _ in nil },
      file: { (_) throws(ConfigurationFault) in .init(bytes: [], mode: 0o600) })
    let twilio = try #require(
      try reader.configuration("c", .init(bytes: Array(text.utf8), mode: 0o600)).channels["t"])
    // base64 of AC00...:t0ken
    let basic = "QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0MGtlbg=="
    #expect(twilio.masked("got Basic \(basic)") == "got Basic ***")
  }

  @Test func whatIsWrongIsNamedAndNeverShown() {
    for (headers, place) in [
      (#"{ A: { env: "NONE" } }"#, "channels.h.headers.A"), (#"{ A: { file: "/open" } }"#, "channels.h.headers.A"),
      (#"{ A: 5 }"#, "channels.h.headers.A"), (#""text""#, "channels.h.headers"),
    ] {
      let fault = #expect(throws: ConfigurationFault.self) { try read(headers) }
      #expect(fault?.place == place)
    }
    #expect(throws: ConfigurationFault.self) { try read(#"{ A: "literal" }"#, mode: 0o644) }
  }
}
