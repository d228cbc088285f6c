/* Device nodes, the links in /dev, and the working directory's place. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "inroot.h"
#include "setup.h"
#include "sys.h"

/* Where nodes may not be made (a user namespace), the host's own node is bound over an empty file. */
static int bind_device(struct setup *setup, const char *path)
{
    bool existed;
    AUTO_CLOSE tree = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    AUTO_CLOSE place = inroot_make(setup->root, path, false, &existed);
    return tree < 0 || place < 0 ? -1 : sys_move_mount(tree, place);
}

static int make_device(struct setup *setup, const char *path, const struct wire_device *device)
{
    const char *name;
    AUTO_CLOSE parent = inroot_make_parent(setup->root, path, &name);
    if (parent < 0)
        return -1;
    if (setup->own_user_namespace)
        return bind_device(setup, path);
    if (mknodat(parent, name, device->mode, makedev(device->major, device->minor)) < 0) {
        if (errno == EEXIST)
            return 0; /* a /dev bound from the host has it already */
        return errno == EPERM ? bind_device(setup, path) : -1;
    }
    if (fchownat(parent, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    return fchmodat(parent, name, device->mode & 07777U, 0); /* mknod's mode went through the umask */
}

/* The runtime specification's links ("Default Devices", "Dev symbolic links"); what the image has there, stays. */
static int link_devices(struct setup *setup)
{
    static const char *const links[][2] = {
        {"/proc/self/fd", "fd"},         {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"},   {"/proc/kcore", "core"},      {"pts/ptmx", "ptmx"},
    };
    AUTO_CLOSE directory = inroot_open(setup->root, "dev");
    if (directory < 0)
        return errno == ENOENT ? 0 : setup_error(setup, "/dev");
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i][0], directory, links[i][1]) < 0 && errno != EEXIST && errno != EROFS)
            return setup_error(setup, "/dev/%s", links[i][1]);
    return 0;
}

int step_devices(struct setup *setup)
{
    struct records list = setup->spec;
    struct record record;
    while (records_next_of(&list, TAG_DEVICE, &record)) {
        struct wire_device device;
        const char *path = records_text(record_group(&record), FIELD_TARGET);
        (void)records_copy(record_group(&record), FIELD_DEVICE, &device, sizeof device);
        if (make_device(setup, path, &device) < 0)
            return setup_error(setup, "%s", path);
    }
    return link_devices(setup);
}

/* The image need not have the working directory. */
int step_make_directory(struct setup *setup)
{
    const char *path = records_text(setup->spec, TAG_DIRECTORY);
    bool existed;
    AUTO_CLOSE place = path ? inroot_make(setup->root, path, true, &existed) : -1;
    /* A read-only volume cannot take it, and a file may be there: entering it tells later, in the container's words. */
    if (path && place < 0 && errno != EROFS && errno != ENOTDIR && errno != EACCES)
        return setup_error(setup, "%s", path);
    return 0;
}
