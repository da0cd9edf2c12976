import Core
import Ledger

/// What is counted over all sweeps: a row for each number that is not zero.
extension SQLiteLedger {
  static let meterTable = """
    CREATE TABLE IF NOT EXISTS meters (
      name TEXT NOT NULL, channel TEXT NOT NULL, label TEXT NOT NULL, value INTEGER NOT NULL,
      PRIMARY KEY (name, channel, label)) WITHOUT ROWID;
    """

  func add(_ meters: [Meters.Row], _ database: SQLiteDatabase) throws(LedgerFault) {
    if meters.isEmpty { return }
    let sql = "INSERT INTO meters VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"
    let statement = try database.statement(sql)
    for row in meters {
      try statement.fresh.bind(row.name.rawValue).bind(row.channel).bind(row.label).bind(row.value).run()
    }
  }

  package func meters() throws(LedgerFault) -> [Meters.Row] {
    try locked { (database) throws(LedgerFault) in
      var meters: [Meters.Row] = []
      let rows = try database.statement("SELECT name, channel, label, value FROM meters ORDER BY name, channel, label")
        .fresh
      while try rows.step() {
        guard let name = rows.text(0).flatMap(Meters.Name.init(rawValue:)) else { continue }
        meters.append(Meters.Row(name, rows.text(1) ?? "", rows.text(2) ?? "", rows.integer(3)))
      }
      _ = rows.fresh
      return meters
    }
  }
}
