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

  private func exec(_ setting: String) throws -> Configuration {
    let reader = ConfigurationReader(
      providers: Catalogue.providers, environment: { _ in nil },
      file: { (_) throws(ConfigurationFault) in .init(bytes: [], mode: 0o600) })
    let text = #"{ channels: { c: { provider: "exec", command: ["/bin/true"], receipts: "drop", \#(setting) } } }"#
    return try reader.configuration("c", .init(bytes: Array(text.utf8), mode: 0o600))
  }

  @Test(
    "What is wrong with a secret is told without it, however short it is", arguments: ["receipt_secret", "secret"],
    ["false", #"["false"]"#, #"{ env: "false", file: "false" }"#])
  func shortSecrets(name: String, value: String) {
    let fault = #expect(throws: ConfigurationFault.self) { try exec("\(name): \(value)") }
    #expect(fault?.place == "channels.c.\(name)")
    let said = fault.map { "\($0.message) \($0.hint ?? "")" } ?? ""
    #expect(!said.contains("found false") && !said.contains("\"false\""), "\(said)")
  }

  @Test("A secret of digits may be written without quotes, and is masked all the same")
  func digits() throws {
    let channel = try #require(try exec("receipt_secret: 4711").channels["c"])
    #expect(channel.receiptSecret == "4711" && channel.masked("called with 4711") == "called with ***")
    #expect(throws: ConfigurationFault.self) { try exec(#"receipt_secret: """#) }
  }

  // MARK: systemd's credentials, and addresses that are secrets

  private func channel(_ text: String, credentials: String? = "/run/credentials/msgspool.service") throws -> Channel {
    let reader = ConfigurationReader(
      providers: Catalogue.providers,
      environment: { name in
        switch name {
        case "ALICE": "slack://Token/Secret/xyz"
        case "CREDENTIALS_DIRECTORY": credentials
        default: nil
        }
      },
      file: { (path) throws(ConfigurationFault) in
        guard path.hasPrefix("/run/credentials/msgspool.service/") else {
          throw ConfigurationFault("", "\(path): none")
        }
        let secret = path.hasSuffix("/url") ? "https://chat.example/hooks/T0ken" : "mailto://user:passw0rd@host?from=x"
        return .init(bytes: Array("\(secret)\n".utf8), mode: 0o400)
      })
    let text = "{ channels: { c: { \(text) } } }"
    return try #require(
      try reader.configuration("config.json", .init(bytes: Array(text.utf8), mode: 0o644)).channels["c"])
  }

  @Test func everySecretMayBeACredential() throws {
    let webhook = try channel(
      "provider: 'webhook', url: { credential: 'url' }, headers: { A: { credential: 'hook' } }")
    #expect(webhook.secrets.count == 2)
    #expect(webhook.masked("POST /hooks/T0ken: 404") == "POST ***: 404", "all that the far end sees of the URL")
    #expect(try channel("provider: 'pushover', token: { credential: 'p' }").secrets.count == 1)
    let none = #expect(throws: ConfigurationFault.self) {
      try channel("provider: 'pushover', token: { credential: 'p' }", credentials: nil)
    }
    #expect(none?.hint?.contains("LoadCredential=p:") == true)
  }

  @Test func anAddressMayBeASecret() throws {
    let exec = try channel(
      """
      provider: 'exec', command: ['/bin/true'],
      recipients: { alice: { env: 'ALICE' }, team: [{ env: 'ALICE' }, { credential: 'bob' }, 'mailto://carol'] }
      """)
    #expect(exec.contacts(of: "alice").map(\.shown) == ["alice"])
    #expect(exec.contacts(of: "alice").map(\.address) == ["slack://Token/Secret/xyz"])
    #expect(exec.contacts(of: "team").map(\.shown) == ["team (ALICE)", "team (bob)", "mailto://carol"])
    #expect(exec.contact(recorded: "team (bob)").address == "mailto://user:passw0rd@host?from=x")
    #expect(exec.masked("no slack://Token/Secret/xyz, /Secret/xyz, passw0rd") == "no ***, ***, ***")
    #expect(exec.masked("c2xhY2s6Ly9Ub2tlbi9TZWNyZXQveHl6") == "***")
  }
}
