/*
 * The socket between the monitor and a process that is being set up: orders go in, reports come out. It closes by itself
 * at exec, which is how the monitor learns that the program runs.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum report_kind {
    REPORT_READY = 1,    /* everything but exec is done */
    REPORT_FAILED = 2,   /* the process leaves after this */
    REPORT_WARNING = 3,  /* something could not be done and was not fatal */
    REPORT_TERMINAL = 4, /* carries the master of the process's terminal */
};

struct report {
    uint32_t kind;
    int32_t error; /* errno */
    char step[24];
    char detail[480];
};
_Static_assert(sizeof(struct report) == 512, "a report goes through the socket in one piece");

enum { ORDER_LINKED = 'L', ORDER_START = 'S' };

/* A pair of stream sockets that hold an order of this size without anyone reading. */
int channel_pair(int pair[2], size_t order_size);

/* Sends records and descriptors. 0, or -1 with errno. */
int order_send(int channel, const void *body, size_t length, const int *fds, size_t count);

/* Receives what order_send sent; body and fds are the caller's to free. 0, or -1 with errno (ECONNRESET: sender is gone). */
int order_receive(int channel, uint8_t **body, size_t *length, int **fds, size_t *count);

/* fd: a descriptor to go along, or -1. */
int report_send(int channel, const struct report *report, int fd);

/* 1: one report, 0: the other side is gone, -1 with errno (EAGAIN: nothing yet). *fd is -1 or the caller's to close. */
int report_receive(int channel, struct report *report, int *fd);

/* sendmsg and recvmsg with descriptors; at most CHANNEL_FDS_MAX of them. Flags as sendmsg, recvmsg. */
enum { CHANNEL_FDS_MAX = 250 /* the kernel's SCM_MAX_FD is 253 */ };
ssize_t send_with_fds(int socket, const void *bytes, size_t length, const int *fds, size_t count, int flags);
ssize_t receive_with_fds(int socket, void *bytes, size_t length, int *fds, size_t *count, int flags);

#endif
