/*
 * Another container's mounts are seen through /proc/<pid>/root, but the kernel copies a mount only for who is in its
 * namespace. So a child goes there for it; it shares our table of descriptors, where the copy stays when it has left.
 */
#include "bind_source.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mounts.h"
#include "sys.h"

struct answer {
    int tree;
    int error;
};

/* In the child. setns(2) to a mount namespace also sets the root that the path starts from. */
static struct answer take_there(int namespace, const char *path, unsigned flags)
{
    int tree = setns(namespace, CLONE_NEWNS) < 0 ? -1 : sys_open_tree(AT_FDCWD, path, flags);
    return (struct answer){.tree = tree, .error = errno};
}

static int open_elsewhere(int namespace, const char *path, unsigned flags)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    AUTO_CLOSE from = ends[0];
    AUTO_CLOSE to = ends[1];
    /* No signal at its end, which would look like that of a process of the container. */
    long child = syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, NULL);
    if (child < 0)
        return -1;
    if (child == 0) {
        struct answer answer = take_there(namespace, path, flags);
        _exit(write(to, &answer, sizeof answer) == (ssize_t)sizeof answer ? 0 : 1);
    }
    int status;
    while (waitpid((pid_t)child, &status, __WALL) < 0 && errno == EINTR)
        ;
    int sharing = take_fd(&to);
    close_at_end(&sharing); /* so that a child that was killed is an end of the file, not a wait for ever */
    struct answer answer;
    if (read(from, &answer, sizeof answer) != (ssize_t)sizeof answer) {
        errno = ESRCH;
        return -1;
    }
    errno = answer.error;
    return answer.tree;
}

int open_bind_source(const char *source, unsigned flags)
{
    int pid, prefix = 0;
    if (sscanf(source, "/proc/%d/root%n", &pid, &prefix) != 1 || prefix == 0 || source[prefix] != '/')
        return sys_open_tree(AT_FDCWD, source, flags);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
    AUTO_CLOSE namespace = open(path, O_RDONLY | O_CLOEXEC);
    return namespace < 0 ? -1 : open_elsewhere(namespace, source + prefix, flags);
}

int open_filesystem(const char *type, const char *source, const char *options, uint64_t attributes)
{
    if (strcmp(type, "overlay") != 0)
        return mount_new(type, source, options ? options : "", attributes);
    if (chdir(source) < 0)
        return -1;
    int mounted = mount_new(type, "overlay", options ? options : "", attributes);
    int saved = errno;
    (void)chdir("/"); /* which is always there */
    errno = saved;
    return mounted;
}
