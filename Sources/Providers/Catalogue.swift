import Core

/// What is built in: one line each.
package enum Catalogue {
  package static let providers: [any Provider.Type] = [
    WxPusher.self,
    AliyunSMS.self,
    Twilio.self,
    Email.self,
    Webhook.self,
    Exec.self,
  ]

  /// The provider that configurations call so.
  package static func named(_ name: String) -> (any Provider.Type)? {
    providers.first { $0.card.name == name }
  }
}
