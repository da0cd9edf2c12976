// What providers say of recipients, and of a message's fields and a channel's settings.
extension Chinese {
  static let provided: KeyValuePairs<String, String> = [
    "is not a phone number: expected 11 digits, or a country code and number of 7 to 15 digits":
      "不是电话号码：应为 11 位数字，或国家代码和号码共 7 到 15 位",
    "is not a phone number: expected 11 digits, or + and a country code and number":
      "不是电话号码：应为 11 位数字，或 + 加国家代码和号码",
    "is not a phone number: expected + and 7 to 15 digits, +{1} included": "不是电话号码：应为 + 和 7 到 15 位数字，含 +{1}",
    "is not a phone number: expected + and 7 to 15 digits (the channel has no country_code)":
      "不是电话号码：应为 + 和 7 到 15 位数字（通道没有 country_code）",
    "is not a phone number: expected + and 7 to 15 digits": "不是电话号码：应为 + 和 7 到 15 位数字",
    "is not a mainland mobile number: expected 11 digits that start with 1 after 86":
      "不是大陆手机号码：86 之后应为以 1 开头的 11 位数字",
    "is not a mainland mobile number: expected 11 digits that start with 1 after +86":
      "不是大陆手机号码：+86 之后应为以 1 开头的 11 位数字",
    "is of no known kind: expected {1}": "种类不认识：应为 {1}",
    "is neither a user id (UID_...) nor a topic (topic:123)": "既不是用户 id（UID_...），也不是主题（topic:123）",
    "is not a user id: expected UID_ and what follows it, without spaces": "不是用户 id：应为 UID_ 和后面的部分，不含空格",
    "is not a topic: expected topic: and its number": "不是主题：应为 topic: 和它的编号",
    "is neither a friend's token nor a group (topic:CODE), without spaces and commas":
      "既不是好友令牌，也不是群组（topic:CODE），且不含空格和逗号",
    "is neither a subscription id (a UUID) nor external:ID nor segment:NAME":
      "既不是订阅 id（UUID），也不是 external:ID 或 segment:NAME",
    "is not a user id of up to 64 bytes, party:ID or tag:ID": "不是最多 64 字节的用户 id，也不是 party:ID 或 tag:ID",
    "is no user or group key: expected 30 letters and digits": "不是用户或群组的 key：应为 30 个字母和数字",
    "is no topic: expected 1 to 64 letters, digits, _ and -": "不是主题：应为 1 到 64 个字母、数字、_ 和 -",
    "is no push key: expected letters and digits, PDU...": "不是推送 key：应为字母和数字，PDU...",
    "is no device key: expected letters, digits, _ and -": "不是设备的 key：应为字母、数字、_ 和 -",
    "is no chat: expected its number or @channel": "不是聊天：应为它的编号或 @channel",
    "is no channel: expected @ and 4 to 32 letters, digits and _": "不是频道：应为 @ 和 4 到 32 个字母、数字和 _",
    "is empty or too long: expected filehelper, a friend's name, group:NAME or reply:ID":
      "是空的或太长：应为 filehelper、好友的名字、group:名称 或 reply:ID",
    "is a user name of WeChat's, which lives for one login: name the friend or group instead":
      "是微信的内部用户名，只在一次登录内有效：请写好友或群的名字",
    "is not used: the channel sends to {1}; leave to out": "用不上：通道只发给{1+}；请不要写 to",
    "names nobody behind {1}": "{1} 后面没有写谁",
    "is of no known kind: expected a friend's token or topic:CODE": "种类不认识：应为好友令牌或 topic:编码",
    "is of no known kind: expected a phone number, whatsapp:, rcs: or messenger:":
      "种类不认识：应为电话号码、whatsapp:、rcs: 或 messenger:",
    "is not a target: expected a Pushed ID, channel:ALIAS or user:TOKEN, without spaces":
      "不是目标：应为 Pushed ID、channel:ALIAS 或 user:TOKEN，不含空格",
    "is not a Messenger address: expected messenger: and a user id": "不是 Messenger 地址：应为 messenger: 加用户 id",
    "is no {1}: expected {2}: and its number": "不是 {1}：应为 {2}: 加编号",
    "is not owner, reply:ID or a user id (...@im.wechat): the bot API reaches its owner alone":
      "不是 owner、reply:ID 或用户 id（...@im.wechat）：机器人接口只能发给它的所有者",
    "names nobody: expected {1}: and a {2}": "没有写谁：应为 {1}: 加{2+}",
    "name": "名字",
    "message's id": "消息的 id",
    "\"{1}\" is a user name of WeChat's, which lives for one login": "\"{1}\" 是微信的内部用户名，只在一次登录内有效",
    "name the friend or group instead: msgspool contacts CHANNEL lists them":
      "请写好友或群的名字：msgspool contacts 通道 会列出",
    "the robot's group": "机器人所在的群",
    "the owner of its key": "SendKey 的主人",
    "the owner of its token": "token 的主人",
    "the clients of the application's owner": "应用所有者的客户端",
    "is missing: the channel's url has a place for it": "缺少：通道的 url 里有它的空位",
    "is nothing but dots": "只有点",
    // Mail addresses and domains
    "is no mail address: expected name@domain": "不是邮件地址：应为 name@domain",
    "is no mail address: the part before @ is empty or has a character that is not allowed":
      "不是邮件地址：@ 之前是空的，或有不允许的字符",
    "is no mail address: what stands behind @ {1+}": "不是邮件地址：@ 之后的部分{1+}",
    "is no mail address: < without > behind it": "不是邮件地址：< 之后没有 >",
    "is too long: at most 64 bytes before @, 255 behind it and 254 in all":
      "太长：@ 之前最多 64 字节，之后最多 255 字节，总共最多 254 字节",
    "names more than one, or has something behind its address: expected one; a name with a comma goes in quotes":
      "写了不止一个，或地址后面还有东西：只应写一个；名字里有逗号要加引号",
    "has a quote that does not end": "引号没有结束",
    "has a control character": "含有控制字符",
    "has no IP address between [ and ]": "[ 和 ] 之间不是 IP 地址",
    "is no domain name: expected letters, digits and hyphens between dots": "不是域名：应为用点隔开的字母、数字和连字符",
    "is no domain name by IDNA 2008: {1}": "按 IDNA 2008 不是域名：{1}",
  ]

  /// Fields of a message.
  static let fields: KeyValuePairs<String, String> = [
    "is missing or empty; {1+}": "缺少或是空的；{1+}",
    "is missing or empty": "缺少或是空的",
    "{1} sends it": "{1} 要发送它",
    "{1} sends it, or a template": "{1} 发送它，或模板",
    "{1} sends it, or options.media_url, or a template": "{1} 发送它，或 options.media_url，或模板",
    "{1} needs a text or an attachment": "{1} 需要文字或附件",
    "{1} needs one": "{1} 需要一个",
    "is missing, and the channel has none": "缺少，通道里也没有",
    "{1} sends approved templates only": "{1} 只发送已审核的模板",
    "is missing, and there is no body": "缺少，也没有 body",
    "is {1}; {2} takes {3}": "是 {1}；{2} 接受 {3+}",
    "has several lines; {1} takes one": "有好几行；{1} 只接受一行",
    "has {1} UTF-16 units": "有 {1} 个 UTF-16 单元",
    "has {1} characters": "有 {1} 个字符",
    "has {1} bytes of UTF-8": "有 {1} 字节（UTF-8）",
    "has {1} UTF-16 units; {2} takes at most {3}": "有 {1} 个 UTF-16 单元；{2} 最多 {3} 个",
    "has {1} characters; {2} takes at most {3}": "有 {1} 个字符；{2} 最多 {3} 个",
    "has {1} bytes of {2}; {3} takes at most {4}": "有 {1} 字节（{2}）；{3} 最多 {4} 字节",
    "has {1} bytes; {2} takes at most {3}": "有 {1} 字节；{2} 最多 {3} 字节",
    "has {1} bytes; {2} takes at most {3} in a push message": "有 {1} 字节；{2} 的一条推送最多 {3} 字节",
    "has {1} bytes; {2} takes no file of less than {3}": "有 {1} 字节；{2} 不接受小于 {3} 字节的文件",
    "make a request of {1} bytes; {2} takes at most {3}": "使请求有 {1} 字节；{2} 最多 {3} 字节",
    "has {1} URLs; {2} takes at most {3}": "有 {1} 个网址；{2} 最多 {3} 个",
    "has {1} buttons; {2} takes at most {3}": "有 {1} 个按钮；{2} 最多 {3} 个",
    "makes a message of {1} bytes of JSON; {2} takes at most {3} in all": "使消息的 JSON 有 {1} 字节；{2} 总共最多 {3}",
    "holds the control character {1}, which {2} cannot send": "含有控制字符 {1}，{2} 不能发送",
    "has a line break or another control character, which no mail's header can have":
      "含有换行或别的控制字符，邮件的头里不能有",
    "an integer from {1} to {2}": "{1} 到 {2} 的整数",
    "goes with template only: {1} puts nothing into a body": "只和 template 一起用：{1} 不往正文里填东西",
    "is {1+}; expected {2+}": "写的是：{1+}；应为：{2+}",
    "is empty; expected {1+}": "是空的；应为：{1+}",
    "a list of strings": "字符串列表",
    "an object of languages and texts": "语言和文字的对象",
    "text, markdown or link": "text、markdown 或 link",
    "text, markdown, markdown_v2 or news": "text、markdown、markdown_v2 或 news",
    "is none of {1}": "不在其中：{1}",
    "is none of: {1}": "不在其中：{1}",
    "text or markdown": "text 或 markdown",
    "text or html": "text 或 html",
    "holds an empty URL": "含有空的网址",
    "is no content template's SID: expected HX and 32 hex digits": "不是内容模板的 SID：应为 HX 加 32 位十六进制数字",
    "mainland numbers need one": "发大陆号码必须有",
    "contains a brace, which {1} does not take": "含有大括号，{1} 不接受",
    "contains a single quote or a brace, which {1} refuses": "含有单引号或大括号，{1} 会拒绝",
    "needs the English text too: body for contents, title for headings": "也要有英文：contents 要有 body，headings 要有 title",
    "must be a text, in another language than en": "应为文字，而且语言不是 en",
    "cannot go with a picture: {1} sends it without text": "不能和图片一起：{1} 发图片时不带文字",
    "cannot go with an attachment: {1} sends {2+} without text": "不能和附件一起：{1} 发{2+}时不带文字",
    "pictures and files": "图片和文件",
    "send the text as a message of its own": "请把文字作为单独的消息发送",
    "names \"{1}\"; known are: {2}": "写的是 \"{1}\"；已知的有：{2}",
    "names {1} channels; {2} takes at most {3}": "写了 {1} 个渠道；{2} 最多 {3} 个",
    "has {1} codes for {2} channels: expected one for each, empty ones too":
      "有 {1} 个编码，而渠道有 {2} 个：应每个渠道一个，空的也算",
    "cannot be combined with format html": "不能和 format html 一起用",
    "holds what is no device name: expected up to 25 letters, digits, _ and -":
      "含有不是设备名称的：应为最多 25 个字母、数字、_ 和 -",
    "is for emergencies only: it goes with options.priority 2": "只用于紧急消息：要有 options.priority 2",
    "is missing; an emergency needs it, 30 seconds or more": "缺少；紧急消息必须有，至少 30 秒",
    "is missing; an emergency needs it, at most 10800 seconds": "缺少；紧急消息必须有，最多 10800 秒",
    "holds an empty tag or one with a comma": "含有空的标签，或标签里有逗号",
    "is none of view, http, broadcast and copy": "不是 view、http、broadcast 或 copy",
    "is missing or no text; a button of kind {1} needs it": "缺少或不是文字；{1} 类的按钮必须有",
    "does not belong to a button of kind {1}": "不属于 {1} 类的按钮",
    "is for Turbo keys (SCT...) only, and the channel's is of ServerChan 3":
      "只用于 Turbo 的 SendKey（SCT...），而通道的是 Server酱³ 的",
    "is for ServerChan 3 keys (sctp...) only, and the channel's is of Turbo":
      "只用于 Server酱³ 的 SendKey（sctp...），而通道的是 Turbo 的",
    "is not one or two channel ids: expected such as 9 or 9|66": "不是一个或两个消息通道的编号：应如 9 或 9|66",
    "options.cut_title joins them": "options.cut_title 把它们连成一行",
    "options.cut_title cuts it; the body has more room": "options.cut_title 把它截短；body 放得下更多",
    "a link needs it": "link 必须有",
    "news need it": "news 必须有",
    "goes with plain text only": "只和纯文本一起用",
    "is missing or empty, and there is neither title nor attachment": "缺少或是空的，也没有 title 和附件",
    "goes with format html only: the body is plain text already": "只和 format html 一起用：body 本来就是纯文本",
    "is no header's name: expected 1 to 60 letters, digits, - and _": "不是邮件头的名称：应为 1 到 60 个字母、数字、- 和 _",
    "is a header that msgspool or a server writes": "这个头由 msgspool 或服务器写",
    "it has an option of its own: options.{1}": "它有自己的选项：options.{1}",
    "is empty or no string": "是空的，或不是字符串",
    "is missing or empty, and there is neither title nor url: expected a text for {{text}}":
      "缺少或是空的，也没有 title 和 url：{{text}} 要有文字",
    "has no place in the channel's template: expected {{template}} there": "在通道的 template 里没有空位：那里应有 {{template}}",
    "none has a place in the channel's template: expected {{params.NAME}} there":
      "都不在通道 template 的空位里：那里应有 {{params.NAME}}",
    "expected an object of names and strings: a webhook's places have names": "应为名称和字符串的对象：webhook 的空位都有名称",
  ]

  /// Settings of a channel.
  static let settings: KeyValuePairs<String, String> = [
    "is missing: give from or messaging_service_sid": "缺少：请写 from 或 messaging_service_sid",
    "is missing: both are needed": "缺少：两个都要有",
    "is missing: the one needs the other": "缺少：两者要一起写",
    "must be given, or api_key_sid and api_key_secret instead, and not both":
      "要写，或改写 api_key_sid 和 api_key_secret，不要都写",
    "must start with https:// or http://": "应以 https:// 或 http:// 开头",
    "must start with smtp:// or smtps://": "应以 smtp:// 或 smtps:// 开头",
    "must not contain a colon": "不能含有冒号",
    "must begin with the program's absolute path": "应以程序的绝对路径开头",
    "is no bot's token: expected a number, a colon and the rest": "不是机器人的 token：应为数字、冒号和其余部分",
    "holds a space, a quote, a control character or one that is not ASCII": "含有空格、引号、控制字符或非 ASCII 字符",
    "holds characters that no such token has": "含有这种 token 里没有的字符",
    "is not a country code: expected 1 to 3 digits, such as 86": "不是国家代码：应为 1 到 3 位数字，如 86",
    "is not a UUID": "不是 UUID",
    "is not a text": "不是文字",
    "is not a number: expected one such as {1}": "不是数字：应如 {1}",
    "is not from 1 to {1}": "不在 1 到 {1} 之间",
    "1 to 14400 seconds": "1 到 14400 秒",
    "1 to 1000000 characters": "1 到 1000000 个字符",
    "a number of calls from 1 on": "至少 1 次请求",
    "is no span of time, such as \"{1}\"": "不是时长；应如 \"{1}\"",
    "must be true. {1+} (wechat-ilink is official)": "应为 true。{1+}（官方的是 wechat-ilink）",
    "has no plain host name: expected scheme://host[:port][/path]": "没有普通的主机名：应为 协议://主机[:端口][/路径]",
    "has a port that is no number from 1 to 65535": "端口不是 1 到 65535 的数字",
    "has a path with . or .., a query, or characters that must be percent-encoded":
      "路径里有 . 或 ..，或有查询部分，或有必须百分号编码的字符",
    "is neither wsse nor ak_sk": "不是 wsse 或 ak_sk",
    "is neither push nor email nor sms": "不是 push、email 或 sms",
    "is neither required, opportunistic nor none": "不是 required、opportunistic 或 none",
    "is neither POST nor PUT": "不是 POST 或 PUT",
    "is for receipt_queue, which is missing": "是给 receipt_queue 用的，而没有写它",
    "is no queue's name: expected letters, digits and dashes": "不是队列的名称：应为字母、数字和连字符",
    "is missing: the address of the Gotify server": "缺少：Gotify 服务器的地址",
    "is missing: receipts are asked for with it": "缺少：查询回执要用它",
    "cannot be given together with username and password": "不能和 username、password 一起写",
    "holds something other than letters and digits": "含有字母和数字以外的字符",
    "is of ServerChan's first edition, which is shut down: get a key at sct.ftqq.com":
      "是第一版 Server酱 的，它已经关闭：请到 sct.ftqq.com 取新的 SendKey",
    "is no key: expected SCT... or sctp, a number, t and more": "不是 SendKey：应为 SCT...，或 sctp、数字、t 和其余部分",
    "ServerChan 3 cannot be asked; Turbo can": "Server酱³ 不能查询；Turbo 可以",
    "instapush was closed by its owners in November 2018; use pushover, ntfy or bark for phones, or pushed for subscribers":
      "instapush 已于 2018 年 11 月关闭；发到手机请用 pushover、ntfy 或 bark，发给订阅者请用 pushed",
    "is {1}, which could show the password to others; expected required": "是 {1}，密码可能被别人看到；应为 required",
    "is not scheme://host[:port]; a login goes into username and password":
      "不是 协议://主机[:端口]；登录用的请写进 username 和 password",
    "is given, and url names {1} for EHLO behind its host: leave out one of them":
      "已经写了，而 url 的主机之后也写了给 EHLO 的 {1}：请去掉一个",
    "has a NUL": "含有 NUL",
    // webhook
    "needs {{call}} in the template or the url, by which the far side knows a repetition":
      "要求 template 或 url 里有 {{call}}，对方靠它认出重复的请求",
    "has {{to}} in the midst of a text, which several recipients in a call cannot share":
      "在文字中间有 {{to}}，一次请求里的几个收件人不能共用",
    "has {{to}}, which several recipients in a call cannot share": "有 {{to}}，一次请求里的几个收件人不能共用",
    "has a name that is none, or that only the transport sets": "有一个不是头的名称，或只由传输设置的",
    "has a value that is no plain text: {1}": "有一个值不是普通文字：{1}",
    "has an unknown place {{{1}}}; known are {{to}} and {{call}}": "有不认识的空位 {{{1}}}；已知的有 {{to}} 和 {{call}}",
    "has an unknown place {{{1}}}; a brace of its own is written {{{{ or }}}}":
      "有不认识的空位 {{{1}}}；大括号本身写作 {{{{ 或 }}}}",
    "has a place before its path": "路径之前有空位",
    "has a query with characters that must be percent-encoded": "查询部分有必须百分号编码的字符",
    "has a status that is no number from 200 to 299": "有一个 status 不是 200 到 299 的数字",
    "has {1}, which is unknown or of the wrong kind": "有 {1}，它不认识或种类不对",
    "needs field and equals together": "field 和 equals 要一起写",
    "has \"{1}\" with something else than a kind: one of {2}": "\"{1}\" 对应的不是错误种类：应为其中之一：{2}",
    "has a text that is empty": "有一段文字是空的",
  ]
}
