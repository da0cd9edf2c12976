// Push services that come out in WeChat.
extension Chinese {
  static let cardsPushWeChat: KeyValuePairs<String, String> = [
    // pushplus
    "the user's token or a message token": "用户 token 或消息 token",
    "wechat (default), webhook, cp, mail...; up to 5, with commas":
      "发送渠道：wechat（默认）、webhook、cp、mail 等；最多 5 个，用逗号分开",
    "code of the channel's configuration; one for each channel, with commas": "渠道配置的编码；每个渠道一个，用逗号分开",
    "URL that gets the final result": "接收最终结果的网址",
    "the open API's key, to ask what became of messages (receipts: \"pull\")":
      "开放接口的 secretKey，用来查询消息结果（receipts: \"pull\"）",
    "true for members: longer titles and bodies": "会员写 true：title 和 body 可以更长",
    "channel or channels of this message, instead of the configured ones": "这条消息的渠道，一个或几个，代替配置里的",
    "code or codes for these, instead of the configured ones": "这些渠道的编码，代替配置里的",
    "how the body is shown: html, txt, json, markdown, cloudMonitor, jenkins, route, pay; else by format":
      "body 怎样显示：html、txt、json、markdown、cloudMonitor、jenkins、route、pay；默认按 format",
    "name of a pre-processing script, for members": "预处理脚本的名称，会员可用",
    "everybody in a group, by its code: topic:ops": "群组里的所有人，写群组编码：topic:ops",
    "to: tokens of friends (or WeCom user ids, for cp); left out, the message goes to the owner of the token.":
      "to：好友令牌（用 cp 时是企业微信的 userid）；不写就发给 token 的主人。",
    "body is required; title, of one line, and format are used; url is not.":
      "body 必填；使用 title（一行）和 format；不用 url。",
    "Friends over the account's limit would be left out silently: members may set max_recipients_per_call: 100.":
      "超过账号上限的好友会被悄悄漏掉：会员可以设 max_recipients_per_call: 100。",
    "A wrong token or a used-up day suspends the channel: going on gets the account barred, refused requests count.":
      "token 不对或当天额度用完，就暂停通道：被拒绝的请求也计数，再发下去账号会被限制。",
    "daily counts recipients: raise it where calls carry many friends, or for members.":
      "daily 按收件人计：一次请求发给很多好友，或是会员的，请调高。",
    "Over several channels a message is accepted when one of them took it.": "走几个渠道的消息，有一个接收就算 accepted。",
    // serverchan
    "the key: SCT... (Turbo) or sctp... (ServerChan 3)": "SendKey：SCT...（Turbo）或 sctp...（Server酱³）",
    "text of the card": "消息卡片的内容",
    "Turbo: one or two channel ids, such as 9 or 9|66; else the account's own":
      "Turbo：消息通道的编号，一个或两个，如 9 或 9|66；默认用账号设置的",
    "Turbo: further receivers, for test accounts and WeCom applications":
      "Turbo：抄送的 openid，用于测试号和企业微信应用消息",
    "Turbo: true hides the sender's address": "Turbo：隐藏调用者的 IP",
    "ServerChan 3: tags": "Server酱³：标签",
    "true cuts a title that is too long, instead of refusing the message": "标题太长就截短，而不是拒绝消息",
    "to is left out: messages go to the owner of the key.": "不写 to：发给 SendKey 的主人。",
    "title is one line; without one, the beginning of the body's first line is the title.":
      "title 只能一行；没有就取 body 第一行的开头。",
    "body is shown as Markdown, where a plain text keeps its line breaks; url is a line of its own, html is refused.":
      "body 按 Markdown 显示，纯文本的换行会保留；url 单独一行；html 会被拒绝。",
    "The address is chosen by the key; an endpoint in the configuration replaces it for both kinds of key.":
      "地址由 SendKey 决定；配置里写了 endpoint，两种 SendKey 都用它。",
    "The key is part of the request's path: don't let a proxy log it.": "SendKey 在请求的路径里：不要让代理记到日志里。",
    "Turbo is asked by itself what became of a message; ServerChan 3 does not tell.":
      "Turbo 的消息结果会自动去查；Server酱³ 不说结果。",
    "Free Turbo accounts have 5 messages a day; the first answer that says so suspends the channel.":
      "免费的 Turbo 账号每天 5 条；应答第一次说用完，通道就暂停。",
    // serverfan
    "the user's token, or an agent's": "用户的 token，或代理的",
    "true when the token is an agent's": "true：token 是代理的",
    "auto (default), info, warning or text": "auto（默认）、info、warning 或 text",
    "auto, info, warning or text, instead of the channel's": "auto、info、warning 或 text，代替通道里的",
    "to is left out: messages go to the owner of the token.": "不写 to：发给 token 的主人。",
    "body is required; title, where given, is a line before it; url is not used. Markdown goes as it is written; html is refused.":
      "body 必填；有 title 就放在前面一行；不用 url。Markdown 原样发送；html 会被拒绝。",
    "text reaches only those who wrote to the account in the last 48 hours; auto tries text and then info.":
      "text 只能发给 48 小时内给公众号发过消息的人；auto 先试 text，再试 info。",
    "Accepted means HTTP 202 without a body, as the service's open core answers; other successes are unconfirmed.":
      "只有没有内容的 HTTP 202 才算 accepted，开源的服务端就这样应答；别的成功应答算未确认。",
    "Whether the service still runs is not known.": "这个服务是否还在运行，不清楚。",
    // wxpusher
    "the application's token, AT_...": "应用的 appToken，AT_...",
    "head line, at most 100 characters; instead of the message's title": "消息摘要，最多 100 个字符；代替消息的 title",
    "0 everybody, 1 paid subscribers only, 2 unpaid or expired only":
      "0：所有人；1：只发给付费订阅的；2：只发给没有付费或已过期的",
    "everybody who follows a topic, by its number: topic:123; at most 5 in a call":
      "关注某个主题的所有人，写主题的编号：topic:123；一次请求最多 5 个",
    "to: user ids, UID_..., compared exactly as written.": "to：用户的 UID，UID_...，大小写都要一致。",
    "body is required; title is the summary; format and url are used.": "body 必填；title 作摘要；使用 format 和 url。",
    "Accepted means that the service made a task of it; delivery comes later, and what it says of it is never final.":
      "accepted 表示服务商建了发送任务；之后才送达，而且它说的送达情况不作定论。",
  ]
}
