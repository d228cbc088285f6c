/* Making, filling, reading and removing of control groups; see cgroup.h. */
#include "cgroup.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sys.h"

/* Options of a v1 superblock that are no controllers. */
static bool is_controller(const char *option, size_t length)
{
    static const char *const others[] = {"rw", "ro", "xattr", "clone_children", "cpuset_v2_mode", "noprefix", "none"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strlen(others[i]) == length && strncmp(option, others[i], length) == 0)
            return false;
    return strncmp(option, "release_agent=", 14) != 0;
}

/* "rw,cpu,cpuacct" -> "cpu,cpuacct" */
static char *controllers_of(const char *options)
{
    char *list = calloc(1, strlen(options) + 1);
    for (const char *at = options; list && *at;) {
        size_t length = strcspn(at, ",\n");
        if (is_controller(at, length)) {
            if (*list)
                strcat(list, ",");
            strncat(list, at, length);
        }
        at += length;
        if (*at)
            at++;
    }
    return list;
}

/* One line of proc_pid_mountinfo(5), cut at blanks in place: the mount point, the type and the superblock's options. */
static bool parse_mountinfo(char *line, char **mount, char **type, char **options)
{
    char *rest = strstr(line, " - ");
    if (!rest)
        return false;
    *rest = 0;
    char *state = NULL;
    char *word = strtok_r(line, " ", &state);
    for (int field = 1; word && field < 5; field++)
        word = strtok_r(NULL, " ", &state);
    *mount = word;
    *type = strtok_r(rest + 3, " ", &state);
    (void)strtok_r(NULL, " ", &state); /* the source, which means nothing here */
    *options = strtok_r(NULL, " \n", &state);
    return *mount && *type && *options;
}

static bool has_tree(const struct cgroups *cgroups, const char *controllers)
{
    for (size_t i = 0; i < cgroups->count; i++)
        if (strcmp(cgroups->trees[i].controllers, controllers) == 0)
            return true;
    return false;
}

int cgroups_find(struct cgroups *cgroups)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file)
        return -1;
    char *line = NULL;
    size_t size = 0;
    AUTO_FREE char *unified = NULL;
    while (getline(&line, &size, file) >= 0 && cgroups->count < CGROUP_TREES_MAX) {
        char *mount, *type, *options;
        if (!parse_mountinfo(line, &mount, &type, &options))
            continue;
        if (strcmp(type, "cgroup2") == 0 && !unified)
            unified = strdup(mount);
        if (strcmp(type, "cgroup") != 0)
            continue;
        char *controllers = controllers_of(options);
        if (!controllers || has_tree(cgroups, controllers)) {
            free(controllers);
            continue;
        }
        cgroups->trees[cgroups->count++] = (struct cgroup_tree){strdup(mount), controllers};
    }
    free(line);
    (void)fclose(file);
    if (cgroups->count == 0 && unified) {
        cgroups->v2 = true;
        cgroups->trees[cgroups->count++] = (struct cgroup_tree){strdup(unified), strdup("")};
    }
    if (cgroups->count > 0)
        return 0;
    errno = ENOENT;
    return -1;
}

static int open_group(const struct cgroup_tree *tree, const char *path)
{
    AUTO_CLOSE top = open(tree->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return -1;
    return sys_openat2(top, path[0] == '/' ? path + 1 : path, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static ssize_t read_file_at(int dir, const char *name, char *buffer, size_t size)
{
    AUTO_CLOSE fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = RETRY(read(fd, buffer, size - 1));
    buffer[got < 0 ? 0 : got] = 0;
    return got;
}

/* A new v1 cpuset is empty and takes no process; it begins with what its parent has. */
static int fill_cpuset(int parent, int child)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
    for (size_t i = 0; i < 2; i++) {
        char value[1024];
        if (read_file_at(child, files[i], value, sizeof value) > 1)
            continue; /* filled already: "\n" alone is empty */
        ssize_t length = read_file_at(parent, files[i], value, sizeof value);
        if (length <= 0 || write_file_at(child, files[i], value, (size_t)length) < 0)
            return -1;
    }
    return 0;
}

/* On v2 a group's children have the controllers that it passes on. */
static void pass_controllers_on(int group)
{
    char names[512];
    if (read_file_at(group, "cgroup.controllers", names, sizeof names) <= 0)
        return;
    char *state = NULL;
    for (char *name = strtok_r(names, " \n", &state); name; name = strtok_r(NULL, " \n", &state)) {
        char order[64];
        int length = snprintf(order, sizeof order, "+%s", name);
        /* One by one, as one that cannot be had (EBUSY, realtime processes) must not keep the others away. */
        (void)write_file_at(group, "cgroup.subtree_control", order, (size_t)length);
    }
}

static int make_in_tree(const struct cgroup_tree *tree, bool v2, const char *path)
{
    AUTO_CLOSE group = open(tree->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool cpuset = strstr(tree->controllers, "cpuset") != NULL;
    for (const char *at = path; group >= 0 && *at;) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length == 0)
            break;
        char name[CGROUP_PATH_MAX];
        if (length >= sizeof name) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, at, length);
        name[length] = 0;
        if (v2)
            pass_controllers_on(group);
        if (mkdirat(group, name, 0755) < 0 && errno != EEXIST)
            return -1;
        AUTO_CLOSE child = sys_openat2(group, name, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        if (child < 0 || (cpuset && fill_cpuset(group, child) < 0))
            return -1;
        close_at_end(&group);
        group = take_fd(&child);
        at += length;
    }
    return group < 0 ? -1 : 0;
}

int cgroups_make(struct cgroups *cgroups, const char *path)
{
    if (strlen(path) >= sizeof cgroups->path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(cgroups->path, path);
    cgroups->made = true;
    for (size_t i = 0; i < cgroups->count; i++) {
        /* A neighbour that leaves may remove the parent between our two steps: then it is made again. */
        int made = -1;
        for (int attempt = 0; attempt < 10 && made < 0; attempt++) {
            made = make_in_tree(&cgroups->trees[i], cgroups->v2, path);
            if (made < 0 && errno != ENOENT && errno != ENODEV)
                break;
        }
        if (made < 0) {
            int saved = errno;
            cgroups_remove(cgroups);
            errno = saved;
            return -1;
        }
    }
    return 0;
}

int cgroups_enter(const struct cgroups *cgroups)
{
    for (size_t i = 0; i < cgroups->count; i++) {
        AUTO_CLOSE group = open_group(&cgroups->trees[i], cgroups->path);
        if (group < 0 || write_file_at(group, "cgroup.procs", "0", 1) < 0)
            return -1;
    }
    return 0;
}

static size_t parent_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

bool cgroups_same_parent(const struct cgroups *cgroups, const char *path)
{
    size_t length = parent_length(path);
    return length == parent_length(cgroups->path) && strncmp(path, cgroups->path, length) == 0;
}

void cgroups_rename(struct cgroups *cgroups, const char *path)
{
    if (cgroups->v2 || strcmp(path, cgroups->path) == 0 || strlen(path) >= sizeof cgroups->path)
        return;
    for (size_t i = 0; i < cgroups->count; i++) {
        char from[4096], to[4096];
        (void)snprintf(from, sizeof from, "%s%s", cgroups->trees[i].mount, cgroups->path);
        (void)snprintf(to, sizeof to, "%s%s", cgroups->trees[i].mount, path);
        if (rename(from, to) == 0)
            continue;
        /* An empty group of a dead predecessor may be in the way. */
        if ((errno == EEXIST || errno == ENOTEMPTY) && rmdir(to) == 0 && rename(from, to) == 0)
            continue;
        /* All or none: the path is one for all trees. */
        for (size_t j = 0; j < i; j++) {
            (void)snprintf(from, sizeof from, "%s%s", cgroups->trees[j].mount, path);
            (void)snprintf(to, sizeof to, "%s%s", cgroups->trees[j].mount, cgroups->path);
            (void)rename(from, to);
        }
        return;
    }
    strcpy(cgroups->path, path);
}

static bool list_has(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; *at;) {
        size_t word = strcspn(at, ",");
        const char *bare = strncmp(at, "name=", 5) == 0 ? at + 5 : at;
        if (word - (size_t)(bare - at) == length && strncmp(bare, name, length) == 0)
            return true;
        at += word + (at[word] == ',');
    }
    return false;
}

static const struct cgroup_tree *tree_of(const struct cgroups *cgroups, const char *controller)
{
    for (size_t i = 0; i < cgroups->count; i++)
        if (cgroups->v2 || list_has(cgroups->trees[i].controllers, controller))
            return &cgroups->trees[i];
    return NULL;
}

int cgroups_write(const struct cgroups *cgroups, const char *controller, const char *file, const char *value)
{
    const struct cgroup_tree *tree = tree_of(cgroups, controller);
    if (!tree || strchr(file, '/')) {
        errno = ENOENT;
        return -1;
    }
    AUTO_CLOSE group = open_group(tree, cgroups->path);
    return group < 0 ? -1 : write_file_at(group, file, value, strlen(value));
}

uint64_t cgroups_oom_kills(const struct cgroups *cgroups)
{
    const struct cgroup_tree *tree = tree_of(cgroups, "memory");
    if (!tree)
        return 0;
    AUTO_CLOSE group = open_group(tree, cgroups->path);
    char text[1024];
    if (group < 0 || read_file_at(group, cgroups->v2 ? "memory.events" : "memory.oom_control", text, sizeof text) <= 0)
        return 0;
    /* Both have a line "oom_kill <n>"; v1's since 4.13. */
    const char *line = strstr(text, "oom_kill ");
    return line ? strtoull(line + 9, NULL, 10) : 0;
}

/* Behind a pidfd, so that a number which has passed to somebody else is not hit. */
static void end_process(pid_t pid)
{
    AUTO_CLOSE process = sys_pidfd_open(pid);
    if (process < 0 || sys_pidfd_send_signal(process, SIGKILL) < 0)
        return;
    struct pollfd ended = {.fd = process, .events = POLLIN};
    (void)poll(&ended, 1, 1000); /* stuck in the kernel: the group cannot be removed then, and the engine finds it later */
}

bool cgroups_kill(const struct cgroups *cgroups)
{
    if (!cgroups->made || cgroups->count == 0)
        return false;
    const struct cgroup_tree *tree = tree_of(cgroups, "pids");
    AUTO_CLOSE group = open_group(tree ? tree : &cgroups->trees[0], cgroups->path);
    char pids[4096];
    if (group < 0 || read_file_at(group, "cgroup.procs", pids, sizeof pids) <= 0)
        return false;
    char *state = NULL;
    bool any = false;
    for (char *pid = strtok_r(pids, "\n", &state); pid; pid = strtok_r(NULL, "\n", &state)) {
        long number = strtol(pid, NULL, 10);
        if (number <= 0)
            continue;
        end_process((pid_t)number);
        any = true;
    }
    return any;
}

/* Children first; groups have no files that could be unlinked, only directories. */
static void remove_below(int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || depth > 64)
        return;
    int group = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = group < 0 ? NULL : fdopendir(group);
    if (!directory)
        return;
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_below(dirfd(directory), entry->d_name, depth + 1);
    (void)closedir(directory);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

void cgroups_remove(struct cgroups *cgroups)
{
    if (!cgroups->made)
        return;
    for (size_t i = 0; i < cgroups->count; i++) {
        char path[CGROUP_PATH_MAX];
        strcpy(path, cgroups->path);
        AUTO_CLOSE top = open(cgroups->trees[i].mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
            continue;
        remove_below(top, path + 1, 0);
        /* Parents of ours that are empty go too; one that is in use refuses. */
        for (size_t length = parent_length(path); length > 0; length = parent_length(path)) {
            path[length] = 0;
            if (unlinkat(top, path + 1, AT_REMOVEDIR) < 0)
                break;
        }
    }
    cgroups->made = false;
}
