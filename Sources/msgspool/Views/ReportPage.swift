import Core
import FoundationEssentials
import Inspecting
import Ledger

/// A report as one page that needs nothing from elsewhere: no script, no font, no picture; it forbids them, too, whatever
/// stands in it. Plots are SVG within the page; behind each stands a table with the same numbers. What files, producers and
/// providers wrote is escaped.
struct ReportPage {
  let sheet: ReportSheet
  var report: Report { sheet.report }

  init(_ sheet: ReportSheet) { self.sheet = sheet }

  var text: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="referrer" content="no-referrer">
    <title>msgspool: \(day(report.since)) to \(day(report.until))</title>
    <style>\(ReportPage.style)</style>
    </head>
    <body>
    <main>
    <h1>What was sent</h1>
    <p class="sub">\(escaped(sheet.spool)), \(escaped(time(report.since))) to \(escaped(time(report.until))) (UTC)</p>
    \(numbers)
    \(plot)
    \(channels)
    \(funnels)
    \(causes)
    \(undelivered)
    \(doubtful)
    \(slowest)
    <p class="sub">Made by <code>msgspool report --html</code> from what the spool still holds.</p>
    </main>
    </body>
    </html>

    """
  }

  // MARK: Style

  /// Text has a contrast of 4.5 to its ground at least, and what is drawn 3, in light and dark (WCAG 2.2, 1.4.3 and 1.4.11).
  private static let style = """

    :root { color-scheme: light dark; --ground: #ffffff; --card: #f4f6f8; --ink: #16191d; --soft: #535b66;
      --line: #868e99; --link: #0b5cad; --accepted: #1a7f4e; --deferred: #a06a00; --rejected: #b3261e;
      --unconfirmed: #6a43b5; }
    @media (prefers-color-scheme: dark) { :root { --ground: #14171b; --card: #1e2329; --ink: #eef1f4;
      --soft: #a9b2bd; --line: #717b87; --link: #7cb8ff; --accepted: #3fb37f; --deferred: #dca73a;
      --rejected: #ff8078; --unconfirmed: #b49bf5; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", sans-serif; }
    main { max-width: 1080px; margin: 0 auto; padding: 24px 20px 48px; }
    h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; }
    h2 { font-size: 1.15rem; margin: 36px 0 10px; }
    .sub { color: var(--soft); margin: 4px 0 0; overflow-wrap: anywhere; }
    .numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 20px 0 0;
      padding: 0; }
    .numbers div { background: var(--card); border-radius: 8px; padding: 12px 14px; }
    .numbers dt { color: var(--soft); font-size: .875rem; }
    .numbers dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
    svg { display: block; width: 100%; height: auto; }
    svg text { fill: var(--soft); font-size: 12px; }
    .axis { stroke: var(--line); stroke-width: 1; }
    .grid { stroke: var(--line); stroke-width: 1; stroke-dasharray: 2 4; opacity: .6; }
    .accepted { fill: var(--accepted); background: var(--accepted); }
    .deferred { fill: var(--deferred); background: var(--deferred); }
    .rejected { fill: var(--rejected); background: var(--rejected); }
    .unconfirmed { fill: var(--unconfirmed); background: var(--unconfirmed); }
    .key { display: flex; flex-wrap: wrap; gap: 6px 18px; list-style: none; margin: 8px 0; padding: 0; }
    .key i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; }
    .wide { overflow-x: auto; border-radius: 8px; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    thead th { color: var(--soft); font-weight: 600; font-size: .875rem; white-space: nowrap; }
    tbody th { font-weight: 600; }
    .n { text-align: right; white-space: nowrap; }
    .words { min-width: 14rem; overflow-wrap: anywhere; }
    code { font: .9em ui-monospace, "Cascadia Mono", "Noto Sans Mono", monospace; overflow-wrap: anywhere; }
    .act { background: var(--card); border-left: 4px solid var(--unconfirmed); border-radius: 4px; padding: 10px 14px; }
    details { margin: 8px 0 0; }
    summary { cursor: pointer; color: var(--link); padding: 4px 0; }
    :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
    @media (max-width: 480px) { main { padding: 16px 12px 32px; } .numbers dd { font-size: 1.25rem; }
      .plot svg { min-width: 640px; } svg text { font-size: 19px; } th, td { padding-right: 10px; } }
    @media print { body { font-size: 10pt; } main { max-width: none; padding: 0; } h2 { break-after: avoid; }
      svg, tr, .numbers div { break-inside: avoid; } .wide { overflow: visible; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }

    """

  // MARK: Parts

  private var numbers: String {
    let states = report.steps.reduce(into: Report.States()) { sum, next in
      for state in RecipientState.allCases { sum[state] += next[state] }
    }
    let failed = [.failed, .expired, .invalid].reduce(0) { $0 + (report.ends[$1 as MessageState] ?? 0) }
    let items = [
      ("messages", Columns.grouped(report.messages)), ("recipients accepted", Columns.grouped(states.accepted)),
      ("recipients refused", Columns.grouped(states.rejected)), ("messages failed", Columns.grouped(failed)),
      ("messages in doubt", Columns.grouped(report.doubtfulCount)),
    ]
    return "<dl class=\"numbers\">"
      + items.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" }.joined() + "</dl>"
  }

  private var key: String {
    "<ul class=\"key\">"
      + RecipientState.allCases.map { "<li><i class=\"\($0.rawValue)\"></i>\($0.rawValue)</li>" }.joined() + "</ul>"
  }

  private static let plotSize = (width: 1040.0, height: 260.0, left: 80.0, bottom: 36.0, top: 16.0)
  /// Messages in doubt that stand on the page; the rest unfolds.
  private static let openly = 10

  /// Recipients over time, stacked by what became of them.
  private var plot: String {
    let most = report.steps.map(\.all).max() ?? 0
    guard most > 0 else { return section("Recipients", "<p>Nobody was sent to in this time.</p>") }
    let size = ReportPage.plotSize
    let (inner, high) = (size.width - size.left - 8, size.height - size.bottom - size.top)
    let top = niceTop(most)
    let slot = inner / Double(report.steps.count)
    var marks = ""
    for (index, states) in report.steps.enumerated() where states.all > 0 {
      var floor = size.top + high
      let x = size.left + Double(index) * slot
      marks += "<g><title>\(escaped(sheet.label(index))): \(escaped(words(states)))</title>"
      for state in RecipientState.allCases where states[state] > 0 {
        // What is there is seen, however little of the whole it is.
        let tall = max(2, Double(states[state]) / Double(top) * high)
        floor -= tall
        marks += "<rect class=\"\(state.rawValue)\" x=\"\(short(x))\" y=\"\(short(floor))\""
        marks += " width=\"\(short(max(1, slot - (slot > 4 ? 1 : 0))))\" height=\"\(short(tall))\"/>"
      }
      marks += "</g>"
    }
    let unit = report.step == 3600 ? "an hour" : "\(Int(report.step / 3600)) hours"
    let name = "Recipients in \(unit), stacked by what became of them; \(Columns.grouped(most)) at the most"
    let svg = """
      <svg viewBox="0 0 \(Int(size.width)) \(Int(size.height))" role="img" aria-label="\(escaped(name))">
      \(levels(top, high))\(marks)\(dates(slot))
      <line class="axis" x1="\(short(size.left))" y1="\(short(size.top + high))" x2="\(short(size.width - 8))" \
      y2="\(short(size.top + high))"/>
      </svg>
      """
    return section("Recipients in \(unit)", key + scrolling(name, svg) + details("Recipients over time", stepTable))
  }

  private func levels(_ top: Int, _ high: Double) -> String {
    let size = ReportPage.plotSize
    return [0, top / 2, top].map { level -> String in
      let y = size.top + high - Double(level) / Double(top) * high
      let line =
        level == 0
        ? ""
        : "<line class=\"grid\" x1=\"\(short(size.left))\" y1=\"\(short(y))\" x2=\"\(short(size.width - 8))\" y2=\"\(short(y))\"/>"
      return line
        + "<text x=\"\(short(size.left - 8))\" y=\"\(short(y + 4))\" text-anchor=\"end\">\(Columns.grouped(level))</text>"
    }.joined()
  }

  /// Four dates below the axis: more run into each other on a phone.
  private func dates(_ slot: Double) -> String {
    let size = ReportPage.plotSize
    let count = report.steps.count
    return Set((0..<4).map { $0 * count / 4 }).sorted().map { step in
      let text = count * Int(report.step) > 2 * 86_400 ? sheet.label(step).prefix(10) : sheet.label(step).dropFirst(5)
      return "<text x=\"\(short(size.left + Double(step) * slot))\" y=\"\(short(size.height - 8))\">\(text)</text>"
    }.joined()
  }

  private var stepTable: String {
    let rows = report.steps.enumerated().filter { $0.element.all > 0 }.map { index, states in
      [escaped(sheet.label(index))] + RecipientState.allCases.map { Columns.grouped(states[$0]) }
    }
    return table(["from (UTC)"] + RecipientState.allCases.map(\.rawValue), rows, numbers: 1...4)
  }

  private var channels: String {
    if report.channels.isEmpty { return "" }
    let isPaid = !sheet.spent.isEmpty
    let rows = report.channels.map { channel in
      [
        escaped(channel.name), Columns.grouped(channel.ended), ReportSheet.percent(channel.acceptance),
        ReportSheet.seconds(channel.latency.quantile(0.5)), ReportSheet.seconds(channel.latency.quantile(0.99)),
        Columns.grouped(channel.states.deferred), Columns.grouped(channel.doubtful),
      ] + (isPaid ? [sheet.spent[channel.name]?.text ?? "-"] : [])
    }
    let head = ["channel", "sent", "accepted", "p50", "p99", "retries", "in doubt"] + (isPaid ? ["spent"] : [])
    return section(
      "Channels",
      table(head, rows, numbers: 1...(head.count - 1))
        + "<p class=\"sub\">Sent: recipients with an end. p50 and p99: from when a message was first seen to acceptance.</p>"
    )
  }

  /// A bar for each cause, and the table with the words.
  private var causes: String {
    let causes = report.causes
    if causes.isEmpty { return "" }
    let shown = causes.prefix(10)
    let most = max(1, shown.map(\.count).max() ?? 1)
    let (row, left) = (30.0, 380.0)
    let bars = shown.enumerated().map { index, cause -> String in
      let y = Double(index) * row
      let long = max(2, Double(cause.count) / Double(most) * (1040 - left - 90))
      let kind = cause.state == .unconfirmed ? RecipientState.unconfirmed : .rejected
      let what = [cause.channel, cause.state.rawValue, cause.code.isEmpty ? cause.kind : cause.code]
        .filter { !$0.isEmpty }.joined(separator: " · ")
      return """
        <g><title>\(escaped(what)): \(cause.count)</title>\
        <text x="\(short(left - 10))" y="\(short(y + 19))" text-anchor="end">\(escaped(Columns.cut(what, 34)))</text>\
        <rect class="\(kind.rawValue)" x="\(short(left))" y="\(short(y + 5))" width="\(short(long))" height="\(short(row - 10))"/>\
        <text x="\(short(left + long + 8))" y="\(short(y + 19))">\(Columns.grouped(cause.count))</text></g>
        """
    }.joined(separator: "\n")
    let svg = """
      <svg viewBox="0 0 1040 \(Int(row) * shown.count)" role="img" aria-label="Messages by why they did not go out">
      \(bars)
      </svg>
      """
    let rows = causes.map { cause in
      [
        escaped(cause.channel), cause.state.rawValue, Columns.grouped(cause.count),
        escaped([cause.kind, cause.code].filter { !$0.isEmpty }.joined(separator: ": ")), escaped(cause.reason),
        "<code>\(escaped(cause.name))</code>",
      ]
    }
    let list = table(
      ["channel", "became", "messages", "kind and code", "reason", "such as"], rows, numbers: 2...2, words: 4...5)
    return section(
      "What went wrong", scrolling("Messages by why they did not go out", svg) + details("Every cause", list))
  }

  private var doubtful: String {
    if report.doubtfulCount == 0 { return "" }
    let rows = report.doubtful.map { item in
      [
        "<code>\(escaped(item.name))</code>", escaped(item.channel), Columns.grouped(item.recipients),
        escaped(time(item.at)),
        escaped(item.reason),
      ]
    }
    let head = ["message", "channel", "recipients", "since (UTC)", "reason"]
    func list(_ rows: ArraySlice<[String]>) -> String { table(head, Array(rows), numbers: 2...2, words: 4...4) }
    let folded = rows.dropFirst(ReportPage.openly)
    let rest = report.doubtfulCount - report.doubtful.count
    return section(
      "In doubt",
      "<p class=\"act\">Sent, and no answer came: nobody knows whether they arrived. Find out; what did not arrive is sent "
        + "again by <code>msgspool retry NAME --state unconfirmed</code>. All of them: <code>msgspool list failed</code>.</p>"
        + list(rows.prefix(ReportPage.openly))
        + (folded.isEmpty ? "" : details("\(folded.count) more", list(folded)))
        + (rest > 0 ? "<p class=\"sub\">and \(Columns.grouped(rest)) more</p>" : ""))
  }

  private var slowest: String {
    if sheet.slowest.isEmpty { return "" }
    let rows = sheet.slowest.map { call in
      [
        "<code>\(escaped(call.id))</code>", escaped(call.channel), ReportSheet.seconds(call.seconds),
        Columns.grouped(call.recipients), escaped(time(call.started)),
      ]
    }
    return section(
      "Slowest calls",
      table(["call", "channel", "took", "recipients", "started (UTC)"], rows, numbers: 2...3)
        + "<p class=\"sub\">From the intent to the outcome. One that was lost counts until its outcome was found.</p>")
  }

  // MARK: Pieces

  func section(_ title: String, _ content: String) -> String {
    "<section><h2>\(title)</h2>\n\(content)\n</section>"
  }

  /// A plot on a screen that is too narrow for it is moved, by keys too, and keeps its words readable.
  func scrolling(_ name: String, _ svg: String) -> String {
    "<div class=\"wide plot\" role=\"region\" aria-label=\"\(escaped(name))\" tabindex=\"0\">\(svg)</div>\n"
  }

  func details(_ summary: String, _ content: String) -> String {
    "<details><summary>\(summary) as a table</summary>\n\(content)</details>"
  }

  /// - Parameters:
  ///   - rows: cells that are escaped already; the first of each names the row.
  ///   - numbers, words: which columns hold them.
  func table(
    _ head: [String], _ rows: [[String]], numbers: ClosedRange<Int>, words: ClosedRange<Int>? = nil
  ) -> String {
    func kind(_ column: Int) -> String {
      if numbers.contains(column) { return " class=\"n\"" }
      return words?.contains(column) == true ? " class=\"words\"" : ""
    }
    let top = head.enumerated().map { "<th scope=\"col\"\(kind($0.offset))>\(escaped($0.element))</th>" }.joined()
    let body = rows.map { row in
      let cells = row.enumerated().map { column, cell in
        column == 0 ? "<th scope=\"row\">\(cell)</th>" : "<td\(kind(column))>\(cell)</td>"
      }
      return "<tr>\(cells.joined())</tr>"
    }.joined(separator: "\n")
    let name = escaped(head.joined(separator: ", "))
    return """
      <div class="wide" role="region" aria-label="\(name)" tabindex="0"><table><thead><tr>\(top)</tr></thead>
      <tbody>
      \(body)
      </tbody></table></div>
      """
  }

  private func words(_ states: Report.States) -> String {
    RecipientState.allCases.filter { states[$0] > 0 }.map { "\(Columns.grouped(states[$0])) \($0.rawValue)" }
      .joined(separator: ", ")
  }

  /// What text may not be in a page, and what would change how the text around it reads.
  func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      let isShown = scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
      return isShown ? String(scalar).escapedForHTML : "&#65533;"
    }.joined()
  }

  private func time(_ date: Date) -> String { String(RFC3339.string(date).prefix(16).replacing("T", with: " ")) }
  private func day(_ date: Date) -> String { String(RFC3339.string(date).prefix(10)) }

  func short(_ number: Double) -> String {
    let tenths = Int((number * 10).rounded())
    return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(abs(tenths % 10))"
  }

  /// The next of 2, 4, 10, 20, 40, 100, ...: its half is named, too.
  private func niceTop(_ most: Int) -> Int {
    var power = 1
    while true {
      for factor in [2, 4, 10] where factor * power >= most { return factor * power }
      power *= 10
    }
  }
}
