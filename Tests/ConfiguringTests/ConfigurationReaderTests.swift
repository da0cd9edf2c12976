import Core
import Foundation
import Providers
import Synchronization
import TestSupport
import Testing

@testable import Configuring

private let environment = ["TOKEN": "tok-from-env", "EMPTY": ""]

/// Reads a configuration of the test provider's channels, and of the real ones'.
private func read(
  _ text: String, mode: UInt32 = 0o600, files: [String: (text: String, mode: UInt32)] = [:]
) throws(ConfigurationFault) -> Configuration {
  try read(Array(text.utf8), mode: mode, files: files)
}

private func read(
  _ bytes: [UInt8], mode: UInt32 = 0o600, files: [String: (text: String, mode: UInt32)] = [:],
  variables: [String: String] = environment
) throws(ConfigurationFault) -> Configuration {
  let reader = ConfigurationReader(
    providers: [PlainProvider.self, RobotProvider.self] + Catalogue.providers, environment: { variables[$0] },
    file: { (path) throws(ConfigurationFault) in
      // The machine's own.
      if path.hasPrefix("/usr/share/zoneinfo/"), let data = FileManager.default.contents(atPath: path) {
        return .init(bytes: Array(data), mode: 0o644)
      }
      guard let file = files[path] else { throw ConfigurationFault("", "\(path) cannot be read") }
      return .init(bytes: Array(file.text.utf8), mode: file.mode)
    })
  return try reader.configuration("config.json", .init(bytes: bytes, mode: mode))
}

private func fault(
  _ text: String, mode: UInt32 = 0o600, files: [String: (text: String, mode: UInt32)] = [:]
) -> ConfigurationFault? {
  do throws(ConfigurationFault) {
    _ = try read(text, mode: mode, files: files)
    return nil
  } catch {
    return error
  }
}

/// One channel `c` of the test provider with these settings beside its token.
private func channel(_ settings: String) -> String {
  "{ channels: { c: { provider: \"plain\", token: \"tok-literal\", \(settings) } } }"
}

private func settings(_ settings: String) throws -> Channel {
  try #require(try read(channel(settings)).channels["c"])
}

extension ConfigurationFault {
  fileprivate var everything: String { "\(place) \(problem) \(hint ?? "") \(message)" }
}

@Suite struct ConfigurationReaderTests {
  // MARK: Everything there is

  @Test func everySettingIsRead() throws {
    let configuration = try read(
      """
      // A comment
      {
        default_channel: 'c', deduplicate_for: "2h", max_message_bytes: 2048, attachment_directories: ["/a", "/b",],
        channels: {
          c: {
            provider: "plain", token: "tok-literal", sender: "me", level: 3, ratio: 0.5, loud: true, tags: ["x"],
            headers: { a: "b" }, endpoint: "http://127.0.0.1:8080/base/", max_recipients_per_call: 7, concurrency: 4,
            rate: 0.5, timeout: "45s", retry: { attempts: 3, first: "2m", max: "1h" }, on_unconfirmed: "resend",
            reconcile_after: "10m", expire_after: "1d", daily: 1000, daily_per_recipient: 5, suspect_after: 0, zone: "Asia/Shanghai",
            quiet_hours: { from: "22:00", to: "07:30", zone: "Europe/Berlin" },
            recipients: { boss: "b1", team: ["t1", "t2"] }, fallback: "r", ca_file: "/ca.pem", /* all of it */
          },
          r: { provider: "robot", key: { env: "TOKEN" } },
        },
      }
      """)
    #expect(configuration.defaultChannel == "c" && configuration.deduplicateFor == 7200)
    #expect(configuration.maxMessageBytes == 2048 && configuration.attachmentDirectories == ["/a", "/b"])
    let c = try #require(configuration.channels["c"])
    let provider = try #require(c.provider as? PlainProvider)
    #expect(provider.settings.endpoint == "http://127.0.0.1:8080/base")
    #expect(provider.settings.string("token") == "tok-literal" && provider.settings.string("sender") == "me")
    #expect(provider.settings.integer("level") == 3 && provider.settings["ratio"]?.number == 0.5)
    #expect(provider.settings.boolean("loud") == true && provider.settings["tags"] == .strings(["x"]))
    #expect(provider.settings["headers"]?["a"]?.string == "b")
    #expect(c.name == "c" && c.recipientsPerCall == 7 && c.mixedRecipientsPerCall == 7 && c.concurrency == 4)
    #expect(c.suspectAfter == 0)
    #expect(c.rate == 0.5 && c.timeout == 45 && c.retry == RetrySchedule(attempts: 3, first: 120, max: 3600))
    #expect(c.onUnconfirmed == .resend && c.reconcileAfter == 600 && c.expireAfter == 86_400)
    #expect(c.daily == 1000 && c.dailyPerRecipient == 5 && c.zone.identifier == "Asia/Shanghai")
    #expect(c.quietHours?.from == 22 * 3600 && c.quietHours?.to == 7 * 3600 + 1800)
    #expect(c.quietHours?.zone.identifier == "Europe/Berlin")
    #expect(c.recipients == ["boss": ["b1"], "team": ["t1", "t2"]] && c.fallback == "r" && c.caFile == "/ca.pem")
    #expect(c.secrets == ["tok-literal"] && c.account["token"] == "tok-literal" && c.account["sender"] == "me")
    #expect(configuration.channels["r"]?.secrets == ["tok-from-env"])
  }

  @Test(arguments: ["{}", "{ channels: {} }", "{ channels: null, default_channel: null }", "/**/{}//x"])
  func nothingIsAConfigurationTooAndTheDefaultsHold(text: String) throws {
    let configuration = try read(text)
    #expect(configuration.channels.isEmpty && configuration.defaultChannel == nil)
    #expect(configuration.deduplicateFor == 7 * 86_400 && configuration.maxMessageBytes == 16 << 20)
  }

  @Test func whatIsLeftOutOrNullIsTheProvidersOrTheProductsDefault() throws {
    for text in ["", "rate: null, retry: null, zone: null, quiet_hours: null, fallback: null, sender: null"] {
      let c = try settings(text)
      #expect(c.rate == 2 && c.dailyPerRecipient == 500 && c.recipientsPerCall == 100 && c.concurrency == 8)
      #expect(c.retry == RetrySchedule() && c.quietHours == nil && c.onUnconfirmed == .hold && c.fallback == nil)
      #expect((c.provider as? PlainProvider)?.settings.endpoint == "https://plain.test")
    }
  }

  @Test func quietHoursAreInTheChannelsZoneUnlessTheyNameTheirOwn() throws {
    let c = try settings("zone: 'Asia/Shanghai', quiet_hours: { from: '22:00', to: '24:00' }")
    #expect(c.quietHours?.zone.identifier == "Asia/Shanghai" && c.quietHours?.to == 0)
  }

  @Test func aLongFirstDelayRaisesTheLongestUnlessThatIsSet() throws {
    #expect(try settings("retry: { first: '2h' }").retry.max == 7200)
    #expect(try settings("retry: { first: '2h', max: '1h' }").retry.max == 3600)
  }

  @Test(arguments: [("0", 0.0), ("\"0s\"", 0), ("\"90s\"", 90), ("\"2m\"", 120), ("\"1.5h\"", 5400)])
  func aSpanHasItsUnit(text: String, seconds: Double) throws {
    #expect(try settings("expire_after: \(text)").expireAfter == seconds)
  }

  // MARK: JSON5

  @Test(arguments: [
    "rate: .5,", "rate: +.5e0,", "'rate': 0.5", "\"rate\": 5e-1,", "/* x */ rate: 0.5 // y\n", "rate\n:\n0.5",
    "tags: ['a\\\nb'], rate: 0.5",
  ])
  func json5IsRead(text: String) throws {
    #expect(try settings(text).rate == 0.5)
  }

  @Test(arguments: [
    "", "{", "{]", "{a b}", "{ channels: { } } x", "[1,", "\u{0}", "nonsense", "{ channels: { c: } }", "{ a: 1, a: 2 }",
    "{ rate: Infinity }", "{ rate: NaN }", "{ rate: 1e400 }",
  ])
  func brokenJSON5IsAFaultThatNamesTheFileAndTheLine(text: String) throws {
    let fault = try #require(fault("\n" + text) as ConfigurationFault?)
    #expect(fault.place == "" && fault.message.hasPrefix("config.json:2:"), "\(fault.message)")
    #expect(fault.problem.contains("expected") || fault.problem.contains("second time"), "\(fault.message)")
  }

  @Test func oneNameInTwoSpellingsIsAFaultWhereItIsLookedUp() throws {
    let channel = "{ provider: 'robot', key: 'k-123' }"
    let found = try #require(fault("{ channels: { 'Ren\u{E9}': \(channel), 'Rene\u{301}': \(channel) } }"))
    #expect(found.place == "channels.Rene\u{301}" && found.problem.contains("twice"), "\(found.message)")
  }

  @Test func inTheAddressBookEverySpellingIsAName() throws {
    let book = try settings("recipients: { 'Ren\u{E9}': 'a', 'Rene\u{301}': 'b' }")
    #expect(book.contacts(of: "Ren\u{E9}") == ["a"] && book.contacts(of: "Rene\u{301}") == ["b"])
  }

  @Test func numbersInTheAddressBookStayAsTheyAreWritten() throws {
    #expect(
      try settings("recipients: { ops: [-1001234567890, '42'] }").contacts(of: "ops") == ["-1001234567890", "42"])
  }

  @Test func bytesThatAreNoTextAreAFaultEverywhere() {
    let text = Array("{ channels: { c: { provider: 'plain', token: 'tok' } } }".utf8)
    for index in text.indices {
      for byte in [0xFF, 0xC3, 0x80, 0xF0] as [UInt8] {
        var broken = text
        broken.insert(byte, at: index)
        #expect(throws: ConfigurationFault.self) { try read(broken) }
      }
    }
  }

  @Test(arguments: ["[]", "1", "null", "\"x\"", "true"]) func whatIsNoObjectIsNoConfiguration(text: String) {
    #expect(fault(text)?.problem.contains("expected an object") == true)
  }

  // MARK: Every complaint

  private static let complaints: [(settings: String, place: String, problem: String)] = [
    ("chanel: 1", "channels.c.chanel", "is not a setting of plain"),
    ("concurency: 1", "channels.c.concurency", "did you mean \"concurrency\"?"),
    ("sendr: 'x'", "channels.c.sendr", "did you mean \"sender\"?"),
    ("sender: true", "channels.c.sender", "found true or false; expected string"),
    ("level: '1'", "channels.c.level", "found a string; expected integer"),
    ("level: 1.5", "channels.c.level", "found a number; expected integer"),
    ("loud: 1", "channels.c.loud", "found a number; expected boolean"),
    ("tags: true", "channels.c.tags", "found true or false; expected list of strings"),
    ("tags: [true]", "channels.c.tags", "found an array; expected list of strings"),
    ("headers: []", "channels.c.headers", "found an array; expected object"),
    ("sender: 'nobody'", "channels.c.sender", "must be somebody"),
    (
      "max_recipients_per_call: 0", "channels.c.max_recipients_per_call",
      "found 0; expected a whole number from 1 to 100"
    ),
    (
      "max_recipients_per_call: 101", "channels.c.max_recipients_per_call",
      "found 101; expected a whole number from 1 to 100"
    ),
    ("concurrency: 0", "channels.c.concurrency", "found 0; expected a whole number from 1 to 1000"),
    ("concurrency: 2.5", "channels.c.concurrency", "found 2.5; expected a whole number"),
    ("concurrency: '4'", "channels.c.concurrency", "found \"4\"; expected a whole number"),
    ("rate: -1", "channels.c.rate", "found -1; expected a number"),
    ("rate: 'fast'", "channels.c.rate", "found \"fast\"; expected a number"),
    ("timeout: 0", "channels.c.timeout", "found 0; expected seconds"),
    ("timeout: '2h'", "channels.c.timeout", "found \"2h\"; expected seconds"),
    ("retry: 3", "channels.c.retry", "found 3; expected an object"),
    ("retry: { atempts: 3 }", "channels.c.retry.atempts", "did you mean \"attempts\"?"),
    ("retry: { attempts: 0 }", "channels.c.retry.attempts", "found 0; expected a whole number from 1 to 1000"),
    ("retry: { first: '-1s' }", "channels.c.retry.first", "found \"-1s\"; expected seconds, or a span"),
    ("retry: { max: true }", "channels.c.retry.max", "found true; expected seconds, or a span"),
    ("on_unconfirmed: 'drop'", "channels.c.on_unconfirmed", "found \"drop\"; expected \"hold\" or \"resend\""),
    ("reconcile_after: []", "channels.c.reconcile_after", "found an array; expected a span with its unit"),
    ("reconcile_after: 600", "channels.c.reconcile_after", "(600 what? write 600d, 600h, 600m or 600s)"),
    ("expire_after: '7 days'", "channels.c.expire_after", "found \"7 days\"; expected a span with its unit"),
    ("expire_after: 7", "channels.c.expire_after", "(7 what? write 7d, 7h, 7m or 7s)"),
    ("expire_after: '7'", "channels.c.expire_after", "(7 what? write 7d, 7h, 7m or 7s)"),
    ("expire_after: 0x7", "channels.c.expire_after", "expected a span with its unit"),
    ("expire_after: -1", "channels.c.expire_after", "expected a span with its unit"),
    ("timeout: '30'", "channels.c.timeout", "found \"30\"; expected seconds, or a span"),
    ("daily: -1", "channels.c.daily", "found -1"),
    ("daily_per_recipient: 'x'", "channels.c.daily_per_recipient", "found \"x\""),
    ("suspect_after: -1", "channels.c.suspect_after", "found -1"),
    ("zone: 'Mars/Base'", "channels.c.zone", "found \"Mars/Base\"; expected a time zone such as \"Asia/Shanghai\""),
    ("zone: ''", "channels.c.zone", "expected a time zone"),
    ("zone: '../../etc/passwd'", "channels.c.zone", "expected a time zone"),
    ("zone: '/etc/localtime'", "channels.c.zone", "expected a time zone"),
    ("zone: 'CST'", "channels.c.zone", "found \"CST\"; expected the name of a zone, and not an abbreviation"),
    ("zone: 'EST'", "channels.c.zone", "and not an abbreviation"),
    ("zone: 'CST-8'", "channels.c.zone", "expected a time zone"),
    ("zone: 'GMT+8'", "channels.c.zone", "expected a time zone"),
    ("quiet_hours: { from: '22:00', to: '07:00', zone: 'CST' }", "channels.c.quiet_hours.zone", "abbreviation"),
    ("quiet_hours: '22-7'", "channels.c.quiet_hours", "found \"22-7\"; expected an object"),
    ("quiet_hours: { from: '22:00' }", "channels.c.quiet_hours", "expected from and to"),
    ("quiet_hours: { from: '22:00', until: '07:00' }", "channels.c.quiet_hours.until", "is not a setting"),
    ("quiet_hours: { from: '22', to: '07:00' }", "channels.c.quiet_hours.from", "found \"22\"; expected a time of day"),
    ("quiet_hours: { from: '25:00', to: '07:00' }", "channels.c.quiet_hours.from", "expected a time of day"),
    ("quiet_hours: { from: '24:01', to: '07:00' }", "channels.c.quiet_hours.from", "expected a time of day"),
    ("quiet_hours: { from: '22:60', to: '07:00' }", "channels.c.quiet_hours.from", "expected a time of day"),
    ("quiet_hours: { from: '+1:30', to: '07:00' }", "channels.c.quiet_hours.from", "expected a time of day"),
    ("quiet_hours: { from: 22, to: '07:00' }", "channels.c.quiet_hours.from", "found 22; expected a time of day"),
    ("quiet_hours: { from: '22:00', to: '7:00' }", "channels.c.quiet_hours.to", "expected a time of day"),
    ("quiet_hours: { from: '07:00', to: '07:00' }", "channels.c.quiet_hours", "from and to are the same"),
    ("quiet_hours: { from: '00:00', to: '24:00' }", "channels.c.quiet_hours", "from and to are the same"),
    ("quiet_hours: { from: '22:00', to: '07:00', zone: 'X' }", "channels.c.quiet_hours.zone", "expected a time zone"),
    ("recipients: ['a']", "channels.c.recipients", "found an array; expected an object"),
    ("recipients: { a: [] }", "channels.c.recipients.a", "expected an address or a list of addresses"),
    ("recipients: { a: '' }", "channels.c.recipients.a", "expected"),
    ("recipients: { a: [true] }", "channels.c.recipients.a[0]", "expected an address or a list of addresses"),
    ("recipients: { a: { env: 'NONE' } }", "channels.c.recipients.a", "environment variable NONE is not set"),
    ("recipients: { a: ['x', ''] }", "channels.c.recipients.a[1]", "expected"),
    ("fallback: 'x'", "channels.c.fallback", "\"x\" is no channel of this configuration"),
    ("fallback: 'c'", "channels.c.fallback", "is the channel itself"),
    ("fallback: 1", "channels.c.fallback", "found 1; expected a string"),
    ("ca_file: ''", "channels.c.ca_file", "expected a string"),
    ("endpoint: 'plain.test'", "channels.c.endpoint", "expected an address such as \"https://api.example.com\""),
    ("endpoint: 'ftp://plain.test'", "channels.c.endpoint", "expected an address"),
    ("endpoint: 'https://'", "channels.c.endpoint", "expected an address"),
    ("endpoint: 'https:///path'", "channels.c.endpoint", "expected an address"),
    ("endpoint: 'https://x.test/?q=1'", "channels.c.endpoint", "expected an address"),
    ("endpoint: 'https://x.test/#f'", "channels.c.endpoint", "expected an address"),
    ("endpoint: 'https://x test'", "channels.c.endpoint", "expected an address"),
    ("endpoint: 'https://x.test\\r\\nHost: evil'", "channels.c.endpoint", "expected an address"),
  ]

  @Test func everyComplaintNamesThePlaceTheFoundAndTheExpected() throws {
    for complaint in Self.complaints {
      let found = try #require(fault(channel(complaint.settings)), "\(complaint.settings)")
      #expect(found.place == complaint.place, "\(complaint.settings): \(found.message)")
      #expect(found.problem.contains(complaint.problem), "\(complaint.settings): \(found.message)")
    }
  }

  @Test(arguments: [
    ("{ defualt_channel: 'c' }", "defualt_channel", "did you mean \"default_channel\"?"),
    ("{ default_channel: 'c' }", "default_channel", "\"c\" is no channel of this configuration"),
    ("{ default_channel: 1 }", "default_channel", "found 1; expected a string"),
    ("{ deduplicate_for: 'a week' }", "deduplicate_for", "found \"a week\"; expected a span with its unit"),
    ("{ deduplicate_for: 7 }", "deduplicate_for", "(7 what? write 7d, 7h, 7m or 7s)"),
    ("{ max_message_bytes: 1023 }", "max_message_bytes", "found 1023; expected a whole number from 1024"),
    ("{ max_message_bytes: 1e12 }", "max_message_bytes", "expected a whole number"),
    ("{ attachment_directories: '/a' }", "attachment_directories", "found \"/a\"; expected an array of strings"),
    ("{ channels: [] }", "channels", "found an array; expected an object"),
    ("{ channels: { c: 1 } }", "channels.c", "names no provider"),
    ("{ channels: { c: {} } }", "channels.c", "names no provider"),
    ("{ channels: { c: { provider: 1 } } }", "channels.c.provider", "found 1; expected a string"),
    ("{ channels: { c: { provider: 'plian' } } }", "channels.c.provider", "did you mean \"plain\"?"),
    ("{ channels: { c: { provider: 'aliyun' } } }", "channels.c.provider", "is no provider of this msgspool"),
    ("{ channels: { c: { provider: 'plain' } } }", "channels.c.token", "is missing (the token)"),
    ("{ channels: { c: { provider: 'plain', token: '' } } }", "channels.c.token", "is empty"),
    ("{ channels: { c: { provider: 'plain', token: true } } }", "channels.c.token", "expected string"),
  ])
  func complaintsAboutTheWholeNameTheirPlaceToo(text: String, place: String, problem: String) throws {
    let found = try #require(fault(text))
    #expect(found.place == place && found.problem.contains(problem), "\(found.message)")
  }

  @Test func anUnknownProviderIsToldWhichThereAre() throws {
    let hint = try #require(fault("{ channels: { c: { provider: 'x' } } }")?.hint)
    for name in ["plain", "wxpusher", "aliyun-sms", "twilio"] { #expect(hint.contains(name)) }
  }

  @Test func aNearMissOfAChannelIsNamed() {
    #expect(
      fault("{ default_channel: 'alert', channels: { alerts: { provider: 'robot', key: 'k-123' } } }")?.problem
        .contains("did you mean \"alerts\"?") == true)
  }

  // MARK: Secrets

  private func token(_ text: String) -> String { "{ channels: { c: { provider: 'plain', token: \(text) } } }" }

  @Test func aSecretComesFromTheEnvironmentOrAFile() throws {
    #expect(try read(token("{ env: 'TOKEN' }")).channels["c"]?.secrets == ["tok-from-env"])
    for text in ["tok-file", "tok-file\n", "tok-file\r\n", "tok-file\n\n"] {
      let configuration = try read(token("{ file: '/s' }"), files: ["/s": (text, 0o600)])
      #expect(configuration.channels["c"]?.secrets == ["tok-file"])
    }
    #expect(try read(token("{ file: '/s' }"), files: ["/s": (" a b \n", 0o640)]).channels["c"]?.secrets == [" a b "])
  }

  @Test(arguments: [
    ("{ env: 'NOT_SET' }", "environment variable NOT_SET is not set"), ("{ env: 'EMPTY' }", "EMPTY is not set"),
    ("{ env: 1 }", "found 1; expected a string"), ("{}", "expected a string or one of { env: NAME }, { file: PATH }"),
    ("{ envv: 'TOKEN' }", "did you mean \"env\"?"), ("{ file: '/missing' }", "/missing cannot be read"),
    ("{ env: 'TOKEN', file: '/s' }", "or one of"), ("['x']", "found an array; expected string"),
    ("{ file: '/empty' }", "is empty"), ("{ file: '/open' }", "everybody may read it"),
    ("{ file: '/binary' }", "is not UTF-8 text"), ("{ credential: '../s' }", "without a slash"),
    ("{ credential: 's' }", "CREDENTIALS_DIRECTORY is not set"), ("{ env: 'TOKEN', credential: 's' }", "or one of"),
  ])
  func aSecretThatCannotBeHadIsAFault(text: String, problem: String) throws {
    let reader = ConfigurationReader(
      providers: [PlainProvider.self], environment: { environment[$0] },
      file: { (path) throws(ConfigurationFault) in
        switch path {
        case "/empty": .init(bytes: [0x0A], mode: 0o600)
        case "/open": .init(bytes: Array("tok-open".utf8), mode: 0o604)
        case "/binary": .init(bytes: [0xFF, 0xFE], mode: 0o600)
        case "/s": .init(bytes: Array("tok".utf8), mode: 0o600)
        default: throw ConfigurationFault("", "\(path) cannot be read")
        }
      })
    let found = #expect(throws: ConfigurationFault.self) {
      try reader.configuration("config.json", .init(bytes: Array(token(text).utf8), mode: 0o600))
    }
    #expect(found?.problem.contains(problem) == true, "\(found?.message ?? "")")
  }

  @Test func aMissingSecretFileIsNamedByTheSettingThatWantsIt() {
    #expect(fault(token("{ file: '/missing' }"))?.place == "channels.c.token")
  }

  @Test(arguments: [0o644, 0o604, 0o666, 0o777, 0o607] as [UInt32]) func aFileThatOthersMayReadMustHoldNoSecret(
    mode: UInt32
  ) {
    #expect(fault(token("'tok-literal'"), mode: mode)?.problem.contains("everybody may read it") == true)
    #expect(fault(token("{ env: 'TOKEN' }"), mode: mode) == nil)
    #expect(fault("{}", mode: mode) == nil)
  }

  @Test(arguments: [0o600, 0o640, 0o660, 0o400, 0o440] as [UInt32]) func aGroupMayReadIt(mode: UInt32) {
    #expect(fault(token("'tok-literal'"), mode: mode) == nil)
    #expect(fault(token("{ file: '/s' }"), mode: 0o644, files: ["/s": ("tok", mode)]) == nil)
  }

  // MARK: Secrets never show

  private let secret = "s3cr3tTOKENvalue"

  /// Whether a piece of the secret long enough to be of use to anybody is in there.
  private func gives(away text: String) -> Bool {
    let characters = Array(secret)
    return (0...(characters.count - 6)).contains { text.contains(String(characters[$0..<$0 + 6])) }
  }

  @Test func noBrokenConfigurationGivesItsSecretAway() {
    let whole = Array(
      """
      { channels: { c: { provider: "plain", token: "\(secret)", rate: 1, }, d: { provider: "wxpusher",
        app_token: '\(secret)' } } }
      """.utf8)
    var random = SeededGenerator(12)
    let spice = Array("\"'{}[],:\\/*x0\n ".utf8) + [0x00, 0xFF]
    var refused = 0
    for index in whole.indices {
      var cut = whole
      cut.removeSubrange(index...)
      var lost = whole
      lost.remove(at: index)
      var other = whole
      other[index] = spice.randomElement(using: &random) ?? 0
      var more = whole
      more.insert(spice.randomElement(using: &random) ?? 0, at: index)
      for bytes in [cut, lost, other, more] {
        do throws(ConfigurationFault) {
          _ = try read(bytes)
        } catch {
          refused += 1
          // A quote lost before it makes the secret a key or a word of its own, which is quoted by nobody either.
          #expect(!gives(away: error.everything), "\(String(decoding: bytes, as: UTF8.self)): \(error.everything)")
        }
      }
    }
    #expect(refused > 300)
  }

  @Test func noFaultOfAnySettingGivesASecretAway() throws {
    for type in Catalogue.providers + [PlainProvider.self] {
      let secrets = type.card.settings.filter(\.secret)
      // The keys of the first two are recipients; the others have a session for a secret.
      let keyless = ["bark", "pushdeer", "wechat-ilink", "wechat-web"]
      #expect(secrets.isEmpty == keyless.contains(type.card.name), "\(type.card.name)")
      if secrets.isEmpty { continue }
      let all = type.card.settings.map { "\($0.name): '\(secret)'" }.joined(separator: ", ")
      var texts = ["{ channels: { c: { provider: '\(type.card.name)', \(all) } } }"]
      for setting in secrets {
        for wrong in [
          "['\(secret)']", "{ x: '\(secret)' }", "{ env: ['\(secret)'] }", "{ '\(secret.prefix(3))': '\(secret)' }",
        ] {
          texts.append("{ channels: { c: { provider: '\(type.card.name)', \(setting.name): \(wrong) } } }")
        }
      }
      for wrong in Self.complaints.map(\.settings) {
        texts.append("{ channels: { c: { provider: '\(type.card.name)', \(all), \(wrong) } } }")
      }
      for text in texts {
        if let found = fault(text) { #expect(!gives(away: found.everything), "\(text): \(found.everything)") }
      }
      let open = try #require(fault(texts[0], mode: 0o644))
      #expect(!gives(away: open.everything), "\(open.everything)")
    }
  }

  @Test func aPasswordInAnAddressIsNotRepeated() throws {
    let found = try #require(fault(channel("endpoint: 'https://me:\(secret)@x.test'")))
    #expect(found.place == "channels.c.endpoint" && !gives(away: found.everything), "\(found.everything)")
  }

  @Test func aSecretFilesContentIsNotRepeated() {
    for text in [secret, "\(secret)\n\u{0}"] {
      let found = fault(token("{ file: '/s' }"), files: ["/s": (text, 0o644)])
      #expect(found?.problem.contains("everybody may read it") == true && !gives(away: found?.everything ?? ""))
    }
  }
}
