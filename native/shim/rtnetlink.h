/* Requests to the kernel's routing socket, one at a time; see rtnetlink(7). */
#ifndef RTNETLINK_H
#define RTNETLINK_H

#include <stddef.h>
#include <stdint.h>

/* One request under construction. 1 KiB holds the longest of ours several times. */
struct request {
    _Alignas(4) uint8_t bytes[1024];
    size_t length;
};

/* Starts it with its message's type (RTM_*) and flags (NLM_F_*, beside REQUEST and ACK). */
void begin(struct request *request, uint16_t type, uint16_t flags);

/* Room for the type's own header, zeroed. */
void *append(struct request *request, size_t length);

void add(struct request *request, uint16_t type, const void *value, size_t length);
void add_u32(struct request *request, uint16_t type, uint32_t value);
void add_text(struct request *request, uint16_t type, const char *text);

/* An attribute of attributes; close_nest takes what open_nest gave. */
size_t open_nest(struct request *request, uint16_t type);
void close_nest(struct request *request, size_t start);

int rtnetlink_open(void);

/* Sends it and waits for the kernel's verdict. 0, or -1 with errno. */
int talk(int socket, struct request *request);

/* The kernel's verdict on what was sent. 0, or -1 with errno. */
int verdict(int socket);

#endif
