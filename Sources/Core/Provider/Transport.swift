/// Performs exchanges. The sweep knows no more than this about the network, so tests script it.
package protocol Transport: Sendable {
  /// Starts all of these; returns at once. Each errand's `deliver` is called exactly once, whatever happens.
  /// Handing over many at a time is cheaper than one by one.
  func perform(_ errands: [Errand])
}

extension Transport {
  /// Starts one exchange; see `Errand` for the parameters.
  package func perform(
    _ exchange: Exchange, within timeout: Double, then deliver: @escaping @Sendable (Reply) -> Void
  ) {
    perform([Errand(exchange, within: timeout, then: deliver)])
  }
}

/// An exchange, how long it may take, and who wants the reply.
package struct Errand: Sendable {
  package var exchange: Exchange
  /// Seconds for the whole exchange, from looking up the name to the last byte of the answer. They count from when
  /// the transport takes it in hand: waiting for one of the transport's places does not use them up.
  package var timeout: Double
  /// Called on the transport's own thread, which serves every other exchange too: hand over and return.
  package var deliver: @Sendable (Reply) -> Void

  package init(_ exchange: Exchange, within timeout: Double, then deliver: @escaping @Sendable (Reply) -> Void) {
    self.exchange = exchange
    self.timeout = timeout
    self.deliver = deliver
  }
}
