/* The two ways into a container, as tables of steps. The order is the security argument; it is given beside each table. */
#include "setup.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "channel.h"
#include "namespaces.h"
#include "reaper.h"
#include "sys.h"

/*
 * Phase 1 of a container's first process. It is root with all capabilities, in namespaces of its own but in the host's
 * file tree; open are its channel, the stdio's ends and detached mounts of the bind sources. The monitor has set the
 * limits of the cgroup already, so memory used here counts. Nothing of the image runs yet; the image's content is
 * hostile, therefore every path below the new root is walked with openat2(RESOLVE_IN_ROOT) and every mount is attached
 * by descriptor. Sysctls come before /proc/sys is made read-only; hiding comes last, so that nothing mounts over it.
 */
static const struct step isolate[] = {
    {"oom score", step_oom_score},
    {"user namespace", step_user_namespace},
    {"keyring", step_keyring},
    {"mount propagation", step_propagation},
    {"root", step_root},
    {"mount", step_mounts},
    {"device", step_devices},
    {"terminal", step_terminal},
    {"working directory", step_make_directory},
    {"network", step_network},
    {"sysctl", step_sysctls},
    {"hidden path", step_hide_paths},
    {"hostname", step_hostname},
    {"pivot root", step_pivot_root},
};

/* Phase 1 of a further process: it is root with all capabilities and enters what the first process made. */
static const struct step join[] = {
    {"user namespace", step_user_namespace},
    {"keyring", step_keyring},
    {"terminal", step_terminal},
};

/*
 * Phase 2, for both: the host's file tree is out of reach, capabilities are still all there. rlimits need them; the user
 * is looked up before ids change since the image's /etc may be closed to it; ids change with PR_SET_KEEPCAPS, so that
 * seccomp without no_new_privs can still be installed. The program is looked for with the user's ids.
 */
static const struct step prepare[] = {
    {"session", step_session},
    {"rlimit", step_rlimits},
    {"user", step_user},
    {"stdio", step_stdio},
    {"working directory", step_directory},
    {"change user", step_change_user},
    {"find program", step_find_program},
};

/* Phase 3, after the engine's start: the filter, the final capabilities, nothing in between, the program. */
static const struct step finish[] = {
    {"seccomp", step_seccomp_and_capabilities},
    {"exec", step_exec},
};

int setup_error(struct setup *setup, const char *format, ...)
{
    int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(setup->detail, sizeof setup->detail, format, arguments); /* cut is better than none */
    va_end(arguments);
    errno = saved;
    return -1;
}

static void report(const struct setup *setup, enum report_kind kind, const char *step, const char *detail, int error)
{
    struct report message = {.kind = kind, .error = error};
    (void)snprintf(message.step, sizeof message.step, "%s", step);
    (void)snprintf(message.detail, sizeof message.detail, "%s", detail);
    (void)report_send(setup->channel, &message, -1); /* without a monitor there is nobody to tell */
}

void setup_warn(struct setup *setup, const char *step, const char *detail)
{
    report(setup, REPORT_WARNING, step, detail, errno);
}

int setup_next_fd(struct setup *setup)
{
    if (setup->fd_next < setup->fd_count)
        return setup->fds[setup->fd_next++];
    errno = EPROTO;
    return -1;
}

static void run_steps(struct setup *setup, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        setup->detail[0] = 0;
        if (steps[i].run(setup) == 0)
            continue;
        report(setup, REPORT_FAILED, steps[i].name, setup->detail, errno);
        _exit(127);
    }
}
#define RUN(setup, steps) run_steps(setup, steps, sizeof(steps) / sizeof *(steps))

static void receive_order(struct setup *setup)
{
    uint8_t *body = NULL;
    size_t length = 0;
    int *fds = NULL;
    if (order_receive(setup->channel, &body, &length, &fds, &setup->fd_count) < 0)
        _exit(0); /* the monitor has thrown this process away, or is gone */
    setup->spec = (struct records){body, body + length};
    setup->fds = fds;
    setup->own_user_namespace = records_text(setup->spec, TAG_UID_MAP) != NULL;
    bool terminal = records_text(setup->spec, TAG_WINDOW) != NULL;
    bool output = records_u32(setup->spec, TAG_OUTPUT, 1) != 0;
    if (!terminal && records_u32(setup->spec, TAG_STDIN, STDIN_NULL) != STDIN_NULL)
        setup->stdio[0] = setup_next_fd(setup);
    if (!terminal && output) {
        setup->stdio[1] = setup_next_fd(setup);
        setup->stdio[2] = setup_next_fd(setup);
    }
}

static void default_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < 65; number++)
        (void)sigaction(number, &action, NULL); /* SIGKILL, SIGSTOP and libc's own refuse, rightly */
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void wait_for_start(const struct setup *setup)
{
    char order;
    if (RETRY(read(setup->channel, &order, 1)) != 1 || order != ORDER_START)
        _exit(0);
}

static struct setup new_setup(int channel)
{
    return (struct setup){.channel = channel, .root = -1, .stdio = {-1, -1, -1}, .terminal = -1};
}

_Noreturn void become_init(int channel, const struct cgroups *cgroups)
{
    struct setup setup = new_setup(channel);
    setup.cgroups = cgroups;
    receive_order(&setup);
    RUN(&setup, isolate);
    RUN(&setup, prepare);
    report(&setup, REPORT_READY, "", "", 0);
    wait_for_start(&setup);
    if (records_u32(setup.spec, TAG_REAPER, 0))
        reap_for_program(&setup);
    default_signals();
    RUN(&setup, finish);
    _exit(127);
}

_Noreturn void become_exec(int channel, int container, uint32_t namespaces)
{
    struct setup setup = new_setup(channel);
    /* Within the container's pid namespace already: nobody there may look into this process before it is one of them. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    receive_order(&setup);
    const struct step *enter = &(const struct step){"oom score", step_oom_score};
    run_steps(&setup, enter, 1);
    if (enter_namespaces(container, namespaces) < 0) {
        report(&setup, REPORT_FAILED, "join", "", errno);
        _exit(127);
    }
    setup.own_user_namespace = (namespaces & CLONE_NEWUSER) != 0;
    RUN(&setup, join);
    RUN(&setup, prepare);
    report(&setup, REPORT_READY, "", "", 0);
    default_signals();
    RUN(&setup, finish);
    _exit(127);
}
