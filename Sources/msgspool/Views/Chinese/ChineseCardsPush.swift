// Push services.
extension Chinese {
  static let cardsPush: KeyValuePairs<String, String> = [
    // Several
    "URL of a picture": "图片的网址",
    "URL of an icon": "图标的网址",
    "name of the sound": "铃声的名称",
    "the application's key": "应用的 key",
    "as old configurations have it": "旧配置里的写法",
    // bark
    "a second head line": "副标题",
    "active, timeSensitive, passive or critical; by default as priority says":
      "中断级别：active、timeSensitive、passive 或 critical；默认按 priority",
    "of a critical message, 0 to 10": "critical 消息的音量，0 到 10",
    "the number at the icon": "图标上的角标数字",
    "group of messages that it is shown in": "消息分组",
    "what is copied instead of the body": "复制的内容，代替 body",
    "whether it is copied at once": "是否自动复制",
    "whether the sound repeats for 30 seconds": "铃声是否重复 30 秒",
    "whether the app keeps it": "是否保存在应用里",
    "none: a tap does nothing": "none：点开什么都不做",
    "an encrypted message, as the app's documentation has it": "加密的消息，见 Bark 的文档",
    "a message with the same id replaces the earlier one; by default the call's":
      "id 相同的消息替换之前的；默认是请求的 id",
    "to: device keys. The server's limit of keys in a call is its operator's: a call that is refused is halved.":
      "to：设备的 key。一次请求最多几个 key 由服务器的主人决定：被拒绝的请求对半分开再发。",
    "body is required; title and url are used, options.image is a picture's link. Markdown goes as it is written; html is refused.":
      "body 必填；使用 title 和 url，options.image 是图片的网址。Markdown 原样发送；html 会被拒绝。",
    "priority low is passive, high is timeSensitive.": "priority low 是 passive，high 是 timeSensitive。",
    "A lost answer is sent again under the same id, which replaces the message instead of doubling it.":
      "应答丢了就用同一个 id 再发：替换那条消息，不会有两条。",
    // gotify
    "the application's token, A...": "应用的 token，A...",
    "0 to 10, instead of the message's": "0 到 10，代替消息的",
    "endpoint is required: the address of the server.": "endpoint 必填：服务器的地址。",
    "to is left out: all clients of the application's owner get the message.":
      "不写 to：应用所有者的所有客户端都收到。",
    "body is required; title and url are used; format is text or markdown.":
      "body 必填；使用 title 和 url；format 用 text 或 markdown。",
    "priority low is 2, normal 5, high 8.": "priority low 是 2，normal 是 5，high 是 8。",
    "A lost answer cannot be looked up with an application's token: on_unconfirmed decides.":
      "应答丢了，用应用的 token 查不到结果：由 on_unconfirmed 决定。",
    // instapush
    "The service no longer exists: a channel of it is refused when the configuration is read.":
      "这个服务已经不在了：读配置时，它的通道会被拒绝。",
    "// Was provider: \"instapush\". Instead, for example:": "// 原来是 provider: \"instapush\"。可以改用，例如：",
    // ntfy
    "an access token, tk_...; or username and password, or neither":
      "访问令牌，tk_...；或写 username 和 password；或都不写",
    "the account's name": "账号的用户名",
    "the account's password": "账号的密码",
    "1 to 5, instead of the message's": "1 到 5，代替消息的",
    "words or names of emoji, together at most 512 bytes": "标签或 emoji 的名称，总共最多 512 字节",
    "URL of a file to show": "要显示的文件的网址",
    "what that file is called": "那个文件的名称",
    "when the service delivers it: 30m, tomorrow 10am, Unix time; 10 s to 3 days":
      "服务器何时投递：30m、tomorrow 10am 或 Unix 秒数；10 秒到 3 天",
    "address that the service mails it to as well": "同时用邮件发到这个地址",
    "number that the service calls as well": "同时给这个号码打电话",
    "up to 3 buttons, such as { action: \"view\", label: \"Open\", url: \"https://...\" }":
      "最多 3 个按钮，如 { action: \"view\", label: \"Open\", url: \"https://...\" }",
    "to: topics of 1 to 64 letters, digits, _ and -.": "to：主题，1 到 64 个字母、数字、_ 和 -。",
    "body is required; title and url (as click) are used; format is text or markdown.":
      "body 必填；使用 title 和 url（作为 click）；format 用 text 或 markdown。",
    "priority low is 2, high is 4. A longer body would become an attachment and is refused.":
      "priority low 是 2，high 是 4。超长的 body 会变成附件，所以拒绝。",
    "options.actions are the service's own: view (label, url), http (label, url, method, headers, body), broadcast (label, intent, extras) and copy (label, value); each may have clear.":
      "options.actions 按 ntfy 的写法：view（label、url）、http（label、url、method、headers、body）、broadcast（label、intent、extras）和 copy（label、value）；都可以有 clear。",
    "A lost answer is looked up in the topic's cache after a minute; a server that shows none cannot tell.":
      "应答丢了，一分钟后到主题的缓存里查；没有缓存的服务器说不出结果。",
    // onesignal
    "the app's id, a UUID": "应用的 id（UUID）",
    "the app's API key, os_v2_app_...": "应用的 API key，os_v2_app_...",
    "what external: reaches: push (default), email or sms": "external: 发到哪里：push（默认）、email 或 sms",
    "true rejects users of whom one device is unsubscribed": "true：有一台设备退订的用户就拒绝",
    "id of the template for messages without a body": "没有 body 的消息用的模板 ID",
    "the text in further languages: { zh: \"...\" }; body is English": "别的语言的正文：{ zh: \"...\" }；body 算英文",
    "the title in further languages": "别的语言的标题",
    "second line of the title": "副标题",
    "what the app gets along with the message": "随消息交给应用的数据",
    "link for browsers": "浏览器用的链接",
    "link for apps": "应用用的链接",
    "seconds that it may wait for a device, 0 to 2419200": "最多等设备多少秒，0 到 2419200",
    "label in OneSignal's console": "在 OneSignal 控制台里的名称",
    "delivery priority, 1 to 10; 10 when the message's priority is high":
      "投递优先级，1 到 10；消息的 priority 是 high 时为 10",
    "segments left out of those in to": "从 to 的分组里除去这些分组",
    "a user by the app's own id: external:42": "应用自己的用户 id：external:42",
    "a segment by its name: segment:Active": "分组的名称：segment:Active",
    "to: subscription ids (UUIDs), external:ID or segment:NAME; the three kinds never share a call.":
      "to：订阅 id（UUID）、external:ID 或 segment:NAME；三种不会在同一次请求里。",
    "body is required unless template names a template; title and url are used. Markdown goes as it is written; html is refused.":
      "没有写 template 时，body 必填；使用 title 和 url。Markdown 原样发送；html 会被拒绝。",
    "Where SDKs or proxies hold to the older limit, set max_recipients_per_call: 2000.":
      "SDK 或代理还守着旧上限的，请设 max_recipients_per_call: 2000。",
    "Accepted means submitted: ids that don't exist are not reported by the service.":
      "accepted 表示已提交：不存在的 id，服务商不会说。",
    "Receipts are sums of a call and name nobody: show and report have them; people stay awaited.":
      "回执只有一次请求的总数，不说是谁：见 show 和 report；每个人仍是等待回执。",
    "A lost answer is repeated under the same idempotency key, so that nothing is sent twice.":
      "应答丢了就用同一个幂等键重发，所以不会发两次。",
    // pushdeer
    "whether body is the URL of a picture to show": "body 是不是要显示的图片的网址",
    "to: push keys, PDU...; each has a call of its own.": "to：推送 key，PDU...；每个一次请求。",
    "body is required; title is the head line and url a line of its own; format is text or markdown.":
      "body 必填；title 是标题，url 单独一行；format 用 text 或 markdown。",
    "A key whose owner has no device is rejected: nobody was reached.": "key 的主人没有设备就拒绝：没有人收到。",
    // pushover
    "the application's token, 30 characters": "应用的 token，30 个字符",
    "only these devices of each user; a user then has a call of his own":
      "只发到每个用户的这些设备；这时每个用户一次请求",
    "-2 to 2, instead of the message's; 2 is an emergency": "-2 到 2，代替消息的；2 是紧急",
    "emergency: seconds until it sounds again, 30 or more": "紧急消息隔多少秒再响，至少 30",
    "emergency: seconds until it gives up, at most 10800": "紧急消息多少秒后不再响，最多 10800",
    "emergency: URL that is told of its acknowledgement": "紧急消息有人确认时通知的网址",
    "emergency: words by which it can be cancelled": "取消紧急消息时用的标签",
    "what the link is called, at most 100 characters": "链接的名称，最多 100 个字符",
    "Unix seconds to show instead of the time of arrival": "要显示的时间（Unix 秒数），代替到达的时间",
    "seconds until it is removed from the devices": "多少秒后从设备上删除",
    "whether it is shown in a monospace font": "是否用等宽字体显示",
    "to: user or group keys, 30 letters and digits; up to 50 share a call, and each counts as a message.":
      "to：用户或群组的 key，30 个字母和数字；最多 50 个合在一次请求里，每个算一条消息。",
    "body is required; title, url and one attachment are used; format is text or html.":
      "body 必填；使用 title、url 和一个附件；format 用 text 或 html。",
    "priority low is -1, high is 1; options.priority 2 (emergency) needs options.retry and options.expire.":
      "priority low 是 -1，high 是 1；options.priority 2（紧急）要有 options.retry 和 options.expire。",
    "The id of an emergency is its receipt; other messages have no status to ask for.":
      "紧急消息的 id 就是它的回执号；别的消息没有状态可查。",
    // pushed
    "the subscribers of a channel, by its alias: channel:news": "频道的订阅者，写频道的别名：channel:news",
    "a user, by the access token that he granted: user:TOKEN": "一个用户，写他授予的访问令牌：user:TOKEN",
    "to: left out for all subscribers of the application; or a Pushed ID, channel:ALIAS, user:TOKEN.":
      "to：不写就发给应用的所有订阅者；或写 Pushed ID、channel:ALIAS、user:TOKEN。",
    "body is required, url is used; title is not. Markdown goes as it is written; html is refused.":
      "body 必填；使用 url，不用 title。Markdown 原样发送；html 会被拒绝。",
    "A user's access token is recorded in the history like any address.": "用户的访问令牌和别的地址一样会记在历史里。",
    // telegram
    "the bot's token, 123456789:ABC...": "机器人的 token，123456789:ABC...",
    "whether it arrives without a sound; by default for low priority": "是否静音送达；priority 是 low 时默认静音",
    "whether links are shown without a preview": "链接是否不显示预览",
    "whether it cannot be forwarded or saved": "是否禁止转发和保存",
    "topic of a forum group": "论坛群里的话题",
    "whether a picture is sent as a file, uncompressed": "图片是否作文件发送，不压缩",
    "to: a chat's number (groups have negative ones) or @channel. The bot must have been spoken to, or be a member.":
      "to：聊天的编号（群是负数）或 @频道。对方要先和机器人说过话，或机器人已在群里。",
    "title, body and url are lines of one text, an attachment's caption when there is one.":
      "title、body 和 url 各占一行，合成一段文字；有附件时是附件的说明。",
    "format html is Telegram's HTML, markdown its MarkdownV2, whose special characters the producer escapes; the limit then counts the text without its markup, which only the service can do: it is counted here where options.long cuts or splits. What the service cannot read as such arrives as it was written, as plain text, and the result says so.":
      "format html 是 Telegram 的 HTML，markdown 是它的 MarkdownV2，特殊字符由生产者转义；这时上限只算去掉标记的文字，只有 Telegram 自己能算：options.long 要截短或分开时在这里算。标记有错的，按原文作为纯文本送达，结果里会说明。",
    "JPEG, PNG and WebP go as pictures, other attachments as files. Low priority arrives without a sound.":
      "JPEG、PNG 和 WebP 作图片，别的附件作文件。priority low 静音送达。",
    "A group that became a supergroup is sent to under its new number.": "变成超级群的群，按它的新编号发送。",
  ]
}
