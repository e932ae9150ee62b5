// Makes the N-th call of some functions of the C library fail, for tests/inject.rs.
//
// Preloaded (LD_PRELOAD) into the program under test. Its environment says what to do:
//   INJECT_CALLS   the calls that count: names of groups, joined by commas, see below
//   INJECT_AT      the number of the call that fails, from 1; 0 counts only
//   INJECT_ERRNO   the number of the error
//   INJECT_HOW     once: that call alone; from: that call and every later one; short: from that call on, reads and writes of
//                  more than one byte do half of it, which is no error
//   INJECT_PATH    where it is set, only files whose paths hold this text are opened with a fault, and only that counts
//   INJECT_TALLY   a file of 16 bytes, into which go the calls counted and the faults injected
// Programs that the program starts are left alone: the variables are gone before its main function runs. So is stderr: what the
// program says is looked at.
//
// Not covered: system calls without the C library (rustix uses them for flags of descriptors and for renames that must not replace),
// and mmap, which the Rust runtime uses for nothing but signal stacks.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  OPEN = 1 << 0, READ = 1 << 1, WRITE = 1 << 2, SYNC = 1 << 3, RENAME = 1 << 4, REMOVE = 1 << 5, MKDIR = 1 << 6,
  TRUNCATE = 1 << 7, SEEK = 1 << 8, STAT = 1 << 9, LIST = 1 << 10, THREAD = 1 << 11, SPAWN = 1 << 12, MEMORY = 1 << 13
};
static const char *const NAMES[] = {"open", "read", "write", "sync", "rename", "remove", "mkdir",
                                    "truncate", "seek", "stat", "list", "thread", "spawn", "memory"};

static unsigned chosen;
static long at;
static int number = EIO;
static enum { ONCE, FROM, SHORT } how;
static _Atomic long *tally;  // calls, faults
static _Atomic int armed;
static const char *only;

// True where this call of the group is to fail.
static int due(unsigned group) {
  if (!atomic_load(&armed) || !(chosen & group)) return 0;
  long call = atomic_fetch_add(&tally[0], 1) + 1;
  if (at == 0 || (how == ONCE ? call != at : call < at)) return 0;
  atomic_fetch_add(&tally[1], 1);
  return 1;
}
static int fails(unsigned group) {
  if (how == SHORT || !due(group)) return 0;
  errno = number;
  return 1;
}
static int opens_badly(const char *path) { return (!only || strstr(path, only)) && fails(OPEN); }
// Bytes of a read or write that are done.
static size_t part(unsigned group, size_t bytes) {
  return how == SHORT && bytes > 1 && due(group) ? (bytes + 1) / 2 : bytes;
}

__attribute__((constructor)) static void begin(void) {
  const char *calls = getenv("INJECT_CALLS"), *file = getenv("INJECT_TALLY"), *value;
  unsetenv("LD_PRELOAD");
  if (!calls || !file) return;
  for (unsigned group = 0; group < sizeof NAMES / sizeof *NAMES; group++)
    for (const char *found = calls; (found = strstr(found, NAMES[group])); found++) {
      char after = found[strlen(NAMES[group])];
      if ((found == calls || found[-1] == ',') && (after == 0 || after == ',')) chosen |= 1u << group;
    }
  if ((value = getenv("INJECT_PATH"))) only = strdup(value);
  if ((value = getenv("INJECT_AT"))) at = atol(value);
  if ((value = getenv("INJECT_ERRNO"))) number = atoi(value);
  if ((value = getenv("INJECT_HOW"))) how = !strcmp(value, "from") ? FROM : !strcmp(value, "short") ? SHORT : ONCE;
  int descriptor = open(file, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) abort();
  tally = mmap(NULL, 2 * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (tally == MAP_FAILED) abort();
  const char *const ours[] = {"INJECT_CALLS", "INJECT_TALLY", "INJECT_AT", "INJECT_ERRNO", "INJECT_HOW",
                              "INJECT_PATH"};
  for (unsigned variable = 0; variable < sizeof ours / sizeof *ours; variable++) unsetenv(ours[variable]);
  atomic_store(&armed, 1);
}

#define REAL(result, name, ...)                                                          \
  static result (*_Atomic real_##name)(__VA_ARGS__);                                     \
  static result (*next_##name(void))(__VA_ARGS__) {                                      \
    result (*found)(__VA_ARGS__) = atomic_load(&real_##name);                            \
    if (!found) atomic_store(&real_##name, found = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)); \
    return found;                                                                        \
  }
// A function of fixed arguments that belongs to one group.
#define FAILING(group, failure, result, name, declared, passed) \
  REAL(result, name, UNPACK declared)                           \
  result name declared {                                        \
    if (fails(group)) return failure;                           \
    return next_##name() passed;                                \
  }
#define UNPACK(...) __VA_ARGS__

// Opening; the mode is there only where a file may be made.
#define MODE                                   \
  mode_t mode = 0;                             \
  if (flags & (O_CREAT | __O_TMPFILE)) {       \
    va_list list;                              \
    va_start(list, flags);                     \
    mode = va_arg(list, mode_t);               \
    va_end(list);                              \
  }                                            \
  if (opens_badly(path)) return -1;
REAL(int, open, const char *, int, ...)
int open(const char *path, int flags, ...) { MODE return next_open()(path, flags, mode); }
REAL(int, open64, const char *, int, ...)
int open64(const char *path, int flags, ...) { MODE return next_open64()(path, flags, mode); }
REAL(int, openat, int, const char *, int, ...)
int openat(int folder, const char *path, int flags, ...) { MODE return next_openat()(folder, path, flags, mode); }
REAL(int, openat64, int, const char *, int, ...)
int openat64(int folder, const char *path, int flags, ...) { MODE return next_openat64()(folder, path, flags, mode); }

// A pipe is on no disk, and the Rust library takes it for granted that what a child says can be read.
static int is_pipe(int file) {
  struct stat facts;
  return fstat(file, &facts) == 0 && S_ISFIFO(facts.st_mode);
}
REAL(ssize_t, read, int, void *, size_t)
ssize_t read(int file, void *to, size_t bytes) {
  if (is_pipe(file)) return next_read()(file, to, bytes);
  if (fails(READ)) return -1;
  return next_read()(file, to, part(READ, bytes));
}
REAL(ssize_t, pread64, int, void *, size_t, off64_t)
ssize_t pread64(int file, void *to, size_t bytes, off64_t from) {
  if (fails(READ)) return -1;
  return next_pread64()(file, to, part(READ, bytes), from);
}
FAILING(READ, -1, ssize_t, readv, (int file, const struct iovec *to, int count), (file, to, count))
REAL(ssize_t, write, int, const void *, size_t)
ssize_t write(int file, const void *from, size_t bytes) {
  if (file == STDERR_FILENO) return next_write()(file, from, bytes);
  if (fails(WRITE)) return -1;
  return next_write()(file, from, part(WRITE, bytes));
}
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)
ssize_t pwrite64(int file, const void *from, size_t bytes, off64_t to) {
  if (fails(WRITE)) return -1;
  return next_pwrite64()(file, from, part(WRITE, bytes), to);
}
FAILING(WRITE, -1, ssize_t, writev, (int file, const struct iovec *from, int count), (file, from, count))
REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned)
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t bytes, unsigned flags) {
  // The kernel restarts it after a signal.
  if (number != EINTR && fails(WRITE)) return -1;
  return next_copy_file_range()(in, from, out, to, bytes, flags);
}
FAILING(WRITE, -1, ssize_t, sendfile64, (int out, int in, off64_t *from, size_t bytes), (out, in, from, bytes))
FAILING(SYNC, -1, int, fsync, (int file), (file))
FAILING(SYNC, -1, int, fdatasync, (int file), (file))
FAILING(RENAME, -1, int, rename, (const char *from, const char *to), (from, to))
FAILING(RENAME, -1, int, link, (const char *from, const char *to), (from, to))
FAILING(REMOVE, -1, int, unlink, (const char *path), (path))
FAILING(REMOVE, -1, int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
FAILING(REMOVE, -1, int, rmdir, (const char *path), (path))
FAILING(MKDIR, -1, int, mkdir, (const char *path, mode_t mode), (path, mode))
FAILING(TRUNCATE, -1, int, ftruncate64, (int file, off64_t bytes), (file, bytes))
FAILING(SEEK, -1, off64_t, lseek64, (int file, off64_t by, int from), (file, by, from))
FAILING(STAT, -1, int, statx, (int folder, const char *path, int flags, unsigned mask, struct statx *to),
        (folder, path, flags, mask, to))
FAILING(STAT, NULL, char *, realpath, (const char *path, char *to), (path, to))
FAILING(LIST, NULL, DIR *, opendir, (const char *path), (path))
FAILING(LIST, NULL, DIR *, fdopendir, (int folder), (folder))
REAL(struct dirent64 *, readdir64, DIR *)
struct dirent64 *readdir64(DIR *folder) {
  if (fails(LIST)) return NULL;
  return next_readdir64()(folder);
}
REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
int pthread_create(pthread_t *thread, const pthread_attr_t *how_to, void *(*body)(void *), void *with) {
  if (fails(THREAD)) return number;
  return next_pthread_create()(thread, how_to, body, with);
}
FAILING(SPAWN, -1, int, pipe2, (int ends[2], int flags), (ends, flags))
FAILING(SPAWN, -1, pid_t, fork, (void), ())
REAL(int, posix_spawnp, pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[])
int posix_spawnp(pid_t *child, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *how_to,
                 char *const arguments[], char *const environment[]) {
  if (fails(SPAWN)) return number;
  return next_posix_spawnp()(child, file, actions, how_to, arguments, environment);
}

// Memory, by the names under which the C library has its own: looking those of malloc up would ask for memory.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
void *malloc(size_t bytes) { return fails(MEMORY) ? NULL : __libc_malloc(bytes); }
void *calloc(size_t count, size_t bytes) { return fails(MEMORY) ? NULL : __libc_calloc(count, bytes); }
void *realloc(void *block, size_t bytes) { return fails(MEMORY) ? NULL : __libc_realloc(block, bytes); }
int posix_memalign(void **block, size_t align, size_t bytes) {
  if (fails(MEMORY)) return ENOMEM;
  *block = __libc_memalign(align, bytes);
  return *block ? 0 : ENOMEM;
}
