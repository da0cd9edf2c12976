import CCurl
import Core
import Glibc

/// An easy handle and what its callbacks write to, for one errand after the other. Lives on the transport's thread.
final class Transfer {
  private(set) var easy: UnsafeMutableRawPointer
  /// It had an answer; see `renew`.
  private var isUsed = false
  private let policy: CurlTransport.Policy
  private let errorText: UnsafeMutablePointer<CChar>
  private var errand: Errand?
  private var answer: AnswerReader
  /// How often libcurl was about to send the request. See `mayStartRequest`.
  private var starts = 0
  /// The last URL that was found fit to send.
  private var url: String?
  /// What `headerList` was made from.
  private var headers: (list: [HTTPHeader], isForm: Bool)?
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private let openAttachment: AttachmentOpener
  private var form: FormBody?

  /// Nil when there is no memory for it.
  init?(_ policy: CurlTransport.Policy) {
    guard let easy = msgspool_curl_easy_init() else { return nil }
    self.easy = easy
    self.policy = policy
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    answer = AnswerReader(maxBody: policy.maxResponseBytes)
    openAttachment = policy.openAttachment
    applyConstants()
    connectCallbacks()
  }

  /// A new handle. libcurl 7.88 (Debian 12) remembers the last header of a handle's answer when it has freed it, and a
  /// folded line where the next answer's first header should be is written there: a far end could reach into our memory.
  /// A handle that never had an answer remembers none. Connections are the multi handle's, and stay.
  private func renew() -> Bool {
    guard let fresh = msgspool_curl_easy_init() else { return false }
    msgspool_curl_easy_cleanup(easy)
    easy = fresh
    isUsed = false
    applyConstants()
    connectCallbacks()
    if let headerList { curl_set_list(easy, CURLOPT_HTTPHEADER, headerList) }
    return true
  }

  deinit {
    releaseForm()
    msgspool_curl_easy_cleanup(easy)
    msgspool_curl_slist_free_all(headerList)
    errorText.deallocate()
  }

  // MARK: An errand's life

  /// - Returns: why it cannot be sent.
  func prepare(_ errand: Errand) -> TransportFailure? {
    if isUsed, !renew() { return .outOfMemory }
    let failure =
      switch errand.exchange {
      case .http(let request): prepare(request)
      case .mail, .program: TransportFailure.invalid("this transport speaks HTTP only")
      }
    if let failure {
      releaseForm()
      return failure
    }
    curl_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds(errand.timeout))
    self.errand = errand
    starts = 0
    errorText[0] = 0
    answer.restart()
    return nil
  }

  func finish(_ result: CURLcode) -> (Reply, @Sendable (Reply) -> Void) {
    let ending = Ending(result: result, wasStarted: starts > 0, answer: answer.progress)
    if ending.isAnswered { return (.http(answer.response()), conclude()) }
    let failure = form?.failure ?? ending.failure(peer: peer, detail: detail(of: result))
    return (ending.wasStarted ? .lost(failure) : .notSent(failure), conclude())
  }

  func giveUp(_ failure: TransportFailure) -> (Reply, @Sendable (Reply) -> Void) {
    (starts > 0 ? .lost(failure) : .notSent(failure), conclude())
  }

  private func conclude() -> @Sendable (Reply) -> Void {
    let deliver = errand?.deliver
    if case .http(let request) = errand?.exchange, request.body.count > 65_536 {
      // A handle at rest must not hold on to a large attachment.
      curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, nil)
    }
    isUsed = true
    releaseForm()
    errand = nil
    return deliver ?? { _ in }
  }

  /// Closes its files, too. libcurl's pointer to it goes first.
  private func releaseForm() {
    guard form != nil else { return }
    curl_set_mime(easy, nil)
    form = nil
  }

  private var peer: String {
    switch errand?.exchange {
    case .http(let request): HTTPRules.peer(of: request.url)
    case .mail, .program, nil: ""
    }
  }

  /// The system's or libcurl's own words.
  private func detail(of result: CURLcode) -> String {
    let error = Int32(truncatingIfNeeded: curl_get_long(easy, CURLINFO_OS_ERRNO))
    if result == CURLE_COULDNT_CONNECT, error != 0 { return String(cString: strerror(error)) }
    let text = String(cString: errorText)
    return text.isEmpty ? String(cString: msgspool_curl_easy_strerror(result)) : text
  }

  // MARK: Options

  private func prepare(_ request: HTTPRequest) -> TransportFailure? {
    if url.map({ $0.hasSameBytes(as: request.url) }) != true {
      if let problem = HTTPRules.problem(withURL: request.url) { return .invalid(problem) }
      url = request.url
    }
    let isForm = !request.parts.isEmpty
    if headers.map({ $0.isForm == isForm && HTTPRules.areIdentical($0.list, request.headers) }) != true {
      if let problem = HTTPRules.problem(withHeaders: request.headers, isForm: isForm) { return .invalid(problem) }
      guard replaceHeaderList(request.headers, isForm: isForm) else { return .outOfMemory }
    }
    if isForm { return prepareForm(request) }
    let hasBody = !request.body.isEmpty
    let isPlainGet = !hasBody && (request.method == .get || request.method == .delete)
    let named = request.method == (isPlainGet ? .get : .post) ? nil : request.method.rawValue
    return setAll([
      curl_set_string(easy, CURLOPT_URL, request.url),
      isPlainGet ? curl_set_long(easy, CURLOPT_HTTPGET, 1) : setBody(request.body),
      curl_set_string(easy, CURLOPT_CUSTOMREQUEST, named),
    ])
  }

  private func prepareForm(_ request: HTTPRequest) -> TransportFailure? {
    if !request.body.isEmpty { return .invalid("it has a body and parts") }
    do throws(TransportFailure) {
      let form = try FormBody(request.parts, for: easy, openAttachment)
      self.form = form
      return setAll([
        curl_set_string(easy, CURLOPT_URL, request.url), curl_set_mime(easy, form.mime),
        curl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method == .post ? nil : request.method.rawValue),
      ])
    } catch {
      return error
    }
  }

  /// libcurl copies it: a memcpy costs less than keeping an array's storage pinned across the event loop.
  private func setBody(_ body: [UInt8]) -> CURLcode {
    // The size first: libcurl takes it from there when it copies, and would look for a NUL otherwise.
    let status = curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
    if status != CURLE_OK { return status }
    if body.isEmpty { return curl_set_string(easy, CURLOPT_COPYPOSTFIELDS, "") }
    return body.withUnsafeBytes { curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) }
  }

  private func replaceHeaderList(_ headers: [HTTPHeader], isForm: Bool) -> Bool {
    var list: UnsafeMutablePointer<curl_slist>?
    for line in HTTPRules.lines(for: headers, isForm: isForm) {
      guard let longer = msgspool_curl_slist_append(list, line) else {
        msgspool_curl_slist_free_all(list)
        return false
      }
      list = longer
    }
    curl_set_list(easy, CURLOPT_HTTPHEADER, list)
    msgspool_curl_slist_free_all(headerList)
    headerList = list
    self.headers = (headers, isForm)
    return true
  }

  private func setAll(_ results: [CURLcode]) -> TransportFailure? {
    guard let problem = results.first(where: { $0 != CURLE_OK }) else { return nil }
    return .invalid("libcurl refuses the request: \(String(cString: msgspool_curl_easy_strerror(problem)))")
  }

  private func applyConstants() {
    let numbers: [(CURLoption, Int)] = [
      (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)), (CURLOPT_NOSIGNAL, 1), (CURLOPT_NOPROGRESS, 1),
      (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_PATH_AS_IS, 1), (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1),
      (CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2),
      (CURLOPT_TCP_NODELAY, 1), (CURLOPT_TCP_KEEPALIVE, 1),
      (CURLOPT_CONNECTTIMEOUT_MS, milliseconds(policy.connectTimeout)),
      // A connection that has been idle for long is likely to have been closed, with the news still under way.
      (CURLOPT_MAXAGE_CONN, 15),
      // Otherwise a transfer that times out while its name is resolved waits for the resolver, and with it every
      // other transfer. With it libcurl detaches the resolver's thread, which frees what it holds.
      (CURLOPT_QUICK_EXIT, 1),
    ]
    for (option, value) in numbers { curl_set_long(easy, option, value) }
    curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    curl_set_string(easy, CURLOPT_USERAGENT, "msgspool")
    if let caFile = policy.caFile {
      curl_set_string(easy, CURLOPT_CAINFO, caFile)
      curl_set_string(easy, CURLOPT_CAPATH, nil)
    }
    if !policy.usesEnvironmentProxy { curl_set_string(easy, CURLOPT_PROXY, "") }
    curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
  }

  // MARK: Callbacks

  private func connectCallbacks() {
    let me = Unmanaged.passUnretained(self).toOpaque()
    curl_set_pointer(easy, CURLOPT_HEADERDATA, me)
    curl_set_pointer(easy, CURLOPT_WRITEDATA, me)
    curl_set_pointer(easy, CURLOPT_PREREQDATA, me)
    curl_set_writer(easy, CURLOPT_HEADERFUNCTION) { bytes, _, count, me in
      guard let transfer = Transfer.of(me) else { return 0 }
      return transfer.answer.takeHeader(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
    }
    curl_set_writer(easy, CURLOPT_WRITEFUNCTION) { bytes, _, count, me in
      guard let transfer = Transfer.of(me) else { return 0 }
      return transfer.answer.takeBody(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
    }
    curl_set_prerequest(easy) { me, _, _, _, _ in
      Transfer.of(me)?.mayStartRequest() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }
    // Programs that are run meanwhile must not inherit connections.
    curl_set_opener(easy) { _, _, address in
      guard let address = address?.pointee else { return CURL_SOCKET_BAD }
      return socket(address.family, address.socktype | Int32(SOCK_CLOEXEC.rawValue), address.`protocol`)
    }
  }

  /// libcurl asks this each time right before a request's first byte. It asks twice when a kept-alive connection dies
  /// before any byte of an answer: then libcurl would silently send the request again over a new one, whatever its
  /// method. The first request may have been carried out, so nothing is sent a second time.
  private func mayStartRequest() -> Bool {
    starts += 1
    return starts == 1
  }

  /// Unretained: libcurl calls back only from within `curl_multi_perform`, while the loop holds every active transfer.
  private static func of(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
    pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }
}
