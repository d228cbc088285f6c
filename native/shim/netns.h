/* Sockets within another process's network namespace. */
#ifndef NETNS_H
#define NETNS_H

/*
 * A socket, close-on-exec, that lives in the network namespace of the process, whoever uses it: a socket stays where it
 * was made. process: its pidfd. The descriptor, or -1 with errno.
 */
int netns_socket(int process, int family, int type, int protocol);

#endif
