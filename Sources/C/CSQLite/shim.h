#include <sqlite3.h>

/* SQLITE_TRANSIENT is a cast that Swift cannot import; SQLite copies the bytes before these return. */
static inline int msgspool_bind_text(sqlite3_stmt *statement, int index, const char *text, int length) {
  return sqlite3_bind_text(statement, index, text, length, SQLITE_TRANSIENT);
}

/* Variadic, which Swift cannot call. Nobody asks how much memory SQLite has, and counting takes a lock for each piece. */
static inline int msgspool_sqlite_counts_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
