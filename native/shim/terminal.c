/* A terminal out of the container's own devpts: the slave stays here, the master goes to the monitor. */
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "channel.h"
#include "inroot.h"
#include "setup.h"
#include "sys.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41) /* 4.13 */
#endif

/* The real multiplexer of a real devpts, not what an image put there (CVE-2025-52565). */
static int open_multiplexer(int root)
{
    AUTO_CLOSE top = root < 0 ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : dup(root);
    AUTO_CLOSE master = sys_openat2(top, "dev/pts/ptmx", O_RDWR | O_NOCTTY, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    struct stat status;
    struct statfs system;
    if (master < 0 || fstat(master, &status) < 0 || fstatfs(master, &system) < 0)
        return -1;
    if (status.st_rdev != makedev(5, 2) || system.f_type != DEVPTS_SUPER_MAGIC) {
        errno = ENOTTY;
        return -1;
    }
    return take_fd(&master);
}

/* /dev/console is the terminal of the container's first process. */
static int bind_console(struct setup *setup)
{
    bool existed;
    AUTO_CLOSE tree = sys_open_tree(setup->terminal, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    AUTO_CLOSE place = inroot_make(setup->root, "dev/console", false, &existed);
    return tree < 0 || place < 0 ? -1 : sys_move_mount(tree, place);
}

int step_terminal(struct setup *setup)
{
    struct wire_window window;
    if (!records_copy(setup->spec, TAG_WINDOW, &window, sizeof window))
        return 0;
    AUTO_CLOSE master = open_multiplexer(setup->root);
    int unlocked = 0;
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
        return setup_error(setup, "/dev/pts/ptmx");
    setup->terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (setup->terminal < 0)
        return setup_error(setup, "slave of /dev/pts/ptmx");
    struct winsize size = {.ws_row = window.rows, .ws_col = window.columns};
    if ((size.ws_row || size.ws_col) && ioctl(master, TIOCSWINSZ, &size) < 0)
        return setup_error(setup, "size %ux%u", window.rows, window.columns);
    if (setup->root >= 0 && bind_console(setup) < 0)
        return setup_error(setup, "/dev/console");
    struct report report = {.kind = REPORT_TERMINAL};
    if (report_send(setup->channel, &report, master) < 0)
        return setup_error(setup, "master");
    return 0;
}

int step_session(struct setup *setup)
{
    (void)setsid(); /* EPERM: it leads a session already */
    if (setup->terminal >= 0 && ioctl(setup->terminal, TIOCSCTTY, 0) < 0)
        return setup_error(setup, "controlling terminal");
    return 0;
}
