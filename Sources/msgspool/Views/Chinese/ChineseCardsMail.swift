// Mail.
extension Chinese {
  static let cardsMail: KeyValuePairs<String, String> = [
    "smtp://HOST:587 (STARTTLS) or smtps://HOST:465": "smtp://HOST:587（STARTTLS）或 smtps://HOST:465",
    "to log in with; needs TLS, or a server on this machine": "登录用的用户名；需要 TLS，或服务器就在本机",
    "to log in with": "登录用的密码",
    "sender: name@domain, or Name <name@domain>": "发件人：name@domain，或 名字 <name@domain>",
    "required (default): TLS or nothing is sent; opportunistic: TLS where the server has it; none":
      "required（默认）：没有 TLS 就不发；opportunistic：服务器有 TLS 就用；none：不用",
    "name or [address] given with EHLO; by default this machine's full name, or its address where it has none":
      "EHLO 里报的名称或 [地址]；默认是本机的完整名称，没有就用地址",
    "true: the envelope's sender is NAME+CALL@DOMAIN, so that reports name the call (receipts: \"drop\")":
      "true：信封发件人写成 名称+请求@域，让退信指明是哪次请求（receipts: \"drop\"）",
    "further recipients, whom everybody sees: addresses, or names in the channel's address book":
      "抄送，大家都看得到：地址，或通道通讯录里的名字",
    "further recipients, whom nobody sees": "密送，谁也看不到",
    "address that answers go to, or Name <name@domain>": "收回信的地址，或 名字 <name@domain>",
    "the plain text beside a body in HTML; by default it is made of the HTML":
      "HTML 正文旁边的纯文本；默认由 HTML 生成",
    "further headers, such as { \"List-Id\": \"<ops.example.com>\" }":
      "别的邮件头，如 { \"List-Id\": \"<ops.example.com>\" }",
    "to: name@domain, or Name <name@domain>; domains of any script (IDNA 2008). Letters beyond ASCII before @, in options.reply_to too, need a server with SMTPUTF8: others do not get the mail.":
      "to：name@domain，或 名字 <name@domain>；域名可用任何文字（IDNA 2008）。@ 之前有非 ASCII 字母时（包括 options.reply_to），服务器要支持 SMTPUTF8：不支持就发不到。",
    "title is the subject; body, format and url are used; markdown is sent as plain text.":
      "title 是主题；使用 body、format 和 url；markdown 按纯文本发送。",
    "Recipients in to do not see each other: with more than one, the mail says To: undisclosed-recipients:;":
      "to 里的收件人互相看不到：不止一个时，邮件里写 To: undisclosed-recipients:;",
    "options.cc and options.bcc are recipients like those in to, each with an outcome of its own.":
      "options.cc 和 options.bcc 里的也是收件人，和 to 一样各有结果。",
    "Accepted means that the server has taken the mail; what it cannot deliver comes back as mail to the sender.":
      "accepted 表示服务器收下了邮件；送不到的会退信给发件人。",
    "A lost answer after the message cannot be looked up: on_unconfirmed decides. Sent again, a message keeps its Message-ID, by which copies are told. Servers may take long to answer: raise timeout.":
      "邮件发出后应答丢了，就查不到结果：由 on_unconfirmed 决定。再发时 Message-ID 不变，可据此认出重复的。服务器可能应答很慢：请调大 timeout。",
    "A server that takes fewer than 100 recipients at a time is found out by its answers (452, X.5.3, LIMITS RCPTMAX).":
      "服务器一次收不了 100 位收件人的，会从它的应答里看出来（452、X.5.3、LIMITS RCPTMAX）。",
  ]
}
