import Digests
import FoundationEssentials

/// Alibaba's queue of SMS receipts: keys for it from Dybaseapi, and the queue itself (help.aliyun.com, Simple Message Queue,
/// ReceiveMessage and DeleteMessage). Section numbers are those of providers/aliyun.md.
extension AliyunSandbox: QueueingReceipts {
  /// Of a queue, as Dybaseapi gives them out.
  struct QueueKeys: Sendable {
    var secret: String
    var token: String
    var until: Date
  }

  /// Section 6: "life some minutes"; the signature's date "15 min"; how long a message is hidden is the queue's setting.
  private enum QueueLimit {
    static let life = 300.0
    static let clock = 900.0
    static let hidden = 3.0
    static let messages = 1...16
  }

  private static let space = "http://mns.aliyuncs.com/doc/v1/"

  static func isQueue(_ request: SandboxRequest) -> Bool {
    let parts = request.components
    return parts.count == 3 && parts[0] == "queues" && parts[2] == "messages" && request.header("x-mns-version") != nil
  }

  /// `QueryTokenForMnsQueue`.
  mutating func giveKeys(_ call: SandboxCall, _ parameters: [FormPair], now: Date) -> SandboxReply {
    for name in ["MessageType", "QueueName"] where parameters.value(name) == nil {
      return gateway(call, .missing(name))
    }
    guard parameters.value("MessageType") == "SmsReport", parameters.value("QueueName")?.hasSuffix("-SmsReport") == true
    else { return business(call, "isv.QUEUE_NAME_ILLEGAL", "队列名称不正确", outcome: .error) }
    let id = "STS.\(identifiers.hexadecimal())"
    let keys = QueueKeys(
      secret: identifiers.hexadecimal(), token: identifiers.hexadecimal(), until: now + QueueLimit.life)
    queueKeys.append(keys, key: id)
    func text(_ date: Date) -> WireJSON {
      let time = WireTime(date, offset: WireTime.china)
      return .string("\(time.dayText) \(time.timeText)")
    }
    let token: WireJSON = [
      "AccessKeyId": .string(id), "AccessKeySecret": .string(keys.secret), "SecurityToken": .string(keys.token),
      "CreateTime": text(now), "ExpireTime": text(keys.until),
    ]
    return reply(
      call, 200, [WireMember("Code", "OK"), WireMember("Message", "OK"), WireMember("MessageTokenDTO", token)],
      outcome: .lookup)
  }

  mutating func serveQueue(_ call: SandboxCall, now: Date) -> SandboxReply {
    let request = call.request
    if let problem = refusal(request, now: now) { return error(403, problem, outcome: .credentials) }
    switch request.method {
    case "GET": return receive(request, now: now)
    case "DELETE": return delete(request)
    default: return error(405, "MethodNotAllowed", outcome: .error)
    }
  }

  /// Nil for a request whose signature, date and token are right.
  private func refusal(_ request: SandboxRequest, now: Date) -> String? {
    guard request.header("x-mns-version") == "2015-06-06", let date = request.header("date"),
      let sent = WireTime.unix(http: date)
    else { return "InvalidArgument" }
    guard abs(now.timeIntervalSince1970 - Double(sent)) <= QueueLimit.clock else { return "TimeExpired" }
    let pieces = (request.authorization("MNS") ?? "").split(separator: ":", maxSplits: 1).map(String.init)
    guard pieces.count == 2, let keys = queueKeys.serials(of: pieces[0]).last.flatMap({ queueKeys[$0] }) else {
      return "InvalidAccessKeyId"
    }
    guard keys.until > now, request.header("security-token") == keys.token else { return "InvalidSecurityToken" }
    // "METHOD, content-md5, content-type, date, then x-mns- headers sorted, then the resource", absent ones as empty lines.
    let own = request.headers.filter { $0.name.hasPrefix("x-mns-") }.sorted { $0.name < $1.name }
      .map { "\($0.name):\($0.value)\n" }.joined()
    let text =
      [request.method, request.header("content-md5") ?? "", request.header("content-type") ?? "", date, own]
      .joined(separator: "\n") + request.target
    let signature = Base64.encode(Digest.sha1.hmac(key: keys.secret.utf8, text.utf8))
    return signature == pieces[1] ? nil : "SignatureDoesNotMatch"
  }

  private func receive(_ request: SandboxRequest, now: Date) -> SandboxReply {
    guard let wanted = Int(request.query.value("numOfMessages") ?? "1"), QueueLimit.messages.contains(wanted) else {
      return error(400, "InvalidArgument", outcome: .lookup)
    }
    let entries = queue.receive(wanted, hiddenFor: QueueLimit.hidden, now: now)
    if entries.isEmpty { return error(404, "MessageNotExist", outcome: .lookup) }
    let messages = entries.map { entry -> String in
      let body = Base64.encode(entry.body.bytes)
      let visible = Int((now + QueueLimit.hidden).timeIntervalSince1970 * 1000)
      return """
        <Message><MessageId>\(entry.number)</MessageId><ReceiptHandle>\(entry.number)-\(visible)</ReceiptHandle>\
        <MessageBodyMD5>\(Digest.md5.of(body.utf8).hex.uppercased())</MessageBodyMD5><MessageBody>\(body)</MessageBody>\
        <NextVisibleTime>\(visible)</NextVisibleTime><DequeueCount>1</DequeueCount><Priority>8</Priority></Message>
        """
    }
    return xml(200, "<Messages xmlns=\"\(Self.space)\">\(messages.joined())</Messages>", outcome: .lookup)
  }

  /// One by the query, or up to 16 in the body.
  private func delete(_ request: SandboxRequest) -> SandboxReply {
    var handles = request.query.value("ReceiptHandle").map { [$0] } ?? []
    if handles.isEmpty {
      let body = String(decoding: request.body, as: UTF8.self)
      handles = body.split(separator: "<ReceiptHandle>", omittingEmptySubsequences: false).dropFirst().compactMap {
        $0.split(separator: "</ReceiptHandle>", omittingEmptySubsequences: false).first.map(String.init)
      }
    }
    guard QueueLimit.messages.contains(handles.count) else { return error(400, "InvalidArgument", outcome: .error) }
    let failed = handles.filter { handle in
      let numbers = handle.split(separator: "-").compactMap { Int($0) }
      return numbers.count != 2 || !queue.delete(numbers[0], seen: numbers[1])
    }
    return failed.isEmpty
      ? SandboxReply(status: 204, body: [], outcome: .lookup) : error(404, "ReceiptHandleError", outcome: .error)
  }

  private func error(_ status: Int, _ code: String, outcome: SandboxOutcome) -> SandboxReply {
    xml(
      status, "<Error xmlns=\"\(Self.space)\"><Code>\(code)</Code><Message>\(code)</Message></Error>", outcome: outcome)
  }

  private func xml(_ status: Int, _ text: String, outcome: SandboxOutcome) -> SandboxReply {
    SandboxReply(
      status: status, headers: [FormPair("Content-Type", "text/xml;charset=utf-8")],
      body: Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\(text)".utf8), outcome: outcome)
  }
}
