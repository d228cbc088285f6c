/* The mounts of the specification, in its order. */
#include "mounts.h"

#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "cgroup.h"
#include "inroot.h"
#include "setup.h"
#include "sys.h"

enum { MNT_DETACH_ = 2 }; /* <sys/mount.h> excludes <linux/mount.h> */

static int configure(int context, const char *options)
{
    for (const char *at = options; *at;) {
        size_t length = strcspn(at, ",");
        AUTO_FREE char *name = strndup(at, length);
        if (!name)
            return -1;
        char *value = strchr(name, '=');
        if (value)
            *value++ = 0;
        if (*name && syscall(SYS_fsconfig, context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, name, value, 0) < 0)
            return -1;
        at += length + (at[length] == ',');
    }
    return 0;
}

int mount_new(const char *type, const char *source, const char *options, uint64_t attributes)
{
    AUTO_CLOSE context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (context < 0)
        return -1;
    if (source && *source)
        (void)syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0); /* a name for mountinfo only */
    if (configure(context, options) < 0 || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
}

/* A tmpfs without a mode of its own takes that of the directory it covers, so that /tmp stays 1777 and /run 0755. */
static int mount_tmpfs(int target, const char *source, const char *options, uint64_t attributes)
{
    char all[1024];
    struct stat covered;
    if (strstr(options, "mode=") || fstat(target, &covered) < 0)
        return mount_new("tmpfs", source, options, attributes);
    int length = snprintf(all, sizeof all, "mode=%o%s%s", covered.st_mode & 07777U, *options ? "," : "", options);
    if ((size_t)length >= sizeof all) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mount_new("tmpfs", source, all, attributes);
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* One v1 tree below the tmpfs: its own view with a cgroup namespace, else the container's group bound from the host. */
static int mount_cgroup_tree(struct setup *setup, const struct cgroup_tree *tree, int place, uint64_t attributes)
{
    if (records_u32(setup->spec, TAG_NAMESPACES, 0) & CLONE_NEWCGROUP) {
        char options[256];
        bool named = strncmp(tree->controllers, "name=", 5) == 0;
        (void)snprintf(options, sizeof options, "%s%s", named ? "none," : "", tree->controllers);
        AUTO_CLOSE mounted = mount_new("cgroup", "cgroup", options, attributes);
        return mounted < 0 ? -1 : sys_move_mount(mounted, place);
    }
    char path[4096]; /* from the order: what was copied at the clone was the berth's name */
    (void)snprintf(path, sizeof path, "%s%s", tree->mount, records_text(setup->spec, TAG_CGROUP_PATH));
    AUTO_CLOSE bound = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr set = {.attr_set = attributes};
    return bound < 0 || sys_mount_setattr(bound, 0, &set) < 0 ? -1 : sys_move_mount(bound, place);
}

/* "cpu,cpuacct" is also reached as "cpu" and as "cpuacct". */
static int link_controllers(int directory, const char *name)
{
    if (!strchr(name, ','))
        return 0;
    for (const char *at = name; *at;) {
        size_t length = strcspn(at, ",");
        AUTO_FREE char *single = strndup(at, length);
        if (!single || (symlinkat(name, directory, single) < 0 && errno != EEXIST))
            return -1;
        at += length + (at[length] == ',');
    }
    return 0;
}

static int mount_cgroups(struct setup *setup, int target, const struct wire_mount_attributes *attributes)
{
    if (setup->cgroups->v2) {
        AUTO_CLOSE mounted = mount_new("cgroup2", "cgroup", "", attributes->set);
        return mounted < 0 ? -1 : sys_move_mount(mounted, target);
    }
    AUTO_CLOSE base = mount_new("tmpfs", "cgroup", "mode=755", attributes->set & ~(uint64_t)MOUNT_ATTR_RDONLY);
    if (base < 0 || sys_move_mount(base, target) < 0)
        return -1;
    for (size_t i = 0; i < setup->cgroups->count; i++) {
        const struct cgroup_tree *tree = &setup->cgroups->trees[i];
        const char *name = last_name(tree->mount);
        bool existed;
        AUTO_CLOSE place = inroot_make(base, name, true, &existed);
        if (place < 0 || mount_cgroup_tree(setup, tree, place, attributes->set) < 0 || link_controllers(base, name) < 0)
            return setup_error(setup, "cgroup %s", tree->controllers);
    }
    struct mount_attr readonly = {.attr_set = attributes->set & MOUNT_ATTR_RDONLY};
    return sys_mount_setattr(base, 0, &readonly);
}

static int set_attributes(int tree, const struct wire_mount_attributes *attributes)
{
    struct mount_attr own = {
        .attr_set = attributes->set, .attr_clr = attributes->clear, .propagation = attributes->propagation & ~(1U << 14)};
    struct mount_attr all = {.attr_set = attributes->recursive_set};
    if (attributes->propagation & (1U << 14)) { /* MS_REC */
        all.propagation = own.propagation;
        own.propagation = 0;
    }
    if ((all.attr_set || all.propagation) && sys_mount_setattr(tree, AT_RECURSIVE, &all) < 0)
        return -1;
    if ((own.attr_set || own.attr_clr || own.propagation) && sys_mount_setattr(tree, 0, &own) < 0)
        return -1;
    return 0;
}

/*
 * What is at a path inside of a detached mount, links in it led by that mount's root alone. The kernel copies from mounts of
 * our namespace only, so it is attached for that moment: upon the root, where a walk from our descriptor does not meet it.
 */
static int take_part(struct setup *setup, int tree, const char *subpath)
{
    if (sys_move_mount(tree, setup->root) < 0)
        return -1;
    AUTO_CLOSE inside = inroot_open(tree, subpath);
    int part = inside < 0
                   ? -1
                   : sys_open_tree(inside, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    int saved = errno;
    if (fchdir(tree) < 0 || syscall(SYS_umount2, ".", MNT_DETACH_) < 0 || chdir("/") < 0)
        saved = errno;
    errno = saved;
    return part;
}

static int mount_bind(struct setup *setup, struct records group, const struct wire_mount_attributes *attributes)
{
    const char *target = records_text(group, FIELD_TARGET);
    const char *subpath = records_text(group, FIELD_SUBPATH);
    int tree = setup_next_fd(setup); /* opened by the monitor, in the host's tree as it is now */
    AUTO_CLOSE part = tree >= 0 && subpath ? take_part(setup, tree, subpath) : -1;
    if (subpath && part < 0)
        return setup_error(setup, "subpath %s to %s", subpath, target);
    if (subpath)
        tree = part;
    struct stat source;
    bool existed;
    if (tree < 0 || fstat(tree, &source) < 0)
        return -1;
    AUTO_CLOSE place = inroot_make(setup->root, target, S_ISDIR(source.st_mode), &existed);
    if (place < 0)
        return -1;
    struct stat covered;
    if (fstat(place, &covered) < 0)
        return -1;
    if (S_ISDIR(covered.st_mode) != S_ISDIR(source.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    /* Attached first: propagation can only be changed where a mount belongs to our namespace. */
    return sys_move_mount(tree, place) < 0 ? -1 : set_attributes(tree, attributes);
}

static bool must_be_where_it_seems(const char *type)
{
    return strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0;
}

static int mount_one(struct setup *setup, struct records group)
{
    const char *type = records_text(group, FIELD_TYPE);
    const char *source = records_text(group, FIELD_SOURCE);
    const char *target = records_text(group, FIELD_TARGET);
    const char *options = records_text(group, FIELD_DATA);
    struct wire_mount_attributes attributes;
    (void)records_copy(group, FIELD_MOUNT, &attributes, sizeof attributes); /* wire_validate made sure of it */
    if (attributes.bind != BIND_NONE)
        return mount_bind(setup, group, &attributes);
    bool existed;
    AUTO_CLOSE place = inroot_make(setup->root, target, true, &existed);
    if (place >= 0 && must_be_where_it_seems(type)) { /* CVE-2019-19921: an image's /proc may be a link into a volume */
        close_at_end(&place);
        place = inroot_open_strict(setup->root, target);
    }
    if (place < 0)
        return -1;
    if (strcmp(type, "cgroup") == 0 || strcmp(type, "cgroup2") == 0)
        return mount_cgroups(setup, place, &attributes);
    AUTO_CLOSE mounted = strcmp(type, "tmpfs") == 0 && existed
                             ? mount_tmpfs(place, source, options ? options : "", attributes.set)
                             : mount_new(type, source, options ? options : "", attributes.set);
    if (mounted < 0 || sys_move_mount(mounted, place) < 0)
        return -1;
    attributes.set = 0;
    return set_attributes(mounted, &attributes);
}

int step_mounts(struct setup *setup)
{
    struct records list = setup->spec;
    struct record record;
    while (records_next_of(&list, TAG_MOUNT, &record)) {
        struct records group = record_group(&record);
        if (mount_one(setup, group) == 0)
            continue;
        const char *source = records_text(group, FIELD_SOURCE);
        if (!setup->detail[0])
            return setup_error(setup, "%s to %s", source ? source : records_text(group, FIELD_TYPE),
                               records_text(group, FIELD_TARGET));
        return -1;
    }
    return 0;
}
