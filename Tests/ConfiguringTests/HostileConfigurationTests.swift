import Core
import Foundation
import Providers
import TestSupport
import Testing

@testable import Configuring

/// Configurations are the operator's, and operators slip; a program that feeds on one must say so rather than crash.
@Suite("No configuration's bytes make the reader crash, hang or give a secret away")
struct HostileConfigurationTests {
  private static let secret = "s3cret-token"

  private func read(_ bytes: [UInt8]) {
    let reader = ConfigurationReader(
      providers: Catalogue.providers, environment: { _ in Self.secret },
      file: { path throws(ConfigurationFault) in .init(bytes: Array("\(Self.secret)\n".utf8), mode: 0o600) })
    do throws(ConfigurationFault) {
      let configuration = try reader.configuration("c.json", .init(bytes: bytes, mode: 0o600))
      for channel in configuration.channels.values {
        #expect(channel.timeout.isFinite && channel.timeout > 0 && channel.concurrency > 0)
        #expect(channel.retry.delay(after: 5, random: 0.5).isFinite)
        #expect((1...channel.card.recipientsPerCall).contains(channel.recipientsPerCall))
      }
    } catch {
      #expect(!error.message.isEmpty)
      #expect(!"\(error.message) \(error.hint ?? "")".contains(Self.secret))
    }
  }

  @Test("The corpus")
  func corpus() {
    let fuzzing = Fuzzing("configurations", seed: 0)
    let files = Fuzzing.corpus("configurations")
    #expect(files.count >= 15)
    for file in files { fuzzing.run(file.bytes) { read(file.bytes) } }
    #expect(fuzzing.isQuick, "\(fuzzing.report)")
  }

  /// A configuration that names every provider, with all settings that their cards know.
  private static let whole: JSON = {
    // Those with a login have settings that are spans and rules.
    let channels = Catalogue.providers.filter { !($0 is any AccountProvider.Type) }.map { provider -> JSON.Member in
      let card = provider.card
      let settings = card.settings.map { setting -> JSON.Member in
        let value: JSON =
          switch setting.kind {
          case .string, .identifier: setting.secret ? .string(secret) : .string("AC00000000000000000000000000000000")
          case .integer: .integer(1)
          case .number: .number("1.5")
          case .boolean: .boolean(true)
          case .strings: .strings(["a"])
          case .object, .structure: .object([.init("a", .string("b"))])
          }
        return .init(setting.name, value)
      }
      let common: [JSON.Member] = [
        .init("provider", .string(card.name)), .init("endpoint", .string("https://x.test/a")),
        .init("concurrency", .integer(3)), .init("rate", .number("0.5")), .init("timeout", .string("30s")),
        .init(
          "retry", .object([.init("attempts", .integer(3)), .init("first", .integer(1)), .init("max", .integer(9))])),
        .init("on_unconfirmed", .string("resend")), .init("zone", .string("Asia/Shanghai")),
        .init("quiet_hours", .object([.init("from", .string("22:00")), .init("to", .string("07:00"))])),
        .init("recipients", .object([.init("team", .strings(["a", "b"]))])), .init("daily", .integer(5)),
      ]
      return .init(card.name, .object(common + settings))
    }
    return .object([
      .init("default_channel", .string(Catalogue.providers[0].card.name)), .init("deduplicate_for", .string("7d")),
      .init("max_message_bytes", .integer(2048)), .init("attachment_directories", .strings(["/srv"])),
      .init("channels", .object(channels)),
    ])
  }()

  @Test("Configurations from a seed", arguments: Fuzzing.seeds)
  func seeded(seed: UInt64) {
    var mutator = Mutator(seed)
    let fuzzing = Fuzzing("configurations", seed: seed)
    let corpus = Fuzzing.corpus("configurations").map(\.bytes).filter { $0.count < 4096 }
    for _ in 0..<Fuzzing.inputs(150, 25_000) {
      let bytes =
        mutator.chance(15)
        ? mutator.damaged(mutator.pick(corpus)) : mutator.damaged(mutator.text(mutator.mutated(Self.whole)))
      fuzzing.run(bytes) { read(bytes) }
    }
    #expect(fuzzing.isQuick, "\(fuzzing.report)")
  }
}
