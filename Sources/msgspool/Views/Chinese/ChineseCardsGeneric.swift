// webhook, exec, and the presets of both.
extension Chinese {
  static let cardsGeneric: KeyValuePairs<String, String> = [
    // exec
    "the program's absolute path, and its arguments; no shell": "程序的绝对路径和参数；不经过 shell",
    "given to the program as MSGSPOOL_SECRET in its environment": "通过环境变量 MSGSPOOL_SECRET 交给程序",
    "anything more for the program; it gets the object as it is": "还要交给程序的东西；对象原样给它",
    "The program gets one line of JSON for each recipient on standard input: to, body, title, format, url, template, params, priority and options (absent ones left out), and call, which is the same when a call is repeated.":
      "程序从标准输入得到每个收件人的一行 JSON：to、body、title、format、url、template、params、priority 和 options（没有的不写），还有 call：重复同一次请求时它不变。",
    "It answers with one line for each, in any order: {\"to\":\"...\",\"state\":\"accepted\"}. state is accepted, deferred or rejected; id, code, reason and retry_after (seconds) are optional. Other lines are ignored.":
      "它为每个收件人回答一行，次序不限：{\"to\":\"...\",\"state\":\"accepted\"}。state 是 accepted、deferred 或 rejected；id、code、reason 和 retry_after（秒）可有可无。别的行忽略。",
    "No line for a recipient: unconfirmed, when the program ended with 0, was killed or ran out of time; otherwise its exit status decides (sysexits): 69 and 71 to 75 mean later, 67 and 68 a wrong recipient, 65 a wrong message, 64, 66, 77, 78, 126 and 127 suspend the channel, 70 and 76 are tried a few times; after any other nobody knows what happened.":
      "没有为收件人回答的：程序以 0 结束、被 kill 或超时，就是未确认；否则看退出状态（sysexits）：69 和 71 到 75 是推迟，67 和 68 是收件人不对，65 是消息不对，64、66、77、78、126 和 127 暂停通道，70 和 76 再试几次；别的都没人知道发生了什么。",
    "A program that takes fewer lines at a time: set max_recipients_per_call.":
      "程序一次处理不了这么多行的，请设 max_recipients_per_call。",
    "Its environment is PATH, HOME and LANG, and MSGSPOOL_SECRET. Standard error goes into the reason. It is ended after timeout, with all it has started.":
      "环境变量有 PATH、HOME、LANG 和 MSGSPOOL_SECRET。标准错误写进原因。超过 timeout 就结束它，连同它启动的一切。",
    "A message without to has one line, whose to is empty.": "没有 to 的消息是一行，其中 to 是空的。",
    // webhook
    "where requests go; its query goes as it is, and {to} and {call} may stand behind the host":
      "请求发到哪里；查询部分原样发送，主机之后可以有 {to} 和 {call}",
    "POST (default) or PUT": "POST（默认）或 PUT",
    "further headers; each value a string, { env: NAME }, { file: PATH } or { credential: NAME }":
      "别的头；每个值是字符串、{ env: 名称 }、{ file: 路径 } 或 { credential: 名称 }",
    "the request's JSON, with places such as \"{body}\"; see the notes":
      "请求的 JSON，可以有 \"{body}\" 这样的空位；见下面的注意",
    "what counts as accepted: { status: [200, 202] }, or { field: \"code\", equals: 0 }; id names the field with an id, id_header a header":
      "什么算成功：{ status: [200, 202] }，或 { field: \"code\", equals: 0 }；id 指明含有 id 的字段，id_header 指明头",
    "words in an answer, and what they mean: { no_credit: \"quota\" }; message, recipient, credentials, quota, throttled, provider (later) or uncertain":
      "应答里的词各是什么意思：{ no_credit: \"quota\" }；可写 message、recipient、credentials、quota、throttled、provider（推迟）或 uncertain",
    "what the far side needs of texts: \"html\" (& < > become entities), \"breaks\" (a line break becomes two)":
      "对方对文字的要求：\"html\"（& < > 换成实体）、\"breaks\"（一个换行变成两个）",
    "the far side carries out once what comes twice with the same {call}: a lost answer is asked for again so":
      "{call} 相同的请求，对方只执行一次：应答丢了就再请求一次",
    "recipients in one request (1); with more, \"{to}\" becomes a list":
      "一次请求的收件人（1）；多于一个时 \"{to}\" 是列表",
    "Places in the template: {to}, {body}, {title}, {url}, {format}, {priority}, {template}, {id} (the message's), {call} (the request's), {params.NAME}, {text} (title, body and url, a line each) and {subject} (the title, else the body's first line). A string that is nothing but a place is left out when the message has no such field. A brace of its own is written {{ or }}.":
      "template 里的空位：{to}、{body}、{title}、{url}、{format}、{priority}、{template}、{id}（消息的）、{call}（请求的）、{params.NAME}、{text}（title、body 和 url 各占一行）和 {subject}（title，没有就取 body 的第一行）。字符串里只有一个空位、消息又没有那个字段时，就不写它。大括号本身写作 {{ 或 }}。",
    "Without a template: { to: \"{to}\", title: \"{title}\", body: \"{body}\", url: \"{url}\" }.":
      "不写 template 时是：{ to: \"{to}\", title: \"{title}\", body: \"{body}\", url: \"{url}\" }。",
    "Without success every 2xx means accepted. 401, 403, 404, 405, 407 and 410 suspend the channel; 429 slows it down; other 4xx reject; 5xx mean later, 504 and 408 that nobody knows. A 2xx that is no success is tried a few times. With {to} in the url 403, 404 and 410 put off that recipient, and suspend when a second one gets the same.":
      "不写 success 时，2xx 都算成功。401、403、404、405、407 和 410 暂停通道；429 让它慢下来；其他 4xx 是拒绝；5xx 是推迟，504 和 408 是没人知道。不算成功的 2xx 再试几次。url 里有 {to} 时，403、404 和 410 先推迟这个收件人，第二个也得到同样的应答才暂停。",
    "After 429 the channel waits as Retry-After says, or the answer's retry_after (seconds) or retry_after_ms, or until X-RateLimit-Reset.":
      "429 之后，通道按 Retry-After、应答里的 retry_after（秒）或 retry_after_ms 等待，或等到 X-RateLimit-Reset。",
    "field and id may be paths: data.status. A lost answer cannot be looked up: on_unconfirmed decides, unless the call is repeatable.":
      "field 和 id 可以是路径：data.status。应答丢了就查不到结果：由 on_unconfirmed 决定，除非写了 repeatable。",
  ]

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
      "安装 Apprise（pip install apprise），并看桥接程序在哪里：make install 会放到 /usr/local/share/msgspool/bridges。",
    "\"to\" is an Apprise URL. It holds secrets: put each into the environment, and its name into recipients.":
      "\"to\" 是 Apprise 的 URL。其中有密钥：每个都放进环境变量，把变量的名称写进 recipients。",
    "Apprise tells success from failure and no more: what fails is tried again.":
      "Apprise 只分成功和失败：失败的会再试。",
  ]
}
