import Core
import Inspecting

/// On the page: how far recipients got, and why those who were accepted were not delivered.
extension ReportPage {
  var funnels: String {
    let channels = sheet.followed
    if channels.isEmpty { return "" }
    let rows = channels.map { channel in
      let funnel = channel.funnel
      return [
        escaped(channel.name), Columns.grouped(funnel.dropped), Columns.grouped(funnel.accepted),
        Columns.grouped(funnel.delivered), Columns.grouped(funnel.undelivered), Columns.grouped(funnel.noReceipt),
        Columns.grouped(funnel.unknown),
      ]
    }
    let head = ["channel", "dropped", "accepted", "delivered", "undelivered", "without receipt", "unknown"]
    let sums = channels.compactMap { channel in
      sheet.sums[channel.name].map { counts in
        "<p class=\"sub\">\(escaped(channel.name)), of whole calls: \(escaped(ReportSheet.words(counts)))</p>"
      }
    }.joined()
    return section(
      "What arrived",
      scrolling("Recipients by how far they got", bars(channels))
        + details("How far they got", table(head, rows, numbers: 1...6))
        + sums
        + "<p class=\"sub\">Unknown: accepted, and nobody has said what became of it; a receipt is awaited, or there are none.</p>"
    )
  }

  /// A bar for each channel, as long as what was dropped: delivered, unknown, and what did not arrive.
  private func bars(_ channels: [Report.Channel]) -> String {
    let most = max(1, channels.map(\.funnel.dropped).max() ?? 1)
    let (row, left) = (30.0, 200.0)
    let width = 1040 - left - 90
    let bars = channels.enumerated().map { index, channel -> String in
      let funnel = channel.funnel
      let y = Double(index) * row
      var x = left
      var marks = ""
      let lost = funnel.dropped - funnel.accepted
      for (count, kind, word) in [
        (funnel.delivered, RecipientState.accepted, "delivered"),
        (funnel.unknown + funnel.noReceipt, .deferred, "unknown or without receipt"),
        (funnel.undelivered, .rejected, "undelivered"), (lost, .unconfirmed, "not accepted"),
      ] where count > 0 {
        let long = max(2, Double(count) / Double(most) * width)
        marks += """
          <g><title>\(escaped(channel.name)): \(Columns.grouped(count)) \(word)</title>\
          <rect class="\(kind.rawValue)" x="\(short(x))" y="\(short(y + 5))" width="\(short(long))" height="\(short(row - 10))"/></g>
          """
        x += long
      }
      return """
        <text x="\(short(left - 10))" y="\(short(y + 19))" text-anchor="end">\(escaped(Columns.cut(channel.name, 18)))</text>\
        \(marks)<text x="\(short(x + 8))" y="\(short(y + 19))">\(Columns.grouped(funnel.delivered))</text>
        """
    }.joined(separator: "\n")
    return """
      <svg viewBox="0 0 1040 \(Int(row) * channels.count)" role="img" aria-label="Recipients by how far they got">
      \(bars)
      </svg>
      """
  }

  var undelivered: String {
    if report.undeliveries.isEmpty { return "" }
    let rows = report.undeliveries.map { item in
      [
        escaped(item.channel), Columns.grouped(item.count), escaped(item.code), escaped(item.reason),
        "<code>\(escaped(item.name))</code>",
      ]
    }
    return section(
      "Accepted and not delivered",
      table(["channel", "recipients", "code", "reason", "such as"], rows, numbers: 1...1, words: 3...4)
        + "<p class=\"act\">To send it to them again: <code>msgspool retry --state undelivered</code></p>")
  }
}
