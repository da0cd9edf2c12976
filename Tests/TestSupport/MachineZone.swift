import Core
import Foundation

extension Zone {
  /// A zone of this machine; nil where it has none of that name.
  package static func ofThisMachine(_ name: String) -> Zone? {
    (try? Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)"))).flatMap {
      Zone(identifier: name, file: Array($0))
    }
  }
}
