/*
 * Strikes a program at its N-th system call that matters, counted over all of its threads. Loaded before the C library
 * (LD_PRELOAD), so that the program is the real one, unchanged; what it does is read from the environment.
 *
 *   CALAMITY_AT=N        strike at the N-th call; unset or 0: never
 *   CALAMITY_DO=WHAT     kill     SIGKILL before the call
 *                        torn     half of a write, or any other call whole, then SIGKILL
 *                        short    a write does half of its work, and says so
 *                        cut      the power fails: the file system of CALAMITY_DISK stops without flushing its journal,
 *                                 then SIGKILL
 *                        a number the call fails with this errno and does nothing
 *   CALAMITY_LASTS=1     errors: every later call that may fail like this does too
 *   CALAMITY_READS=1     calls that only read count as well
 *   CALAMITY_ONLY=NAME   only calls of this name count
 *   CALAMITY_AFTER=PATH  nothing counts before this file exists
 *   CALAMITY_SYNC=N      before the N-th call the file system of CALAMITY_DISK is flushed, as the kernel may at any time
 *   CALAMITY_PLAIN=1     renames know no flags, as on NFS and 9p
 *   CALAMITY_LOG=PATH    a line per counted call; "struck" and its name where it struck
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define EXT4_GOING_FLAGS_NOLOGFLUSH 2

enum act { NOTHING, KILL, TORN, SHORT, CUT, ERROR };

/* What a call does, which says what it can fail with. */
enum kind {
  MAKES = 1,     /* takes space on the disk */
  CHANGES = 2,   /* changes the disk without needing space */
  FLUSHES = 4,
  READS = 8,
  OPENS = 16,    /* takes a descriptor */
  SENDS = 32,
  LOOKS_UP = 64, /* goes by a path */
};

static struct {
  long at, sync;
  enum act act;
  int number, lasts, reads, plain, log, disk;
  const char *after, *only;
} plan = {.log = -1, .disk = -1};
static atomic_long count;
static atomic_int struck;
static atomic_int ready;

static long (*real_syscall)(long, ...);

__attribute__((constructor)) static void prepare(void) {
  real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  const char *text = getenv("CALAMITY_AT");
  plan.at = text ? atol(text) : 0;
  text = getenv("CALAMITY_SYNC");
  plan.sync = text ? atol(text) : 0;
  text = getenv("CALAMITY_DO");
  if (!text) plan.act = NOTHING;
  else if (!strcmp(text, "kill")) plan.act = KILL;
  else if (!strcmp(text, "torn")) plan.act = TORN;
  else if (!strcmp(text, "short")) plan.act = SHORT;
  else if (!strcmp(text, "cut")) plan.act = CUT;
  else plan.act = ERROR, plan.number = atoi(text);
  plan.lasts = getenv("CALAMITY_LASTS") != NULL;
  plan.reads = getenv("CALAMITY_READS") != NULL;
  plan.plain = getenv("CALAMITY_PLAIN") != NULL;
  plan.only = getenv("CALAMITY_ONLY");
  plan.after = getenv("CALAMITY_AFTER");
  if ((text = getenv("CALAMITY_LOG")))
    plan.log = (int)real_syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if ((text = getenv("CALAMITY_DISK")))
    plan.disk = (int)real_syscall(SYS_openat, AT_FDCWD, text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  atomic_store(&ready, 1);
}

static void note(const char *what, const char *name) {
  char line[96];
  if (plan.log < 0) return;
  int length = snprintf(line, sizeof line, "%s%s\n", what, name);
  real_syscall(SYS_write, plan.log, line, (size_t)length);
}

__attribute__((noreturn)) static void die(void) {
  for (;;) real_syscall(SYS_kill, real_syscall(SYS_getpid), SIGKILL);
}

__attribute__((noreturn)) static void cut(void) {
  uint32_t flags = EXT4_GOING_FLAGS_NOLOGFLUSH;
  real_syscall(SYS_ioctl, plan.disk, EXT4_IOC_SHUTDOWN, &flags);
  die();
}

/* Whether a call of this kind can fail like this, as far as local file systems and sockets go. */
static int may_fail(enum kind kind) {
  switch (plan.number) {
  case ENOSPC:
  case EDQUOT: return kind & (MAKES | FLUSHES);
  case EIO: return kind & (MAKES | CHANGES | FLUSHES | READS) && !(kind & SENDS);
  case EROFS: return kind & (MAKES | CHANGES) && !(kind & SENDS);
  case EACCES: return kind & LOOKS_UP;
  /* What waits can be interrupted; looking up a name cannot. */
  case EINTR: return !(kind & LOOKS_UP) || kind & OPENS;
  case EMFILE:
  case ENFILE: return kind & OPENS;
  default: return 1;
  }
}

/* Counts the call. 0: go on. 1: do half of it. 2: do it, then die. -1: fail with errno. */
static int meet(enum kind kind, const char *name) {
  if (!atomic_load(&ready)) return 0;
  if (kind & READS && !plan.reads) return 0;
  if (plan.only && strcmp(plan.only, name) != 0) return 0;
  if (plan.after && real_syscall(SYS_faccessat, AT_FDCWD, plan.after, F_OK) != 0) return 0;
  int saved = errno;
  long number = atomic_fetch_add(&count, 1) + 1;
  note("", name);
  if (plan.sync && number == plan.sync) real_syscall(SYS_syncfs, plan.disk);
  errno = saved;
  if (plan.at == 0 || number < plan.at) return 0;
  switch (plan.act) {
  case NOTHING: return 0;
  case KILL:
    note("struck ", name);
    die();
  case CUT:
    note("struck ", name);
    cut();
  case TORN:
    if (atomic_exchange(&struck, 1)) return 0;
    note("struck ", name);
    return 2;
  case SHORT:
    if (atomic_exchange(&struck, 1)) return 0;
    note("struck ", name);
    return 1;
  case ERROR:
    if (!may_fail(kind)) return 0;
    if (atomic_exchange(&struck, 1) && !plan.lasts) return 0;
    note("struck ", name);
    errno = plan.number;
    return -1;
  }
  return 0;
}

/* A pair of sockets by which threads wake each other. */
static int is_own(int descriptor) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  return real_syscall(SYS_getsockname, descriptor, &address, &size) == 0 && address.ss_family == AF_UNIX;
}

/* What is behind a descriptor decides what may happen to it. Standard streams tell what happened, and are spared. */
static int meet_descriptor(int descriptor, enum kind kind, const char *name) {
  struct stat status;
  int saved = errno;
  if (!atomic_load(&ready)) return 0;
  if (descriptor <= 2 && (plan.act == ERROR || plan.act == SHORT)) return 0;
  if (real_syscall(SYS_fstat, descriptor, &status) != 0) return 0;
  errno = saved;
  if (S_ISSOCK(status.st_mode) && !is_own(descriptor)) return meet(kind & READS ? READS | SENDS : SENDS, name);
  /* Pipes and counters by which threads wake each other never fail. */
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && (plan.act == ERROR || plan.act == SHORT)) return 0;
  return meet(kind, name);
}

#define NEXT(result, name, parameters) \
  static result(*next) parameters; \
  if (!next) next = (result(*) parameters)dlsym(RTLD_NEXT, #name)

#define PLAIN(result, name, kind, parameters, arguments) \
  result name parameters { \
    NEXT(result, name, parameters); \
    int how = meet(kind, #name); \
    if (how < 0) return -1; \
    result value = next arguments; \
    if (how == 2) die(); \
    return value; \
  }

#define ON_DESCRIPTOR(result, name, kind, descriptor, parameters, arguments) \
  result name parameters { \
    NEXT(result, name, parameters); \
    int how = meet_descriptor(descriptor, kind, #name); \
    if (how < 0) return -1; \
    result value = next arguments; \
    if (how == 2) die(); \
    return value; \
  }

#define WRITING(name, parameters, half, whole) \
  ssize_t name parameters { \
    NEXT(ssize_t, name, parameters); \
    int how = meet_descriptor(fd, MAKES, #name); \
    if (how < 0) return -1; \
    ssize_t value = how > 0 && size > 1 ? next half : next whole; \
    if (how == 2) die(); \
    return value; \
  }

WRITING(write, (int fd, const void *bytes, size_t size), (fd, bytes, size / 2), (fd, bytes, size))
WRITING(pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size / 2, at), (fd, bytes, size, at))
WRITING(pwrite64, (int fd, const void *bytes, size_t size, off64_t at), (fd, bytes, size / 2, at),
        (fd, bytes, size, at))
WRITING(send, (int fd, const void *bytes, size_t size, int flags), (fd, bytes, size / 2, flags),
        (fd, bytes, size, flags))
WRITING(sendto, (int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length),
        (fd, bytes, size / 2, flags, to, length), (fd, bytes, size, flags, to, length))

ON_DESCRIPTOR(ssize_t, writev, MAKES, fd, (int fd, const struct iovec *parts, int number), (fd, parts, number))
ON_DESCRIPTOR(ssize_t, sendmsg, MAKES, fd, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
ON_DESCRIPTOR(int, fsync, FLUSHES, fd, (int fd), (fd))
ON_DESCRIPTOR(int, fdatasync, FLUSHES, fd, (int fd), (fd))
ON_DESCRIPTOR(int, ftruncate, CHANGES, fd, (int fd, off_t size), (fd, size))
ON_DESCRIPTOR(int, ftruncate64, CHANGES, fd, (int fd, off64_t size), (fd, size))
ON_DESCRIPTOR(int, fallocate, MAKES, fd, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
ON_DESCRIPTOR(int, futimens, CHANGES, fd, (int fd, const struct timespec times[2]), (fd, times))
ON_DESCRIPTOR(int, fchmod, CHANGES, fd, (int fd, mode_t mode), (fd, mode))
ON_DESCRIPTOR(int, fchown, CHANGES, fd, (int fd, uid_t user, gid_t group), (fd, user, group))

PLAIN(int, rename, MAKES | LOOKS_UP, (const char *from, const char *to), (from, to))
PLAIN(int, renameat, MAKES | LOOKS_UP, (int a, const char *from, int b, const char *to), (a, from, b, to))
PLAIN(int, link, MAKES | LOOKS_UP, (const char *from, const char *to), (from, to))
PLAIN(int, linkat, MAKES | LOOKS_UP, (int a, const char *from, int b, const char *to, int flags),
      (a, from, b, to, flags))
PLAIN(int, unlink, CHANGES | LOOKS_UP, (const char *path), (path))
PLAIN(int, unlinkat, CHANGES | LOOKS_UP, (int folder, const char *path, int flags), (folder, path, flags))
PLAIN(int, rmdir, CHANGES | LOOKS_UP, (const char *path), (path))
PLAIN(int, mkdir, MAKES | LOOKS_UP, (const char *path, mode_t mode), (path, mode))
PLAIN(int, mkdirat, MAKES | LOOKS_UP, (int folder, const char *path, mode_t mode), (folder, path, mode))
PLAIN(int, chmod, CHANGES | LOOKS_UP, (const char *path, mode_t mode), (path, mode))
PLAIN(int, fchmodat, CHANGES | LOOKS_UP, (int folder, const char *path, mode_t mode, int flags),
      (folder, path, mode, flags))
PLAIN(int, utimensat, CHANGES | LOOKS_UP, (int folder, const char *path, const struct timespec times[2], int flags),
      (folder, path, times, flags))
PLAIN(int, socket, READS | OPENS, (int domain, int type, int protocol), (domain, type, protocol))

/* Asked about, not done: it agrees with what the calls themselves meet. */
int access(const char *path, int mode) {
  NEXT(int, access, (const char *, int));
  int agrees = plan.lasts && atomic_load(&struck) && mode & W_OK && plan.act == ERROR;
  if (agrees && (plan.number == EROFS || plan.number == EACCES)) {
    errno = plan.number;
    return -1;
  }
  return next(path, mode);
}

ON_DESCRIPTOR(ssize_t, read, READS, fd, (int fd, void *bytes, size_t size), (fd, bytes, size))
ON_DESCRIPTOR(ssize_t, pread, READS, fd, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at))
ON_DESCRIPTOR(ssize_t, pread64, READS, fd, (int fd, void *bytes, size_t size, off64_t at), (fd, bytes, size, at))
ON_DESCRIPTOR(int, fstatvfs, READS, fd, (int fd, struct statvfs *status), (fd, status))

static enum kind opening(int folder, const char *path, int flags) {
  if (flags & O_CREAT && real_syscall(SYS_faccessat, folder, path, F_OK) != 0) return MAKES | OPENS | LOOKS_UP;
  return (flags & O_ACCMODE) == O_RDONLY ? READS | OPENS | LOOKS_UP : CHANGES | OPENS | LOOKS_UP;
}

/* Opening for reading changes nothing: a kill there is a kill at the next call. */
static int meet_opening(int folder, const char *path, int flags, const char *name) {
  if (!atomic_load(&ready)) return 0;
  int saved = errno;
  enum kind kind = opening(folder, path, flags);
  errno = saved;
  return kind & READS && !plan.reads ? 0 : meet(kind, name);
}

static mode_t mode_argument(int flags, va_list list) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

#define OPENING(name) \
  int name(const char *path, int flags, ...) { \
    NEXT(int, name, (const char *, int, ...)); \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = mode_argument(flags, list); \
    va_end(list); \
    int how = meet_opening(AT_FDCWD, path, flags, #name); \
    if (how < 0) return -1; \
    int value = next(path, flags, mode); \
    if (how == 2) die(); \
    return value; \
  }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name) \
  int name(int folder, const char *path, int flags, ...) { \
    NEXT(int, name, (int, const char *, int, ...)); \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = mode_argument(flags, list); \
    va_end(list); \
    int how = meet_opening(folder, path, flags, #name); \
    if (how < 0) return -1; \
    int value = next(folder, path, flags, mode); \
    if (how == 2) die(); \
    return value; \
  }
OPENING_AT(openat)
OPENING_AT(openat64)

/* Calls that the C library has no function for. */
long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int index = 0; index < 6; index++) a[index] = va_arg(list, long);
  va_end(list);
  int how = 0;
  if (number == SYS_renameat2 && plan.plain && a[4] != 0) {
    errno = EINVAL;
    return -1;
  }
  switch (number) {
  case SYS_renameat2: how = meet(MAKES | LOOKS_UP, "renameat2"); break;
  case SYS_syncfs: how = meet(FLUSHES, "syncfs"); break;
  case SYS_getdents64: how = plan.reads ? meet(READS, "getdents64") : 0; break;
  case SYS_openat2: how = plan.reads ? meet(READS | OPENS | LOOKS_UP, "openat2") : 0; break;
  default: break;
  }
  if (how < 0) return -1;
  if (!real_syscall) real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  long value = real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (how == 2) die();
  return value;
}
