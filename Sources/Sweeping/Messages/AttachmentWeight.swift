import Core
import Glibc
import Spooling

/// Attachments on the disk are weighed when their message is claimed, where it is sent in parts: a text must not go ahead
/// of a file that is never sent.
enum AttachmentWeight {
  /// What is wrong with one of them; nil where all can be sent.
  static func fault(of itinerary: Itinerary) -> Fault? {
    guard let trail = itinerary.legs.first?.trail else { return nil }
    let limit = itinerary.channel.personal?.maxFileBytes ?? itinerary.channel.card.loadsAttachments ?? .max
    let attachments = trail.parts.flatMap(\.content.attachments)
    for (index, attachment) in attachments.enumerated() {
      guard case .file(let file) = attachment.source else { continue }
      let field = "attachments[\(index)]"
      do throws(SystemFault) {
        let (descriptor, size) = try AttachmentStore.open(file)
        close(descriptor)
        if size == 0, itinerary.channel.parting != nil {
          return Fault(.message, "\(field): is empty; \(itinerary.channel.card.name) sends no empty file")
        }
        guard size > limit else { continue }
        return Fault(
          .message, "\(field): has \(size) bytes; \(itinerary.channel.card.name) takes at most \(limit)")
      } catch {
        // What descriptors are short of now may be had when it is sent.
        if error.isShortage { continue }
        return Fault(.message, "\(field): \(error)")
      }
    }
    return nil
  }
}
