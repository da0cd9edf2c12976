import Digests
import Testing

@testable import Sandbox

@Suite struct MultipartTests {
  private func parts(_ body: String, _ type: String = "multipart/form-data; boundary=b0") throws -> [MultipartPart] {
    let request = SandboxRequest(
      method: "POST", target: "/", headers: [FormPair("content-type", type)], body: Array(body.utf8))
    return try Multipart.parts(of: request)
  }

  private static let head = "--b0\r\nContent-Disposition: form-data; name=\"a\""

  @Test func fieldsAndFilesAreTold() throws {
    let (type, body) = MultipartRequest.body(
      [("a", "字\r\n--b\r\n"), ("b", "")], file: ("f", "é.txt", [0, 255, 13, 10]))
    let parts = try parts(String(decoding: body, as: UTF8.self), type)
    #expect(parts.map(\.name) == ["a", "b", "f"])
    #expect(parts.map(\.text) == ["字\r\n--b\r\n", "", nil])
    #expect(parts[2].filename == "é.txt")
    #expect(parts[2].type == "application/octet-stream")
  }

  @Test(arguments: [
    (#"; filename="a\"b.txt""#, "a\"b.txt"), ("; filename=a.txt", "a.txt"),
    ("; filename*=UTF-8''%E5%AD%97.txt", "字.txt"),
  ])
  func fileNamesAreUnquoted(parameter: String, filename: String) throws {
    let body = "\(Self.head)\(parameter)\r\n\r\nx\r\n--b0--\r\n"
    #expect(try parts(body, "multipart/form-data; charset=utf-8; boundary=\"b0\"").map(\.filename) == [filename])
  }

  @Test(arguments: [
    "", "x", "--b0--\r\nx", "x\r\n--b0--\r\n", "--b1--\r\n", "\(head)\r\n\r\nx", "\(head)\r\n\r\nx\r\n--b0",
    "\(head)\r\n\r\nx\r\n--b0\r\n", "--b0\n\n\nx\n--b0--\n",
    "--b0\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b0--",
    "--b0\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--b0--", "--b0\r\nnonsense\r\n\r\nx\r\n--b0--",
  ])
  func whatIsNoMultipartIsRefused(body: String) {
    #expect(throws: MultipartError.self) { try parts(body) }
  }

  @Test func aBoundaryIsNeeded() {
    for type in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\""] {
      #expect(throws: MultipartError.self) { try parts("--b0--\r\n", type) }
    }
  }

  @Test func md5IsThatOfRFC1321() {
    #expect(Digest.md5.of("message digest".utf8).hex == "f96b697d7cb7938d525a2f31aaf161d0")
  }
}
