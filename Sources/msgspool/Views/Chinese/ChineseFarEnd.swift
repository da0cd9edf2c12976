// What kept a call from being made or answered, and what providers ask of recipients, fields and settings.
extension Chinese {
  /// Connections, mail servers and programs.
  static let transports: KeyValuePairs<String, String> = [
    "The name in {1} could not be resolved.": "{1} 里的主机名解析不出来。",
    "There is no connection to {1}: {2}.": "连不上 {1}：{2}。",
    "There is no connection to {1}.": "连不上 {1}。",
    "Connecting to {1} took too long.": "连接 {1} 太久。",
    "TLS with {1} was not agreed: {2}.": "与 {1} 的 TLS 没有谈成：{2}。",
    "TLS with {1} was not agreed.": "与 {1} 的 TLS 没有谈成。",
    "The URL is not one that libcurl takes.": "libcurl 不接受这个 URL。",
    "The connection to {1} broke before anything was sent: {2}.": "发出任何内容之前，与 {1} 的连接断了：{2}。",
    "The connection to {1} broke before anything was sent.": "发出任何内容之前，与 {1} 的连接断了。",
    "Nothing could be sent to {1}: {2}.": "什么都不能发给 {1}：{2}。",
    "Nothing could be sent to {1}.": "什么都不能发给 {1}。",
    "The answer of {1} is larger than the limit.": "{1} 的应答超过上限。",
    "The request was sent to {1}, and no complete answer came in time.": "请求已发给 {1}，没有及时收到完整的应答。",
    "The answer of {1} is not HTTP.": "{1} 的应答不是 HTTP。",
    "The connection to {1} broke after the request was sent, before any answer.":
      "请求发出之后、应答之前，与 {1} 的连接断了。",
    "The connection to {1} broke in the middle of the answer.": "应答到一半，与 {1} 的连接断了。",
    "There is no memory for another exchange.": "没有内存再做一次交换。",
    "The request was {1+}: {2+}.": "请求{1+}：{2+}。",
    "not sent": "没有发出",
    "broken off": "中断了",
    "The transport has been shut down.": "传输已经关闭。",
    "The system has no thread to give.": "系统不能再给线程。",
    "The exchange was abandoned by a shutdown.": "关闭时放弃了这次交换。",
    "libcurl could not be started.": "libcurl 不能启动。",
    "libcurl.so.4 cannot be opened (on Debian: apt install libcurl4).":
      "打不开 libcurl.so.4（Debian：apt install libcurl4）。",
    "libcurl cannot go on: {1}.": "libcurl 不能继续：{1}。",
    "libcurl refuses the request: {1}": "libcurl 拒绝这个请求：{1}",
    "the attachment \"{1}\" cannot be read ({2+})": "附件 \"{1}\" 不能读（{2+}）",
    "the attachment \"{1}\" cannot be read to its end ({2+})": "附件 \"{1}\" 读不到结尾（{2+}）",
    "it has become shorter than the {1} bytes it had": "它变得比原来的 {1} 字节短",
    "The mail was handed to {1}, and no answer to it came in time.": "邮件已交给 {1}，没有及时收到应答。",
    "The connection to {1} broke after the mail was handed over, before the answer to it.":
      "邮件交出之后、应答之前，与 {1} 的连接断了。",
    "{1} offers no STARTTLS, and the channel requires TLS.": "{1} 不提供 STARTTLS，而通道要求 TLS。",
    "{1} offers no way to log in that is known here.": "{1} 没有提供这里认识的登录方式。",
    "The answer of {1} is not SMTP.": "{1} 的应答不是 SMTP。",
    "{1} was ended after {2} seconds.": "{1} 运行 {2} 秒后被结束。",
    "{1} was ended: it wrote more than {2} bytes.": "{1} 被结束：它写了超过 {2} 字节。",
    "{1} cannot be started: {2+}.": "{1} 不能启动：{2+}。",
    "{1} cannot be started: {2+}": "{1} 不能启动：{2+}",
    "the command is no absolute path": "命令不是绝对路径",
    "the command or its environment has a NUL": "命令或它的环境里有 NUL",
    "a name in the environment is empty or has a =": "环境里有空的名称，或名称里有 =",
  ]

  /// What no transport sends.
  static let requests: KeyValuePairs<String, String> = [
    "this program sends no files": "这个程序不发送文件",
    "this transport speaks HTTP only": "这种传输只讲 HTTP",
    "this transport sends mail only": "这种传输只发邮件",
    "this transport runs programs only": "这种传输只运行程序",
    "it has a body and parts": "它既有正文又有分段",
    "it has no recipients": "它没有收件人",
    "a name or media type of a part has a control character": "某个分段的名称或媒体类型里有控制字符",
    "the media type of an attachment has a character that none may have": "附件的媒体类型里有不允许的字符",
    "the media type of a text has a character that none may have": "文字的媒体类型里有不允许的字符",
    "the URL does not begin with http:// or https://": "URL 不以 http:// 或 https:// 开头",
    "the URL does not begin with smtp:// or smtps://": "URL 不以 smtp:// 或 smtps:// 开头",
    "the URL names no host": "URL 里没有主机",
    "the URL has a space, a control character, a '#' or a character that must be percent-encoded":
      "URL 里有空格、控制字符、'#' 或必须百分号编码的字符",
    "the URL has a space, a control character or a '#'": "URL 里有空格、控制字符或 '#'",
    "a header's name is empty or has a character that no name may have": "某个头的名称是空的，或有不允许的字符",
    "the value of the header {1} has a control character": "头 {1} 的值里有控制字符",
    "the header {1} is the transport's own, or none that may be sent": "头 {1} 归传输所有，或不能发送",
    "the header {1} is the transport's own": "头 {1} 归传输所有",
    "a word in the header {1} is longer than a line": "头 {1} 里有一个词比一行还长",
    "an address has a character that no address may have here": "某个地址里有这里不允许的字符",
    "the user name or password has a NUL": "用户名或密码里有 NUL",
  ]

  /// Recipients, fields and settings.
  static let provided: KeyValuePairs<String, String> = [
    // Recipients
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
      "既不是好友的 token，也不是群组（topic:CODE），且不含空格和逗号",
    "is neither a subscription id (a UUID) nor external:ID nor segment:NAME":
      "既不是订阅 id（UUID），也不是 external:ID 或 segment:NAME",
    "is not a user id of up to 64 bytes, party:ID or tag:ID": "不是最多 64 字节的用户 id，也不是 party:ID 或 tag:ID",
    "is no user or group key: expected 30 letters and digits": "不是用户或群组的密钥：应为 30 个字母和数字",
    "is no topic: expected 1 to 64 letters, digits, _ and -": "不是主题：应为 1 到 64 个字母、数字、_ 和 -",
    "is no push key: expected letters and digits, PDU...": "不是推送密钥：应为字母和数字，PDU...",
    "is no device key: expected letters, digits, _ and -": "不是设备密钥：应为字母、数字、_ 和 -",
    "is no chat: expected its number or @channel": "不是聊天：应为它的编号或 @channel",
    "is no channel: expected @ and 4 to 32 letters, digits and _": "不是频道：应为 @ 和 4 到 32 个字母、数字和 _",
    "is empty or too long: expected filehelper, a friend's name, group:NAME or reply:ID":
      "是空的或太长：应为 filehelper、好友的名字、group:名称 或 reply:ID",
    "is a user name of WeChat's, which lives for one login: name the friend or group instead":
      "是微信的内部用户名，只在一次登录内有效：请写好友或群的名字",
    "is not used: the channel sends to {1}; leave to out": "用不上：通道发给 {1}；请不要写 to",
    "names nobody behind {1}": "{1} 后面没有写谁",
    // Fields
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
    "is {1}; {2} takes {3}": "是 {1}；{2} 接受 {3}",
    "has several lines; {1} takes one": "有好几行；{1} 只接受一行",
    "has {1} UTF-16 units": "有 {1} 个 UTF-16 单元",
    "has {1} characters": "有 {1} 个字符",
    "has {1} bytes of UTF-8": "有 {1} 字节的 UTF-8",
    "{1} takes at most {2} in a push message": "{1} 的一条推送最多 {2}",
    "makes a message of {1} bytes of JSON; {2} takes at most {3} in all": "使消息的 JSON 有 {1} 字节；{2} 总共最多 {3}",
    "holds the control character {1}, which {2} cannot send": "含有控制字符 {1}，{2} 不能发送",
    "has a line break or another control character, which no mail's header can have":
      "含有换行或别的控制字符，邮件的头里不能有",
    "an integer from {1} to {2}": "{1} 到 {2} 的整数",
    "goes with template only: {1} puts nothing into a body": "只和 template 一起用：{1} 不往正文里填东西",
    // Settings
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
  ]
}
