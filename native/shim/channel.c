/* Orders, reports and descriptors over unix sockets; see channel.h. */
#include "channel.h"

#include <string.h>
#include <sys/socket.h>

#include "sys.h"
#include "wire.h"

struct order_head {
    uint32_t length;
    uint32_t fd_count;
};

ssize_t send_with_fds(int socket, const void *bytes, size_t length, const int *fds, size_t count, int flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, CMSG_SPACE(count * sizeof(int)));
        message.msg_control = control.bytes;
        message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    }
    return RETRY(sendmsg(socket, &message, flags | MSG_NOSIGNAL));
}

ssize_t receive_with_fds(int socket, void *bytes, size_t length, int *fds, size_t *count, int flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *count = 0;
    ssize_t got = RETRY(recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC));
    if (got < 0)
        return -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
        *count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(head), *count * sizeof(int));
    }
    return got;
}

int channel_pair(int pair[2], size_t order_size)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    /* The kernel counts its own overhead too: twice the payload and some. Needs CAP_NET_ADMIN to pass the system's limit;
     * without it an order waits for its reader, which is right but slower. */
    int size = (int)(order_size * 2 + 65536);
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return 0;
}

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = RETRY(send(fd, bytes, length, MSG_NOSIGNAL));
        if (sent < 0)
            return -1;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static int read_all(int fd, uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t got = RETRY(read(fd, bytes, length));
        if (got < 0)
            return -1;
        if (got == 0) {
            errno = ECONNRESET;
            return -1;
        }
        bytes += got;
        length -= (size_t)got;
    }
    return 0;
}

int order_send(int channel, const void *body, size_t length, const int *fds, size_t count)
{
    struct order_head head = {.length = (uint32_t)length, .fd_count = (uint32_t)count};
    size_t first = count < CHANNEL_FDS_MAX ? count : CHANNEL_FDS_MAX;
    if (send_with_fds(channel, &head, sizeof head, fds, first, 0) != sizeof head)
        return -1;
    for (size_t sent = first; sent < count;) {
        size_t batch = count - sent < CHANNEL_FDS_MAX ? count - sent : CHANNEL_FDS_MAX;
        if (send_with_fds(channel, "", 1, fds + sent, batch, 0) != 1)
            return -1;
        sent += batch;
    }
    return write_all(channel, body, length);
}

int order_receive(int channel, uint8_t **body, size_t *length, int **fds, size_t *count)
{
    struct order_head head;
    int first[CHANNEL_FDS_MAX];
    size_t have;
    ssize_t got = receive_with_fds(channel, &head, sizeof head, first, &have, MSG_WAITALL);
    if (got != sizeof head || head.length > WIRE_MESSAGE_MAX || have > head.fd_count) {
        if (got >= 0)
            errno = ECONNRESET;
        return -1;
    }
    *fds = calloc(head.fd_count + 1U, sizeof(int));
    *body = malloc(head.length + 1U);
    if (!*fds || !*body)
        return -1;
    memcpy(*fds, first, have * sizeof(int));
    while (have < head.fd_count) {
        char filler;
        size_t batch;
        if (receive_with_fds(channel, &filler, 1, first, &batch, 0) != 1 || batch > head.fd_count - have)
            return -1;
        memcpy(*fds + have, first, batch * sizeof(int));
        have += batch;
    }
    *length = head.length;
    *count = head.fd_count;
    return read_all(channel, *body, head.length);
}

int report_send(int channel, const struct report *report, int fd)
{
    return send_with_fds(channel, report, sizeof *report, &fd, fd < 0 ? 0 : 1, 0) == sizeof *report ? 0 : -1;
}

int report_receive(int channel, struct report *report, int *fd)
{
    int fds[CHANNEL_FDS_MAX];
    size_t count;
    *fd = -1;
    ssize_t got = receive_with_fds(channel, report, sizeof *report, fds, &count, MSG_DONTWAIT);
    if (got <= 0)
        return (int)got;
    if (count > 0)
        *fd = fds[0];
    if (got != sizeof *report) {
        errno = EPROTO;
        return -1;
    }
    report->step[sizeof report->step - 1] = 0;
    report->detail[sizeof report->detail - 1] = 0;
    return 1;
}
