// Robots in group chats.
extension Chinese {
  static let cardsRobots: KeyValuePairs<String, String> = [
    // dingtalk-robot
    "the token in the robot's webhook address": "机器人 webhook 地址里的 access_token",
    "the secret, SEC..., of a robot that wants signatures": "安全设置选了加签的机器人的密钥，SEC...",
    "text, markdown or link; by default as format says": "text、markdown 或 link；默认按 format",
    "mobile numbers to mention": "要 @ 的手机号",
    "user ids to mention": "要 @ 的 userid",
    "whether everybody is mentioned": "是否 @ 所有人",
    "link: URL of the picture": "link 里图片的网址",
    "In a text, title, body and url are lines; in markdown the title is the notification's, by default the body's first line. format is text or markdown.":
      "在 text 里 title、body 和 url 各占一行；在 markdown 里 title 是通知的标题，默认是 body 的第一行。format 用 text 或 markdown。",
    "In markdown a mention works only where the text has the number or id behind an @, too.":
      "在 markdown 里要 @ 人，文字里也要写上 @ 和号码或 id。",
    // feishu-robot
    "the last part of the robot's webhook address": "机器人 webhook 地址的最后一段",
    "the secret of a robot that wants signatures": "安全设置选了签名校验的机器人的密钥",
    "In a text, title, body and url are lines; markdown is sent as a card with the title as its head.":
      "在 text 里 title、body 和 url 各占一行；markdown 作为卡片发送，title 是卡片的标题。",
    "Everybody is mentioned by <at user_id=\"all\"></at> in a text. Lark: endpoint https://open.larksuite.com.":
      "文字里写 <at user_id=\"all\"></at> 就是 @ 所有人。Lark 用 endpoint https://open.larksuite.com。",
    "The vendor advises against sending on the hour and the half hour.": "厂商建议避开整点和半点发送。",
  ]
}
