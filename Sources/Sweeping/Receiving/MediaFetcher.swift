import Core
import FoundationEssentials
import Spooling

/// Fetches what came with messages. What can't be had is named in the message, and keeps nobody waiting.
struct MediaFetcher {
  /// Tries for a file.
  private static let mostTries = 3
  /// Seconds for one of them.
  private static let patience = 60.0

  let provider: any ReceivingProvider
  /// Bytes of a file.
  let limit: Int
  let environment: SweepEnvironment
  let line: ReceiverLine
  let folder: InboxFolder

  /// Fetches all that came with a message, into inbox/tmp.
  /// - Returns: nil when stopped.
  func fetch(
    _ message: Incoming, _ session: Session, _ stem: String
  ) throws(ReceiverTrouble) -> [InboxMessage.Attached]? {
    var attached: [InboxMessage.Attached] = []
    var names: Set<String> = []
    for media in message.media {
      let result: Result<[UInt8], MediaFault>
      if let size = media.size, size > limit {
        result = .failure(tooLarge)
      } else {
        guard let fetched = fetch(media, session) else { return nil }
        result = fetched
      }
      let bytes = (try? result.get()) ?? []
      let (otherwise, type) = InboxMessage.defaults(media, message.kind, bytes)
      let name = SafeName.made(of: media.name, otherwise: otherwise, taken: names)
      names.insert(name)
      switch result {
      case .failure(let fault): attached.append(.missing(name: name, error: fault.problem))
      case .success(let bytes):
        do throws(SystemFault) {
          try folder.write(bytes, file: name, of: stem)
        } catch {
          throw ReceiverTrouble(error)
        }
        let path = "\(InboxFolder.filesPath)/\(stem)/\(name)"
        attached.append(.file(ReplyWork.File(name: name, type: type, path: path), bytes: bytes.count))
      }
    }
    return attached
  }

  private var tooLarge: MediaFault {
    MediaFault("is larger than the \(limit) bytes of max_media_bytes", isPassing: false)
  }

  private func fetch(_ media: Incoming.Media, _ session: Session) -> Result<[UInt8], MediaFault>? {
    var fault = MediaFault("was not fetched", isPassing: true)
    for _ in 0..<Self.mostTries {
      let request = provider.request(for: media, session, at: environment.now(), nonce: environment.nonce())
      guard let reply = line.perform(.http(request), within: Self.patience) else { return nil }
      switch reply {
      case .http(let response):
        do throws(MediaFault) {
          let bytes = try provider.file(in: response, of: media)
          return bytes.count > limit ? .failure(tooLarge) : .success(bytes)
        } catch {
          fault = error
        }
      case .lost(let failure) where failure.code == "too-large": return .failure(tooLarge)
      case .lost(let failure), .notSent(let failure): fault = MediaFault(failure.message, isPassing: true)
      case .mail, .program: break
      }
      if !fault.isPassing { break }
    }
    return .failure(fault)
  }
}
