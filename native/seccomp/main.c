/*
 * lighter-seccomp: system call rules in, a filter for the kernel out.
 *
 * Reads lines from standard input, writes struct sock_filter[] to standard output. Runs once for each distinct profile;
 * the engine keeps what it wrote. Runs with whatever rights its caller has and needs none.
 *
 *     default <action>                                     first line, once
 *     arch <name>                                          x86_64, x86, x32, ... as seccomp_arch_resolve_name(3) knows them
 *     rule <action> <syscall> [<index> <op> <value> [<value>]]...
 *
 * An action is allow, log, kill, kill_thread, kill_process, trap, errno:<n> or trace:<n>. An operator is ne, lt, le, eq,
 * ge, gt or masked_eq, the last with a mask and a value. A system call that no table knows is left out: a profile may
 * name those of other machines and of later kernels.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"

enum { MAX_LINE = 512, MAX_LINES = 16384 };

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("lighter-seccomp: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

static void read_policy(struct policy *policy)
{
    char line[MAX_LINE];
    for (unsigned number = 1; fgets(line, sizeof line, stdin); number++) {
        size_t length = strlen(line);
        if (length == 0 || line[length - 1] != '\n')
            fail("line %u: longer than %d bytes, or not ended", number, MAX_LINE - 2);
        if (number > MAX_LINES)
            fail("more than %d lines", MAX_LINES);
        line[length - 1] = '\0';
        const char *problem = policy_read_line(policy, line);
        if (problem)
            fail("line %u: %s", number, problem);
    }
    if (ferror(stdin))
        fail("standard input: %s", strerror(errno));
    if (!policy->filter)
        fail("no rules: the first line has to be 'default <action>'");
}

static void write_all(const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            fail("standard output: %s", strerror(errno));
        at += written;
        length -= (size_t)written;
    }
}

int main(void)
{
    struct policy policy = {0};
    read_policy(&policy);

    struct sock_filter program[BPF_MAXINSNS];
    const char *problem = NULL;
    size_t count = policy_compile(&policy, program, &problem);
    if (problem)
        fail("%s", problem);
    write_all(program, count * sizeof program[0]);
    seccomp_release(policy.filter);
    return EXIT_SUCCESS;
}
