// What people read in Chinese, by what it is in English. One place for all of it, so that one thing has one word:
// message 消息, channel 通道, provider 服务商, recipient 收件人, spool 消息目录, sweep 投递, call 请求, deferred 推迟, failed 失败,
// unconfirmed 未确认, suspended 暂停, template 模板, secret 密钥, digest 摘要. Names of states, folders and settings stay: they are
// what one writes.
//
// Phrases and errors are in files of their own, by theme: help (what --help says), views (what commands print), cards (what
// providers and presets tell), errors (what went wrong, wherever that is noticed).
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
    "login": "用二维码登录通道的账号",
    "logout": "退出通道的账号",
    "contacts": "列出通道里 to 可以写的名字",
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
    "byte": "字节", "call": "次请求", "contact": "个联系人", "duplicate": "条重复", "further part": "个后续部分", "error": "个错误",
    "file": "个文件",
    "ledger row": "行台账", "line": "行", "message": "条消息", "more message": "条别的消息", "note": "条提示",
    "recipient": "位收件人", "warning": "个警告",
  ]

  /// What is said through `phrase`.
  static let phraseParts: [KeyValuePairs<String, String>] = [general, views, operations, reports]
  static let phrases = Dictionary(phraseParts.flatMap { Array($0) }.map { ($0.key, $0.value) }) { first, _ in first }

  /// Errors, hints and complaints by their fixed parts, the first that fits; what stands in a place goes over as it is, and
  /// in `{1+}` it is an error or a part of one itself.
  static let errorParts: [KeyValuePairs<String, String>] = [
    commandLine, spool, messages, configuration, values, findings, sweeps, hints, transports, requests, provided,
    fields, settings, answers, wechat,
  ]
  static var errors: [(key: String, value: String)] { errorParts.flatMap { Array($0) } }
}
