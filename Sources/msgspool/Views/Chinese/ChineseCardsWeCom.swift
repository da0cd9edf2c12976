// WeCom (企业微信).
extension Chinese {
  static let cardsWeCom: KeyValuePairs<String, String> = [
    // wecom-robot
    "the key in the robot's webhook address": "机器人 webhook 地址里的 key",
    "text, markdown, markdown_v2 or news; by default as format says":
      "text、markdown、markdown_v2 或 news；默认按 format",
    "text: user ids to mention, @all for everybody": "text 里要 @ 的成员 userid，@all 是所有人",
    "text: mobile numbers to mention, @all for everybody": "text 里要 @ 的手机号，@all 是所有人",
    "news: URL of the picture": "news 里图片的网址",
    "title, body and url are sent as lines of one text; in news they are the card's. format is text or markdown.":
      "title、body 和 url 各占一行，合成一段文字；在 news 里它们是图文的各个部分。format 用 text 或 markdown。",
    "An attachment goes without text: JPEG and PNG up to 2 MiB as a picture, AMR as a voice, the rest as a file.":
      "附件不能带文字：2 MiB 以内的 JPEG 和 PNG 作图片，AMR 作语音，其余作文件。",
    // wecom-app
    "the organisation's id, ww...": "企业 ID（CorpID），ww...",
    "the application's number": "应用的 AgentId",
    "seconds in which the service drops an identical message, 1 to 14400":
      "重复消息检查的间隔，秒，1 到 14400：期间相同的消息会被丢弃",
    "whether the message is confidential": "是否是保密消息",
    "whether ids in the text are shown as names": "是否开启 id 转译：文字里的 id 显示成名字",
    "for this message, instead of the channel's; 0 is none": "这条消息用的，代替通道里的；0 是不检查",
    "the members of a department, by its number: party:2; at most 100 in a call":
      "部门的成员，写部门的编号：party:2；一次请求最多 100 个",
    "the members with a tag, by its number: tag:3; at most 100 in a call":
      "有某个标签的成员，写标签的编号：tag:3；一次请求最多 100 个",
    "to: user ids, compared without case; party:ID, tag:ID; @all for everybody who may see the application.":
      "to：成员的 userid，不分大小写；party:ID、tag:ID；@all 是应用可见范围内的所有人。",
    "title, body and url are sent as lines of one text; format is text or markdown.":
      "title、body 和 url 各占一行，合成一段文字；format 用 text 或 markdown。",
    "An attachment goes without text: JPEG and PNG as a picture, AMR as a voice, MP4 as a video, the rest as a file.":
      "附件不能带文字：JPEG 和 PNG 作图片，AMR 作语音，MP4 作视频，其余作文件。",
    "More than 30 messages a minute or 1000 an hour to one member are dropped by the service, which calls it a success.":
      "给同一成员每分钟超过 30 条、每小时超过 1000 条的，会被丢弃，却仍说成功。",
    "A lost answer cannot be looked up: on_unconfirmed decides. With duplicate_check_interval, texts that are sent again to the same people within it arrive once, so that \"resend\" is safe for them; but so do two messages of the same text that were meant to be two.":
      "应答丢了就查不到结果：由 on_unconfirmed 决定。设了 duplicate_check_interval，期间再发给同样的人的相同文字只到一次，所以对它们用 \"resend\" 是安全的；但本来就是两条的相同文字，也只到一次。",
  ]
}
