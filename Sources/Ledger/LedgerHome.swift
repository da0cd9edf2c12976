import FoundationEssentials

/// Where a spool's ledger is kept: how it is opened, looked at and set aside. One type conforms for each database; the
/// program chooses it by its configuration and names no other.
package protocol LedgerHome: Sendable {
  /// As people are told of it.
  var place: String { get }

  /// Opens the ledger, and makes it where there is none; a damaged one is set aside and a new one begun.
  func open(now: Date, generation: String) throws(LedgerFault) -> OpenedLedger

  /// Opens the ledger while sweeps may use it: a damaged one is not taken away from under them.
  func join(now: Date, generation: String) throws(LedgerFault) -> any LedgerAudit

  /// Opens the ledger to look at it, also while sweeps write; nil where there is none. Nothing is made or mended.
  /// - Parameter leavesNoTrace: nothing that the database keeps beside is made or touched either, for a forecast that is to
  ///   touch nothing. What is seen then is how it was when it was opened.
  func look(leavesNoTrace: Bool) throws(LedgerFault) -> (any LedgerAudit)?

  /// Puts what is there out of the way; nothing is deleted, as a person may want to look.
  /// - Returns: where it is now.
  func setAside(now: Date) throws(LedgerFault) -> String
}

package struct OpenedLedger: Sendable {
  package var ledger: any LedgerAudit
  /// Where the damaged one is that was there before.
  package var aside: String?
  /// What it was before, where opening it changed that: older, or not made yet.
  package var was: LedgerFault.Age?

  package init(_ ledger: any LedgerAudit, aside: String? = nil, was: LedgerFault.Age? = nil) {
    self.ledger = ledger
    self.aside = aside
    self.was = was
  }
}

extension LedgerHome {
  package func look() throws(LedgerFault) -> (any LedgerAudit)? { try look(leavesNoTrace: false) }
}
