import Foundation
import QRCodes
import TestSupport
import Testing

@Suite("QR codes")
struct QRCodeTests {
  private static let link = "https://liteapp.weixin.qq.com/q/7GiQu1?qrcode=0a1b2c3d4e5f60718293a4b5c6d7e8f9&bot_type=3"

  @Test("A link's code has the three finder patterns, and nothing dark outside of its square")
  func finders() throws {
    let code = try #require(QRCode(Self.link))
    for (column, row) in [(0, 0), (code.size - 7, 0), (0, code.size - 7)] {
      for offset in 0..<7 {
        #expect(code.isDark(column + offset, row))
        #expect(code.isDark(column, row + offset))
      }
      #expect(!code.isDark(column + 1, row + 1))
      #expect(code.isDark(column + 3, row + 3))
    }
    #expect(!code.isDark(-1, 0))
    #expect(!code.isDark(code.size, code.size))
  }

  @Test(
    "In a terminal it has a light margin of two modules, fits into 80 columns, and no escapes unless they are wanted")
  func text() throws {
    let code = try #require(QRCode(Self.link))
    let lines = code.text(colored: false).split(separator: "\n")
    #expect(lines.count == (code.size + 5) / 2)
    #expect(lines.allSatisfy { $0.count == code.size + 4 && $0.count < 80 })
    #expect(lines[0].allSatisfy { $0 == "█" })
    #expect(lines.dropFirst().dropLast().allSatisfy { $0.hasPrefix("██") && $0.hasSuffix("██") })
    #expect(!code.text(colored: false).contains("\u{1B}"))
    #expect(code.text(colored: true).contains("\u{1B}["))
    // What is drawn is what the modules are.
    for (index, line) in lines.enumerated() {
      for (column, sign) in line.enumerated() {
        let upper = !code.isDark(column - 2, index * 2 - 2)
        #expect((sign == "█" || sign == "▀") == upper)
      }
    }
  }

  @Test("What is too long for a terminal has no code")
  func tooLong() {
    #expect(QRCode(String(repeating: "x", count: 1_000)) == nil)
  }

  @Test("The PNG's chunks are whole, and its size is that of the code with its quiet zone")
  func png() throws {
    let code = try #require(QRCode(Self.link))
    let png = code.png
    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
    let width = png[16..<20].reduce(0) { $0 << 8 | Int($1) }
    #expect(width == (code.size + 8) * 8)
    #expect(png.suffix(12) == [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82])
  }

  /// What a reader of codes sees that shares nothing with us, in each form that a phone is held before.
  enum Form: String, Sendable, CaseIterable {
    case png, terminal

    /// A picture file's name and bytes.
    func picture(of code: QRCode) -> (name: String, bytes: [UInt8]) {
      switch self {
      case .png: ("code.png", code.png)
      case .terminal: ("code.pbm", Form.screen(code.text(colored: false)))
      }
    }

    /// A screen's text as its pixels are: a sign is two halves, one above the other, each of 4 x 4 pixels.
    private static func screen(_ text: String) -> [UInt8] {
      let rows = text.split(separator: "\n").flatMap { line in
        [line.map { "█▀".contains($0) }, line.map { "█▄".contains($0) }]
      }
      var picture = "P1\n\(rows[0].count * 4) \(rows.count * 4)\n"
      for row in rows {
        let pixels = row.map { $0 ? "0 0 0 0" : "1 1 1 1" }.joined(separator: " ") + "\n"
        picture += String(repeating: pixels, count: 4)
      }
      return Array(picture.utf8)
    }
  }

  @Test(
    "A reader of codes finds the link in the picture and on the screen",
    .enabled(if: find(program: "zbarimg") != nil, "no zbarimg (zbar-tools) to read them"), arguments: Form.allCases)
  func read(form: Form) async throws {
    let code = try #require(QRCode(Self.link))
    let folder = try TemporarySpool()
    let picture = form.picture(of: code)
    let path = "\(folder.path)/\(picture.name)"
    try Data(picture.bytes).write(to: URL(filePath: path))
    let reading = try await run("zbarimg", ["--quiet", "--raw", path])
    #expect(reading.stdout == Self.link + "\n", "\(reading.stderr)")
  }

  @Test(
    "A reader of codes finds the link in the drawing, as a browser shows it",
    .enabled(if: find(program: "zbarimg") != nil, "no zbarimg (zbar-tools) to read it"),
    .enabled(if: find(program: "chromium") != nil, "no chromium to show it"))
  func readDrawing() async throws {
    let code = try #require(QRCode(Self.link))
    let folder = try TemporarySpool()
    let (drawing, shot) = ("\(folder.path)/code.svg", "\(folder.path)/shot.png")
    try code.svg.write(toFile: drawing, atomically: false, encoding: .utf8)
    let browser = [
      "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=\(folder.path)/browser",
      "--window-size=600,600", "--screenshot=\(shot)", "file://\(drawing)",
    ]
    _ = try await run("chromium", browser, timeout: .seconds(120))
    #expect(try await run("zbarimg", ["--quiet", "--raw", shot]).stdout == Self.link + "\n")
  }
}
