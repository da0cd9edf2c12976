// What people read in Chinese, by what it is in English. One place for all of it, so that one thing has one word:
// message 消息, channel 通道, provider 服务商, recipient 收件人, spool 消息目录, sweep 投递, call 请求, deferred 推迟, failed 失败,
// unconfirmed 未确认, suspended 暂停, template 模板, secret 密钥, digest 摘要. Names of states, folders and settings stay: they are
// what one writes.
enum Chinese {
  /// Commands by name, as the overview has them.
  static let commands: [String: String] = [
    "init": "新建消息目录和带注释的配置",
    "send": "放入一条消息",
    "sendmail": "按 sendmail 的方式接收一封邮件，作为消息放入",
    "sweep": "投递一遍到期的消息，然后退出",
    "watch": "一有消息或到期就投递，直到被叫停",
    "status": "各处有多少消息，什么需要处理",
    "channels": "每个通道：什么在等，什么在途，被什么拦住",
    "top": "各通道的实时情况，在终端上每秒刷新",
    "report": "发了什么，结果如何",
    "list": "某个文件夹里的消息，每条一行",
    "show": "一条消息的全部：内容、收件人、历史",
    "retry": "把失败的消息放回 new/",
    "flush": "让推迟的消息现在就到期",
    "hold": "把等待的消息搁置到 hold/",
    "release": "把搁置的消息放回原处",
    "delete": "删除消息",
    "check": "检查配置、权限和消息目录，不发送任何东西",
    "prune": "清除旧消息及其台账记录",
    "providers": "内置的服务商：限制、设置和选项",
    "sandbox": "本机上代替各服务商接口的服务器",
    "completion": "命令行补全脚本",
    "schema": "消息格式的 JSON Schema",
    "manual": "手册页",
    "help": "所有命令，或某个命令的选项和例子",
    "version": "版本号",
  ]

  /// Things that are counted.
  static let things: [String: String] = [
    "call": "次请求", "error": "个错误", "file": "个文件", "message": "条消息", "note": "条提示", "recipient": "位收件人",
    "warning": "个警告",
  ]

  static let phrases: [String: String] = [
    ", ": "，",
    "error": "错误",
    "hint: {1}": "提示：{1}",
    // Help
    "msgspool: drop a JSON file into a directory, and it is sent": "msgspool：放一个 JSON 文件到目录里，它就会发出去",
    "usage: {1}": "用法：{1}",
    "COMMAND [options]": "命令 [选项]",
    "[options]": "[选项]",
    "options": "选项",
    "examples": "例子",
    """
    msgspool help COMMAND tells more about each. What every command takes
    (--spool DIR, --config FILE, --json, --verbose, --quiet) may also stand before
    its name.
    """: """
    msgspool help 命令 说明每一个。所有命令都接受的选项（--spool 目录、
    --config 文件、--json、--verbose、--quiet）也可以写在命令名之前。
    """,
    // status
    "oldest {1}": "最早的已等 {1}",
    "{1} unconfirmed": "{1} 未确认",
    "set aside; msgspool release": "已搁置；msgspool release 放回",
    "suspended": "暂停的通道",
    "since {1} ({2})": "已 {1}（{2}）",
    "not tried before {1}": "{1} 之前不再尝试",
    "the configuration has changed": "配置改动",
    "spent": "花费",
    "today {1}, this month {2}": "今天 {1}，本月 {2}",
    "{1} of {2}": "{1} / {2}",
    "Unconfirmed: nobody knows whether they arrived. Find out, and send again what did not.":
      "未确认：没人知道它们是否送达。请查明，没有送达的再发一次。",
    "Suspended: mend the credentials or the balance. What waits is in new/, and the next sweep tries with one call.":
      "暂停：请修正凭据或充值。等待的消息在 new/ 里，下一次投递先用一次请求试探。",
    "Failed: when the cause is mended, send them again.": "失败：原因排除之后，再发一次。",
    // sweep
    "nothing was due": "没有到期的消息",
    "nothing settled": "没有完结的",
    "{1} done": "{1} 完成",
    "{1} deferred": "{1} 推迟",
    "{1} failed": "{1} 失败",
    "{1} invalid": "{1} 无效",
    "{1} left": "{1} 留下",
    "{1}: {2}; {3} for {4} in {5}": "{1}：{2}；{3}，{4}，用时 {5}",
    // channels and top
    "channel": "通道",
    "provider": "服务商",
    "waiting": "等待",
    "later": "推迟",
    "calls": "在途",
    "of its day": "当日用量",
    "pace": "速率",
    "due": "到期",
    "(none)": "（无）",
    "(unknown)": "（未知）",
    "now": "现在",
    "mended": "待修正",
    "suspended for {1} ({2}): {3}": "已暂停 {1}（{2}）：{3}",
    "suspected for {1} ({2}): {3}": "已存疑 {1}（{2}）：{3}",
    "the configuration has no such channel: what names it will fail": "配置里没有这个通道：指名它的消息会失败",
    "quiet hours until {1}; high priority goes": "免打扰到 {1}；high 优先级照发",
    "{1} in new/ cannot be read as a message; see: msgspool check": "new/ 里有 {1} 不是消息；参见：msgspool check",
    "PAUSED": "已停住",
    "counting": "统计中",
    "counting what waits": "正在统计等待的消息",
    "q quit   p pause   msgspool channels --json for programs": "q 退出   p 停住   程序请用 msgspool channels --json",
    "... more channels than lines: a taller window shows them": "…… 通道比行数多：请把窗口拉高",
    "waiting {1}": "等待 {1}",
    "later {1}": "推迟 {1}",
    "calls {1}": "在途 {1}",
    "suspended {1}": "暂停 {1}",
    "no message {1}": "不是消息 {1}",
    // show
    "folder": "文件夹",
    "state": "状态",
    "size": "大小",
    "{1} bytes": "{1} 字节",
    "modified": "修改时间",
    "message": "消息",
    "is no JSON object": "不是 JSON 对象",
    "… and {1} more lines (--verbose shows all)": "…… 还有 {1} 行（--verbose 显示全部）",
    "recipients ({1})": "收件人（{1}）",
    "… and {1} more (--json has all)": "…… 还有 {1} 个（--json 有全部）",
    "(the channel's own target)": "（通道自己的目标）",
    "through {1}": "经由 {1}",
    "in a digest of {1}": "在 {1} 的摘要里",
    "history": "历史",
    "none: no sweep has settled it yet": "无：还没有投递处理过它",
    "at": "时间",
    "attempt": "尝试",
    "recipients": "收件人",
    "next try {1}": "下次尝试 {1}",
    "call {1}": "请求 {1}",
    // list
    "in {1}": "{1} 后",
    // check
    "all is well": "一切正常",
    "note": "提示",
    "warning": "警告",
    "mended: {1}": "已修正：{1}",
    "{1} mended": "{1} 已修正",
    "… and {1} more about {2} (--json tells all)": "…… 关于 {2} 还有 {1} 条（--json 列出全部）",
    // init
    "spool": "消息目录",
    "configuration": "配置",
    "(was there, left as it is)": "（原已存在，没有改动）",
    "next": "接下来",
    "take a channel out of its comment in the configuration, then": "在配置里去掉一个通道的注释，然后",
    "put the account's own values in place of the example's, then": "把例子里的值换成自己账号的，然后",
    "do what the configuration says of {1}, then": "按配置里关于 {1} 的说明做，然后",
    // providers
    "{1} per call": "每次 {1} 个",
    "presets of webhook and exec": "webhook 和 exec 的预设",
    "msgspool providers NAME tells settings, options and an example.": "msgspool providers 名称：列出设置、选项和例子。",
    "what it needs": "需要做什么",
    "one of channels in the configuration": "配置里 channels 的一项",
    "example, one of channels in the configuration": "例子，配置里 channels 的一项",
    "Its settings: msgspool providers {1}.": "它的设置：msgspool providers {1}",
  ]

  /// Errors and hints by their fixed parts, the first that fits; what stands in a place goes over as it is.
  static let errors: KeyValuePairs<String, String> = [
    // The command line
    "did you mean \"{1}\"?": "是不是想写 \"{1}\"？",
    "see: {1}": "参见：{1}",
    "usage: {1}": "用法：{1}",
    "one of: {1}": "可选：{1}",
    "there is no command \"{1}\"": "没有命令 \"{1}\"",
    "there is no channel \"{1}\"": "没有通道 \"{1}\"",
    "there is no provider \"{1}\"": "没有服务商 \"{1}\"",
    "there is no folder \"{1}\" in a spool": "消息目录里没有文件夹 \"{1}\"",
    "any HTTP endpoint is reached through webhook, any program through exec; msgspool providers lists all":
      "任何 HTTP 接口都可用 webhook，任何程序都可用 exec；msgspool providers 列出全部",
    "msgspool has no option {1}": "msgspool 没有选项 {1}",
    "msgspool {1} has no option {2}": "msgspool {1} 没有选项 {2}",
    "msgspool {1} is missing something": "msgspool {1} 缺少参数",
    "msgspool {1} takes no \"{2}\"": "msgspool {1} 不接受 \"{2}\"",
    "{1} is given twice": "{1} 写了两次",
    "{1} takes no value": "{1} 不带值",
    "{1} needs a value ({2})": "{1} 需要一个值（{2}）",
    "{1}: found \"{2}\"; expected one of {3}": "{1}：写的是 \"{2}\"；应为其中之一：{3}",
    "{1}: found \"{2}\"; expected a whole number from {3} to {4}": "{1}：写的是 \"{2}\"；应为 {3} 到 {4} 的整数",
    "{1} is not valid UTF-8": "{1} 不是有效的 UTF-8",
    "msgspool top needs a terminal for its input and output": "msgspool top 的输入和输出都需要终端",
    "once, anywhere: msgspool channels": "不在终端上，只看一次：msgspool channels",
    // The spool
    "there is no configuration": "没有配置",
    "make a commented one with: {1}": "生成一份带注释的：{1}",
    "there is no spool at {1}": "{1} 没有消息目录",
    "{1} is no spool: it has no folder {2}": "{1} 不是消息目录：缺少文件夹 {2}",
    "the spool {1} may not be read": "不能读消息目录 {1}",
    "make what is missing: {1}": "补上缺少的：{1}",
    "there is no message \"{1}\" in {2}": "{2} 里没有消息 \"{1}\"",
    "this user may not read {1} of {2}": "当前用户不能读 {2} 的 {1}",
    "this user may not read {1}": "当前用户不能读 {1}",
    "another operator command (retry, prune, check --repair, ...) is at work on {1}":
      "另一个维护命令（retry、prune、check --repair 等）正在处理 {1}",
    "try again when it has ended": "等它结束后再试",
    "standard output cannot be written: {1}": "无法写标准输出：{1}",
    "the command did its work; what it had to tell is lost": "命令已经做完；要说的话丢了",
    // The configuration
    "{1}: the environment variable {2} is not set": "{1}：环境变量 {2} 没有设置",
    "{1}: names no provider": "{1}：没有指明服务商",
  ]
}
