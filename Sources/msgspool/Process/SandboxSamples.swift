/// An account of each provider that the sandbox takes, and a message that it accepts: for `init --sandbox`.
enum SandboxSamples {
  static let port = 8517
  static var address: String { "http://127.0.0.1:\(port)" }

  struct Sample {
    /// Settings beside provider and endpoint, as JSON5.
    var settings: [String]
    /// What follows `msgspool send`.
    var send: String
  }

  static let all: [String: Sample] = [
    "wxpusher": Sample(settings: [#"app_token: "AT_sandbox""#], send: "--to UID_a \"hello\""),
    "aliyun-sms": Sample(
      settings: [
        #"access_key_id: "LTAIsandbox", access_key_secret: "sandbox""#, #"sign_name: "Demo", template: "SMS_1""#,
      ],
      send: "--to 13800138000 --template SMS_1 --param code=1234"),
    "twilio": Sample(
      settings: [
        #"account_sid: "AC00000000000000000000000000000000", auth_token: "sandbox""#, #"from: "+15005550006""#,
      ], send: "--to +12125550100 \"hello\""),
    "huawei-sms": Sample(
      settings: [
        #"app_key: "sandbox", app_secret: "sandbox""#, #"sender: "8823040504797", template: "ff1b", signature: "Demo""#,
      ], send: "--to +8613800138000 --template ff1b"),
    "tencent-sms": Sample(
      settings: [
        #"secret_id: "AKIDsandbox", secret_key: "sandbox""#,
        #"sms_sdk_app_id: "1400006666", sign_name: "Demo", template: "449739""#,
      ], send: "--to +8613800138000 --template 449739"),
    "serverchan": Sample(settings: [#"sendkey: "SCT123456Tsandbox""#], send: "--title Hello \"hello\""),
    "serverfan": Sample(settings: [#"token: "sandboxsandbox""#], send: "--title Hello \"hello\""),
    "pushplus": Sample(settings: [#"token: "0123456789abcdef0123456789abcdef""#], send: "\"hello\""),
    "onesignal": Sample(
      settings: [#"app_id: "00000000-0000-4000-8000-000000000001", api_key: "sandbox""#],
      send: "--to 00000000-0000-4000-8000-000000000002 \"hello\""),
    "pushover": Sample(
      settings: [#"token: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#], send: "--to uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu \"hello\""),
    "pushed": Sample(settings: [#"app_key: "sandbox", app_secret: "sandbox""#], send: "\"hello\""),
    "wecom-robot": Sample(settings: [#"key: "00000000-0000-4000-8000-000000000001""#], send: "\"hello\""),
    "wecom-app": Sample(
      settings: [#"corp_id: "ww0123456789abcdef", agent_id: 1000002, secret: "sandbox""#],
      send: "--to zhangsan \"hello\""),
    "telegram": Sample(settings: [#"token: "123456789:sandbox-sandbox-sandbox""#], send: "--to 42 \"hello\""),
    "bark": Sample(settings: [], send: "--to aaaaaaaaaaaaaaaaaaaaaa \"hello\""),
    "ntfy": Sample(settings: [], send: "--to alerts \"hello\""),
    "dingtalk-robot": Sample(
      settings: [#"access_token: "ffffffffffffffffffffffffffffffff", secret: "SECsandbox""#], send: "\"hello\""),
    "feishu-robot": Sample(
      settings: [#"token: "00000000-0000-4000-8000-000000000001", secret: "sandbox""#], send: "\"hello\""),
    "gotify": Sample(settings: [#"token: "sandbox-sandbox""#], send: "\"hello\""),
    "pushdeer": Sample(settings: [], send: "--to PDU1sandbox \"hello\""),
    "webhook": Sample(settings: [], send: "--to ops \"hello\""),
  ]
}
