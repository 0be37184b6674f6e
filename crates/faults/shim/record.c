/*
 * Records what a process does to the files of one folder, in the order in which it happens, so that a replayer can tell what a
 * power cut at any moment would have left of them. Loaded by LD_PRELOAD.
 *
 *   CAUSEWAY_RECORD       the file that the recording is appended to
 *   CAUSEWAY_RECORD_ROOT  the folder, as realpath(3) spells it; nothing outside is recorded
 *   CAUSEWAY_RECORD_SYNC_MICROS  how long a sync takes
 *
 * One lock is held over each change and its line, so the lines are in the order of the changes. A sync has two lines: what was
 * written before its first line is durable once its second one is there; in between, the disk may have any of it. The real sync is not
 * made: nothing here depends on the real disk, and the recorded process is to meet many of them.
 *
 * A line is a letter, numbers, and the lengths of the names or bytes that follow it:
 *   C inode mode length\npath         a file was created          T inode size\n              a file has this length now
 *   W inode offset length\nbytes      bytes were written          M inode mode length\npath   a folder was made
 *   R length length\nfrom to          something was renamed       L length length\nfrom to    a second name was given
 *   U length\npath                    a file's name was removed   D length\npath              a folder was removed
 *   S number inode f|d\n, E number\n  a sync (fsync, fdatasync) began, and ended
 *   A inode\n                         sync_file_range: nothing is durable by that
 *   X length\nwhat                    something that the replayer does not know
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static char root[PATH_MAX];
static size_t root_length;
static dev_t root_device;
static useconds_t sync_micros;
static unsigned long syncs;

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("CAUSEWAY_RECORD"), *folder = getenv("CAUSEWAY_RECORD_ROOT");
    const char *micros = getenv("CAUSEWAY_RECORD_SYNC_MICROS");
    struct stat about;
    if (!file || !folder || stat(folder, &about) != 0) return;
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    root_device = about.st_dev;
    sync_micros = micros ? (useconds_t)atoi(micros) : 0;
    record = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))
#define REAL(result, name, ...)                                    \
    static result (*real)(__VA_ARGS__);                            \
    if (!real) real = NEXT(result (*)(__VA_ARGS__), name)

static void lock(void) { pthread_mutex_lock(&order); }
static void unlock(void) { pthread_mutex_unlock(&order); }

/* Appends one line, with what belongs to it, in one write: marks of another process come between lines, never within one. */
static void line(const char *head, const void *first, size_t first_length, const void *second, size_t second_length) {
    struct iovec parts[3] = {{(void *)head, strlen(head)}, {(void *)first, first_length}, {(void *)second, second_length}};
    size_t whole = parts[0].iov_len + first_length + second_length;
    if (syscall(SYS_writev, record, parts, 3) != (ssize_t)whole) abort();
}

static void path_line(char letter, const char *path) {
    char head[64];
    snprintf(head, sizeof head, "%c %zu\n", letter, strlen(path));
    line(head, path, strlen(path), NULL, 0);
}

static void made_line(char letter, const char *path) {
    struct stat about;
    char head[96];
    if (lstat(path, &about) != 0) return;
    snprintf(head, sizeof head, "%c %lu %o %zu\n", letter, about.st_ino, about.st_mode & 07777, strlen(path));
    line(head, path, strlen(path), NULL, 0);
}

static void pair_line(char letter, const char *from, const char *to) {
    char head[96];
    snprintf(head, sizeof head, "%c %zu %zu\n", letter, strlen(from), strlen(to));
    line(head, from, strlen(from), to, strlen(to));
}

static void unknown(const char *what) { path_line('X', what); }

/* The absolute path of a name whose folder exists; whether it is within the recorded folder. */
static int within(int folder, const char *name, char *path) {
    char given[PATH_MAX], parent[PATH_MAX];
    if (record < 0 || !name) return 0;
    if (name[0] != '/' && folder != AT_FDCWD) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, parent, sizeof parent - 1);
        if (length < 0) return 0;
        parent[length] = 0;
        if ((size_t)snprintf(given, sizeof given, "%s/%s", parent, name) >= sizeof given) return 0;
    } else if ((size_t)snprintf(given, sizeof given, "%s", name) >= sizeof given) {
        return 0;
    }
    size_t length = strlen(given);
    while (length > 1 && given[length - 1] == '/') given[--length] = 0;
    char *slash = strrchr(given, '/');
    const char *last = slash ? slash + 1 : given;
    if (slash == given) {
        strcpy(parent, "/");
    } else {
        if (slash) *slash = 0;
        if (!realpath(slash ? given : ".", parent)) return 0;
    }
    if ((size_t)snprintf(path, PATH_MAX, "%s/%s", parent, last) >= PATH_MAX) return 0;
    return strncmp(path, root, root_length) == 0 && path[root_length] == '/';
}

/* Whether a descriptor is of a regular file of the disk that is recorded. Inodes that the replayer does not know it leaves out. */
static int is_file(int fd, struct stat *about) {
    return record >= 0 && fd != record && fstat(fd, about) == 0 && S_ISREG(about->st_mode) && about->st_dev == root_device;
}

static void written(const struct stat *about, off_t offset, const void *bytes, ssize_t length) {
    char head[96];
    if (length <= 0) return;
    snprintf(head, sizeof head, "W %lu %ld %zd\n", about->st_ino, (long)offset, length);
    line(head, bytes, (size_t)length, NULL, 0);
}

static void sized(ino_t inode, off_t size) {
    char head[64];
    snprintf(head, sizeof head, "T %lu %ld\n", inode, (long)size);
    line(head, NULL, 0, NULL, 0);
}

/* Opening */

static int opened(int folder, const char *name, int flags, mode_t mode) {
    REAL(int, "openat", int, const char *, int, ...);
    char path[PATH_MAX];
    struct stat before, about;
    if (!(flags & (O_CREAT | O_TRUNC)) || !within(folder, name, path)) return real(folder, name, flags, mode);
    lock();
    if ((flags & O_TMPFILE) == O_TMPFILE) unknown("O_TMPFILE");
    int is_new = lstat(path, &before) != 0;
    int fd = real(folder, name, flags, mode);
    int error = errno;
    if (fd >= 0 && is_new) {
        made_line('C', path);
    } else if (fd >= 0 && (flags & O_TRUNC) && fstat(fd, &about) == 0 && before.st_size > 0) {
        sized(about.st_ino, 0);
    }
    unlock();
    errno = error;
    return fd;
}

#define OPEN(name, folder, ...)                                            \
    int name(__VA_ARGS__, int flags, ...) {                                \
        va_list rest;                                                      \
        va_start(rest, flags);                                             \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                      \
        return opened(folder, path, flags, mode);                          \
    }
OPEN(open, AT_FDCWD, const char *path)
OPEN(open64, AT_FDCWD, const char *path)
OPEN(openat, folder, int folder, const char *path)
OPEN(openat64, folder, int folder, const char *path)

/* Writing */

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    struct stat about;
    if (!is_file(fd, &about)) return real(fd, bytes, length);
    lock();
    fstat(fd, &about);
    int appends = fcntl(fd, F_GETFL) & O_APPEND;
    off_t offset = appends ? about.st_size : lseek(fd, 0, SEEK_CUR);
    ssize_t done = real(fd, bytes, length);
    int error = errno;
    written(&about, offset, bytes, done);
    unlock();
    errno = error;
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    struct stat about;
    /* In parts, one after the other, each as a write: less than all may be written, which writev may do too. */
    if (!is_file(fd, &about)) return real(fd, parts, count);
    ssize_t whole = 0;
    for (int part = 0; part < count; part++) {
        ssize_t done = write(fd, parts[part].iov_base, parts[part].iov_len);
        if (done < 0) return whole > 0 ? whole : done;
        whole += done;
        if ((size_t)done < parts[part].iov_len) break;
    }
    return whole;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    struct stat about;
    if (!is_file(fd, &about)) return real(fd, bytes, length, offset);
    lock();
    ssize_t done = real(fd, bytes, length, offset);
    int error = errno;
    written(&about, offset, bytes, done);
    unlock();
    errno = error;
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    struct stat about;
    if (!is_file(fd, &about)) return real(fd, size);
    lock();
    int done = real(fd, size);
    int error = errno;
    if (done == 0) sized(about.st_ino, size);
    unlock();
    errno = error;
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    struct stat about;
    if (!is_file(fd, &about)) {
        REAL(int, "posix_fallocate64", int, off64_t, off64_t);
        return real(fd, offset, length);
    }
    return about.st_size < offset + length && ftruncate64(fd, offset + length) != 0 ? errno : 0;
}

int posix_fallocate(int fd, off_t offset, off_t length) { return posix_fallocate64(fd, offset, length); }

/* Copies within the kernel would go past us: the caller falls back to reading and writing. */
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
    (void)in, (void)from, (void)out, (void)to, (void)length, (void)flags;
    errno = ENOSYS;
    return -1;
}

/* Syncing */

static int synced(int fd, char kind) {
    struct stat about;
    char head[96];
    if (fstat(fd, &about) != 0) return -1;
    lock();
    unsigned long number = ++syncs;
    snprintf(head, sizeof head, "S %lu %lu %c\n", number, about.st_ino, kind);
    line(head, NULL, 0, NULL, 0);
    unlock();
    if (sync_micros) usleep(sync_micros);
    lock();
    snprintf(head, sizeof head, "E %lu\n", number);
    line(head, NULL, 0, NULL, 0);
    unlock();
    return 0;
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    return record < 0 ? real(fd) : synced(fd, 'f');
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return record < 0 ? real(fd) : synced(fd, 'd');
}

int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags) {
    REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned);
    struct stat about;
    char head[64];
    if (!is_file(fd, &about)) return real(fd, offset, length, flags);
    lock();
    snprintf(head, sizeof head, "A %lu\n", about.st_ino);
    line(head, NULL, 0, NULL, 0);
    unlock();
    return 0;
}

/* Names */

static int renamed(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    char old[PATH_MAX], new[PATH_MAX];
    int is_ours = within(from_folder, from, old) && within(to_folder, to, new);
    if (!is_ours) return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    lock();
    if (flags & ~1u) unknown("renameat2");
    int done = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    int error = errno;
    if (done == 0) pair_line('R', old, new);
    unlock();
    errno = error;
    return done;
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return renamed(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return renamed(a, from, b, to, flags); }

int linkat(int a, const char *from, int b, const char *to, int flags) {
    char old[PATH_MAX], new[PATH_MAX];
    int is_ours = within(a, from, old) && within(b, to, new);
    if (!is_ours) return (int)syscall(SYS_linkat, a, from, b, to, flags);
    lock();
    int done = (int)syscall(SYS_linkat, a, from, b, to, flags);
    int error = errno;
    if (done == 0) pair_line('L', old, new);
    unlock();
    errno = error;
    return done;
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

static int removed(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    if (!within(folder, name, path)) return (int)syscall(SYS_unlinkat, folder, name, flags);
    lock();
    int done = (int)syscall(SYS_unlinkat, folder, name, flags);
    int error = errno;
    if (done == 0) path_line(flags & AT_REMOVEDIR ? 'D' : 'U', path);
    unlock();
    errno = error;
    return done;
}

int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int unlinkat(int folder, const char *name, int flags) { return removed(folder, name, flags); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    if (!within(folder, name, path)) return (int)syscall(SYS_mkdirat, folder, name, mode);
    lock();
    int done = (int)syscall(SYS_mkdirat, folder, name, mode);
    int error = errno;
    if (done == 0) made_line('M', path);
    unlock();
    errno = error;
    return done;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int symlinkat(const char *target, int folder, const char *name) {
    char path[PATH_MAX];
    if (within(folder, name, path)) unknown("symlink");
    return (int)syscall(SYS_symlinkat, target, folder, name);
}

int symlink(const char *target, const char *name) { return symlinkat(target, AT_FDCWD, name); }
