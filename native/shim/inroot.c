/* Walking and making of paths within a foreign root; see inroot.h. */
#include "inroot.h"

#include <stdio.h>
#include <string.h>

#include "sys.h"

enum {
    PATH_BYTES = 4096,
    MOST_LINKS = 40, /* as many as the kernel follows, path_resolution(7) */
};

int inroot_open(int root, const char *path)
{
    return sys_openat2(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int inroot_open_strict(int root, const char *path)
{
    return sys_openat2(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

static int make_directories(int root, const char *path, size_t length, int links);

/*
 * What the link `name` in `parent` points at, as a path below the root: `where` is the path of parent, ending in a slash
 * or empty. Links that dangle are ordinary: /etc/resolv.conf of many an image leads into an empty /run. EINVAL where it
 * is no link (any more).
 */
static bool follow_link(int parent, const char *name, const char *where, int where_length, char target[PATH_BYTES])
{
    char link[PATH_BYTES];
    ssize_t length = readlinkat(parent, name, link, sizeof link - 1);
    if (length < 0)
        return false;
    link[length] = 0;
    int size = snprintf(target, PATH_BYTES, "%.*s%s", link[0] == '/' ? 0 : where_length, where, link);
    errno = ENAMETOOLONG;
    return size < PATH_BYTES;
}

/* Makes the directory `name` of parent, which is not there, or is a link to what is not there. `path` ends in it. */
static int make_directory(int root, int parent, const char *path, size_t at, int links)
{
    if (mkdirat(parent, path + at, 0755) == 0)
        return inroot_open(root, path);
    if (errno != EEXIST)
        return -1;
    char target[PATH_BYTES];
    if (!follow_link(parent, path + at, path, (int)at, target))
        return errno == EINVAL ? inroot_open(root, path) : -1; /* somebody else was faster */
    return make_directories(root, target, strlen(target), links + 1);
}

/*
 * Makes the components of path up to `length` bytes, and returns the last of them. Each step is taken from the root by
 * the kernel, so that a link that changes meanwhile leads somewhere inside as well.
 */
static int make_directories(int root, const char *path, size_t length, int links)
{
    if (links > MOST_LINKS) {
        errno = ELOOP;
        return -1;
    }
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
        if (next < 0 && errno == ENOENT)
            next = make_directory(root, directory, prefix, at, links);
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
    return make_directories(root, path, slash ? (size_t)(slash - path) : 0, 0);
}

/* Makes an empty file where there is none, or only a link to none. */
static int make_file(int root, const char *path, int links)
{
    const char *name;
    AUTO_CLOSE parent = inroot_make_parent(root, path, &name);
    if (parent < 0)
        return -1;
    AUTO_CLOSE file = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);
    if (file >= 0)
        return inroot_open(root, path);
    char target[PATH_BYTES];
    if (errno != EEXIST)
        return -1;
    if (!follow_link(parent, name, path, (int)(name - path), target))
        return errno == EINVAL ? inroot_open(root, path) : -1;
    if (links == MOST_LINKS) {
        errno = ELOOP;
        return -1;
    }
    return make_file(root, target, links + 1);
}

int inroot_make(int root, const char *path, bool directory, bool *existed)
{
    int there = inroot_open(root, path);
    *existed = there >= 0;
    if (there >= 0 || errno != ENOENT)
        return there;
    return directory ? make_directories(root, path, strlen(path), 0) : make_file(root, path, 0);
}
