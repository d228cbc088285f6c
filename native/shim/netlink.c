/* Requests to the kernel's routing socket: pairs on the host's side, addresses and routes on the container's. */
#include "netlink.h"

#include <net/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "channel.h"
#include "setup.h"
#include "sys.h"

/* One request under construction. 1 KiB holds the longest of ours several times. */
struct request {
    _Alignas(struct nlmsghdr) uint8_t bytes[1024];
    size_t length;
};

static void *append(struct request *request, size_t length)
{
    size_t aligned = (request->length + 3) & ~(size_t)3;
    void *place = request->bytes + aligned;
    memset(place, 0, length);
    request->length = aligned + length;
    return place;
}

static void begin(struct request *request, uint16_t type, uint16_t flags)
{
    request->length = 0;
    struct nlmsghdr *head = append(request, sizeof *head);
    head->nlmsg_type = type;
    head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
}

static void add(struct request *request, uint16_t type, const void *value, size_t length)
{
    struct rtattr *attribute = append(request, sizeof *attribute + length);
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)(sizeof *attribute + length);
    memcpy(attribute + 1, value, length);
}

static void add_u32(struct request *request, uint16_t type, uint32_t value)
{
    add(request, type, &value, sizeof value);
}

static void add_text(struct request *request, uint16_t type, const char *text)
{
    add(request, type, text, strlen(text) + 1);
}

static size_t open_nest(struct request *request, uint16_t type)
{
    struct rtattr *attribute = append(request, sizeof *attribute);
    attribute->rta_type = type;
    return (size_t)((uint8_t *)attribute - request->bytes);
}

static void close_nest(struct request *request, size_t start)
{
    struct rtattr *attribute = (struct rtattr *)(void *)(request->bytes + start);
    attribute->rta_len = (uint16_t)(request->length - start);
}

static int open_socket(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* Sends it and waits for the kernel's verdict. */
static int talk(int socket, struct request *request)
{
    struct nlmsghdr *head = (struct nlmsghdr *)(void *)request->bytes;
    head->nlmsg_len = (uint32_t)request->length;
    if (RETRY(send(socket, request->bytes, request->length, 0)) < 0)
        return -1;
    _Alignas(struct nlmsghdr) char answer[1024];
    ssize_t got = RETRY(recv(socket, answer, sizeof answer, MSG_TRUNC));
    if (got < 0)
        return -1;
    const struct nlmsghdr *reply = (const struct nlmsghdr *)(const void *)answer;
    const struct nlmsgerr *verdict = (const struct nlmsgerr *)(const void *)(answer + NLMSG_HDRLEN);
    if ((size_t)got < NLMSG_HDRLEN + sizeof verdict->error || reply->nlmsg_type != NLMSG_ERROR) {
        errno = EPROTO;
        return -1;
    }
    errno = -verdict->error;
    return verdict->error ? -1 : 0;
}

static bool fits_name(const char *name)
{
    return name && *name && strlen(name) < IF_NAMESIZE;
}

int link_create(struct records link, pid_t process)
{
    const char *host = records_text(link, FIELD_HOST_NAME);
    const char *inner = records_text(link, FIELD_CONTAINER_NAME);
    const char *bridge = records_text(link, FIELD_BRIDGE);
    uint32_t mtu = records_u32(link, FIELD_MTU, 0);
    uint8_t mac[6];
    if (!fits_name(host) || !fits_name(inner)) {
        errno = EINVAL;
        return -1;
    }
    struct request request;
    begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct ifinfomsg *info = append(&request, sizeof *info);
    info->ifi_family = AF_UNSPEC;
    info->ifi_flags = IFF_UP;
    info->ifi_change = IFF_UP;
    add_text(&request, IFLA_IFNAME, host);
    if (mtu)
        add_u32(&request, IFLA_MTU, mtu);
    if (bridge && *bridge) {
        unsigned index = if_nametoindex(bridge);
        if (index == 0)
            return -1;
        add_u32(&request, IFLA_MASTER, index);
    }
    size_t link_info = open_nest(&request, IFLA_LINKINFO);
    add_text(&request, IFLA_INFO_KIND, "veth");
    size_t data = open_nest(&request, IFLA_INFO_DATA);
    size_t peer = open_nest(&request, VETH_INFO_PEER);
    (void)append(&request, sizeof(struct ifinfomsg)); /* not up yet: veth_open fails while the pair is not joined */
    add_text(&request, IFLA_IFNAME, inner);
    if (records_copy(link, FIELD_MAC, mac, sizeof mac))
        add(&request, IFLA_ADDRESS, mac, sizeof mac);
    if (mtu)
        add_u32(&request, IFLA_MTU, mtu);
    add_u32(&request, IFLA_NET_NS_PID, (uint32_t)process);
    close_nest(&request, peer);
    close_nest(&request, data);
    close_nest(&request, link_info);
    AUTO_CLOSE socket = open_socket();
    return socket < 0 ? -1 : talk(socket, &request);
}

void link_remove(const char *host_name)
{
    struct request request;
    begin(&request, RTM_DELLINK, 0);
    (void)append(&request, sizeof(struct ifinfomsg));
    add_text(&request, IFLA_IFNAME, host_name);
    AUTO_CLOSE socket = open_socket();
    if (socket >= 0)
        (void)talk(socket, &request); /* ENODEV: it went with the container's namespace */
}

static int set_up(int socket, unsigned index)
{
    struct request request;
    begin(&request, RTM_NEWLINK, 0);
    struct ifinfomsg *info = append(&request, sizeof *info);
    info->ifi_index = (int)index;
    info->ifi_flags = IFF_UP;
    info->ifi_change = IFF_UP;
    return talk(socket, &request);
}

static uint8_t family_of(uint32_t length)
{
    return length == 4 ? AF_INET : AF_INET6;
}

static int add_address(int socket, unsigned index, const struct record *address, uint8_t prefix)
{
    struct request request;
    begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *info = append(&request, sizeof *info);
    info->ifa_family = family_of(address->length);
    info->ifa_prefixlen = prefix;
    info->ifa_index = index;
    if (info->ifa_family == AF_INET6)
        info->ifa_flags = IFA_F_NODAD; /* the engine hands out each address once; a tentative one would delay the start */
    add(&request, IFA_LOCAL, address->value, address->length);
    add(&request, IFA_ADDRESS, address->value, address->length);
    if (address->length == 4) {
        uint8_t broadcast[4];
        uint32_t host = prefix >= 32 ? 0 : 0xffffffffU >> prefix;
        for (int i = 0; i < 4; i++)
            broadcast[i] = (uint8_t)(address->value[i] | (uint8_t)(host >> (24 - 8 * i)));
        add(&request, IFA_BROADCAST, broadcast, sizeof broadcast);
    }
    return talk(socket, &request);
}

static int add_default_route(int socket, unsigned index, const struct record *gateway)
{
    struct request request;
    begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    struct rtmsg *info = append(&request, sizeof *info);
    info->rtm_family = family_of(gateway->length);
    info->rtm_table = RT_TABLE_MAIN;
    info->rtm_protocol = RTPROT_BOOT;
    info->rtm_scope = RT_SCOPE_UNIVERSE;
    info->rtm_type = RTN_UNICAST;
    add(&request, RTA_GATEWAY, gateway->value, gateway->length);
    add_u32(&request, RTA_OIF, index);
    return talk(socket, &request);
}

/* Fields in order: each address with its prefix after it, gateways last. */
static int configure_link(struct setup *setup, int socket, struct records link)
{
    const char *name = records_text(link, FIELD_CONTAINER_NAME);
    unsigned index = if_nametoindex(name);
    if (index == 0 || set_up(socket, index) < 0)
        return setup_error(setup, "%s", name);
    struct record field;
    struct record address = {0};
    while (records_next(&link, &field)) {
        bool is_address = field.length == 4 || field.length == 16;
        if (field.tag == FIELD_ADDRESS && is_address)
            address = field;
        if (field.tag == FIELD_PREFIX && address.value &&
            add_address(socket, index, &address, (uint8_t)field.value[0]) < 0)
            return setup_error(setup, "address of %s", name);
        if (field.tag == FIELD_GATEWAY && is_address && add_default_route(socket, index, &field) < 0)
            return setup_error(setup, "default route of %s", name);
    }
    return 0;
}

/* In a network namespace of its own: loopback up, then the links that the monitor made meanwhile. */
int step_network(struct setup *setup)
{
    if (!(records_u32(setup->spec, TAG_NAMESPACES, 0) & CLONE_NEWNET))
        return 0;
    AUTO_CLOSE socket = open_socket();
    if (socket < 0 || set_up(socket, 1) < 0) /* loopback is the first of every namespace */
        return setup_error(setup, "lo");
    struct records list = setup->spec;
    struct record record;
    if (!records_text(setup->spec, TAG_LINK))
        return 0;
    char order;
    if (RETRY(read(setup->channel, &order, 1)) != 1 || order != ORDER_LINKED)
        _exit(0); /* the monitor could not make them and has said so */
    while (records_next_of(&list, TAG_LINK, &record))
        if (configure_link(setup, socket, record_group(&record)) < 0)
            return -1;
    return 0;
}
