import Core
import FoundationEssentials
import Signing

// The calls that send, and the pieces of a file before them. Section numbers are those of providers/wechat-web.md: it is
// sections 3 and 5.

extension WeChatWeb {
  /// An attachment as it is uploaded.
  struct Upload {
    static let pieceBytes = 524_288

    let name: String
    let type: String
    let bytes: [UInt8]
    let kind: WeChat.Kind

    init(_ attachment: Content.Attachment, _ bytes: [UInt8], _ kind: WeChat.Kind) {
      (name, type, self.bytes, self.kind) = (attachment.name, attachment.type, bytes, kind)
    }

    var pieces: Int { max(1, (bytes.count + Self.pieceBytes - 1) / Self.pieceBytes) }

    func piece(_ number: Int) -> ArraySlice<UInt8> { bytes.dropFirst(number * Self.pieceBytes).prefix(Self.pieceBytes) }

    /// Emoticons are uploaded like files.
    var mediaType: String {
      switch kind {
      case .image: "pic"
      case .video: "video"
      case .gif, .file: "doc"
      }
    }

    /// As a header's parameter can hold it; people see the title of the message.
    var encodedName: String {
      name.unicodeScalars.map { scalar in
        let isPlain = 0x20..<0x7F ~= scalar.value && !["\"", "\\", "%"].contains(scalar)
        return isPlain ? String(scalar) : PercentEncoding.encode(String(scalar))
      }.joined()
    }

    var ending: String {
      let pieces = name.pieces(at: ".")
      return pieces.count > 1 ? pieces[pieces.count - 1] : ""
    }
  }

  // MARK: Messages

  private func members(_ about: [JSON.Member], to user: String, _ login: WeChatWebLogin, _ number: Int) -> [JSON.Member]
  {
    let id = JSON.integer(number)
    let message =
      about + [
        .init("FromUserName", .string(login.user)), .init("ToUserName", .string(user)), .init("LocalID", id),
        .init("ClientMsgId", id),
      ]
    return [.init("Msg", .object(message)), .init("Scene", .integer(0))]
  }

  func text(_ text: String, to user: String, _ login: WeChatWebLogin, _ number: Int) -> HTTPRequest {
    let about: [JSON.Member] = [.init("Type", .integer(1)), .init("Content", .string(text))]
    return post(
      "webwxsendmsg?pass_ticket=\(login.ticket)", members(about, to: user, login, number), login)
  }

  /// - Parameter media: the id that the upload ended with.
  func message(
    _ file: Upload, _ media: String, to user: String, _ login: WeChatWebLogin, _ number: Int
  ) -> HTTPRequest {
    let id = JSON.Member("MediaId", .string(media))
    let (call, about): (String, [JSON.Member]) =
      switch file.kind {
      case .image: ("webwxsendmsgimg?fun=async&f=json", [.init("Type", .integer(3)), id])
      case .gif:
        ("webwxsendemoticon?fun=sys", [.init("Type", .integer(47)), .init("EmojiFlag", .integer(2)), id])
      case .video: ("webwxsendvideomsg?fun=async&f=json", [.init("Type", .integer(43)), id])
      case .file:
        (
          "webwxsendappmsg?fun=async&f=json",
          [.init("Type", .integer(6)), .init("Content", .string(appMessage(file, media)))]
        )
      }
    return post("\(call)&pass_ticket=\(login.ticket)", members(about, to: user, login, number), login)
  }

  private func appMessage(_ file: Upload, _ media: String) -> String {
    "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>\(WeChatMarkup.escaped(file.name))</title><des></des>"
      + "<action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach>"
      + "<totallen>\(file.bytes.count)</totallen><attachid>\(WeChatMarkup.escaped(media))</attachid>"
      + "<fileext>\(WeChatMarkup.escaped(file.ending))</fileext></appattach><extinfo></extinfo></appmsg>"
  }

  // MARK: Pieces

  /// - Parameters:
  ///   - digest: MD5 of the whole file, in hexadecimal.
  ///   - number: of the call; the service puts pieces of one number together.
  func piece(
    _ place: Int, of file: Upload, _ digest: String, _ login: WeChatWebLogin, _ number: Int, at now: Date
  ) -> HTTPRequest {
    let total = file.bytes.count
    let request = JSON.object([
      .init("UploadType", .integer(2)), login.baseRequest, .init("ClientMediaId", .integer(number)),
      .init("TotalLen", .integer(total)), .init("StartPos", .integer(0)), .init("DataLen", .integer(total)),
      .init("MediaType", .integer(4)), .init("FromUserName", .string(login.user)),
      // Whoever gets it in the end: so does the client whose requests are known to work.
      .init("ToUserName", .string(Self.fileHelper)), .init("FileMd5", .string(digest)),
    ])
    func part(_ name: String, _ text: String) -> FormPart { FormPart(name, .bytes(Array(text.utf8))) }
    var parts = [
      part("id", "WU_FILE_0"), part("name", file.encodedName), part("type", file.type),
      part("lastModifiedDate", Self.browserDate(now)), part("size", String(total)),
    ]
    if file.pieces > 1 { parts += [part("chunks", String(file.pieces)), part("chunk", String(place))] }
    parts += [
      part("mediatype", file.mediaType), FormPart("uploadmediarequest", .bytes(request.rawBytes)),
      part("webwx_data_ticket", login.cookie("webwx_data_ticket") ?? ""), part("pass_ticket", login.ticket),
      FormPart(
        "filename", fileName: file.encodedName, type: "application/octet-stream", .bytes(Array(file.piece(place)))),
    ]
    let address = origins.address(login.fileHost, "/cgi-bin/mmwebwx-bin/webwxuploadmedia?f=json")
    return HTTPRequest(
      .post, address.url, headers: [Self.userAgent, login.cookieHeader] + address.headers, parts: parts)
  }

  /// `Tue Nov 14 2023 22:13:20 GMT+0800 (CST)`: how a browser in China writes a date. China has no summer time.
  static func browserDate(_ date: Date) -> String {
    let offset = 8 * 3_600
    let time = CivilTime(date, offset: offset)
    let days = Int(((date.timeIntervalSince1970 + Double(offset)) / 86_400).rounded(.down))
    // 1970-01-01 was a Thursday.
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][((days % 7) + 7) % 7]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
    return "\(weekday) \(months[time.month - 1]) \(padded(time.day)) \(time.year) "
      + "\(padded(time.hour)):\(padded(time.minute)):\(padded(time.second)) GMT+0800 (CST)"
  }
}
