/* A minimal init: what it forwards and how it ends follow the shell's and tini's conventions (128 + signal). */
#include "reaper.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "arguments.h"
#include "sys.h"

/* Docker's name and arguments for it, in `ps` within the container. Never freed: the kernel reads it as long as we live. */
static void take_name(const struct setup *setup)
{
    static const char own[] = "/sbin/docker-init\0--";
    (void)prctl(PR_SET_NAME, "docker-init");
    size_t length = 0;
    char *words = NULL;
    FILE *out = open_memstream(&words, &length);
    if (!out)
        return;
    (void)fwrite(own, 1, sizeof own, out);
    struct records list = setup->spec;
    struct record record;
    while (records_next_of(&list, TAG_ARGUMENT, &record))
        (void)fwrite(record.value, 1, record.length, out); /* its NUL is part of it */
    if (fclose(out) == 0)
        (void)arguments_show(words, length); /* else it is called as the shim was, which hurts nobody */
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
