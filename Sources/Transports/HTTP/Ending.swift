import CCurl
import Core

/// How a transfer ended, as evidence for the verdict.
struct Ending {
  var result: CURLcode
  /// Whether bytes of the request may have gone out.
  var wasStarted: Bool
  var answer: AnswerReader.Progress

  /// libcurl also calls it a success when the connection ends in the middle of a head: nobody else checks that.
  var isAnswered: Bool { wasStarted && result == CURLE_OK && answer == .wholeHead }

  /// Why there is no answer.
  /// - Parameters:
  ///   - peer: host and port.
  ///   - detail: the system's or libcurl's words; shown only for what happens before sending, where they can tell no
  ///     secret.
  func failure(peer: String, detail: String) -> TransportFailure {
    // Part of the detail may come from the other side (a certificate's names): one line, and not a long one.
    let clean = detail.unicodeScalars.prefix(200).map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }
    let because = clean.isEmpty ? "" : ": " + clean.joined()
    return wasStarted ? failureAfterSending(peer) : failureBeforeSending(peer, because)
  }

  private func failureBeforeSending(_ peer: String, _ because: String) -> TransportFailure {
    switch result {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
      failure("resolve", "The name in \(peer) could not be resolved")
    case CURLE_COULDNT_CONNECT:
      failure("refused", "There is no connection to \(peer)\(because)")
    case CURLE_OPERATION_TIMEDOUT:
      failure("timeout", "Connecting to \(peer) took too long")
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS,
      CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      failure("tls", "TLS with \(peer) was not agreed\(because)")
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
      failure("invalid", "The URL is not one that libcurl takes")
    case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING:
      failure("reset", "The connection to \(peer) broke before anything was sent\(because)")
    default:
      failure("failed", "Nothing could be sent to \(peer)\(because)")
    }
  }

  private func failureAfterSending(_ peer: String) -> TransportFailure {
    switch (answer, result) {
    case (.tooLarge, _):
      failure("too-large", "The answer of \(peer) is larger than the limit")
    case (_, CURLE_OPERATION_TIMEDOUT):
      failure("timeout", "The request was sent to \(peer), and no complete answer came in time")
    // The bad argument is a header that libcurl cannot make sense of.
    case (_, CURLE_WEIRD_SERVER_REPLY), (_, CURLE_UNSUPPORTED_PROTOCOL), (_, CURLE_BAD_FUNCTION_ARGUMENT):
      failure("malformed", "The answer of \(peer) is not HTTP")
    case (.nothing, _):
      failure("reset", "The connection to \(peer) broke after the request was sent, before any answer")
    case (.partOfHead, _), (.wholeHead, _):
      failure("truncated", "The connection to \(peer) broke in the middle of the answer")
    }
  }

  private func failure(_ code: String, _ message: String) -> TransportFailure {
    TransportFailure(code: code, message: message + ".")
  }
}

extension TransportFailure {
  static let outOfMemory = TransportFailure(code: "failed", message: "There is no memory for another exchange.")

  /// - Parameter isWhole: false when the problem showed while the request was being sent.
  static func invalid(_ problem: String, isWhole: Bool = true) -> TransportFailure {
    TransportFailure(
      code: "invalid", message: "The request was \(isWhole ? "not sent" : "broken off"): \(problem).")
  }
}
