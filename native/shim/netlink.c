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
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "channel.h"
#include "netns.h"
#include "rtnetlink.h"
#include "setup.h"
#include "sys.h"

enum { LOOPBACK_INDEX = 1 }; /* the first link of every namespace */

static bool fits_name(const char *name)
{
    return name && *name && strlen(name) < IF_NAMESIZE;
}

/* Two ends: the host's, up and on its bridge, and the container's within the namespace of the process. */
static int create_pair(int socket, struct records link, pid_t process)
{
    const char *bridge = records_text(link, FIELD_BRIDGE);
    uint32_t mtu = records_u32(link, FIELD_MTU, 0);
    uint8_t mac[6];
    struct request request;
    begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct ifinfomsg *info = append(&request, sizeof *info);
    info->ifi_family = AF_UNSPEC;
    info->ifi_flags = IFF_UP;
    info->ifi_change = IFF_UP;
    add_text(&request, IFLA_IFNAME, records_text(link, FIELD_HOST_NAME));
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
    add_text(&request, IFLA_IFNAME, records_text(link, FIELD_CONTAINER_NAME));
    if (records_copy(link, FIELD_MAC, mac, sizeof mac))
        add(&request, IFLA_ADDRESS, mac, sizeof mac);
    if (mtu)
        add_u32(&request, IFLA_MTU, mtu);
    add_u32(&request, IFLA_NET_NS_PID, (uint32_t)process);
    close_nest(&request, peer);
    close_nest(&request, data);
    close_nest(&request, link_info);
    return talk(socket, &request);
}

/* One end only, on a link of the host's (macvlan, ipvlan): FIELD_FLAGS is its mode. */
static int create_child(int socket, struct records link, pid_t process, const char *kind)
{
    const char *parent = records_text(link, FIELD_SOURCE);
    uint32_t mtu = records_u32(link, FIELD_MTU, 0);
    uint32_t mode = records_u32(link, FIELD_FLAGS, 0);
    uint8_t mac[6];
    bool is_macvlan = strcmp(kind, "macvlan") == 0;
    unsigned index = parent ? if_nametoindex(parent) : 0;
    if (index == 0)
        return -1;
    struct request request;
    begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    (void)append(&request, sizeof(struct ifinfomsg));
    add_text(&request, IFLA_IFNAME, records_text(link, FIELD_CONTAINER_NAME));
    add_u32(&request, IFLA_LINK, index);
    add_u32(&request, IFLA_NET_NS_PID, (uint32_t)process);
    if (mtu)
        add_u32(&request, IFLA_MTU, mtu);
    if (is_macvlan && records_copy(link, FIELD_MAC, mac, sizeof mac)) /* ipvlan has its parent's */
        add(&request, IFLA_ADDRESS, mac, sizeof mac);
    size_t link_info = open_nest(&request, IFLA_LINKINFO);
    add_text(&request, IFLA_INFO_KIND, kind);
    size_t data = open_nest(&request, IFLA_INFO_DATA);
    if (is_macvlan) {
        add_u32(&request, IFLA_MACVLAN_MODE, mode);
    } else {
        uint16_t narrow = (uint16_t)mode;
        add(&request, IFLA_IPVLAN_MODE, &narrow, sizeof narrow);
    }
    close_nest(&request, data);
    close_nest(&request, link_info);
    return talk(socket, &request);
}

int link_create(struct records link, pid_t process)
{
    const char *kind = records_text(link, FIELD_TYPE);
    if (!fits_name(records_text(link, FIELD_HOST_NAME)) || !fits_name(records_text(link, FIELD_CONTAINER_NAME))) {
        errno = EINVAL;
        return -1;
    }
    AUTO_CLOSE socket = rtnetlink_open();
    if (socket < 0)
        return -1;
    return kind && *kind ? create_child(socket, link, process, kind) : create_pair(socket, link, process);
}

static int delete_link(int socket, const char *name)
{
    struct request request;
    begin(&request, RTM_DELLINK, 0);
    (void)append(&request, sizeof(struct ifinfomsg));
    add_text(&request, IFLA_IFNAME, name);
    return talk(socket, &request);
}

void link_remove(const char *host_name)
{
    AUTO_CLOSE socket = rtnetlink_open();
    if (socket >= 0)
        (void)delete_link(socket, host_name); /* ENODEV: it went with the container's namespace */
}

int link_remove_within(int process, const char *name)
{
    AUTO_CLOSE socket = netns_socket(process, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (socket < 0)
        return -1;
    return delete_link(socket, name) < 0 && errno != ENODEV ? -1 : 0;
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

static int set_default_route(int socket, unsigned index, const struct record *gateway)
{
    struct request request;
    begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
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

/* The index that a link has in the socket's namespace, which need not be the caller's. 0 with errno where there is none. */
static unsigned index_within(int socket, const char *name)
{
    struct ifreq request = {0};
    if (!fits_name(name)) {
        errno = EINVAL;
        return 0;
    }
    strcpy(request.ifr_name, name);
    return ioctl(socket, SIOCGIFINDEX, &request) < 0 ? 0 : (unsigned)request.ifr_ifindex;
}

static bool is_address(const struct record *field)
{
    return field->length == 4 || field->length == 16;
}

static int set_routes(int socket, unsigned index, struct records link)
{
    struct record field;
    while (records_next_of(&link, FIELD_GATEWAY, &field))
        if (is_address(&field) && set_default_route(socket, index, &field) < 0)
            return -1;
    return 0;
}

static int set_addresses(int socket, unsigned index, struct records link)
{
    struct record field;
    struct record address = {0};
    while (records_next(&link, &field)) {
        if (field.tag == FIELD_ADDRESS && is_address(&field))
            address = field;
        if (field.tag == FIELD_PREFIX && address.value &&
            add_address(socket, index, &address, (uint8_t)field.value[0]) < 0)
            return -1;
    }
    return 0;
}

const char *link_configure(int socket, struct records link)
{
    unsigned index = index_within(socket, records_text(link, FIELD_CONTAINER_NAME));
    if (index == 0 || set_up(socket, index) < 0)
        return "link";
    if (set_addresses(socket, index, link) < 0)
        return "address";
    return set_routes(socket, index, link) < 0 ? "default route" : NULL;
}

const char *link_configure_within(int process, struct records link)
{
    AUTO_CLOSE socket = netns_socket(process, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    return socket < 0 ? "network namespace" : link_configure(socket, link);
}

int loopback_up_within(int process)
{
    AUTO_CLOSE socket = netns_socket(process, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    return socket < 0 ? -1 : set_up(socket, LOOPBACK_INDEX);
}

int default_route_within(int process, struct records route)
{
    AUTO_CLOSE socket = netns_socket(process, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    unsigned index = socket < 0 ? 0 : index_within(socket, records_text(route, FIELD_CONTAINER_NAME));
    return index == 0 ? -1 : set_routes(socket, index, route);
}

/* In a network namespace of its own: loopback up, then the links that the monitor made meanwhile. */
int step_network(struct setup *setup)
{
    if (!(records_u32(setup->spec, TAG_NAMESPACES, 0) & CLONE_NEWNET))
        return 0;
    AUTO_CLOSE socket = rtnetlink_open();
    if (socket < 0 || set_up(socket, LOOPBACK_INDEX) < 0)
        return setup_error(setup, "lo");
    struct records list = setup->spec;
    struct record record;
    if (!records_text(setup->spec, TAG_LINK))
        return 0;
    char order;
    if (RETRY(read(setup->channel, &order, 1)) != 1 || order != ORDER_LINKED)
        _exit(0); /* the monitor could not make them and has said so */
    while (records_next_of(&list, TAG_LINK, &record)) {
        struct records link = record_group(&record);
        const char *trouble = link_configure(socket, link);
        if (trouble)
            return setup_error(setup, "%s of %s", trouble, records_text(link, FIELD_CONTAINER_NAME));
    }
    return 0;
}
