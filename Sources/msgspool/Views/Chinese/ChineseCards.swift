// What `msgspool providers NAME` tells of a service: its settings, options, kinds of recipient and notes, by the line of its
// card. A room of providers (`Sources/Providers/ROOM`) has tables of its own, in ChineseCardsROOM.swift.
//
// What one types (settings, options, fields, values) stays as it is; what a vendor's console shows is called as there.
extension Chinese {
  /// By a provider's room.
  static let cardTables: [String: [KeyValuePairs<String, String>]] = [
    "Generic": [cardsGeneric], "Mail": [cardsMail], "Push": [cardsPush, cardsPushWeChat], "Robots": [cardsRobots],
    "SMS": [cardsSMS], "WeChat": [cardsWeChat], "WeCom": [cardsWeCom],
  ]

  /// All lines of cards and presets. Read once, where somebody reads Chinese.
  static let cards = Dictionary(
    ([cardsShared, presets] + cardTables.values.flatMap { $0 }).flatMap { Array($0) }.map { ($0.key, $0.value) }
  ) { first, _ in first }

  /// What cards of several rooms say.
  static let cardsShared: KeyValuePairs<String, String> = [
    "A lost answer cannot be looked up: on_unconfirmed decides.": "应答丢了就查不到结果：由 on_unconfirmed 决定。",
    "a text over the limit: refuse (default), cut it, or split it into numbered parts":
      "超长的正文：拒绝（refuse，默认）、截短（cut），或分成带编号的几条（split）",
    "whether a text over the limit is cut instead of refused": "超长的正文截短，而不是拒绝",
    "to is left out: the robot's group is the target.": "不写 to：发到机器人所在的群。",
    "the application's secret": "应用的 Secret",
    "URL for this message": "这条消息用的网址",
    "id of the template for messages that name none": "没有写 template 的消息用的模板 ID",
  ]

  /// Names of limits that are no fields or options of a message.
  static let limits: [String: String] = [
    "address": "地址", "attachment": "附件", "body_of_members": "会员的 body", "calls_per_word": "每说一句可发",
    "caption": "附件的说明", "channels": "渠道", "file": "文件", "ids_per_call": "每次请求的 id", "image": "图片",
    "keys_per_call": "每次请求的 key", "member_per_hour": "每位成员每小时", "member_per_minute": "每位成员每分钟",
    "message": "整条消息", "mixed_content": "内容不同时的请求", "news_description": "news 的描述", "news_title": "news 的标题",
    "numbers_per_call": "每次请求的号码", "numbers_with_one_content": "内容相同时的号码",
    "numbers_with_own_contents": "内容不同时的号码", "parties_per_call": "每次请求的部门", "requests_a_day": "每天的请求",
    "tags_per_call": "每次请求的标签", "texts_in_a_row": "连续的 text", "title_of_members": "会员的 title",
    "topics_per_call": "每次请求的主题", "video": "视频", "voice": "语音", "warnings_a_day": "每天的 warning",
  ]

  /// What limits are counted in.
  static let units: [String: String] = [
    "UTF-16 units": "个 UTF-16 单元", "URLs": "个网址", "bytes": "字节", "bytes of JSON": "字节（JSON）",
    "bytes of UTF-8": "字节（UTF-8）", "calls": "次请求", "channels": "个渠道", "characters": "个字符",
    "departments": "个部门", "ids": "个 id", "keys": "个 key", "messages": "条消息", "milliseconds": "毫秒",
    "numbers": "个号码", "requests": "次请求", "seconds": "秒", "steps": "级", "tags": "个标签", "topics": "个主题",
  ]
}
