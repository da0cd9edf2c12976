import CCurl
import Core
import Glibc

/// Hands mails to servers through libcurl, one after the other on one thread, over kept connections.
///
/// Not in the event loop of `CurlTransport`: after the final dot libcurl 7.88 waits for the answer without giving the
/// loop back (`smtp_done`), and a mail server may take minutes for that.
final class MailTransfer: Performer {
  private let easy: UnsafeMutableRawPointer?
  private let errorText: UnsafeMutablePointer<CChar>
  private let policy: CurlTransport.Policy
  private let queue: WorkQueue
  private var message: MailMessage?
  private var dialogue = MailDialogue(recipients: 0, size: 0)
  /// What libcurl names to the server, one after the other.
  private var list = RecipientList()
  /// Of servers to which a connection may have been kept: what they offered when it was made.
  private var offers: [String: Int] = [:]
  /// The mail is for servers with SMTPUTF8 alone; how the connection is secured.
  private var needsUTF8: MailRequest.Security?
  /// And this server has it not.
  private var lacksUTF8 = false
  /// When QUIT was said: libcurl waits for its answer with no regard to the exchange's time.
  private var quitAt: Double?

  init(_ policy: CurlTransport.Policy, _ queue: WorkQueue) {
    self.policy = policy
    self.queue = queue
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    easy = CurlLoop.obstacle == nil ? msgspool_curl_easy_init() : nil
    if let easy {
      applyConstants(easy)
      connectCallbacks(easy)
    }
  }

  deinit {
    if let easy { msgspool_curl_easy_cleanup(easy) }
    errorText.deallocate()
  }

  func perform(_ exchange: Exchange, within seconds: Double) -> Reply {
    guard case .mail(let request) = exchange else { return .notSent(.invalid("this transport sends mail only")) }
    if queue.isAbandoned { return .notSent(.abandoned) }
    guard let easy else { return .notSent(CurlLoop.obstacle ?? .outOfMemory) }
    do throws(TransportFailure) {
      if let problem = MailRules.problem(with: request) { throw .invalid(problem) }
      let message = try MailMessage(request, policy.openAttachment)
      self.message = message
      defer { self.message = nil }
      return try send(request, message, through: easy, within: seconds)
    } catch {
      return .notSent(error)
    }
  }

  private func send(
    _ request: MailRequest, _ message: MailMessage, through easy: UnsafeMutableRawPointer, within seconds: Double
  ) throws(TransportFailure) -> Reply {
    defer {
      curl_set_list(easy, CURLOPT_MAIL_RCPT, nil)
      list = RecipientList()
    }
    needsUTF8 = request.needsUTF8 ? request.security : nil
    // libcurl asks for SMTPUTF8 where an address of the envelope needs it, and cannot be told that a header does. It looks
    // through the whole list when it says MAIL: an entry more is cut off then, before anybody is named.
    list = try RecipientList(request.recipients + (request.needsUTF8 ? ["é"] : []))
    let results = [
      curl_set_string(easy, CURLOPT_URL, LocalName.url(request.url, greeting: LocalName.greeting)),
      curl_set_string(easy, CURLOPT_MAIL_FROM, request.sender),
      curl_set_list(easy, CURLOPT_MAIL_RCPT, list.first), curl_set_string(easy, CURLOPT_USERNAME, request.username),
      curl_set_string(easy, CURLOPT_PASSWORD, request.password),
      curl_set_long(easy, CURLOPT_USE_SSL, request.security.level),
      curl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(message.size)),
    ]
    if let problem = results.first(where: { $0 != CURLE_OK }) {
      throw .invalid("libcurl refuses the request: \(String(cString: msgspool_curl_easy_strerror(problem)))")
    }
    let deadline = monotonicSeconds() + seconds
    var result = run(request, easy, message, fresh: false, until: deadline)
    // A kept connection that the server had closed, which shows with the first command: nothing was asked of it.
    if dialogue.isWithoutRecipients, curl_get_long(easy, CURLINFO_NUM_CONNECTS) == 0,
      dialogue.refusal.map({ $0.code == 421 }) ?? true,
      [CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_WEIRD_SERVER_REPLY].contains(result)
    {
      result = run(request, easy, message, fresh: true, until: deadline)
    }
    if dialogue.isNewConnection { offers[request.url] = dialogue.offered }
    return reply(result, request)
  }

  private func run(
    _ request: MailRequest, _ easy: UnsafeMutableRawPointer, _ message: MailMessage, fresh: Bool, until deadline: Double
  ) -> CURLcode {
    message.rewind()
    errorText[0] = 0
    quitAt = nil
    lacksUTF8 = false
    dialogue = MailDialogue(recipients: request.recipients.count, size: message.size)
    // What a server has, it says when a connection begins.
    let fresh = fresh || request.needsUTF8
    if !fresh, let offer = offers[request.url] { name(atMost: offer) }
    curl_set_long(easy, CURLOPT_FRESH_CONNECT, fresh ? 1 : 0)
    curl_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds(deadline - monotonicSeconds()))
    return msgspool_curl_easy_perform(easy)
  }

  /// libcurl looks at the next recipient when it has the answer to the one before: the list may be cut until then.
  private func name(atMost limit: Int) {
    dialogue.name(atMost: limit)
    list.cut(to: limit)
  }

  // MARK: What became of it

  private func reply(_ result: CURLcode, _ request: MailRequest) -> Reply {
    let recipients = dialogue.recipients
    if lacksUTF8 { return .mail(MailResponse(recipients: recipients, final: nil, wasSent: false, lacksUTF8: true)) }
    func said(_ final: MailResponse.Line?, wasSent: Bool) -> Reply {
      let capacity = dialogue.named < recipients.count ? dialogue.named : nil
      return .mail(MailResponse(recipients: recipients, final: final, wasSent: wasSent, capacity: capacity))
    }
    if let final = dialogue.final { return said(final, wasSent: true) }
    if let failure = message?.failure { return .notSent(failure) }
    if dialogue.mayHaveEnded {
      // Those who were refused are out of doubt.
      if recipients.contains(where: { $0.map { $0.code >= 300 } ?? true }) {
        return said(nil, wasSent: true)
      }
      return .lost(lost(result, HTTPRules.peer(of: request.url)))
    }
    if dialogue.refusal != nil || recipients.contains(where: { $0 != nil }) {
      return said(dialogue.refusal, wasSent: false)
    }
    return .notSent(notSent(result, HTTPRules.peer(of: request.url)))
  }

  private func lost(_ result: CURLcode, _ peer: String) -> TransportFailure {
    switch result {
    case CURLE_ABORTED_BY_CALLBACK: .abandoned
    case CURLE_OPERATION_TIMEDOUT:
      TransportFailure(code: "timeout", message: "The mail was handed to \(peer), and no answer to it came in time.")
    default:
      TransportFailure(
        code: "reset",
        message: "The connection to \(peer) broke after the mail was handed over, before the answer to it.")
    }
  }

  private func notSent(_ result: CURLcode, _ peer: String) -> TransportFailure {
    switch result {
    case CURLE_ABORTED_BY_CALLBACK: .abandoned
    case CURLE_USE_SSL_FAILED:
      TransportFailure(code: "tls", message: "\(peer) offers no STARTTLS, and the channel requires TLS.")
    case CURLE_LOGIN_DENIED:
      TransportFailure(code: "failed", message: "\(peer) offers no way to log in that is known here.")
    case CURLE_WEIRD_SERVER_REPLY:
      TransportFailure(code: "malformed", message: "The answer of \(peer) is not SMTP.")
    default:
      Ending(result: result, wasStarted: false, answer: .nothing).failure(peer: peer, detail: detail(of: result))
    }
  }

  private func detail(of result: CURLcode) -> String {
    guard let easy else { return "" }
    let error = Int32(truncatingIfNeeded: curl_get_long(easy, CURLINFO_OS_ERRNO))
    if result == CURLE_COULDNT_CONNECT, error != 0 { return String(cString: strerror(error)) }
    let text = String(cString: errorText)
    return text.isEmpty ? String(cString: msgspool_curl_easy_strerror(result)) : text
  }

  // MARK: Options

  private func applyConstants(_ easy: UnsafeMutableRawPointer) {
    let numbers: [(CURLoption, Int)] = [
      (CURLOPT_NOSIGNAL, 1), (CURLOPT_UPLOAD, 1), (CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2),
      (CURLOPT_TCP_NODELAY, 1), (CURLOPT_TCP_KEEPALIVE, 1), (CURLOPT_QUICK_EXIT, 1),
      (CURLOPT_CONNECTTIMEOUT_MS, milliseconds(policy.connectTimeout)), (CURLOPT_MAXAGE_CONN, 15),
      // The whole exchange has a limit of its own; RFC 5321, section 4.5.3.2, grants single answers up to ten minutes.
      (CURLOPT_SERVER_RESPONSE_TIMEOUT, 3600),
      // Commands and answers are told to the debug function only; and progress, which a shutdown breaks off.
      (CURLOPT_VERBOSE, 1), (CURLOPT_NOPROGRESS, 0),
    ]
    for (option, value) in numbers { curl_set_long(easy, option, value) }
    curl_set_allow_refused_recipients(easy, 1)
    curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps")
    // By default libcurl prefers what a server may offer and a mere password cannot do (GSSAPI, NTLM).
    curl_set_string(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5")
    if let caFile = policy.caFile {
      curl_set_string(easy, CURLOPT_CAINFO, caFile)
      curl_set_string(easy, CURLOPT_CAPATH, nil)
    }
    if !policy.usesEnvironmentProxy { curl_set_string(easy, CURLOPT_PROXY, "") }
    curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
  }

  /// Unretained pointers: libcurl calls back only from within `curl_easy_perform`, whose caller holds `self`.
  private func connectCallbacks(_ easy: UnsafeMutableRawPointer) {
    let me = Unmanaged.passUnretained(self).toOpaque()
    for data in [CURLOPT_READDATA, CURLOPT_DEBUGDATA, CURLOPT_XFERINFODATA, CURLOPT_WRITEDATA] {
      curl_set_pointer(easy, data, me)
    }
    curl_set_reader(easy) { buffer, size, count, me in
      let room = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
      return MailTransfer.of(me)?.message?.read(into: room) ?? Int(CURL_READFUNC_ABORT)
    }
    curl_set_debug(easy) { _, kind, bytes, count, me in
      MailTransfer.of(me)?.note(kind, UnsafeRawBufferPointer(start: bytes, count: count))
      return 0
    }
    curl_set_progress(easy) { me, _, _, _, _ in
      MailTransfer.of(me)?.isToEnd == true ? 1 : 0
    }
    // There is no body in this direction; without this one libcurl would print it.
    curl_set_writer(easy, CURLOPT_WRITEFUNCTION) { _, size, count, _ in size * count }
    curl_set_opener(easy) { _, _, address in
      guard let address = address?.pointee else { return CURL_SOCKET_BAD }
      return socket(address.family, address.socktype | Int32(SOCK_CLOEXEC.rawValue), address.`protocol`)
    }
  }

  /// Asked by libcurl at least once a second.
  private var isToEnd: Bool {
    queue.isAbandoned || lacksUTF8 || quitAt.map { monotonicSeconds() - $0 > 3 } ?? false
  }

  private func note(_ kind: curl_infotype, _ bytes: UnsafeRawBufferPointer) {
    switch kind {
    case CURLINFO_HEADER_OUT:
      if bytes.starts(with: "QUIT\r\n".utf8) { quitAt = monotonicSeconds() }
      dialogue.sent(bytes)
      if dialogue.mayNameFewer { name(atMost: min(dialogue.offered ?? .max, dialogue.recipients.count)) }
    case CURLINFO_HEADER_IN:
      dialogue.received(bytes)
      // Known before MAIL, and libcurl asks whether to go on before it says that.
      lacksUTF8 = needsUTF8.map(dialogue.lacksUTF8) ?? false
    case CURLINFO_DATA_OUT: dialogue.sentMessage(bytes.count)
    default: break
    }
  }

  private static func of(_ pointer: UnsafeMutableRawPointer?) -> MailTransfer? {
    pointer.map { Unmanaged<MailTransfer>.fromOpaque($0).takeUnretainedValue() }
  }
}

/// The recipients as libcurl takes them: it keeps the list's first entry, and no copy.
private final class RecipientList {
  private(set) var first: UnsafeMutablePointer<curl_slist>?
  private var rest: UnsafeMutablePointer<curl_slist>?

  init() {}

  init(_ recipients: [String]) throws(TransportFailure) {
    for recipient in recipients {
      guard let longer = msgspool_curl_slist_append(first, recipient) else { throw .outOfMemory }
      first = longer
    }
  }

  deinit {
    msgspool_curl_slist_free_all(first)
    msgspool_curl_slist_free_all(rest)
  }

  /// At least one stays. What was cut off before stays so.
  func cut(to count: Int) {
    var last = first
    for _ in 1..<max(1, count) { last = last?.pointee.next }
    guard let behind = last?.pointee.next else { return }
    last?.pointee.next = nil
    // Behind what was cut before: nothing is lost, and all of it is freed.
    var end = behind
    while let next = end.pointee.next { end = next }
    end.pointee.next = rest
    rest = behind
  }
}

extension MailRequest.Security {
  fileprivate var level: Int {
    switch self {
    case .required: Int(CURLUSESSL_ALL.rawValue)
    case .opportunistic: Int(CURLUSESSL_TRY.rawValue)
    case .none: Int(CURLUSESSL_NONE.rawValue)
    }
  }
}
