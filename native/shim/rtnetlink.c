/* Building requests and hearing the verdict; see rtnetlink.h. */
#include "rtnetlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "sys.h"

void *append(struct request *request, size_t length)
{
    size_t aligned = (request->length + 3) & ~(size_t)3;
    void *place = request->bytes + aligned;
    memset(place, 0, length);
    request->length = aligned + length;
    return place;
}

void begin(struct request *request, uint16_t type, uint16_t flags)
{
    request->length = 0;
    struct nlmsghdr *head = append(request, sizeof *head);
    head->nlmsg_type = type;
    head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
}

void add(struct request *request, uint16_t type, const void *value, size_t length)
{
    struct rtattr *attribute = append(request, sizeof *attribute + length);
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)(sizeof *attribute + length);
    memcpy(attribute + 1, value, length);
}

void add_u32(struct request *request, uint16_t type, uint32_t value)
{
    add(request, type, &value, sizeof value);
}

void add_text(struct request *request, uint16_t type, const char *text)
{
    add(request, type, text, strlen(text) + 1);
}

size_t open_nest(struct request *request, uint16_t type)
{
    struct rtattr *attribute = append(request, sizeof *attribute);
    attribute->rta_type = type;
    return (size_t)((uint8_t *)attribute - request->bytes);
}

void close_nest(struct request *request, size_t start)
{
    struct rtattr *attribute = (struct rtattr *)(void *)(request->bytes + start);
    attribute->rta_len = (uint16_t)(request->length - start);
}

int rtnetlink_open(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

int talk(int socket, struct request *request)
{
    struct nlmsghdr *head = (struct nlmsghdr *)(void *)request->bytes;
    head->nlmsg_len = (uint32_t)request->length;
    if (RETRY(send(socket, request->bytes, request->length, 0)) < 0)
        return -1;
    return verdict(socket);
}

int verdict(int socket)
{
    _Alignas(struct nlmsghdr) char answer[4096];
    ssize_t got = RETRY(recv(socket, answer, sizeof answer, MSG_TRUNC));
    if (got < 0)
        return -1;
    const struct nlmsghdr *reply = (const struct nlmsghdr *)(const void *)answer;
    const struct nlmsgerr *report = (const struct nlmsgerr *)(const void *)(answer + NLMSG_HDRLEN);
    if ((size_t)got < NLMSG_HDRLEN + sizeof report->error || reply->nlmsg_type != NLMSG_ERROR) {
        errno = EPROTO;
        return -1;
    }
    errno = -report->error;
    return report->error ? -1 : 0;
}
