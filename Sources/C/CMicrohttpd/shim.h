#include <microhttpd.h>

// Swift cannot call variadic functions; these are the ones the sandbox needs, and nothing else.

/// Serves an already listening socket with one thread and epoll. `memory` is bytes per connection (request line, headers).
static inline struct MHD_Daemon *msgspool_mhd_start(
    int listening, size_t memory, unsigned int connections, void *self,
    void *(*began)(void *, const char *, struct MHD_Connection *), MHD_AccessHandlerCallback handle,
    MHD_RequestCompletedCallback ended) {
  return MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, self,
      MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
      MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_URI_LOG_CALLBACK, began, self,
      MHD_OPTION_NOTIFY_COMPLETED, ended, self, MHD_OPTION_END);
}

/// The connection's socket, or -1.
static inline int msgspool_mhd_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}
