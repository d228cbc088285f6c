/*
 * One table with one chain and two rules, as `nft` would write it:
 *
 *     table ip lighter { chain names { type nat hook output priority -100;
 *         ip daddr ADDRESS meta l4proto udp th dport PORT dnat to ADDRESS:UDP_PORT
 *         ip daddr ADDRESS meta l4proto tcp th dport PORT dnat to ADDRESS:TCP_PORT } }
 *
 * Spelled for the kernel, since a program that does it would cost a start several milliseconds. All goes as one batch, which
 * the kernel takes whole or not at all. Numbers are big-endian here; see linux/netfilter/nf_tables.h.
 */
#include "redirect.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "netns.h"
#include "rtnetlink.h"
#include "sys.h"

#define TABLE "lighter"
#define CHAIN "names"

enum {
    DESTINATION_OFFSET = 16, /* of an IPv4 header */
    PORT_OFFSET = 2,         /* the destination's, of UDP and TCP alike */
    DNAT_PRIORITY = -100,
};

struct batch {
    _Alignas(4) uint8_t bytes[3072];
    size_t length;
};

static void add_be32(struct request *request, uint16_t type, uint32_t value)
{
    add_u32(request, type, htonl(value));
}

static void begin_message(struct request *request, uint16_t type, uint16_t flags, uint8_t family, uint16_t resource)
{
    begin(request, type, 0);
    ((struct nlmsghdr *)(void *)request->bytes)->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    struct nfgenmsg *head = append(request, sizeof *head);
    head->nfgen_family = family;
    head->version = NFNETLINK_V0;
    head->res_id = htons(resource);
}

static void begin_nftables(struct request *request, uint16_t message, uint16_t flags)
{
    begin_message(request, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags, NFPROTO_IPV4, 0);
}

static void batch_add(struct batch *batch, struct request *request)
{
    ((struct nlmsghdr *)(void *)request->bytes)->nlmsg_len = (uint32_t)request->length;
    memcpy(batch->bytes + batch->length, request->bytes, request->length);
    batch->length += NLMSG_ALIGN(request->length);
}

static void batch_edge(struct batch *batch, uint16_t type)
{
    struct request request;
    begin_message(&request, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    batch_add(batch, &request);
}

static void batch_chain(struct batch *batch)
{
    struct request request;
    begin_nftables(&request, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    add_text(&request, NFTA_TABLE_NAME, TABLE);
    batch_add(batch, &request);
    begin_nftables(&request, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    add_text(&request, NFTA_CHAIN_TABLE, TABLE);
    add_text(&request, NFTA_CHAIN_NAME, CHAIN);
    size_t hook = open_nest(&request, NFTA_CHAIN_HOOK | NLA_F_NESTED);
    add_be32(&request, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT);
    add_be32(&request, NFTA_HOOK_PRIORITY, (uint32_t)DNAT_PRIORITY);
    close_nest(&request, hook);
    add_text(&request, NFTA_CHAIN_TYPE, "nat");
    batch_add(batch, &request);
}

/* An expression of a rule: what open gave, in the reverse order, is what close takes. */
struct expression {
    size_t element;
    size_t data;
};

static struct expression open_expression(struct request *request, const char *name)
{
    struct expression expression = {.element = open_nest(request, NFTA_LIST_ELEM | NLA_F_NESTED)};
    add_text(request, NFTA_EXPR_NAME, name);
    expression.data = open_nest(request, NFTA_EXPR_DATA | NLA_F_NESTED);
    return expression;
}

static void close_expression(struct request *request, struct expression expression)
{
    close_nest(request, expression.data);
    close_nest(request, expression.element);
}

static void add_value(struct request *request, uint16_t type, const void *value, size_t length)
{
    size_t data = open_nest(request, type | NLA_F_NESTED);
    add(request, NFTA_DATA_VALUE, value, length);
    close_nest(request, data);
}

/* What is in the first register has to be this. */
static void require(struct request *request, const void *value, size_t length)
{
    struct expression compare = open_expression(request, "cmp");
    add_be32(request, NFTA_CMP_SREG, NFT_REG_1);
    add_be32(request, NFTA_CMP_OP, NFT_CMP_EQ);
    add_value(request, NFTA_CMP_DATA, value, length);
    close_expression(request, compare);
}

static void require_header(struct request *request, uint32_t base, uint32_t offset, const void *value, uint32_t length)
{
    struct expression load = open_expression(request, "payload");
    add_be32(request, NFTA_PAYLOAD_DREG, NFT_REG_1);
    add_be32(request, NFTA_PAYLOAD_BASE, base);
    add_be32(request, NFTA_PAYLOAD_OFFSET, offset);
    add_be32(request, NFTA_PAYLOAD_LEN, length);
    close_expression(request, load);
    require(request, value, length);
}

static void require_protocol(struct request *request, uint8_t protocol)
{
    struct expression load = open_expression(request, "meta");
    add_be32(request, NFTA_META_DREG, NFT_REG_1);
    add_be32(request, NFTA_META_KEY, NFT_META_L4PROTO);
    close_expression(request, load);
    require(request, &protocol, sizeof protocol);
}

static void set_register(struct request *request, uint32_t number, const void *value, size_t length)
{
    struct expression immediate = open_expression(request, "immediate");
    add_be32(request, NFTA_IMMEDIATE_DREG, number);
    add_value(request, NFTA_IMMEDIATE_DATA, value, length);
    close_expression(request, immediate);
}

static void batch_rule(struct batch *batch, uint8_t protocol, uint32_t address, uint16_t port, uint16_t to, uint16_t flags)
{
    uint32_t address_be = htonl(address);
    uint16_t port_be = htons(port), to_be = htons(to);
    struct request request;
    begin_nftables(&request, NFT_MSG_NEWRULE, (uint16_t)(NLM_F_CREATE | NLM_F_APPEND | flags));
    add_text(&request, NFTA_RULE_TABLE, TABLE);
    add_text(&request, NFTA_RULE_CHAIN, CHAIN);
    size_t expressions = open_nest(&request, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
    require_header(&request, NFT_PAYLOAD_NETWORK_HEADER, DESTINATION_OFFSET, &address_be, sizeof address_be);
    require_protocol(&request, protocol);
    require_header(&request, NFT_PAYLOAD_TRANSPORT_HEADER, PORT_OFFSET, &port_be, sizeof port_be);
    set_register(&request, NFT_REG_1, &address_be, sizeof address_be);
    set_register(&request, NFT_REG_2, &to_be, sizeof to_be);
    struct expression nat = open_expression(&request, "nat");
    add_be32(&request, NFTA_NAT_TYPE, NFT_NAT_DNAT);
    add_be32(&request, NFTA_NAT_FAMILY, NFPROTO_IPV4);
    add_be32(&request, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
    add_be32(&request, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
    close_expression(&request, nat);
    close_nest(&request, expressions);
    batch_add(batch, &request);
}

int redirect_within(int process, uint32_t address, uint16_t port, uint16_t udp_port, uint16_t tcp_port)
{
    struct batch batch = {.length = 0};
    batch_edge(&batch, NFNL_MSG_BATCH_BEGIN);
    batch_chain(&batch);
    batch_rule(&batch, IPPROTO_UDP, address, port, udp_port, 0);
    /* The last one alone is answered where all is well; what fails is answered always. */
    batch_rule(&batch, IPPROTO_TCP, address, port, tcp_port, NLM_F_ACK);
    batch_edge(&batch, NFNL_MSG_BATCH_END);
    AUTO_CLOSE socket = netns_socket(process, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
    if (socket < 0 || RETRY(send(socket, batch.bytes, batch.length, 0)) < 0)
        return -1;
    return verdict(socket);
}
