import Digests
import FoundationEssentials
import Glibc

/// What a vendor posts to whoever wants to know what became of a message: the body, and where the vendor signs, what the
/// signature needs.
struct SandboxCallback: Sendable {
  /// As the vendor writes it.
  var body: [UInt8]
  /// The URL that was called, and the headers that matter; nil where the body alone says it all.
  var envelope: (url: String, headers: [FormPair])?

  init(_ body: [UInt8], envelope: (url: String, headers: [FormPair])? = nil) {
    self.body = body
    self.envelope = envelope
  }

  /// As a file in receipts/: the body, or a wrapper around it.
  var content: [UInt8] {
    guard let envelope else { return body }
    return WireJSON.object([
      WireMember("url", .string(envelope.url)),
      WireMember("headers", .object(envelope.headers.map { WireMember($0.name, .string($0.value)) })),
      WireMember("body", .string(String(decoding: body, as: UTF8.self))),
    ]).bytes
  }
}

/// Tells later what became of what it took.
protocol CallingBack: ProviderSandbox {
  /// The vendor's callbacks about an accepted call.
  /// - Parameter fails: whether a recipient, by its place in the call, did not get it.
  func callbacks(for call: SandboxCall, _ reply: SandboxReply, fails: (Int) -> Bool, now: Date) -> [SandboxCallback]
}

/// What goes wrong with callbacks on purpose.
package enum ReceiptFault: String, Sendable, CaseIterable {
  /// Before the answer to the call leaves.
  case early
  case twice, late
  /// In another order than the calls.
  case reordered
  /// Another one beside it that names a call nobody made.
  case unknown
  /// Another one beside it that says the contrary and bears a wrong signature.
  case forged
  /// Half of it first, then all.
  case partial
  case lost
  /// The message did not arrive, and the callback says so.
  case undelivered
}

/// Drops callbacks into a folder as a web server would: written aside, flushed, renamed.
struct CallbackFolder: Sendable {
  /// Seconds from the answer to the callback, and of one that is late.
  static let delay = 0.2
  static let late = 3.0

  private let path: String

  init(_ path: String) { self.path = path }

  /// One callback as it is to be dropped.
  struct Drop: Sendable {
    var name: String
    var content: [UInt8]
    var seconds: Double
    /// Straight into new/, as a careless program does: half of it now, the rest later.
    var isHalf = false
  }

  /// What to drop for the callbacks of one call, by its faults.
  static func plan(_ callbacks: [SandboxCallback], _ faults: Set<ReceiptFault>, number: Int) -> [Drop] {
    if faults.contains(.lost) { return [] }
    var drops: [Drop] = []
    for (index, callback) in callbacks.enumerated() {
      let name = "callback-\(getpid())-\(number)-\(index)"
      var seconds = faults.contains(.early) ? 0 : delay
      if faults.contains(.late) { seconds = late }
      // The newest first: each waits less than the one before.
      if faults.contains(.reordered) { seconds += Double(9 - number % 10) * delay }
      if faults.contains(.partial) {
        drops.append(
          Drop(
            name: name, content: Array(callback.content.prefix(callback.content.count / 2)), seconds: 0, isHalf: true))
        seconds = max(seconds, delay)
      }
      drops.append(Drop(name: name, content: callback.content, seconds: seconds))
      if faults.contains(.twice) {
        drops.append(Drop(name: name + "-again", content: callback.content, seconds: seconds * 2))
      }
      if faults.contains(.unknown) {
        drops.append(Drop(name: name + "-unknown", content: stranger(callback, number).content, seconds: seconds))
      }
      if faults.contains(.forged) {
        drops.append(Drop(name: name + "-forged", content: forgery(callback).content, seconds: 0))
      }
    }
    return drops
  }

  /// The same with every digit of ids turned around: it names nothing that there is.
  private static func stranger(_ callback: SandboxCallback, _ number: Int) -> SandboxCallback {
    var text = String(decoding: callback.body, as: UTF8.self)
    for mark in [
      "\"biz_id\":\"", "\"out_id\":\"", "\"sid\":\"", "smsMsgId=", "extend=", "MessageSid=", "SmsSid=",
      "shortCode\":\"", "receipt=",
    ] {
      text = text.replacing(mark, with: "\(mark)nobody-\(number)-")
    }
    return SandboxCallback(Array(text.utf8), envelope: callback.envelope)
  }

  /// Says the contrary, about an account that is not ours, and signs with nothing.
  private static func forgery(_ callback: SandboxCallback) -> SandboxCallback {
    let words = [
      ("\"success\":true", "\"success\":false"), ("MessageStatus=delivered", "MessageStatus=failed"),
      ("AccountSid=AC", "AccountSid=ACforged"), ("status=DELIVRD", "status=REJECTD"),
      ("\"report_status\":\"SUCCESS\"", "\"report_status\":\"FAIL\""),
    ]
    var text = String(decoding: callback.body, as: UTF8.self)
    for (word, other) in words { text = text.replacing(word, with: other) }
    let headers = callback.envelope.map { $0.headers.map { FormPair($0.name, "forged") } }
    return SandboxCallback(Array(text.utf8), envelope: callback.envelope.map { ($0.url, headers ?? []) })
  }

  /// - Returns: false where it could not be written.
  @discardableResult
  func write(_ drop: Drop) -> Bool {
    let aside = "\(path)/tmp/\(drop.name)"
    let target = "\(path)/new/\(drop.name)"
    let file = open(drop.isHalf ? target : aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { return false }
    defer { close(file) }
    guard Glibc.write(file, drop.content, drop.content.count) == drop.content.count, fsync(file) == 0 else {
      return false
    }
    return drop.isHalf || rename(aside, target) == 0
  }
}

// MARK: - The vendors' own words

extension AliyunSandbox: CallingBack {
  func callbacks(
    for call: SandboxCall, _ reply: SandboxReply, fails: (Int) -> Bool, now: Date
  ) -> [SandboxCallback] {
    guard let answer = try? WireJSON(parsing: reply.body), let business = answer["BizId"]?.string else { return [] }
    let out = Self.parameters(of: call.request).value("OutId") ?? ""
    let time = WireTime(now, offset: WireTime.china)
    let at = WireJSON.string("\(time.dayText) \(time.timeText)")
    let entries = call.recipients.enumerated().map { index, text -> WireJSON in
      let failed = fails(index)
      return [
        "phone_number": .string(AliyunNumber(text)?.normal ?? text), "send_time": at, "report_time": at,
        "success": .bool(!failed), "err_code": failed ? "MOBILE_NOT_ON_SERVICE" : "DELIVERED",
        "err_msg": failed ? "空号" : "用户接收成功", "sms_size": "1", "biz_id": .string(business), "out_id": .string(out),
      ]
    }
    // "JSON array, several entries a request."
    return stride(from: 0, to: entries.count, by: 50).map { start in
      SandboxCallback(WireJSON.array(Array(entries[start..<min(start + 50, entries.count)])).bytes)
    }
  }
}

extension TencentSandbox: QueueingReceipts {
  func callbacks(
    for call: SandboxCall, _ reply: SandboxReply, fails: (Int) -> Bool, now: Date
  ) -> [SandboxCallback] {
    let statuses = (try? WireJSON(parsing: reply.body))?["Response"]?["SendStatusSet"]?.array ?? []
    let time = WireTime(now, offset: WireTime.china)
    let entries = statuses.enumerated().compactMap { index, status -> WireJSON? in
      guard status["Code"]?.string == "Ok", let number = status["PhoneNumber"]?.string else { return nil }
      let isMainland = number.hasPrefix("+86")
      return [
        "user_receive_time": .string("\(time.dayText) \(time.timeText)"), "nationcode": isMainland ? "86" : "",
        "mobile": .string(String(number.dropFirst(isMainland ? 3 : 1))),
        "report_status": fails(index) ? "FAIL" : "SUCCESS", "errmsg": fails(index) ? "MK:0001" : "DELIVRD",
        "description": fails(index) ? "空号" : "用户短信送达成功", "sid": status["SerialNo"] ?? "",
      ]
    }
    return entries.isEmpty ? [] : [SandboxCallback(WireJSON.array(entries).bytes)]
  }
}

extension HuaweiSandbox: CallingBack {
  /// A form for each number to the request's own address, else a batch of 50 to the application's.
  func callbacks(
    for call: SandboxCall, _ reply: SandboxReply, fails: (Int) -> Bool, now: Date
  ) -> [SandboxCallback] {
    let results = (try? WireJSON(parsing: reply.body))?["result"]?.array ?? []
    let time = WireTime(now)
    let extend = call.fields["extend"]?.scalar
    let reports = results.enumerated().compactMap { index, result -> [FormPair]? in
      guard result["status"]?.string == "000000", let id = result["smsMsgId"]?.string else { return nil }
      var report = [
        FormPair("smsMsgId", id), FormPair("total", "1"), FormPair("sequence", "1"),
        FormPair("status", fails(index) ? "UNDELIV" : "DELIVRD"), FormPair("source", "2"),
        FormPair("updateTime", "\(time.dayText)T\(time.timeText)Z"),
      ]
      // "extend and to only where the request carried extend."
      if let extend { report += [FormPair("extend", extend), FormPair("to", result["originTo"]?.string ?? "")] }
      return report
    }
    if call.fields["statusCallback"]?.scalar != nil {
      return reports.map { SandboxCallback(Array(PercentEncoding.query($0).utf8)) }
    }
    return stride(from: 0, to: reports.count, by: 50).map { start in
      let part = reports[start..<min(start + 50, reports.count)]
      return SandboxCallback(
        WireJSON.object([WireMember("statusReportList", .array(part.map { WireJSON(pairs: $0) }))]).bytes)
    }
  }
}

extension TwilioSandbox: CallingBack {
  /// Only where a StatusCallback was given; signed with the auth token, which is the password of the request.
  func callbacks(
    for call: SandboxCall, _ reply: SandboxReply, fails: (Int) -> Bool, now: Date
  ) -> [SandboxCallback] {
    guard let url = call.request.form.value("StatusCallback"),
      let message = try? WireJSON(parsing: reply.body), let sid = message["sid"]?.string,
      let account = message["account_sid"]?.string, let login = call.request.authorization("basic"),
      let bytes = Base64.decode(login.utf8), let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
    else { return [] }
    var form = [
      FormPair("AccountSid", account), FormPair("ApiVersion", "2010-04-01"),
      FormPair("From", message["from"]?.string ?? ""), FormPair("MessageSid", sid),
      FormPair("MessageStatus", fails(0) ? "undelivered" : "delivered"), FormPair("SmsSid", sid),
      FormPair("SmsStatus", fails(0) ? "undelivered" : "delivered"), FormPair("To", message["to"]?.string ?? ""),
    ]
    if fails(0) { form.append(FormPair("ErrorCode", "30003")) }
    // "URL + each POST parameter sorted by name, name then value, nothing between."
    let sorted = form.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let text = url + sorted.map { $0.name + $0.value }.joined()
    let signature = Base64.encode(Digest.sha1.hmac(key: bytes[(colon + 1)...], text.utf8))
    return [
      SandboxCallback(
        Array(PercentEncoding.query(form).utf8), envelope: (url, [FormPair("X-Twilio-Signature", signature)]))
    ]
  }
}

extension PushPlusSandbox: CallingBack {
  func callbacks(
    for call: SandboxCall, _ reply: SandboxReply, fails: (Int) -> Bool, now: Date
  ) -> [SandboxCallback] {
    guard call.fields["callbackUrl"]?.scalar != nil,
      let code = (try? WireJSON(parsing: reply.body))?["data"]?.string, !code.isEmpty
    else { return [] }
    let info: WireJSON = [
      "message": fails(0) ? "用户未关注" : "", "shortCode": .string(code), "sendStatus": fails(0) ? 3 : 2,
    ]
    return [
      SandboxCallback(
        WireJSON.object([WireMember("event", "message_complate"), WireMember("messageInfo", info)]).bytes)
    ]
  }
}

extension PushoverSandbox: CallingBack {
  /// Emergencies that asked for it, when somebody has acknowledged them: the first user.
  func callbacks(
    for call: SandboxCall, _ reply: SandboxReply, fails: (Int) -> Bool, now: Date
  ) -> [SandboxCallback] {
    guard call.fields["callback"]?.scalar != nil, !fails(0),
      let receipt = (try? WireJSON(parsing: reply.body))?["receipt"]?.string, let user = call.recipients.first
    else { return [] }
    let form = [
      FormPair("receipt", receipt), FormPair("acknowledged", "1"),
      FormPair("acknowledged_at", String(Int(now.timeIntervalSince1970))), FormPair("acknowledged_by", user),
      FormPair("acknowledged_by_device", "phone"),
    ]
    return [SandboxCallback(Array(PercentEncoding.query(form).utf8))]
  }
}
