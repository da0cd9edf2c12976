/// What a summary of failures may say through a channel.
package enum FailureLetter {
  /// Whether the channel's provider takes such a text.
  package static func fits(_ title: String, _ body: String, _ channel: Channel) -> Bool {
    (try? channel.provider.rendered(Message(body: body, title: title))) != nil
  }
}
