#include <microhttpd.h>
#include "../lazy.h"

#define MHD_LIBRARY "libmicrohttpd.so.12"
#define MHD_LAZY(result, name, parameters, arguments) MSGSPOOL_LAZY(MHD_LIBRARY, result, name, parameters, arguments)

// Whether the library is on this machine; asked before anything else of it.
static inline _Bool msgspool_mhd_opens(void) { return MSGSPOOL_OPEN(MHD_LIBRARY) != NULL; }

MHD_LAZY(void, MHD_stop_daemon, (struct MHD_Daemon * daemon), (daemon))
MHD_LAZY(void, MHD_suspend_connection, (struct MHD_Connection * connection), (connection))
MHD_LAZY(void, MHD_resume_connection, (struct MHD_Connection * connection), (connection))
MHD_LAZY(const char *, MHD_lookup_connection_value,
         (struct MHD_Connection * connection, enum MHD_ValueKind kind, const char *key), (connection, kind, key))
MHD_LAZY(int, MHD_get_connection_values,
         (struct MHD_Connection * connection, enum MHD_ValueKind kind, MHD_KeyValueIterator visit, void *context),
         (connection, kind, visit, context))
MHD_LAZY(struct MHD_Response *, MHD_create_response_from_buffer,
         (size_t size, void *bytes, enum MHD_ResponseMemoryMode mode), (size, bytes, mode))
MHD_LAZY(struct MHD_Response *, MHD_create_response_from_callback,
         (uint64_t size, size_t block, MHD_ContentReaderCallback read, void *context, MHD_ContentReaderFreeCallback release),
         (size, block, read, context, release))
MHD_LAZY(void, MHD_destroy_response, (struct MHD_Response * response), (response))
MHD_LAZY(enum MHD_Result, MHD_add_response_header,
         (struct MHD_Response * response, const char *name, const char *value), (response, name, value))
MHD_LAZY(enum MHD_Result, MHD_queue_response,
         (struct MHD_Connection * connection, unsigned int status, struct MHD_Response *response),
         (connection, status, response))

MSGSPOOL_FIND(MHD_LIBRARY, MHD_start_daemon)
MSGSPOOL_FIND(MHD_LIBRARY, MHD_get_connection_info)

// Swift cannot call variadic functions; these are the ones the sandbox needs, and nothing else.

/// Serves an already listening socket with one thread and epoll. `memory` is bytes per connection (request line, headers).
static inline struct MHD_Daemon *msgspool_mhd_start(
    int listening, size_t memory, unsigned int connections, void *self,
    void *(*began)(void *, const char *, struct MHD_Connection *), MHD_AccessHandlerCallback handle,
    MHD_RequestCompletedCallback ended) {
  return msgspool_find_MHD_start_daemon()(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, self,
      MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
      MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_URI_LOG_CALLBACK, began, self,
      MHD_OPTION_NOTIFY_COMPLETED, ended, self, MHD_OPTION_END);
}

/// The connection's socket, or -1.
static inline int msgspool_mhd_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = msgspool_find_MHD_get_connection_info()(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}
