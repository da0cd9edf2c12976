import Core
import Foundation

@testable import Providers

/// The clock and nonce that the recorded requests were made with.
enum Pinned {
  static let now = Date(timeIntervalSince1970: 1_716_193_815)  // 2024-05-20T08:30:15Z
  static let nonce = "3f1c6f2a9b8d4e7f8a0b1c2d3e4f5061"
}

func settings(_ provider: any Provider.Type, _ values: [String: JSON], endpoint: String? = nil) -> Settings {
  Settings(endpoint: endpoint ?? provider.card.endpoint ?? "https://example.invalid", values: values)
}

extension Provider {
  /// The call that a message to these addresses makes.
  func call(_ message: Message, to addresses: [String], id: String = "call-1") throws -> Call {
    Call(
      id: id, contents: [try rendered(message)],
      recipients: try addresses.map { Call.Recipient(try target($0)) })
  }

  /// One call of messages that each have their own recipient.
  func mixedCall(_ messages: [(message: Message, to: String)], id: String = "call-1") throws -> Call {
    Call(
      id: id, contents: try messages.map { try rendered($0.message) },
      recipients: try messages.enumerated().map { Call.Recipient(try target($1.to), content: $0) })
  }

  func request(for call: Call) -> WireRequest {
    WireRequest(exchange(for: call, at: Pinned.now, nonce: Pinned.nonce))
  }

  func answer(
    _ status: Int, _ body: String, headers: [HTTPHeader] = [], to call: Call, at now: Date = Pinned.now
  ) -> Answer {
    answer(.http(HTTPResponse(status: status, headers: headers, body: Array(body.utf8))), to: call, at: now)
  }
}

/// Texts that a careless encoder would let break out of their place, or would change.
let hostileTexts = [
  "\r\nX-Injected: 1\r\n\r\nGET / HTTP/1.1", "\"},\"appToken\":\"other\",{\"", "a&To=%2B1&b=c;d", "%41%zz+ +",
  "</script><!--'\\' OR 1=1--", "emoji 🚀👩‍💻 ✅ e\u{301}", "line\u{2028}and\u{2029}paragraph", "nul\0in the middle",
  "\u{7F}\u{1B}[31m\u{85}\u{FEFF}", "\\u0041\\n\\\"", "【签名】变量${code}{{x}}",
]
