extension String {
  /// The text as a complaint quotes it: words of others may be megabytes long.
  package var shortened: String {
    utf8.count <= 80 ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(60))) + "..."
  }
}
