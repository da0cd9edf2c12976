import Core
import FoundationEssentials

/// Instapush: closed in November 2018 (providers/instapush.md). A channel of it is refused, so that an old configuration
/// says what is wrong instead of never sending.
package struct Instapush: Provider {
  package static let card = ProviderCard(
    name: "instapush",
    summary: "Instapush, closed since November 2018: use pushover, ntfy, bark or pushed instead",
    document: "https://github.com/home-assistant/core/pull/19051",
    endpoint: "https://api.instapush.im",
    recipientsPerCall: 1,
    settings: [
      SettingCard("appid", .string, "as old configurations have it"),
      SettingCard("appsecret", .string, secret: true, "as old configurations have it"),
    ],
    hasOwnTarget: true,
    notes: ["The service no longer exists: a channel of it is refused when the configuration is read."],
    example: """
      // Was provider: "instapush". Instead, for example:
      phones: { provider: "pushover", token: { env: "PUSHOVER_TOKEN" } }
      """)

  /// There is no Instapush to send through, and the compiler knows.
  private let impossible: Never

  package init(_ settings: Settings) throws(SettingFault) {
    throw SettingFault(
      "provider",
      "instapush was closed by its owners in November 2018; use pushover, ntfy or bark for phones, or pushed for subscribers"
    )
  }

  package func target(_ address: String) throws(RecipientFault) -> Target { switch impossible {} }
  package func content(of message: Message) throws(MessageFault) -> Content { switch impossible {} }
  package func exchange(for call: Call, at now: Date, nonce: String) -> Exchange { switch impossible {} }
  package func answer(_ reply: Reply, to call: Call, at now: Date) -> Answer { switch impossible {} }
}
