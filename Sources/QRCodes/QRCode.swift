import CQREncode

/// A QR code: a square of dark and light modules. The only use of libqrencode; how it is shown is in the files beside.
package struct QRCode: Sendable, Hashable {
  /// Modules on a side, without the quiet zone.
  package let size: Int
  private let dark: [Bool]

  /// Modules on a side of the largest code that a terminal of 80 columns shows with its quiet zone.
  private static let widest = 75

  /// - Parameter text: any; nil for one that is too long for a terminal.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    // More redundancy where there is room for it: screens reflect.
    for level in [QR_ECLEVEL_M, QR_ECLEVEL_L] {
      guard let code = QRcode_encodeData(Int32(bytes.count), bytes, 0, level) else { continue }
      defer { QRcode_free(code) }
      let size = Int(code.pointee.width)
      if size > QRCode.widest { continue }
      guard let data = code.pointee.data else { continue }
      self.size = size
      // The lowest bit of a byte says dark; the others say why.
      dark = (0..<size * size).map { data[$0] & 1 == 1 }
      return
    }
    return nil
  }

  /// Outside of the square all is light.
  package func isDark(_ column: Int, _ row: Int) -> Bool {
    guard (0..<size).contains(column), (0..<size).contains(row) else { return false }
    return dark[row * size + column]
  }
}

extension QRCode {
  /// Light modules around the square: what the standard asks for is four; phones read two.
  private static let margin = 2

  /// For a terminal: two rows of modules a line, in half blocks, light modules filled.
  /// - Parameter colored: white on black by escape sequences, whatever the terminal's colours are.
  package func text(colored: Bool) -> String {
    var text = ""
    let range = -QRCode.margin..<size + QRCode.margin
    for row in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
      var line = ""
      for column in range {
        // Below the last row of an odd number nothing is drawn.
        let isLast = row + 1 >= range.upperBound
        switch (isDark(column, row), isLast || isDark(column, row + 1)) {
        case (false, false): line += "█"
        case (false, true): line += "▀"
        case (true, false): line += "▄"
        case (true, true): line += " "
        }
      }
      text += colored ? "\u{1B}[38;5;231;48;5;16m\(line)\u{1B}[0m\n" : line + "\n"
    }
    return text
  }

  /// As a picture of vectors, in pixels of the web.
  package var svg: String {
    let (whole, quiet) = (size + 8, 4)
    var path = ""
    for row in 0..<size {
      for column in 0..<size where isDark(column, row) { path += "M\(column + quiet) \(row + quiet)h1v1h-1z" }
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(whole) \(whole)" width="\(whole * 8)" height="\(whole * 8)" \
      shape-rendering="crispEdges"><path fill="#fff" d="M0 0h\(whole)v\(whole)H0z"/><path d="\(path)"/></svg>

      """
  }

  /// As a picture of pixels, eight a module, with a quiet zone of four modules.
  package var png: [UInt8] {
    let (scale, quiet) = (8, 4)
    let width = (size + 2 * quiet) * scale
    var rows: [UInt8] = []
    for y in 0..<width {
      // No filter; then a bit for each pixel, 1 is white.
      rows.append(0)
      for start in stride(from: 0, to: width, by: 8) {
        var byte: UInt8 = 0
        for x in start..<start + 8 {
          let isLight = x >= width || !isDark(x / scale - quiet, y / scale - quiet)
          byte = byte << 1 | (isLight ? 1 : 0)
        }
        rows.append(byte)
      }
    }
    return PNG.gray(width: width, height: width, rows)
  }
}
