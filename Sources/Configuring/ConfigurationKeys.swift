/// What a configuration may hold, apart from the providers' own settings: one table for the reader, which refuses what is
/// not in it, and for msgspool.conf(5).
package struct ConfigurationKey: Sendable {
  package var name: String
  /// What its value looks like.
  package var form: String
  /// What counts without it; nil where there is no such thing.
  package var fallback: String?
  package var summary: String

  init(_ name: String, _ form: String, _ fallback: String?, _ summary: String) {
    self.name = name
    self.form = form
    self.fallback = fallback
    self.summary = summary
  }

  package static let top: [ConfigurationKey] = [
    .init("default_channel", "name", nil, "The channel of messages that name none."),
    .init("deduplicate_for", "span", "7d", "How long an id is remembered against duplicates."),
    .init("max_message_bytes", "bytes", "16777216", "The most that a message's file may have, without its history."),
    .init(
      "attachment_directories", "list of paths", "none",
      "Files that messages name may lie below these directories only."),
    .init(
      "aliases", "object", "none",
      "Where msgspool sendmail delivers to: a local name to { channel, to }, to another name, or to a list of these."),
    .init(
      "on_failure", "channel, or { channel, to }", "none",
      "Who hears, once an hour at the most, of what failed, expired or is in doubt, and of suspended channels."),
    .init(
      "sandbox", "port", "none",
      "For trying: sweeps start a stand-in for the providers at this port of 127.0.0.1, unless one is there."),
    .init("channels", "object", nil, "The channels by their names."),
  ]

  package static let channel: [ConfigurationKey] = [
    .init("provider", "name", nil, "Through whom it sends; required. What follows depends on it, too."),
    .init("endpoint", "address", "the vendor's", "Scheme, host, port and a path that goes before the provider's own."),
    .init("max_recipients_per_call", "number", "the provider's limit", "Fewer, or for some accounts more."),
    .init("concurrency", "number", "8, or the provider's", "Calls in flight."),
    .init("rate", "number", "the provider's", "Calls per second; 0 is no limit."),
    .init("timeout", "seconds", "30", "What a call may take in all."),
    .init(
      "retry", "object", "{ attempts: 8, first: 60, max: 3600 }",
      "How often, and after how many seconds, doubling up to the last of them."),
    .init(
      "on_unconfirmed", "\"hold\" or \"resend\"", "hold",
      "When nobody knows whether a call arrived and nobody can be asked: leave it to a person, or send again."),
    .init(
      "reconcile_after", "span", "the provider's", "How long after a lost call the provider's not knowing it counts."),
    .init("expire_after", "span", "7d", "After so long a message that could not be sent fails."),
    .init("daily", "number", "the provider's", "Recipients a day; 0 is no limit."),
    .init("daily_per_recipient", "number", "the provider's", "Messages a day to one recipient; 0 is no limit."),
    .init(
      "suspect_after", "number", "20",
      "So many recipients in a row refused alike suspend the channel; 0 never does."),
    .init("zone", "zone", "the system's", "Whose days and hours count, such as \"Asia/Shanghai\"."),
    .init(
      "quiet_hours", "object", "none",
      "What falls due inside waits until the end: { from: \"22:00\", to: \"07:00\", zone: \"Asia/Shanghai\" }."),
    .init(
      "digest", "object", "none",
      "Messages to one recipient go out as one text: { every: \"10m\", max: 100, title: \"{count} messages\" }."),
    .init(
      "price", "amount", "none", "What an accepted recipient costs, or each part of a text where those are billed."),
    .init("budget", "object", "none", "What may be spent: { daily: 50, monthly: 800 }; beyond it messages wait."),
    .init("recipients", "object", "none", "The address book: a name to an address or a list of them."),
    .init("fallback", "channel", "none", "Where recipients go that are finally rejected or given up."),
    .init("fallback_on", "undelivered, no_receipt", "none", "After which receipts they go there as well."),
    .init("receipts", "off, pull, drop or both", "the provider's", "How it is heard what became of what was accepted."),
    .init("receipt_wait", "span", "72h", "How long a receipt is awaited."),
    .init(
      "receipt_every", "span", "30s, doubling to 30m", "The pause before the first question, and between questions."),
    .init("receipt_secret", "string", "none", "What the URL of the channel's callbacks must hold; a secret."),
    .init("ca_file", "path", "the system's", "Certificates to trust beside the system's."),
  ]
}
