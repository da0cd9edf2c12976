import Core

/// What is built in: one line each.
package enum Catalogue {
  package static let providers: [any Provider.Type] = [
    WxPusher.self,
    AliyunSMS.self,
    Twilio.self,
    Vonage.self,
    HuaweiSMS.self,
    TencentSMS.self,
    ServerChan.self,
    ServerFan.self,
    PushPlus.self,
    OneSignal.self,
    Pushover.self,
    Pushed.self,
    WeComRobot.self,
    WeComApp.self,
    Instapush.self,
    WeChatILink.self,
    WeChatWeb.self,
    Telegram.self,
    Bark.self,
    Ntfy.self,
    DingTalkRobot.self,
    FeishuRobot.self,
    Gotify.self,
    PushDeer.self,
    Email.self,
    Webhook.self,
    Exec.self,
  ]

  /// The provider that configurations call so.
  package static func named(_ name: String) -> (any Provider.Type)? {
    providers.first { $0.card.name == name }
  }
}
