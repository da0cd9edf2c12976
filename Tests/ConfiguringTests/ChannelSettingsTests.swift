import Core
import Foundation
import Providers
import TestSupport
import Testing

@testable import Configuring

/// Settings of channels that have a file of their own: digests and costs.
@Suite struct ChannelSettingsTests {
  private func read(_ text: String) throws(ConfigurationFault) -> Configuration {
    let reader = ConfigurationReader(
      providers: [PlainProvider.self, RobotProvider.self] + Catalogue.providers, environment: { _ in nil },
      file: { (path) throws(ConfigurationFault) in throw ConfigurationFault("", "\(path) cannot be read") })
    return try reader.configuration("config.json", .init(bytes: Array(text.utf8), mode: 0o600))
  }

  private func channel(_ settings: String, _ provider: String = "plain") throws(ConfigurationFault) -> Channel? {
    let account =
      switch provider {
      case "aliyun-sms": #"access_key_id: "LTAI", access_key_secret: "s", sign_name: "x", template: "SMS_1""#
      default: #"token: "t""#
      }
    return try read("{ channels: { c: { provider: \"\(provider)\", \(account), \(settings) } } }").channels["c"]
  }

  private func fault(_ settings: String, _ provider: String = "plain") -> ConfigurationFault? {
    do throws(ConfigurationFault) {
      _ = try channel(settings, provider)
      return nil
    } catch {
      return error
    }
  }

  // MARK: Digests

  @Test func aDigestIsReadWithItsDefaults() throws {
    #expect(try channel("digest: { every: '10m' }")?.digest == DigestRule(every: 600))
    #expect(
      try channel("digest: { every: '1h', max: 20, title: '{count} alerts' }")?.digest
        == DigestRule(every: 3600, max: 20, title: "{count} alerts"))
    #expect(try channel("digest: null")?.digest == nil)
  }

  @Test(arguments: [
    ("digest: {}", "channels.c.digest"), ("digest: { every: 600 }", "channels.c.digest.every"),
    ("digest: { every: '0s' }", "channels.c.digest.every"), ("digest: { every: '8d' }", "channels.c.digest.every"),
    ("digest: { every: '1h', max: 1 }", "channels.c.digest.max"), ("digest: '1h'", "channels.c.digest"),
    ("digest: { every: '1h', most: 5 }", "channels.c.digest.most"),
  ])
  func aDigestThatCannotBeMeantIsAFault(settings: String, place: String) { #expect(fault(settings)?.place == place) }

  @Test func whereOnlyTemplatesAreSentThereAreNoDigests() {
    #expect(fault("digest: { every: '1h' }", "aliyun-sms")?.problem.contains("approved templates") == true)
  }

  // MARK: Costs

  @Test func priceAndBudgetAreReadAsTheyWereWritten() throws {
    let c = try #require(try channel("price: 0.045, budget: { daily: 50, monthly: 800.5 }"))
    #expect(c.price == Money(micros: 45_000))
    #expect(c.budget == Budget(daily: Money("50"), monthly: Money("800.5")))
    #expect(try channel("price: 4.5e-2")?.price == Money(micros: 45_000))
    #expect(try channel("rate: 0")?.price == .zero)
  }

  @Test(arguments: [
    ("price: '0.045'", "channels.c.price"), ("price: -1", "channels.c.price"),
    ("price: 0.0000001", "channels.c.price"), ("price: true", "channels.c.price"),
    ("budget: { daily: 50 }", "channels.c.budget"), ("price: 1, budget: {}", "channels.c.budget"),
    ("price: 1, budget: { weekly: 50 }", "channels.c.budget.weekly"),
    ("price: 1, budget: { daily: '50' }", "channels.c.budget.daily"), ("price: 1, budget: 50", "channels.c.budget"),
  ])
  func anAmountThatCannotBeMeantIsAFault(settings: String, place: String) { #expect(fault(settings)?.place == place) }

  @Test func theTextsOfTemplatesAreTexts() throws {
    #expect(try channel("template_texts: { SMS_1: 'code ${code}' }", "aliyun-sms") != nil)
    #expect(fault("template_texts: { SMS_1: 5 }", "aliyun-sms")?.place == "channels.c.template_texts.SMS_1")
  }
}
