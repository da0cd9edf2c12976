/* System calls that Glibc's module does not show to Swift. Nothing else. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* renameat2 with RENAME_NOREPLACE: fails with EEXIST instead of overwriting. */
static inline int msgspool_rename_noreplace(int from, const char *name, int to, const char *new_name) {
  return (int)syscall(SYS_renameat2, from, name, to, new_name, 1u);
}

/* Opens a file below a folder, following no symbolic link anywhere on the way, and never leaving the folder. */
static inline int msgspool_open_beneath(int folder, const char *path) {
  struct open_how how = {
      .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

/// O_PATH, which Swift's Glibc does not show: a folder to pass through. The number is the kernel's for x86 and ARM alike.
static inline int msgspool_o_path(void) { return 010000000; }

/* With whose rights the calling thread uses files, others of the process do not. Says nothing of whether it could. */
static inline int msgspool_use_files_as(uid_t user) { return (int)syscall(SYS_setfsuid, user); }

/* Behind _GNU_SOURCE. */
extern int setresuid(uid_t real, uid_t effective, uid_t saved);
extern int setresgid(gid_t real, gid_t effective, gid_t saved);

static inline int msgspool_set_undumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static inline int msgspool_syncfs(int fd) { return (int)syscall(SYS_syncfs, fd); }

static inline long msgspool_getdents(int fd, void *buffer, unsigned long size) {
  return syscall(SYS_getdents64, fd, buffer, size);
}

/* Both ends close when a program is started. */
static inline int msgspool_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }

/* In glibc since 2.34, behind _GNU_SOURCE. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

static inline int msgspool_spawn_closes_from(posix_spawn_file_actions_t *actions, int from) {
  return posix_spawn_file_actions_addclosefrom_np(actions, from);
}

/* A descriptor that becomes readable when somebody sets the wall clock (and in 34 years). */
static inline int msgspool_clock_watch(void) {
  return timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
}

/* Arms it, or arms it again after it was read. */
static inline int msgspool_clock_watch_arm(int fd) {
  struct itimerspec far = {.it_value = {.tv_sec = time(NULL) + (1L << 30)}};
  return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}
