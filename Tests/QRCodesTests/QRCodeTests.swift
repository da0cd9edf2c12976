import QRCodes
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
}
