/* The event loop over epoll(7). */
#include "loop.h"

#include "sys.h"

int loop_open(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

int loop_add(int loop, struct source *source, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) < 0)
        return -1;
    source->fd = fd;
    source->events = events;
    return 0;
}

void loop_watch(int loop, struct source *source, uint32_t events)
{
    if (source->fd < 0 || source->events == events)
        return;
    struct epoll_event event = {.events = events, .data.ptr = source};
    (void)epoll_ctl(loop, EPOLL_CTL_MOD, source->fd, &event); /* cannot fail for what is in there */
    source->events = events;
}

void loop_forget(int loop, struct source *source)
{
    (void)epoll_ctl(loop, EPOLL_CTL_DEL, source->fd, NULL);
    source->events = 0;
}

void loop_close(int loop, struct source *source)
{
    if (source->fd < 0)
        return;
    (void)epoll_ctl(loop, EPOLL_CTL_DEL, source->fd, NULL); /* a copy in another process would keep it in */
    (void)close(source->fd);
    source->fd = -1;
}

int loop_turn(int loop, int timeout_ms)
{
    /* One at a time: handling an event may free the source of the next, and then nobody holds a stale pointer. */
    struct epoll_event event;
    int count = RETRY(epoll_wait(loop, &event, 1, timeout_ms));
    if (count > 0) {
        struct source *source = event.data.ptr;
        source->ready(source, event.events);
    }
    return count;
}
