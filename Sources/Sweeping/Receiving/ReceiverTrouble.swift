import Core
import Ledger
import Spooling

/// Why receiving does not go on for now.
struct ReceiverTrouble: Error {
  var message: String
  var hint: String?

  init(_ fault: Fault) {
    (message, hint) = ([fault.code, fault.message].compactMap { $0 }.joined(separator: ": "), fault.hint)
  }

  init(_ fault: SystemFault) { (message, hint) = ("\(fault)", fault.hint) }
  init(_ fault: LedgerFault) { message = fault.message }
}
