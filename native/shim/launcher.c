#include "launcher.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys.h"

enum {
    ORDER_BYTES_MAX = 64 * 1024,
    WORDS_MAX = 256,
};

void launcher_prepare(void)
{
    (void)setsid(); /* fails for the leader of a group, who has no terminal either */
    (void)dup2(STDOUT_FILENO, STDERR_FILENO);
}

static bool is_whole(const char *order, size_t length)
{
    return length >= 2 && order[length - 1] == 0 && order[length - 2] == 0;
}

char **launcher_order(void)
{
    static char order[ORDER_BYTES_MAX];
    static char *words[WORDS_MAX + 1];
    size_t length = 0;
    while (!is_whole(order, length)) {
        ssize_t got = RETRY(read(STDIN_FILENO, order + length, sizeof order - length));
        if (got <= 0) /* 0 also where the order is longer than its place */
            return NULL;
        length += (size_t)got;
    }
    size_t count = 0;
    for (char *word = order; *word; word += strlen(word) + 1) {
        if (count == WORDS_MAX)
            return NULL;
        words[count++] = word;
    }
    words[count] = NULL;
    return count % 2 == 0 ? words : NULL;
}

void launcher_answer(pid_t pid)
{
    int status = 0;
    if (pid < 0)
        perror("lighter-shim: fork");
    bool good = pid > 0 && RETRY(waitpid(pid, &status, 0)) == pid && status == 0;
    const char answer[2] = {0, good ? '0' : '1'};
    (void)!write(STDOUT_FILENO, answer, sizeof answer); /* an engine that has gone is noticed by the next read */
}
