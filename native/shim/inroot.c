/* Walking and making of paths within a foreign root; see inroot.h. */
#include "inroot.h"

#include <string.h>

#include "sys.h"

enum { PATH_BYTES = 4096 };

int inroot_open(int root, const char *path)
{
    return sys_openat2(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int inroot_open_strict(int root, const char *path)
{
    return sys_openat2(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

/* Makes the components of path up to `length` bytes, and returns the last of them. */
static int make_directories(int root, const char *path, size_t length)
{
    char prefix[PATH_BYTES];
    if (length >= sizeof prefix) {
        errno = ENAMETOOLONG;
        return -1;
    }
    AUTO_CLOSE directory = inroot_open(root, ".");
    size_t at = 0;
    while (directory >= 0) {
        while (at < length && path[at] == '/')
            at++;
        if (at == length)
            return take_fd(&directory);
        const char *slash = memchr(path + at, '/', length - at);
        size_t end = slash ? (size_t)(slash - path) : length;
        memcpy(prefix, path, end);
        prefix[end] = 0;
        /* Walked from the root each time, so that `..` and absolute links mean what they would mean inside. */
        int next = inroot_open(root, prefix);
        if (next < 0 && errno == ENOENT && mkdirat(directory, prefix + at, 0755) == 0)
            next = inroot_open(root, prefix);
        close_at_end(&directory);
        directory = next;
        at = end;
    }
    return -1;
}

int inroot_make_parent(int root, const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    return make_directories(root, path, slash ? (size_t)(slash - path) : 0);
}

int inroot_make(int root, const char *path, bool directory, bool *existed)
{
    int there = inroot_open(root, path);
    *existed = there >= 0;
    if (there >= 0 || errno != ENOENT)
        return there;
    if (directory)
        return make_directories(root, path, strlen(path));
    const char *name;
    AUTO_CLOSE parent = inroot_make_parent(root, path, &name);
    if (parent < 0)
        return -1;
    AUTO_CLOSE file = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
    return file < 0 ? -1 : inroot_open(root, path);
}
