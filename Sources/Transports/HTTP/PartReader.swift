import Core
import Glibc

/// What opening an attachment came to. Transports know no folders: whoever makes one says how files are opened.
package enum OpenedAttachment: Sendable {
  /// A descriptor at the file's beginning, which the transport closes, and the file's size.
  case file(descriptor: Int32, size: Int)
  /// Why not, for people.
  case failed(String)
}

package typealias AttachmentOpener = @Sendable (AttachmentFile) -> OpenedAttachment

extension TransportFailure: Error {}

/// The bytes of one part, read while they are sent. The descriptor lives exactly as long as this.
final class PartReader {
  /// Announced before the first byte goes out (Content-Length, SIZE): no more and no fewer are sent.
  let size: Int
  /// Set when the file turned out shorter than that, or could not be read.
  private(set) var failure: TransportFailure?
  private let name: String
  private let bytes: [UInt8]
  private let descriptor: Int32?
  private var offset = 0

  init(_ part: FormPart, _ open: AttachmentOpener) throws(TransportFailure) {
    name = part.fileName ?? part.name
    switch part.source {
    case .bytes(let bytes):
      (self.bytes, size, descriptor) = (bytes, bytes.count, nil)
    case .file(let file):
      switch open(file) {
      case .file(let descriptor, let size):
        (self.bytes, self.size, self.descriptor) = ([], size, descriptor)
      case .failed(let problem):
        throw .invalid("the attachment \"\(name)\" cannot be read (\(problem))")
      }
    }
  }

  deinit {
    if let descriptor { close(descriptor) }
  }

  /// How many bytes were put into the buffer; 0 at the end, nil when there should be more and are not.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    let wanted = min(buffer.count, size - offset)
    guard wanted > 0 else { return 0 }
    guard let descriptor else {
      bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + wanted])) }
      offset += wanted
      return wanted
    }
    // At a position of its own: whoever rewinds needs no second descriptor.
    var count = pread(descriptor, buffer.baseAddress, wanted, off_t(offset))
    while count < 0, errno == EINTR { count = pread(descriptor, buffer.baseAddress, wanted, off_t(offset)) }
    if count <= 0 {
      let problem =
        count == 0 ? "it has become shorter than the \(size) bytes it had" : String(cString: strerror(errno))
      failure = .invalid("the attachment \"\(name)\" cannot be read to its end (\(problem))", isWhole: false)
      return nil
    }
    offset += count
    return count
  }

  func rewind(to position: Int) {
    offset = max(0, min(position, size))
  }
}
