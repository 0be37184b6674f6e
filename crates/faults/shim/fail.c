/*
 * Lets the disk or the clock of a process fail when somebody says so. Loaded by LD_PRELOAD.
 *
 *   CAUSEWAY_FAIL_CONTROL  a file of five numbers, of 8 bytes each in this machine's order, that both sides look at:
 *     0  how many times something was to be written, so far: write, sync, truncate, create, rename, remove
 *     1  from which of these on they fail; 0 for none
 *     2  how many of them fail
 *     3  with which errno
 *     4  how many seconds the clock of the day is ahead, or behind where it is below 0
 *   CAUSEWAY_FAIL_ROOT     the folder, as realpath(3) spells it; nothing outside is counted or fails
 *
 * What fails is not done: of a write, nothing is on the disk; a sync is not made.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { POINTS, FROM, COUNT, ERROR, CLOCK, NUMBERS };

static volatile uint64_t *control;
static char root[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("CAUSEWAY_FAIL_CONTROL"), *folder = getenv("CAUSEWAY_FAIL_ROOT");
    if (!file || !folder) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
    if (fd < 0) abort();
    void *shared = mmap(NULL, NUMBERS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (shared == MAP_FAILED) abort();
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    control = shared;
}

#define REAL(result, name, ...)                       \
    static result (*real)(__VA_ARGS__);               \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* Counts one point; whether it fails. */
static int point(void) {
    uint64_t number = __atomic_add_fetch(&control[POINTS], 1, __ATOMIC_SEQ_CST);
    uint64_t from = control[FROM];
    if (from == 0 || number < from || number - from >= control[COUNT]) return 0;
    errno = (int)control[ERROR];
    return 1;
}

static int is_within(const char *path) {
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/* Whether what is done to a descriptor fails. Sockets and pipes are in no folder. */
static int fd_fails(int fd) {
    char link[64], path[PATH_MAX];
    if (!control) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_within(path) && point();
}

/* Whether what is done to a name fails. */
static int name_fails(const char *name) {
    char given[PATH_MAX], parent[PATH_MAX];
    if (!control || (size_t)snprintf(given, sizeof given, "%s", name) >= sizeof given) return 0;
    char *slash = strrchr(given, '/');
    if (slash) *slash = 0;
    if (!realpath(slash ? given : ".", parent)) return 0;
    return is_within(parent) && point();
}

static int is_absent(const char *name) {
    struct stat about;
    return lstat(name, &about) != 0;
}

static int opened(const char *path, int flags, mode_t mode) {
    REAL(int, "open64", const char *, int, ...);
    if ((flags & O_CREAT) && is_absent(path) && name_fails(path)) return -1;
    return real(path, flags, mode);
}

#define OPEN(name)                                                          \
    int name(const char *path, int flags, ...) {                            \
        va_list rest;                                                       \
        va_start(rest, flags);                                              \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                       \
        return opened(path, flags, mode);                                   \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return fd_fails(fd) ? -1 : real(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    return fd_fails(fd) ? -1 : real(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return fd_fails(fd) ? -1 : real(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    return fd_fails(fd) ? -1 : real(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fsync(int fd) {
    REAL(int, "fsync", int);
    return fd_fails(fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return fd_fails(fd) ? -1 : real(fd);
}

int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags) {
    REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned);
    return fd_fails(fd) ? -1 : real(fd, offset, length, flags);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return name_fails(to) ? -1 : real(from, to);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return name_fails(path) ? -1 : real(path);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return name_fails(path) ? -1 : real(path, mode);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int done = real(clock, time);
    if (done == 0 && control && clock == CLOCK_REALTIME) time->tv_sec += (int64_t)control[CLOCK];
    return done;
}
