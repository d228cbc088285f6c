/* The event loop: descriptors and what to do when they are ready. Nothing polls. */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

/* Embedded in what owns the descriptor. `ready` may remove and free any source, its own included. */
struct source {
    int fd; /* -1: not in the loop */
    uint32_t events;
    void (*ready)(struct source *source, uint32_t events);
};

/* The object of this type that has the source as this member. */
#define OWNER(source, type, member) ((type *)(void *)((char *)(source) - offsetof(type, member)))

int loop_open(void);

/* Takes the descriptor in. 0, or -1 with errno. */
int loop_add(int loop, struct source *source, int fd, uint32_t events);

/* Changes what is waited for; EPOLLHUP and EPOLLERR always are. */
void loop_watch(int loop, struct source *source, uint32_t events);

/* Out of the loop, and open still: until loop_close, which it goes to in the end as well. */
void loop_forget(int loop, struct source *source);

/* Out of the loop, and closed. */
void loop_close(int loop, struct source *source);

/* Waits for one event and handles it. 1, 0 after timeout_ms (-1: never), -1 with errno. */
int loop_turn(int loop, int timeout_ms);

#endif
