import CCurl
import Core

/// A multipart/form-data body (RFC 7578) in libcurl's hands, its files streamed. It lives as long as the transfer.
final class FormBody {
  let mime: OpaquePointer
  private let readers: [PartReader]

  init(
    _ parts: [FormPart], for easy: UnsafeMutableRawPointer, _ open: AttachmentOpener
  ) throws(TransportFailure) {
    var readers: [PartReader] = []
    for part in parts {
      try FormBody.check(part)
      readers.append(try PartReader(part, open))
    }
    self.readers = readers
    guard let mime = msgspool_curl_mime_init(easy) else { throw .outOfMemory }
    self.mime = mime
    for (part, reader) in zip(parts, readers) {
      guard FormBody.add(part, reader, to: mime) else { throw .outOfMemory }
    }
  }

  deinit {
    msgspool_curl_mime_free(mime)
  }

  /// Why the body could not be read to its end.
  var failure: TransportFailure? { readers.lazy.compactMap(\.failure).first }

  /// Names end up in the headers of a part. libcurl escapes quotes and line ends there, and ends at a NUL.
  private static func check(_ part: FormPart) throws(TransportFailure) {
    let texts = [part.name, part.fileName ?? "", part.type ?? ""]
    guard texts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }) else {
      throw .invalid("a name or media type of a part has a control character")
    }
  }

  private static func add(_ part: FormPart, _ reader: PartReader, to mime: OpaquePointer) -> Bool {
    guard let new = msgspool_curl_mime_addpart(mime) else { return false }
    var results = [msgspool_curl_mime_name(new, part.name)]
    if let fileName = part.fileName { results.append(msgspool_curl_mime_filename(new, fileName)) }
    if let type = part.type { results.append(msgspool_curl_mime_type(new, type)) }
    // Unretained: the reader outlives the mime structure, which `deinit` frees first.
    let argument = Unmanaged.passUnretained(reader).toOpaque()
    results.append(
      msgspool_curl_mime_data_cb(
        new, curl_off_t(reader.size),
        { buffer, size, count, argument in
          guard let argument else { return Int(CURL_READFUNC_ABORT) }
          let reader = Unmanaged<PartReader>.fromOpaque(argument).takeUnretainedValue()
          let room = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
          return reader.read(into: room) ?? Int(CURL_READFUNC_ABORT)
        },
        { argument, offset, origin in
          guard let argument, origin == SEEK_SET else { return CURL_SEEKFUNC_CANTSEEK }
          Unmanaged<PartReader>.fromOpaque(argument).takeUnretainedValue().rewind(to: Int(offset))
          return CURL_SEEKFUNC_OK
        }, nil, argument))
    return results.allSatisfy { $0 == CURLE_OK }
  }
}
