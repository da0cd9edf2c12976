// webhook and exec.
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
}
