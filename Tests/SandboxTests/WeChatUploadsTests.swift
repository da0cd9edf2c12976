import Digests
import Testing

@testable import Sandbox

/// Files in pieces: what makes a whole one, and what is refused.
@Suite struct WeChatUploadsTests {
  private let bytes = [UInt8]((0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })

  private func piece(_ number: Int?, of chunks: Int?, total: Int = 600_000, _ more: WireJSON = .object([])) -> WireJSON
  {
    var fields: WireJSON = [
      "name": "a.bin", "type": "application/octet-stream", "lastModifiedDate": "x", "size": .string(String(total)),
      "mediatype": "doc",
    ]
    if let number { fields = fields.with("chunk", .string(String(number))) }
    if let chunks { fields = fields.with("chunks", .string(String(chunks))) }
    return fields.merging(more)
  }

  private func request(total: Int = 600_000, md5: String? = nil) -> WireJSON {
    [
      "UploadType": 2, "ClientMediaId": 1, "TotalLen": .int(total), "StartPos": 0, "DataLen": .int(total),
      "MediaType": 4, "ToUserName": "filehelper", "FileMd5": .string(md5 ?? Digest.md5.of(bytes).hex),
    ]
  }

  private func take(
    _ uploads: inout WeChatUploads, _ fields: WireJSON, _ request: WireJSON, _ data: ArraySlice<UInt8>,
    name: String = "a.bin"
  ) -> WeChatUploads.Outcome {
    uploads.take(fields, request, name: name, data: Array(data), as: "id")
  }

  @Test func piecesInOrderMakeAFileAndAFirstOneBeginsAnew() {
    var uploads = WeChatUploads()
    #expect(take(&uploads, piece(0, of: 2), request(), bytes[..<524_288]) == .piece)
    #expect(take(&uploads, piece(0, of: 2), request(), bytes[..<524_288]) == .piece)
    #expect(take(&uploads, piece(1, of: 2), request(), bytes[524_288...]) == .whole("id"))
    #expect(uploads.file("id")?.bytes == bytes)
  }

  @Test func whatIsMissingOrCutWronglyIsRefused() {
    var uploads = WeChatUploads()
    #expect(
      take(&uploads, piece(1, of: 2), request(), bytes[524_288...]) == .refused("a piece is missing before this one"))
    #expect(
      take(&uploads, piece(0, of: 2), request(), bytes[..<500_000]) == .refused("the piece has 500000 bytes"))
    #expect(take(&uploads, piece(nil, of: nil), request(), bytes[...]) == .malformed)
    #expect(take(&uploads, piece(0, of: 3), request(), bytes[..<524_288]) == .malformed)
    let few = bytes[..<10]
    #expect(take(&uploads, piece(0, of: 1, total: 10), request(total: 10), few) == .malformed)
    #expect(take(&uploads, piece(nil, of: nil, total: 11), request(total: 10), few) == .malformed)
    #expect(
      take(&uploads, piece(nil, of: nil, total: 10), request(total: 10), few) == .refused("FileMd5 is not the file's"))
    #expect(
      take(&uploads, piece(nil, of: nil, total: 10), request(total: 10), few, name: "报告.txt")
        == .refused("a name is not percent-encoded"))
    #expect(uploads.file("id") == nil)
  }

  @Test func aNameArrivesDecoded() {
    var uploads = WeChatUploads()
    let few = bytes[..<10]
    let good = request(total: 10, md5: Digest.md5.of(few).hex)
    #expect(
      take(&uploads, piece(nil, of: nil, total: 10), good, few, name: "%E6%8A%A5+1.txt") == .whole("id"))
    #expect(uploads.file("id")?.name == "报+1.txt")
  }
}
