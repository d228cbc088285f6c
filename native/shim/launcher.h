/*
 * The launcher's side of its conversation with the engine. To start a program costs an engine of 100 MiB a fork during which
 * its event loop stands still, until the child has got a processor; a process as small as this forks in a fraction of that,
 * and nobody waits for it.
 */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <sys/types.h>

/* Out of the engine's session, so that a terminal's signals do not reach it; what it and its children complain of is said to
 * the engine where the answers are. */
void launcher_prepare(void);

/*
 * The next order: its words, NULL behind the last, good until the next call. On standard input each ends with a NUL, and an
 * empty one ends the order; the engine sends none before the last is answered. NULL when the engine has gone, or sends what
 * is no order.
 */
char **launcher_order(void);

/*
 * Waits for the process that carried out an order, -1 where there is none, and answers: what was complained of went before, a
 * NUL, and one digit, 0 if all went well.
 */
void launcher_answer(pid_t pid);

#endif
