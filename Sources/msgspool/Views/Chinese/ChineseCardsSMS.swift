// Text messages: what a vendor's console calls things is what they are called here.
extension Chinese {
  static let cardsSMS: KeyValuePairs<String, String> = [
    // Several
    "signature of this message, instead of the channel's": "这条消息的签名，代替通道里的",
    "sender of this message, instead of the channel's": "这条消息的发送方，代替通道里的",
    "URL for this message, instead of the channel's": "这条消息用的网址，代替通道里的",
    "extension code for replies": "扩展码，用于上行回复",
    "extension code of this message, instead of the channel's": "这条消息的扩展码，代替通道里的",
    "put before numbers without +, such as 86": "加在没有 + 的号码前，如 86",
    "to: + and 7 to 15 digits; without + the channel's country_code is put before it.":
      "to：+ 和 7 到 15 位数字；没有 + 的，前面加上通道的 country_code。",
    "to: 11 digits, also behind +86, 86, 0086 or +; abroad: + and country code and number.":
      "to：11 位号码，前面可有 +86、86、0086 或 +；国外：+、国家代码和号码。",
    "template and params (an array, in the template's order) are what is sent; body, title, url and format are not.":
      "发送的是 template 和 params（数组，按模板里的顺序）；body、title、url 和 format 不发送。",
    "template code to its text, as approved; with price: to count the parts that are billed":
      "模板编号对应已审核的模板内容；和 price 一起用，按计费条数计算费用",
    // aliyun-sms
    "the id of the access key, LTAI...": "阿里云的 AccessKey ID，LTAI...",
    "the secret of the access key": "阿里云的 AccessKey Secret",
    "the token of temporary (STS) credentials": "临时凭证（STS）的 SecurityToken",
    "the approved signature's text": "已审核的签名名称",
    "template for messages that name none, SMS_...": "没有写 template 的消息用的模板 Code，SMS_...",
    "the account's queue of receipts, Alicom-Queue-UID-SmsReport":
      "账号接收回执的队列，Alicom-Queue-UID-SmsReport",
    "stands for dybaseapi and MNS, as endpoint does for the service itself":
      "代替 dybaseapi 和 MNS 的地址，就像 endpoint 代替短信服务的地址",
    "reference that receipts echo, at most 255 characters; by default the call's id":
      "回执里原样带回的流水号，最多 255 个字符；默认是请求的 id",
    "to: 11 digits, also behind +86, 86, 0086 or +; abroad: country code and number, + may be left out.":
      "to：11 位号码，前面可有 +86、86、0086 或 +；国外：国家代码和号码，+ 可以不写。",
    "template and params (an object) are what is sent; body, title, url and format are not used.":
      "发送的是 template 和 params（对象）；不用 body、title、url 和 format。",
    "Messages of one template with different params or signatures share calls of up to 100 numbers.":
      "同一模板而参数或签名不同的消息，合在一次请求里发，最多 100 个号码。",
    "The answer names no recipients: one number that is refused makes the call be split and sent again in halves.":
      "应答不说是哪个收件人：有一个号码被拒，这次请求就对半分开再发。",
    "A lost answer is looked up by out_id after 5 minutes; an out_id used again may be taken for another call's.":
      "应答丢了，5 分钟后按 out_id 去查；重复使用的 out_id 可能被当成另一次请求的。",
    // tencent-sms
    "the id of the API key, AKID...": "API 密钥的 SecretId，AKID...",
    "the secret of the API key": "API 密钥的 Secret",
    "the token of temporary credentials": "临时凭证的 token",
    "the SMS application's id, 1400006666": "短信应用的 SdkAppId，如 1400006666",
    "the approved signature's text; mainland numbers need one": "已审核的签名内容；发大陆号码必须有",
    "ap-guangzhou (default), ap-beijing or ap-nanjing; abroad ap-singapore":
      "ap-guangzhou（默认）、ap-beijing 或 ap-nanjing；国外用 ap-singapore",
    "sender of messages to other countries": "发往国外的 SenderId",
    "text that the answer echoes, under 512 bytes; by default the call's id":
      "应答里原样带回的内容，不到 512 字节；默认是请求的 id",
    "Mainland and other numbers never share a call, as the service refuses mixed ones.":
      "大陆号码和其他号码不会在同一次请求里：混在一起会被拒绝。",
    "A lost answer is looked for among the carriers' reports, by number and time, for a day.":
      "应答丢了，一天之内按号码和时间在运营商的状态报告里找。",
    "Without a report it stays unconfirmed, as the service cannot say that something was not sent.":
      "没有状态报告就保持未确认：服务商说不出什么没有发出。",
    // huawei-sms
    "the SMS application's key": "短信应用的 APP_Key",
    "the SMS application's secret": "短信应用的 APP_Secret",
    "wsse (default) or ak_sk, the signature that the vendor recommends":
      "鉴权方式：wsse（默认）或 ak_sk（厂商推荐的签名）",
    "channel number of the signature, 8823...": "签名通道号，8823...",
    "the signature's name, needed for universal templates only": "签名名称，只有通用模板需要",
    "URL that gets the delivery reports": "接收状态报告的网址",
    "channel number for this message, instead of the channel's": "这条消息的签名通道号，代替通道里的",
    "reference that delivery reports echo, 1 to 128 characters; else the call's id":
      "状态报告里原样带回的内容，1 到 128 个字符；默认是请求的 id",
    "params must not contain single quotes or braces: the service refuses them.":
      "params 里不能有单引号和大括号：会被拒绝。",
    "Messages of one sender share calls of up to 500 numbers, whatever their templates and params.":
      "同一 sender 的消息，不论模板和参数，合在一次请求里发，最多 500 个号码。",
    "The endpoint is the application's access address, which the console shows; other regions have other hosts.":
      "endpoint 是控制台里应用的 APP 接入地址；各区域的主机不同。",
    "The vendor suggests at most 500 numbers a second in all: rate: 1 where calls are full.":
      "厂商建议总共每秒不超过 500 个号码：请求装满时用 rate: 1。",
    // twilio
    "the account's SID, AC...": "账号的 SID，AC...",
    "the account's token; or api_key_sid and api_key_secret": "账号的 Auth Token；或用 api_key_sid 和 api_key_secret",
    "the SID of an API key, SK...": "API key 的 SID，SK...",
    "sender: a number, short code, name or channel address": "发送方：号码、短码、名称，或别的渠道的地址",
    "the service that picks the sender, MG...; this or from": "由它挑选发送方的消息服务，MG...；它或 from 写一个",
    "URL that Twilio tells what became of messages": "Twilio 通知消息结果的网址",
    "sender of this message; with messaging_service_sid or alone, instead of the channel's":
      "这条消息的发送方；可和 messaging_service_sid 一起写或单写，代替通道里的",
    "service for this message; with from or alone, instead of the channel's":
      "这条消息的消息服务；可和 from 一起写或单写，代替通道里的",
    "seconds that it may wait in Twilio's queue, 1 to 36000": "在 Twilio 的队列里最多等多少秒，1 到 36000",
    "whether look-alikes of GSM characters are replaced by these": "把与 GSM 字符形似的字符换成 GSM 字符",
    "URLs of up to 10 media files": "媒体文件的网址，最多 10 个",
    "a WhatsApp number: whatsapp:+8613800138000": "WhatsApp 号码：whatsapp:+8613800138000",
    "an RCS number: rcs:+8613800138000": "RCS 号码：rcs:+8613800138000",
    "a Messenger user id: messenger:1234567890": "Messenger 的用户 id：messenger:1234567890",
    "body is required unless options.media_url or template is given; title and url are not used. Markdown goes as it is written; html is refused.":
      "没有 options.media_url 或 template 时，body 必填；不用 title 和 url。Markdown 原样发送；html 会被拒绝。",
    "template is a content template's SID, HX...; params are its variables, an array for those named 1, 2, 3. It says all: body is not sent beside it.":
      "template 是内容模板的 SID，HX...；params 是它的变量，变量名是 1、2、3 时可用数组。内容全由模板给出：有模板就不发 body。",
    "A lost answer is looked up by recipient, sender, text and time after a minute.":
      "应答丢了，一分钟后按收件人、发送方、内容和时间去查。",
    "A number that opted out (21610) is rejected; more than 1600 UTF-16 units are refused before sending.":
      "已退订的号码（21610）被拒绝；超过 1600 个 UTF-16 单元的，发送之前就拒绝。",
    // vonage
    "the account's key": "账号的 API key",
    "the account's secret": "账号的 API secret",
    "sender: a number without +, or a name": "发送方：不带 + 的号码，或名称",
    "URL that gets the delivery receipts": "接收送达回执的网址",
    "milliseconds that delivery is tried, 20000 to 604800000": "尝试投递多少毫秒，20000 到 604800000",
    "reference that receipts echo, at most 100 characters; by default the call's id":
      "回执里原样带回的内容，最多 100 个字符；默认是请求的 id",
    "body is required; title and url are not used. Markdown goes as it is written; html is refused.":
      "body 必填；不用 title 和 url。Markdown 原样发送；html 会被拒绝。",
    "A text beyond the GSM alphabet is sent as Unicode, with 70 characters a part instead of 160.":
      "含有 GSM 字母表之外字符（如中文）的短信按 Unicode 发送，每条 70 个字符，而不是 160 个。",
  ]
}
