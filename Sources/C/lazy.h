// Libraries that are opened at their first use, and not when the program starts: libcurl and libmicrohttpd bring some
// thirty others with them, which took two thirds of the time of a sweep that finds nothing to send. Nothing but macros is
// in here, so that several modules may include it.
#include <dlfcn.h>

#define MSGSPOOL_OPEN(library) dlopen(library, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE)

// Defines msgspool_find_NAME: the library's NAME, typed by the library's own header and looked up at the first call.
// Several threads may look at once; they find the same. Whoever starts the library asks first whether it opens.
#define MSGSPOOL_FIND(library, name)                                \
  static inline __typeof__(&name) msgspool_find_##name(void) {      \
    static void *found;                                             \
    void *symbol = __atomic_load_n(&found, __ATOMIC_RELAXED);       \
    if (!symbol) {                                                  \
      symbol = dlsym(MSGSPOOL_OPEN(library), #name);                \
      __atomic_store_n(&found, symbol, __ATOMIC_RELAXED);           \
    }                                                               \
    return (__typeof__(&name))symbol;                               \
  }

// Defines msgspool_NAME, which calls it.
#define MSGSPOOL_LAZY(library, result, name, parameters, arguments) \
  MSGSPOOL_FIND(library, name)                                      \
  static inline result msgspool_##name parameters { return msgspool_find_##name() arguments; }
