// The few lines that some commands have in their help, by the command's name. A line is a paragraph, which is broken where
// it is shown.
extension Chinese {
  static let details: [String: String] = [
    "init": "已经有的保持原样。没有写目录时：--spool、$MSGSPOOL_DIR 或 ./spool。",
    "send": """
    正文来自 BODY 或标准输入。用 --json 时，标准输入里是完整的消息，每行一个 JSON 对象；要么全部放入，要么一条也不放。
    VALUE 读得成 JSON 的数字、true、false、列表或对象，就是那个值，否则是文字。文件按此刻的内容装进消息里；太大装不下的，\
    在 attachment_directories 允许时写成路径。
    """,
    "sendmail": """
    给 cron、smartd 和其他给 root 写信的程序：Subject 成为标题，文字成为正文，通道能带文件时文件一起发。配置里的 aliases \
    说明本地名字去哪里：aliases: { root: { channel: "ops", to: "UID_x" }, postmaster: "root" }。没有别名时，默认通道接收它\
    自己能认的地址，或通讯录里的名字。退出码 0：消息已经在磁盘上。
    """,
    "sweep": """
    取走每条到期的消息，按服务商允许的最大批量发出，并把每个文件移到 done/、deferred/ 或 failed/。同时运行几个投递是安全的。\
    请由 cron 或 systemd 定时器运行。
    """,
    "watch": """
    收到 SIGTERM 或 SIGINT：把在途的做完，其余的放回 new/，然后退出。收到 SIGHUP：重新读取配置（读不通的会报告，沿用原来的），\
    并立即再试暂停的通道；平时五分钟后再试。
    """,
    "status": """
    只看，不改动任何东西；投递可以同时进行。未确认的消息（在 failed/ 里）已经发出，但没有应答：没人知道它是否送达。只能读一部分\
    文件夹的用户，只看到那些。
    """,
    "channels": """
    等待：new/ 里的消息；推迟：deferred/ 里的；在途：正在进行的请求；当日用量：已计入的收件人，占通道上限（daily）多少；速率：\
    每秒请求数，或同时几个（8x）；花费：今天的，占当日预算多少，通道有价格时才有；到期：下一次有事可做的时间。暂停的通道，原因写在\
    它下面。只看，不改动任何东西。
    """,
    "top": """
    msgspool channels 的那张表。按键：q 结束，p 停住和继续。只看，不改动任何东西。统计很大的消息目录会超过一秒；这时看数字旁的\
    时钟就知道它们有多旧。
    """,
    "report": """
    来自每个文件里的历史和台账；投递可以同时进行。prune 清除的不在其中。用时从第一次看到消息算起，到服务商接收为止。有回执的地方，\
    还会说已接收的人里有多少收到了，其余的为什么没有。
    """,
    "list": """
    FOLDER 是 new、cur、deferred、done、failed、hold 或 tmp；cur 列出正在运行的投递手里的消息。各行按文件夹里的顺序，不排序：\
    一百万条也只占很少内存。需要顺序就接 sort。各列：名称、状态、通道、时长（或多久后到期）、错误。
    """,
    "show": "在所有文件夹里找 NAME，写法同 list 和 sweep 所打印的；写路径时只看最后一段。几个文件夹都有这个名字时，全部显示。",
    "retry": """
    已接收的收件人不会再发，消息的时长重新计算。未确认的消息可能已经送达：只有写了 --state unconfirmed 才会再发，也许就成了两次。\
    --state undelivered 取 done/ 和 failed/ 里回执说没有送达的消息，只再发给那些人。指名的消息有留下的，退出码是 64。
    """,
    "flush": """
    故障之后：不等退避时间结束。正在运行的 watch 立即接手，否则由下一次投递接手。send_at 之前什么都不发，免打扰时段照样安静。
    """,
    "hold": "把 new/ 或 deferred/ 里等待的消息移到 hold/，那里的什么都不发。投递手里的保持不动。",
    "release": "原来推迟的消息仍旧推迟到原定时间；其余的回到 new/，时长重新计算。",
    "delete": """
    可以删除任何文件夹里的，除了 cur/（在投递手里）和 tmp/（在生产者手里）。未确认的消息可能送达了，也可能没有，只有它的文件\
    说得清：不写 --force 就留下。谁也没收到的消息，它的 id 可以再用。
    """,
    "check": """
    读配置和其中的密钥、权限、每条等待的消息，并核对文件夹、历史和台账是否一致。投递可以同时进行。退出码：0 一切正常（或已修正；\
    提示不算），1 发现了问题，78 配置不能用。
    """,
    "prune": """
    生产者遗忘在 tmp/ 里超过 36 小时的也会清除。new/、cur/ 和 deferred/ 从不碰。台账里，id 保留到去重期满（deduplicate_for），\
    请求保留两天。
    """,
    "providers": "预设是 webhook 或 exec 的一个通道，通向不需要专门服务商的服务：去哪里取什么，以及可以照抄的通道。",
    "login": """
    画出一个二维码；用手机微信扫描并确认。会话保存在消息目录的 sessions/通道.json，它等于完整的凭据：不得让别人读。还有效的会话\
    保持不动。手机上显示数字时，输入它们。用 --json 时，每个阶段一行。
    """,
    "logout": "能通知服务方的就通知。消息留在 new/，直到有人再登录；收过的不会再收一次。",
    "contacts": "第一列是唯一的最短写法。名字按原样比较；两个好友同名时，要写 remark:名字，或在微信里给其中一个加备注。",
    "sandbox": """
    第一行打印自己的地址，然后按各服务商自己的路径提供服务：像它们一样检查签名、限制和必填字段，像它们一样回答。任何非空的凭据都\
    接受；用 --config 时，只接受其中各通道的凭据。让通道指向它：endpoint: "http://127.0.0.1:PORT"。

    个人微信有一部手机：--phone auto（默认）1 秒后扫描二维码，2 秒后确认。测试可以吩咐它做什么：POST \
    /sandbox/wechat-web/COMMAND（或 wechat-ilink）和 JSON：scan、confirm、expire、refuse、code {"digits"}、\
    kick {"code"}、befriend {"nick","remark"}、say {"from","text","group","kind","name","base64"}。GET \
    /sandbox/wechat-web/received 说明每个人收到了什么。

    \(faults)
    """,
    "completion": "SHELL 是 bash、zsh 或 fish。补全命令、选项和值：通道、收件人、消息、文件夹、错误种类、服务商，取自消息目录此刻的内容。",
    "schema": "给编辑器、给生产者的测试、给能由它生成类型的语言（draft 2020-12）。msgspool(5) 给人讲同样的内容。",
    "manual":
      "PAGE 是 1，即 msgspool(1)；5，即 msgspool(5)，讲消息和消息目录；或 conf，即 msgspool.conf(5)。make install 把它们放到 man 能找到的地方。",
  ]

  private static let faults = """
    --fault 种类[:名=值[,名=值]...]，可以写多次

    种类
      status        以 HTTP 状态 http=N（503）回答；body=文字，retry-after=秒
      delay         晚 ms=N 毫秒（1000）回答；请求本身立即处理
      reset-before  处理请求之前断开连接
      reset-after   处理请求（可能已接收），然后不回答就断开连接
      truncate      处理请求，发出一半回答，然后断开
      non-json      以一个 HTML 页面和状态 200 回答
      empty         以状态 200 和空内容回答
      recipient     拒绝 to=地址，或每 nth=N 个收件人，或全部；code=服务商的代码
      throttle      服务商自己的限流回答；retry-after=秒，code=服务商的代码
      credentials   服务商自己对错误凭据的回答；code=服务商的代码
      quota         服务商自己对余额不足或到达上限的回答；code=服务商的代码
      early, twice, late, reordered, unknown, forged, partial, lost
                    用 --callbacks 时：回调早于回答、来两次、晚到、乱序；
                    另外来一个没人发过的请求的，或一个说谎的；先来一半；从不来
      undelivered   用 --callbacks 时：回调说消息没有送达

    哪些请求
      provider=名称        只对这家服务商的
      on=send|lookup       只对消息，或只对查询以前请求的
      on=login|receive     只对登录，或只对查询收到了什么的
      on=upload            只对以后的请求要发送的文件
      after=N              先放过前 N 个
      count=N              只作用 N 个，然后停止
      every=N              每 N 个作用一个
      chance=P, seed=N     以概率 P（0...1）作用，同样的种子总是同样的那些

    accept=yes（status、non-json、empty）：服务商先收下消息，只有回答丢失
    body= 取走其余的全部内容，包括逗号
    delay、recipient 和回调的几种可与其他叠加；其余的以先作用的为准

    例子
      throttle:provider=twilio,retry-after=7,count=1
      reset-after:provider=aliyun-sms,on=send,chance=0.05,seed=42
      recipient:provider=wxpusher,nth=100
      recipient:provider=twilio,to=+15005550009,code=21608
      throttle:provider=wechat-web,on=send,code=1205
      credentials:provider=wechat-ilink,on=receive,after=3
      recipient:provider=wechat-web,to=老张,code=no-id
      status:http=502,accept=yes,every=10,body=<html>bad gateway, sorry</html>
    """
}
