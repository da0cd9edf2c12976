// What --help says of options and examples, by what it is in English.
extension Chinese {
  static let options: [String: String] = [
    // What every command takes
    "the spool (else $MSGSPOOL_DIR, ./spool, /var/spool/msgspool)":
      "消息目录（否则 $MSGSPOOL_DIR、./spool、/var/spool/msgspool）",
    "the configuration (else $MSGSPOOL_CONFIG, DIR/config.json, /etc/msgspool/config.json)":
      "配置（否则 $MSGSPOOL_CONFIG、消息目录里的 config.json、/etc/msgspool/config.json）",
    "print JSON instead of text": "输出 JSON 而不是文字",
    "say more": "多说一些",
    "say less": "少说一些",
    "this help": "显示这份帮助",
    // What several take
    "only messages of this channel": "只要这个通道的消息",
    "text, or json: a line on stderr per call and per settled message":
      "text 或 json：每次请求、每条完结的消息在标准错误上写一行",
    "with --log json: recipients' addresses too": "与 --log json 一起：也写收件人的地址",
    // init
    "a configuration with a channel of this provider or preset, ready but for its secret":
      "配置里带一个这家服务商（或预设）的通道，只差填密钥",
    "one that works at once, with a stand-in for the provider on this machine":
      "立刻能用的配置，服务商由本机的替身代替",
    // send
    "which channel (else the configuration's default_channel)": "走哪个通道（否则用配置里的 default_channel）",
    "a recipient; may be repeated": "一个收件人；可以写多次",
    "subject, summary or title": "主题、摘要或标题",
    "your own key against duplicates": "你自己的去重键",
    "text, markdown or html": "text、markdown 或 html",
    "link that opens with the message": "点开消息时打开的链接",
    "for services that send approved templates": "只能发送已审核模板的服务用",
    "a template of the spool's own: templates/NAME.json": "消息目录自己的模板：templates/名称.json",
    "a template's parameter or place; may be repeated": "模板的参数或空位；可以写多次",
    "low, normal or high": "low、normal 或 high",
    "not before: RFC 3339 or Unix seconds": "不早于：RFC 3339 或 Unix 秒数",
    "not after: RFC 3339 or Unix seconds": "不晚于：RFC 3339 或 Unix 秒数",
    "a file to go with it; may be repeated": "一起发送的文件；可以写多次",
    "a parameter of the provider's own; may be repeated": "服务商自己的参数；可以写多次",
    "kept with the message, never sent; may be repeated": "随消息保存，从不发送；可以写多次",
    "until it is settled, for 30s at the most, say: 0 done, 1 failed, 75 not yet":
      "等到它完结，最多等这么久（例如 30s）：0 完成，1 失败，75 还没有",
    // sendmail
    "recipients are those of To, Cc and Bcc, too": "收件人也取自 To、Cc 和 Bcc",
    "a line with a dot alone does not end the mail (-oi too)": "单独一个点的一行不算邮件结束（-oi 也一样）",
    "the sender (-r too); kept with the message, not sent": "发件人（-r 也一样）；随消息保存，不发送",
    "the sender's name; taken, and not used": "发件人的名字；接受，但不用",
    "m: a mail on standard input, the default; s: an SMTP session there":
      "m：标准输入上的一封邮件，默认；s：标准输入上的 SMTP 会话",
    "i as -i; others are for other mailers": "i 等同 -i；其余的是给别的邮件程序的",
    "say which messages were dropped": "说明放入了哪些消息",
    "nothing: msgspool sweep sends what waits": "什么都不做：等待的消息由 msgspool sweep 发送",
    // sweep
    "at most so many messages": "最多这么多条消息",
    "say which calls would be made; touch nothing": "只说会发出哪些请求；什么都不动",
    "exit with 1 when a message failed": "有消息失败时，退出码为 1",
    // status and report
    "print metrics for node_exporter's textfile collector": "输出指标，给 node_exporter 的 textfile 收集器",
    "with --prometheus: into a file, written aside and renamed": "与 --prometheus 一起：写入文件，先写在旁边再改名",
    "from so long ago, or this time on (default 7d)": "从多久以前，或从哪个时刻起（默认 7d）",
    "one self-contained page with plots, written aside and renamed": "一个自成一体的带图网页，先写在旁边再改名",
    // list, retry, flush, delete, prune, check
    "those of which a receipt says that somebody did not get it": "回执说有人没有收到的那些",
    "everything in failed/ (but unconfirmed ones)": "failed/ 里的全部（未确认的除外）",
    "only those that failed at this provider": "只要在这家服务商失败的",
    "only with this kind of error (credentials, network, ...)": "只要这类错误的（credentials、network 等）",
    "only failed, invalid, expired or unconfirmed ones; or undelivered ones":
      "只要 failed、invalid、expired 或 unconfirmed 的；或者 undelivered 的",
    "only what failed since: 30m, 12h, 7d or RFC 3339": "只要此后失败的：30m、12h、7d 或 RFC 3339",
    "say which; move nothing": "只说是哪些；什么都不移动",
    "say which; change nothing": "只说是哪些；什么都不改动",
    "unconfirmed ones too, and such whose history is torn": "未确认的，以及历史不完整的，也删除",
    "mend what can be mended, and say what was done": "能修的就修，并说明做了什么",
    "settled longer ago than 7d, 12h, ..., or before an RFC 3339 time (required)":
      "多久以前完结的：7d、12h 等，或某个 RFC 3339 时刻之前（必填）",
    "old messages in failed/ too, unconfirmed ones included": "failed/ 里的旧消息也清除，包括未确认的",
    "old messages in inbox/ that nobody took too, and received files": "inbox/ 里没人取走的旧消息和收到的文件也清除",
    "count; remove nothing": "只统计；什么都不清除",
    // login and contacts
    "write the code to FILE.png or FILE.svg too, while the command runs": "命令运行期间，二维码也写入 文件.png 或 文件.svg",
    "give up after so long (5m)": "多久以后放弃（5m）",
    "a new login, also where the old one is still good": "重新登录，即使原来的登录还有效",
    "fetch them anew": "重新获取",
    // sandbox
    "the port on 127.0.0.1 (0, the default, takes any free one)": "127.0.0.1 上的端口（默认 0：任取一个空闲的）",
    "append one JSON line per request": "每个请求追加一行 JSON",
    "drop the vendors' callbacks into DIR/new, as into a spool's receipts/":
      "把服务商的回调放进 目录/new，就像放进消息目录的 receipts/",
    "misbehave; see below": "故意出错；见下文",
    "who scans and confirms WeChat's codes; see below": "由谁扫描并确认微信的二维码；见下文",
  ]

  /// What stands below an example.
  static let captions: [String: String] = [
    // init
    "a spool in ./spool": "在 ./spool 建一个消息目录",
    "with a channel of Twilio": "带一个 Twilio 的通道",
    "with a channel for Slack, and what to get where": "带一个 Slack 的通道，并说明去哪里取什么",
    "to try msgspool without an account": "没有账号，先试试 msgspool",
    "the system's": "系统的消息目录",
    // send and sendmail
    "one message": "一条消息",
    "the body from a pipe": "正文来自管道",
    "thousands at once": "一次几千条",
    "with a file, and quietly": "带一个文件，静默发送",
    "and what became of it": "并等待结果",
    "stand in for it; the name tells": "代替 sendmail；看名字就知道",
    "one mail": "一封邮件",
    "as a program's mailer": "作为某个程序的邮件命令",
    // sweep and watch
    "what cron runs every minute": "cron 每分钟运行的",
    "which calls would be made now?": "现在会发出哪些请求？",
    "a part, with counts for a program": "只投递一部分，统计供程序使用",
    "in the foreground; systemd runs it with msgspool.service": "在前台；systemd 通过 msgspool.service 运行它",
    "a line per call and per settled message": "每次请求、每条完结的消息各一行",
    // status, channels, top and report
    "for people": "给人看",
    "one object for a program": "给程序的一个对象",
    "from cron, into node_exporter's textfile directory": "由 cron 运行，写入 node_exporter 的 textfile 目录",
    "what is each channel doing?": "每个通道在做什么？",
    "those that are suspended": "暂停的那些",
    "the same, live": "同样的内容，实时",
    "while a backlog goes out": "积压的消息正在发出时",
    "the same for a program": "同样的内容，给程序",
    "the last seven days, on the terminal": "最近七天，在终端上",
    "a page, from cron": "一个网页，由 cron 生成",
    "everything, for a program": "全部，给程序",
    // list and show
    "what went wrong, and why": "什么出了问题，为什么",
    "by name": "按名称",
    "accepted, and not delivered; with a folder in that one alone": "已接收但没有送达的；写了文件夹就只看那一个",
    "names for a script": "给脚本用的名称",
    "fields, recipients and history": "字段、收件人和历史",
    "the same for a program, with the whole message": "同样的内容，给程序，包括整条消息",
    // retry, flush, hold, release, delete, check and prune
    "one": "一条",
    "after the key was mended": "密钥改对之后",
    "what failed since the evening?": "昨晚以来失败了什么？",
    "known not to have arrived": "已知没有送达",
    "to phones that were off": "发给当时关机的手机",
    "everything that is deferred": "所有推迟的消息",
    "the mail server is back": "邮件服务器恢复了",
    "not now": "先不发",
    "what is set aside": "搁置了什么",
    "now it may go": "现在可以发了",
    "never to be sent": "永远不发",
    "what is old goes by itself": "旧的自动清除",
    "after a change, or when something is odd": "改动之后，或觉得不对时",
    "settle what a crash or a careless hand left": "处理崩溃或误操作留下的东西",
    "for a script": "给脚本",
    "every night, from cron": "每天夜里，由 cron 运行",
    "how much would go?": "会清除多少？",
    // providers, login, contacts and sandbox
    "all of them": "全部",
    "everything about one": "某一家的全部",
    "the channel for Slack, and what it needs": "Slack 的通道，以及它需要什么",
    "a code in the terminal": "终端里的二维码",
    "over a line that garbles it: as a picture": "线路会弄乱字符时：存成图片",
    "for a program": "给程序",
    "the session, its contacts and its place in the inbox are gone": "会话、联系人和收件位置都清除了",
    "friends and groups": "好友和群",
    "as they are now, a line each": "此刻的名单，每行一个",
    "try msgspool without an account": "没有账号，先试试 msgspool",
    "every tenth did not arrive": "每十条有一条没有送达",
    "the first Twilio call is throttled": "第一次 Twilio 请求被限流",
    // completion, schema, manual, help and version
    "in ~/.bashrc": "写在 ~/.bashrc 里",
    "in a folder of $fpath": "放在 $fpath 的某个目录里",
    "in ~/.config/fish/config.fish": "写在 ~/.config/fish/config.fish 里",
    "for a validator": "给校验器",
    "read one that is not installed": "读一页没有安装的手册",
    "all commands": "所有命令",
    "the same as: msgspool sweep --help": "等同于：msgspool sweep --help",
    "the same as: --version": "等同于：--version",
  ]
}
