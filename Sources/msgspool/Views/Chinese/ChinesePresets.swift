// Presets of webhook and exec.
extension Chinese {
  /// What presets need, by the step. Names in other programs' menus are as people find them there.
  static let presets: KeyValuePairs<String, String> = [
    // slack
    "At https://api.slack.com/apps make an app (from scratch), or take one that you have.":
      "在 https://api.slack.com/apps 新建一个应用（\"From scratch\"），或用已有的。",
    "Under Incoming Webhooks switch them on, then: Add New Webhook to Workspace, and choose the channel.":
      "打开 \"Incoming Webhooks\"，然后点 \"Add New Webhook to Workspace\"，选频道。",
    "Put the address, https://hooks.slack.com/services/..., into the environment as SLACK_WEBHOOK_URL. It is a secret.":
      "把地址 https://hooks.slack.com/services/... 放进环境变量 SLACK_WEBHOOK_URL。它是密钥。",
    "A message needs no \"to\". Slack takes a message a second, and cuts texts of more than 40,000 characters.":
      "消息不用写 \"to\"。Slack 每秒收一条消息，超过 40000 个字符的文字会被截短。",
    "Without mrkdwn: false Slack obeys *bold*, _italic_ and the like in texts.":
      "不写 mrkdwn: false 的话，Slack 会把文字里的 *粗体*、_斜体_ 等当作格式。",
    // discord
    "In the channel's settings: Integrations, Webhooks, New Webhook, Copy Webhook URL.":
      "在频道的设置里：\"Integrations\"（整合）、\"Webhooks\"、\"New Webhook\"、\"Copy Webhook URL\"。",
    "Put it with ?wait=true behind it, https://discord.com/api/webhooks/ID/TOKEN?wait=true, into the environment as DISCORD_WEBHOOK_URL. It is a secret; with wait Discord answers when the message is there, and with its id.":
      "后面加上 ?wait=true，即 https://discord.com/api/webhooks/ID/TOKEN?wait=true，放进环境变量 DISCORD_WEBHOOK_URL。它是密钥；有了 wait，Discord 等消息发到才应答，并给出它的 id。",
    "A message needs no \"to\". A title may have 256 characters, a body 4096; Discord reads Markdown in it, and nobody is pinged.":
      "消息不用写 \"to\"。title 最多 256 个字符，body 最多 4096 个；其中的 Markdown 会生效，谁也不会被 @。",
    // teams
    "In Teams, at the channel or chat: More options (...), Workflows, \"Send webhook alerts to a channel\" (or chat).":
      "在 Teams 的频道或聊天上：\"More options\"（...）、\"Workflows\"（工作流）、\"Send webhook alerts to a channel\"（或 chat）。",
    "Sign in, choose where it posts, save, and copy the address.": "登录，选择发到哪里，保存，复制地址。",
    "Put it, https://...api.powerplatform.com:443/powerautomate/..., whole into the environment as TEAMS_WEBHOOK_URL. It is a secret.":
      "把它（https://...api.powerplatform.com:443/powerautomate/...）完整地放进环境变量 TEAMS_WEBHOOK_URL。它是密钥。",
    "A message needs no \"to\", and may have 28 KB. What Teams accepts (202) the workflow posts afterwards; its run history tells what became of it.":
      "消息不用写 \"to\"，最大 28 KB。Teams 接收（202）之后由工作流发出；结果见它的运行历史。",
    // matrix
    "Make a user for the messages at your homeserver, log in as it, and invite it to the rooms.":
      "在自己的 homeserver 上为消息建一个用户，用它登录，并邀请它进房间。",
    "In Element: All settings, Help & About, Access Token. Put \"Bearer TOKEN\" into the environment as MATRIX_AUTHORIZATION. It is a secret, and ends when that session is logged out.":
      "在 Element 里：\"All settings\"（所有设置）、\"Help & About\"（帮助及关于）、\"Access Token\"（访问令牌）。把 \"Bearer TOKEN\" 放进环境变量 MATRIX_AUTHORIZATION。它是密钥，那个会话退出登录就失效。",
    "Put the homeserver in place of matrix.example.org, and the rooms' ids (Room settings, Advanced) into recipients. An alias (#room:example.org) is none. Encrypted rooms get the text unencrypted.":
      "把 matrix.example.org 换成自己的 homeserver，把房间的 id（\"Room settings\" 的 \"Advanced\"，即房间设置的高级）写进 recipients。别名（#room:example.org）不是 id。发到加密房间的文字不加密。",
    "A lost answer is no doubt: the same request is repeated under its transaction id, which Matrix carries out once.":
      "应答丢了也不存疑：用同一个事务 id 重复请求，Matrix 只执行一次。",
    // mattermost
    "In Mattermost: Product menu, Integrations, Incoming Webhooks, Add Incoming Webhook; choose the channel.":
      "在 Mattermost 里：\"Product menu\"、\"Integrations\"（集成）、\"Incoming Webhooks\"、\"Add Incoming Webhook\"；选频道。",
    "Put the address, https://chat.example.com/hooks/..., into the environment as MATTERMOST_WEBHOOK_URL. It is a secret.":
      "把地址 https://chat.example.com/hooks/... 放进环境变量 MATTERMOST_WEBHOOK_URL。它是密钥。",
    "A message needs no \"to\". Mattermost reads Markdown, and parts what is too long itself.":
      "消息不用写 \"to\"。Markdown 会生效；太长的，Mattermost 自己分开。",
    // sendgrid
    "At https://app.sendgrid.com: Settings, Sender Authentication; put the verified address in place of alerts@example.com.":
      "在 https://app.sendgrid.com：\"Settings\"、\"Sender Authentication\"；用验证过的地址替换 alerts@example.com。",
    "Settings, API Keys, Create API Key, Restricted Access with Mail Send. Put \"Bearer KEY\" into the environment as SENDGRID_AUTHORIZATION. It is a secret.":
      "\"Settings\"、\"API Keys\"、\"Create API Key\"、\"Restricted Access\"，勾上 \"Mail Send\"。把 \"Bearer KEY\" 放进环境变量 SENDGRID_AUTHORIZATION。它是密钥。",
    "\"to\" is a mail address. The title is the subject, else the body's first line; a body is sent as plain text.":
      "\"to\" 是邮件地址。title 是主题，没有就取 body 的第一行；body 按纯文本发送。",
    // apprise
    "Install Apprise (pip install apprise), and see where the bridge is: make install puts it into /usr/local/share/msgspool/bridges.":
      "安装 Apprise（\"pip install apprise\"），并看桥接程序在哪里：make install 会放到 /usr/local/share/msgspool/bridges。",
    "\"to\" is an Apprise URL. It holds secrets: put each into the environment, and its name into recipients.":
      "\"to\" 是 Apprise 的 URL。其中有密钥：每个都放进环境变量，把变量的名称写进 recipients。",
    "Apprise tells success from failure and no more: what fails is tried again.":
      "Apprise 只分成功和失败：失败的会再试。",
  ]
}
