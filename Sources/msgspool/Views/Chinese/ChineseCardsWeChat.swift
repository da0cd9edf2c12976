// Personal WeChat.
extension Chinese {
  static let cardsWeChat: KeyValuePairs<String, String> = [
    // Both
    "the session file (else SPOOL/sessions/CHANNEL.json)": "会话文件（默认 消息目录/sessions/通道.json）",
    "who receives: \"watch\", \"sweep\" or \"off\"": "由谁接收来信：\"watch\"、\"sweep\" 或 \"off\"（不收）",
    "whether what comes in is written to inbox/ (true)": "来信是否写到 inbox/（true）",
    "one's own messages, too (false)": "自己发的也写（false）",
    "rules that answer (a list; see the README)": "回答的规则（列表；见 README）",
    "no message older than that is answered (\"10m\")": "比这更早的来信不回答（\"10m\"）",
    "the same text again within it is answered once (\"10s\")": "在这段时间里重复的文字只回答一次（\"10s\"）",
    "answers to one sender in a minute (5)": "每分钟最多回答同一个人几次（5）",
    "bytes of a received file that is fetched (52428800)": "收到的文件超过多少字节就不取（52428800）",
    "bytes of an attachment": "附件最多多少字节",
    "characters of a text (4000)": "文字最多多少个字符（4000）",
    "how long a channel rests that was told \"too frequent\" (\"4h\")": "被告知太频繁之后，通道停多久（\"4h\"）",
    "whether a success without a message's id counts as unconfirmed (true)":
      "说成功却没给消息 id 的，是否算未确认（true）",
    "whether attachments go as files, also pictures and videos": "附件是否都作文件发送，图片和视频也是",
    // wechat-ilink
    "accepted calls for each word of the owner's (10)": "所有者每说一句，可以发几条（10）",
    "how long a word counts (\"24h\")": "一句话多久内有效（\"24h\"）",
    "whoever sent the inbox message of that id: reply:ID": "收件箱里那条来信的发送者：reply:ID",
    "First: msgspool login CHANNEL shows a code; whoever scans it with WeChat is the bot's owner, whom it writes to.":
      "先运行 msgspool login 通道，会显示二维码；用微信扫它的人就是机器人的所有者，消息发给他。",
    "to: owner (also when it is left out), reply:ID, or a user id (...@im.wechat) that has written to the bot.":
      "to：owner（不写也是它）、reply:ID，或给机器人写过信的用户 id（...@im.wechat）。",
    "About 10 messages go after each word that the owner writes to the bot, within 24 hours. Then the rest waits, and goes when the owner writes anything.":
      "所有者每对机器人说一句，之后 24 小时内大约可发 10 条。其余的等着，所有者再说点什么就接着发。",
    "title, body and url are sent as lines of one text; each attachment is a message of its own. JPEG, PNG and BMP are pictures, MP4 is a video, the rest are files; options.as_file sends all as files.":
      "title、body 和 url 各占一行，合成一段文字；每个附件是单独的一条消息。JPEG、PNG 和 BMP 作图片，MP4 作视频，其余作文件；options.as_file 都作文件。",
    "One user has one bot: who links another program takes the bot away from this one.":
      "一个用户只有一个机器人：把它绑定到别的程序，这里就不能用了。",
    // wechat-web
    "not official: accounts get barred or banned. Off until the channel says accept_risk: true":
      "不是官方接口：有账号因此被限制登录或封号。通道里写了 accept_risk: true 才启用",
    "how long a lost message may come back from WeChat itself (\"60s\")":
      "应答丢了的消息，最多等多久看它从微信回来（\"60s\"）",
    "the friend with that remark alone: remark:NAME": "按备注找好友：remark:名称",
    "with that nickname: nick:NAME": "按昵称：nick:名称",
    "with that WeChat id: alias:NAME": "按微信号：alias:名称",
    "a recent or saved group: group:NAME": "最近聊过的或存到通讯录的群：group:名称",
    "whoever sent the inbox message of that id, or its group: reply:ID":
      "收件箱里那条来信的发送者或群：reply:ID",
    "Not official: accounts get barred or banned for it. Nothing is sent until the channel says accept_risk: true; wechat-ilink is the official way to write to yourself.":
      "不是官方接口：有账号因此被限制登录或封号。通道里写了 accept_risk: true 才会发送；只发给自己，请用官方的 wechat-ilink。",
    "First: msgspool login CHANNEL shows a code to scan. A login lives hours to a few days, longer while watch runs.":
      "先运行 msgspool login 通道，扫描显示的二维码。一次登录能用几小时到几天，开着 watch 会更久。",
    "to: filehelper (your own File Transfer chat), a friend's remark, nickname or WeChat id, or group:NAME; msgspool contacts CHANNEL lists them.":
      "to：filehelper（自己的文件传输助手），好友的备注、昵称或微信号，或 group:名称；msgspool contacts 通道 会列出。",
    "title, body and url are sent as lines of one text; each attachment is a message of its own. JPEG, PNG and BMP are pictures, GIF an emoticon, MP4 a video, the rest are files; options.as_file sends all as files.":
      "title、body 和 url 各占一行，合成一段文字；每个附件是单独的一条消息。JPEG、PNG 和 BMP 作图片，GIF 作表情，MP4 作视频，其余作文件；options.as_file 都作文件。",
    "Control characters in a text are left out: WeChat would show their escapes.":
      "文字里的控制字符会去掉：微信会把它们显示成转义。",
    "A lost answer cannot be looked up. While watch receives, a message that comes back within echo_wait shows that it was sent; on_unconfirmed decides about the others.":
      "应答丢了就查不到结果。watch 在接收时，echo_wait 之内回来的消息说明已经发出；其余的由 on_unconfirmed 决定。",
  ]
}
