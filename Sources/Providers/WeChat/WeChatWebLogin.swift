import Core
import FoundationEssentials
import Signing

/// What a login of the web protocol left behind: `Account.own`. A full credential.
struct WeChatWebLogin: Sendable, Hashable {
  /// Of `redirect_uri`: `wx2.qq.com`.
  var host: String
  /// Of `redirect_uri`, up to its last slash: `/cgi-bin/mmwebwx-bin`.
  var folder: String
  var uin: String
  var sid: String
  var skey: String
  /// As received: percent-encoded already.
  var ticket: String
  /// `e` and 15 digits, which the browser draws once.
  var device: String
  /// One's own user name; lives for this login.
  var user = ""
  var nick = ""
  /// By name, in the order in which they came: one jar for all hosts.
  var cookies: [JSON.Member]

  init(
    host: String, folder: String, uin: String, sid: String, skey: String, ticket: String, device: String,
    cookies: [JSON.Member]
  ) {
    (self.host, self.folder, self.uin, self.sid, self.skey) = (host, folder, uin, sid, skey)
    (self.ticket, self.device, self.cookies) = (ticket, device, cookies)
  }

  init?(_ own: JSON?) {
    guard let own, let host = own["host"]?.string, let folder = own["folder"]?.string, let uin = own["uin"]?.string,
      let sid = own["sid"]?.string, let skey = own["skey"]?.string, let ticket = own["pass_ticket"]?.string,
      let device = own["device"]?.string, let cookies = own["cookies"]?.members
    else { return nil }
    self.init(
      host: host, folder: folder, uin: uin, sid: sid, skey: skey, ticket: ticket, device: device, cookies: cookies)
    user = own["user"]?.string ?? ""
    nick = own["nick"]?.string ?? ""
  }

  var json: JSON {
    .object([
      .init("host", .string(host)), .init("folder", .string(folder)), .init("uin", .string(uin)),
      .init("sid", .string(sid)), .init("skey", .string(skey)), .init("pass_ticket", .string(ticket)),
      .init("device", .string(device)), .init("user", .string(user)), .init("nick", .string(nick)),
      .init("cookies", .object(cookies)),
    ])
  }

  // MARK: Hosts

  /// Where files go to and come from.
  var fileHost: String { Self.companion("file", of: host) }
  /// Where the long poll waits.
  var pushHost: String { Self.companion("webpush", of: host) }

  private static func companion(_ prefix: String, of host: String) -> String {
    switch host {
    case "wx2.qq.com", "wx8.qq.com", "web2.wechat.com": "\(prefix).\(host)"
    case _ where host == "qq.com" || host.hasSuffix(".qq.com"): "\(prefix).wx.qq.com"
    case _ where host == "wechat.com" || host.hasSuffix(".wechat.com"): "\(prefix).web.wechat.com"
    default: host
    }
  }

  // MARK: Cookies

  func cookie(_ name: String) -> String? { cookies.first { $0.key == name }?.value.string }

  var cookieHeader: HTTPHeader {
    HTTPHeader("Cookie", cookies.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: "; "))
  }

  /// The cookies that an answer sets, put to those there are; one that is set to nothing is deleted.
  static func merged(_ jar: [JSON.Member], _ response: HTTPResponse) -> [JSON.Member] {
    var jar = jar
    for header in response.headers where header.name == "set-cookie" {
      guard let pair = header.value.pieces(at: ";").first?.halves(at: "=") else { continue }
      let name = ContactBook.trimmed(pair.before)
      let value = ContactBook.trimmed(pair.behind)
      guard isPlain(name), isPlain(value) else { continue }
      let place = jar.firstIndex { $0.key == name }
      if value.isEmpty {
        if let place { jar.remove(at: place) }
      } else if let place {
        jar[place].value = .string(value)
      } else {
        jar.append(.init(name, .string(value)))
      }
    }
    return jar
  }

  /// What can be said again in a header, and means what it meant.
  private static func isPlain(_ text: String) -> Bool {
    text.utf8.allSatisfy { 0x20..<0x7F ~= $0 && $0 != UInt8(ascii: ";") }
  }

  /// The same with the cookies that an answer sets.
  func taking(_ response: HTTPResponse) -> WeChatWebLogin {
    var login = self
    login.cookies = Self.merged(cookies, response)
    return login
  }

  // MARK: Bodies

  var baseRequest: JSON.Member {
    .init(
      "BaseRequest",
      .object([
        .init("Skey", .string(skey)), .init("Sid", .string(sid)), .init("Uin", .string(uin)),
        .init("DeviceID", .string(device)),
      ]))
  }
}

extension JSON {
  /// What the service answered; nil for what is no JSON. Whole, since messages and keys are kept as they came.
  init?(answer response: HTTPResponse) {
    guard let value = try? JSONScanner.value(of: response.body) else { return nil }
    self = value
  }

  /// A string or a number, as text: the service writes ids as either.
  var scalarText: String? {
    switch self {
    case .string(let text): text
    case .number(let digits): digits
    case .null, .boolean, .array, .object: nil
    }
  }

  /// A number, or a string of digits.
  var wholeNumber: Int? { scalarText.flatMap { Int($0) } }

  /// Compact and raw: receivers would see `\uXXXX` literally. What JSON can only write so, control characters that nothing
  /// shows, is left out.
  var rawBytes: [UInt8] {
    var out: [UInt8] = []
    writeRaw(to: &out)
    return out
  }

  private func writeRaw(to out: inout [UInt8]) {
    switch self {
    case .string(let text): JSON.writeRaw(text, to: &out)
    case .array(let values):
      out.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        value.writeRaw(to: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let members):
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        JSON.writeRaw(member.key, to: &out)
        out.append(UInt8(ascii: ":"))
        member.value.writeRaw(to: &out)
      }
      out.append(UInt8(ascii: "}"))
    case .null, .boolean, .number: write(to: &out)
    }
  }

  private static func writeRaw(_ text: String, to out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
      case 0x0A: out += Array("\\n".utf8)
      case 0x0D: out += Array("\\r".utf8)
      case 0x09: out += Array("\\t".utf8)
      case 0..<0x20: break
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
