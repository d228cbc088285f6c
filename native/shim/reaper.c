/* A minimal init: what it forwards and how it ends follow the shell's and tini's conventions (128 + signal). */
#include "reaper.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "sys.h"

static char *argument_area;
static size_t argument_size;

void reaper_note_arguments(int argc, char **argv)
{
    argument_area = argv[0];
    argument_size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
}

/* Docker's name for it, in `ps` within the container. The area is as long as the shim's own arguments were. */
static void take_name(const struct setup *setup)
{
    const char *program = records_text(setup->spec, TAG_ARGUMENT);
    memset(argument_area, 0, argument_size);
    (void)snprintf(argument_area, argument_size, "/sbin/docker-init -- %s", program ? program : "");
    (void)prctl(PR_SET_NAME, "docker-init");
}

/* Reaps all that has ended. True, with the exit code, once the program is among them. */
static bool reap(pid_t program, int *exit_code)
{
    bool ended = false;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            return ended;
        if (pid != program)
            continue;
        ended = true;
        *exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

void reap_for_program(struct setup *setup)
{
    sigset_t all;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    pid_t program = fork();
    if (program < 0)
        return; /* then the program is pid 1 itself: better than not at all */
    if (program == 0) {
        (void)setpgid(0, 0);
        if (setup->terminal >= 0)
            (void)tcsetpgrp(setup->terminal, getpid()); /* SIGTTOU is blocked, so this does not stop us */
        return;
    }
    take_name(setup);
    (void)syscall(SYS_close_range, 0U, ~0U, 0U);
    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(&all, &info);
        int exit_code = 0;
        if (number == SIGCHLD) {
            if (reap(program, &exit_code))
                _exit(exit_code);
        } else if (number > 0) {
            (void)kill(program, number); /* ESRCH: it has just ended, SIGCHLD comes next */
        }
    }
}
