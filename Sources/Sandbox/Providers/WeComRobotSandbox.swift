import FoundationEssentials

/// WeCom's group robot, /cgi-bin/webhook/send and upload_media (developer.work.weixin.qq.com/document/path/91770 and
/// 99110). One key, one group: nobody is addressed.
struct WeComRobotSandbox: ProviderSandbox {
  static let name = "wecom-robot"
  static let sample = SandboxSample(settings: [#"key: "00000000-0000-4000-8000-000000000001""#], send: "\"hello\"")
  static let unrecorded: Set<String> = ["key"]

  private enum Limit {
    static let text = 2048
    static let markdown = 4096
    static let uploads = ["file": 20 * 1024 * 1024, "voice": 2 * 1024 * 1024]
    static let mediaSeconds = 3 * 86_400
  }

  private let keys: KnownSecrets
  private var identifiers = SandboxIdentifiers()
  /// "media_id valid 3 days and only for that robot": by robot and id.
  private var media = Remembered<(type: String, at: Int)>(capacity: 10_000)

  init(accounts: [[String: String]]?) { keys = KnownSecrets(accounts, setting: "key") }

  static func owns(_ request: SandboxRequest) -> Bool { request.path.hasPrefix("/cgi-bin/webhook/") }

  func read(_ request: SandboxRequest) -> SandboxCall {
    guard request.method == "POST", request.path == "/cgi-bin/webhook/send" else {
      return SandboxCall(request, .other, fields: (try? request.bodyFields()) ?? .object([]))
    }
    do throws(FieldsError) {
      return SandboxCall(request, .send, fields: try request.jsonObject())
    } catch {
      return SandboxCall(request, .send, malformed: error.problem)
    }
  }

  mutating func answer(_ call: SandboxCall, refused: [Int: RefusedRecipient], now: Date) -> SandboxReply {
    guard let key = call.request.query.value("key"), keys.contains(key) else {
      return WeCom.error(WeCom.Code.webhook, "invalid webhook url", outcome: .credentials)
    }
    let seconds = Int(now.timeIntervalSince1970)
    do throws(WeCom.Failure) {
      switch (call.request.method, call.request.path) {
      case ("POST", "/cgi-bin/webhook/send"):
        // What the vendor says of JSON that it can't read; 40033 is for `\uxxxx`, which robots do take in practice.
        if call.malformed != nil { throw .init(WeCom.Code.characters, "invalid request character") }
        try check(call.fields, key: key, now: seconds)
        return WeCom.reply(outcome: .accepted)
      case ("POST", "/cgi-bin/webhook/upload_media"):
        let type = try WeCom.upload(call.request, limits: Limit.uploads)
        let id = identifiers.hexadecimal()
        media.append((type, seconds), key: "\(key) \(id)")
        return WeCom.reply(
          [
            WireMember("type", .string(type)), WireMember("media_id", .string(id)),
            WireMember("created_at", .string(String(seconds))),
          ], outcome: .lookup)
      default: return SandboxReply(status: 404, body: [], outcome: .error)
      }
    } catch {
      return WeCom.error(error.code, error.text, outcome: .rejected)
    }
  }

  func turnAway(_ call: SandboxCall, _ refusal: Refusal) -> SandboxReply {
    let code = refusal.code.flatMap { Int($0) }
    return switch refusal.reason {
    case .throttle, .quota:
      WeCom.error(code ?? WeCom.Code.frequency, "api freq out of limit", outcome: refusal.outcome)
        .asking(toWait: refusal.retryAfter)
    case .credentials: WeCom.error(code ?? WeCom.Code.webhook, "invalid webhook url", outcome: .credentials)
    }
  }

  private func check(_ fields: WireJSON, key: String, now: Int) throws(WeCom.Failure) {
    guard let type = fields["msgtype"]?.string else { throw .init(WeCom.Code.messageType, "invalid message type") }
    guard let object = fields[type], object.isObject else {
      throw .init(WeCom.Code.empty, "\(type) missing or no object")
    }
    switch type {
    case "text":
      try WeCom.text(object, "content", most: Limit.text)
      for list in ["mentioned_list", "mentioned_mobile_list"] {
        if let value = object[list], value != .null, value.strings == nil {
          throw .init(WeCom.Code.parameter, "Warning: wrong json format. \(list)")
        }
      }
    case "markdown", "markdown_v2": try WeCom.text(object, "content", most: Limit.markdown)
    case "image": try WeCom.image(object)
    case "news": try WeCom.news(object)
    case "file", "voice":
      let id = object["media_id"]?.string ?? ""
      guard let found = media.serials(of: "\(key) \(id)").first.flatMap({ media[$0] }), found.type == type,
        found.at + Limit.mediaSeconds > now
      else { throw .init(WeCom.Code.media, "invalid media_id") }
    case "template_card":
      guard ["text_notice", "news_notice"].contains(object["card_type"]?.string) else {
        throw .init(WeCom.Code.parameter, "invalid card_type")
      }
    default: throw .init(WeCom.Code.messageType, "invalid message type")
    }
  }
}
