import Digests
import FoundationEssentials

/// The one account of the web protocol: who it knows, who is logged in to it, and what came in.
struct WeChatWebAccount: Sendable {
  /// Not the host that a login starts with: clients must follow it.
  static let host = "wx2.qq.com"
  static let uin = "123456789"
  static let nick = "发送机器人🚀"

  struct Contact: Sendable {
    enum Kind: Sendable { case own, friend, group, publicAccount, stranger }

    var id: Int
    var kind: Kind
    var nick: String
    var remark = ""
    var alias = ""
    /// Ids, of a group.
    var members: [Int] = []
    /// Shown among the recent ones at the login.
    var isRecent = false
    /// Listed with the contacts; a group that was not saved is not.
    var isListed = true

    /// What a record, and `received`, call it.
    var name: String {
      kind == .group ? "group:\(nick)" : remark.isEmpty ? nick : remark
    }
  }

  /// What a login made, and what belongs to it.
  struct Login: Sendable {
    var serial = 0
    var sid = ""
    var skey = ""
    /// As it is meant; the login's answer has it percent-encoded.
    var passTicket = ""
    var dataTicket = ""
    var authTicket = ""
    /// What calls are answered once it is over.
    var ended: Int?
    /// How many news there were when it began.
    var first = 0
  }

  /// Something that a synchronisation brings.
  enum News: Sendable {
    case message(WireJSON)
    case contact(Int)
  }

  private(set) var contacts: [Contact] = [
    Contact(id: 0, kind: .own, nick: nick),
    Contact(id: 1, kind: .friend, nick: "张大力", remark: "老张", isRecent: true),
    Contact(id: 2, kind: .friend, nick: "李四😄"),
    Contact(id: 3, kind: .friend, nick: "重名", remark: "同事"),
    Contact(id: 4, kind: .friend, nick: "重名", alias: "ch2"),
    Contact(id: 5, kind: .publicAccount, nick: "某公众号"),
    Contact(id: 6, kind: .stranger, nick: "三叔", isListed: false),
    Contact(id: 7, kind: .group, nick: "家人群", members: [0, 1, 6], isRecent: true, isListed: false),
  ]
  private(set) var login = Login(ended: 1101)
  /// Earlier logins by their `wxsid`: what their calls are answered, and whether the phone may be asked for them again.
  private var former: [String: Int] = [:]
  private(set) var codes: [String: ScannableCode] = [:]
  /// The codes in order, and the ticket that each was confirmed with.
  private(set) var uuids: [String] = []
  private var tickets: [String: String] = [:]
  /// What the phone is to do with the next code.
  var refusesNext = false

  /// All that ever came, the oldest first. Its length is the number of the newest.
  private(set) var news: [News] = []
  private(set) var media: [String: Media] = [:]
  var uploads = WeChatUploads()
  var received = ReceivedByPhone()
  /// Whether what was sent comes back through a synchronisation. Reports: some does, some doesn't.
  var echoes = true

  struct Media: Sendable {
    var name: String
    var type: String
    var bytes: [UInt8]
    var kind: String
  }

  private var identifiers = SandboxIdentifiers()
  private var lastMessage = 7_000_000_000_000_000_000

  mutating func newIdentifier() -> String { identifiers.hexadecimal() }

  mutating func newMessage() -> String {
    lastMessage += 1
    return String(lastMessage)
  }

  var isOnline: Bool { login.ended == nil }
}

// MARK: - Logins

extension WeChatWebAccount {
  mutating func drawCode(at now: Date, isAutomatic: Bool, isPushed: Bool = false) -> String {
    let uuid = newIdentifier().suffix(10) + "=="
    var code = ScannableCode(at: now, isAutomatic: isAutomatic, isPushed: isPushed)
    if refusesNext {
      code.refuse(at: now)
      refusesNext = false
    }
    codes[String(uuid)] = code
    uuids.append(String(uuid))
    return String(uuid)
  }

  /// Lets the phone do something with the code that waits.
  mutating func withWaitingCode(at now: Date, _ act: (inout ScannableCode) -> Void) throws(PhoneTrouble) {
    guard let uuid = uuids.last, let code = codes[uuid], [.drawn, .scanned].contains(code.state(at: now)) else {
      throw .notNow("no code waits to be scanned or confirmed")
    }
    act(&codes[uuid, default: code])
  }

  mutating func tellScan(_ uuid: String) { codes[uuid]?.hasToldScan = true }

  /// Until when a poll for a code has nothing new to hear; nil when there is something to say.
  func loginPollWaits(_ uuid: String?, now: Date) -> Date? {
    guard let code = uuid.flatMap({ codes[$0] }) else { return nil }
    switch code.state(at: now) {
    case .scanned where code.hasToldScan, .drawn: return code.nextChange(after: now) ?? .distantFuture
    default: return nil
    }
  }

  /// The ticket of a confirmed code, good once.
  mutating func ticket(for uuid: String) -> String {
    let ticket = "A\(newIdentifier())@qrticket_0"
    tickets[uuid] = ticket
    return ticket
  }

  mutating func spend(_ ticket: String?, of uuid: String?) -> ScannableCode? {
    guard let uuid, let ticket, tickets[uuid] == ticket else { return nil }
    tickets[uuid] = nil
    return codes[uuid]
  }

  mutating func logIn() {
    endLogin(1101)
    let random = newIdentifier()
    // A plus, a slash and an equals sign, which is where encodings are got wrong.
    login = Login(
      serial: login.serial + 1, sid: "Sid\(random.suffix(8))+/0", skey: "@crypt_\(random.suffix(12))",
      passTicket: "Pass+\(random.suffix(10))/Ticket=", dataTicket: "gS\(random.suffix(12))",
      authTicket: "CIsB\(random.suffix(12))")
  }

  /// - hasLeft: it logged out itself, which cookies do not outlive.
  mutating func endLogin(_ code: Int, hasLeft: Bool = false) {
    if !login.sid.isEmpty { former[login.sid] = hasLeft ? nil : login.ended ?? code }
    login.ended = login.ended ?? code
    uploads = WeChatUploads()
  }

  mutating func start() { login.first = news.count }

  /// `Ret` for cookies that are no good.
  func problem(withCookies cookies: [String: String]) -> Int? {
    guard let sid = cookies["wxsid"], cookies["wxuin"] == Self.uin, cookies["webwx_auth_ticket"] != nil else {
      return 1102
    }
    if sid == login.sid {
      return login.ended ?? (cookies["webwx_data_ticket"] == login.dataTicket ? nil : 1102)
    }
    return former[sid] ?? 1102
  }

  /// Whether the phone is asked for another login with these cookies.
  func isKnown(_ cookies: [String: String]) -> Bool {
    guard let sid = cookies["wxsid"], cookies["wxuin"] == Self.uin else { return false }
    return former[sid] != nil || (sid == login.sid && login.ended == nil)
  }

  func isTicket(_ ticket: String, twice: Bool = false) -> Bool {
    ticket == login.passTicket || (twice && ticket == PercentEncoding.text(login.passTicket))
  }
}

// MARK: - Contacts

extension WeChatWebAccount {
  /// User names live for one login.
  func user(_ contact: Contact) -> String {
    let digest = Digest.sha256.of("\(login.skey)/\(contact.id)".utf8).hex
    switch contact.kind {
    case .group: return "@@\(digest)"
    case .publicAccount: return "@\(digest.prefix(32))"
    case .own, .friend, .stranger: return "@\(digest)"
    }
  }

  var own: Contact { contacts[0] }

  func contact(user: String) -> Contact? { contacts.first { self.user($0) == user } }

  func contact(id: Int) -> Contact? { contacts.first { $0.id == id } }

  /// Whom a test means: a remark or a nickname, the remark first.
  func contact(named name: String, _ kinds: Set<Contact.Kind>) -> Contact? {
    let known = contacts.filter { kinds.contains($0.kind) }
    return known.first { $0.remark == name } ?? known.first { $0.nick == name }
  }

  /// What a record calls a recipient; what was on the wire where nobody is known by it.
  func name(ofUser user: String) -> String {
    user == "filehelper" ? user : contact(user: user)?.name ?? user
  }

  mutating func befriend(_ contact: Contact) {
    var contact = contact
    contact.id = contacts.count
    contacts.append(contact)
    news.append(.contact(contact.id))
  }

  func description(_ contact: Contact) -> WireJSON {
    let members = contact.members.compactMap { id in
      self.contact(id: id).map { member -> WireJSON in
        [
          "Uin": 0, "UserName": .string(user(member)), "NickName": .string(WeChatText.encoded(member.nick)),
          "DisplayName": "", "AttrStatus": 0, "MemberStatus": 0,
        ]
      }
    }
    return Self.description(
      user: user(contact), nick: WeChatText.encoded(contact.nick), remark: WeChatText.encoded(contact.remark),
      alias: contact.alias, isPublic: contact.kind == .publicAccount, members: members)
  }

  static let fileHelper = description(user: "filehelper", nick: "文件传输助手")

  private static func description(
    user: String, nick: String, remark: String = "", alias: String = "", isPublic: Bool = false,
    members: [WireJSON] = []
  ) -> WireJSON {
    [
      "Uin": 0, "UserName": .string(user), "NickName": .string(nick), "HeadImgUrl": "", "ContactFlag": 3,
      "MemberCount": .int(members.count), "MemberList": .array(members), "RemarkName": .string(remark), "Sex": 0,
      "Signature": "", "VerifyFlag": isPublic ? 24 : 0, "OwnerUin": 0, "StarFriend": 0, "AttrStatus": 0,
      "Province": "", "City": "", "Alias": .string(alias), "SnsFlag": 0, "UniFriend": 0, "DisplayName": "",
      "ChatRoomId": 0, "KeyWord": "", "EncryChatRoomId": .string(members.isEmpty ? "" : "@room"), "IsOwner": 0,
    ]
  }
}

// MARK: - News

extension WeChatWebAccount {
  mutating func tell(_ message: WireJSON, with media: Media? = nil) {
    news.append(.message(message))
    if let media, let id = message["MsgId"]?.string { self.media[id] = media }
  }
}
