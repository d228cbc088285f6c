/* The last steps towards the program: its streams, its directory, its file, exec. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "setup.h"
#include "sys.h"

/* Gives 0, 1 and 2 their meaning, and each stream to the user, who may want to open /dev/stdout again. */
int step_stdio(struct setup *setup)
{
    AUTO_CLOSE null = open("/dev/null", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    for (int i = 0; i < 3; i++) {
        int stream = setup->terminal >= 0 ? setup->terminal : setup->stdio[i];
        if (stream >= 0)
            (void)fchown(stream, setup->uid, setup->gid); /* an id that the user namespace lacks: then it stays root's */
        if (stream < 0 && null < 0)
            return setup_error(setup, "/dev/null");
        if (dup2(stream >= 0 ? stream : null, i) < 0)
            return setup_error(setup, "stream %d", i);
    }
    return 0;
}

int step_directory(struct setup *setup)
{
    const char *path = records_text(setup->spec, TAG_DIRECTORY);
    if (!path || !*path)
        path = "/";
    if (chdir(path) < 0)
        return setup_error(setup, "%s", path);
    /* A directory that is not below our root would be a way out (CVE-2024-21626). */
    char now[PATH_MAX];
    if (syscall(SYS_getcwd, now, sizeof now) < 0)
        return setup_error(setup, "%s", path);
    if (now[0] != '/') {
        errno = EXDEV;
        return setup_error(setup, "%s", path);
    }
    return 0;
}

/* Closer to what a shell says than the bare errno of exec: 0, or -1 with ENOENT, EACCES, EISDIR, ... */
static int check_executable(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return -1;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

static const char *search_path(char **environment)
{
    for (char **entry = environment; *entry; entry++)
        if (strncmp(*entry, "PATH=", 5) == 0)
            return *entry + 5;
    return "";
}

static int search_program(struct setup *setup, const char *name)
{
    for (const char *at = search_path(setup->environment); *at;) {
        size_t length = strcspn(at, ":");
        char path[PATH_MAX];
        int size = snprintf(path, sizeof path, "%.*s/%s", length ? (int)length : 1, length ? at : ".", name);
        if ((size_t)size < sizeof path && check_executable(path) == 0) {
            setup->program = strdup(path);
            return setup->program ? 0 : -1;
        }
        at += length + (at[length] == ':');
    }
    errno = ENOENT;
    return -1;
}

int step_find_program(struct setup *setup)
{
    const char *name = records_text(setup->spec, TAG_ARGUMENT);
    if (!name) {
        errno = EINVAL;
        return setup_error(setup, "no command");
    }
    if (!strchr(name, '/'))
        return search_program(setup, name) < 0 ? setup_error(setup, "%s", name) : 0;
    if (check_executable(name) < 0)
        return setup_error(setup, "%s", name);
    setup->program = strdup(name);
    return setup->program ? 0 : setup_error(setup, "%s", name);
}

int step_exec(struct setup *setup)
{
    struct records list = setup->spec;
    struct record record;
    size_t count = 0;
    while (records_next_of(&list, TAG_ARGUMENT, &record))
        count++;
    char **arguments = calloc(count + 1, sizeof *arguments);
    if (!arguments)
        return setup_error(setup, "%zu arguments", count);
    list = setup->spec;
    for (size_t i = 0; records_next_of(&list, TAG_ARGUMENT, &record); i++)
        arguments[i] = (char *)(uintptr_t)record_text(&record); /* execve's signature predates const */
    /* Everything but the three streams is close-on-exec already; this is for what a later change forgets. */
    (void)syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    (void)execve(setup->program, arguments, setup->environment);
    free(arguments);
    return setup_error(setup, "%s", setup->program);
}
