import Core

extension Spool {
  /// Sets a message aside. Flushing the folders is the caller's, once for all.
  /// - Returns: the name it got; nil when it is gone meanwhile: a sweep claimed it.
  package func hold(_ name: FileName, from folder: Folder) throws(SystemFault) -> FileName? {
    try Spool.move(name, from: descriptor(folder), to: descriptor(.hold), path: path(.hold))
  }
}
