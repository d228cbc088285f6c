/*
 * The monitor: what a shim is after its start. It is the parent of the container's processes, holds their streams, and
 * talks to the engine. Everything it knows hangs on one struct.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"
#include "keeper.h"
#include "loop.h"
#include "timestamp.h"
#include "wire.h"

struct connection;
struct process;
struct log;
struct resolver;
struct relay;

enum { LINKS_MAX = 16, PORTS_MAX = 1024, ORPHANS_MAX = 64 };

struct orphan {
    pid_t pid;
    int status;
};

struct monitor {
    int loop;
    const char *socket_path;
    struct source listener;
    struct source signals;
    struct source caller; /* its end of our standard error, until the first connection */
    struct connection *connections;
    bool was_connected;
    bool leaving;  /* asked to, or nothing left to do: the loop ends once clients have got their bytes */

    struct cgroups cgroups;
    struct keeper keeper;
    struct source keeper_source;
    uint32_t namespaces; /* CLONE_NEW* that the container has of its own or joined */

    enum wire_status status;
    struct process *init;
    struct process *processes; /* init and all execs */
    char started_at[TIMESTAMP_BYTES];
    char finished_at[TIMESTAMP_BYTES];
    int exit_code;
    bool oom_killed;
    char *exit_file;
    struct log *log;

    int mount_namespace; /* the container's, held from its start until the shim leaves */
    char *links[LINKS_MAX]; /* names of the host's ends */
    size_t link_count;
    struct resolver *resolver; /* NULL: the container has no names to ask us for */
    struct relay *relays;      /* one for each port that is answered on ::1 */
    int ports[PORTS_MAX]; /* sockets that are only bound, for nobody else to take the port */
    size_t port_count;

    size_t flushing;       /* clients of ended processes that have not got their last bytes */

    struct orphan orphans[ORPHANS_MAX]; /* ended before the keeper told us who they were */
    size_t orphan_count;
};

/* berth.c: cgroups, keeper and a waiting first process, before anyone asks. 0, or -1 with errno. */
int berth_prepare(struct monitor *monitor, const char *cgroup_path);

/* The namespaces of a waiting first process. */
uint32_t berth_namespaces(void);

/* Has the keeper clone a first process, and takes it as monitor->init. Blocks until it is there. */
int berth_clone_init(struct monitor *monitor, struct keeper_order *order, const int *joins);

/* Ends the keeper, if there is one, and reaps it. A frozen v1 group must be thawed first. */
void berth_drop_keeper(struct monitor *monitor);

/* create.c: what a request asks for. They answer by themselves, now or later. */
void create_container(struct monitor *monitor, struct connection *connection, uint32_t request, struct records spec);
void start_container(struct monitor *monitor, struct connection *connection, uint32_t request);

/* Makes the links of a TAG_LINK and notes that they are there to be removed. 0, or -1 with errno. */
int monitor_make_link(struct monitor *monitor, struct records link);

/* connect.c: a link more or less while the container is there; answers. */
void connect_network(struct connection *connection, uint32_t request, struct records spec);
void disconnect_network(struct connection *connection, uint32_t request, struct records spec);

/* exec.c */
void exec_process(struct monitor *monitor, struct connection *connection, uint32_t request, struct records spec);
int exec_watch_keeper(struct monitor *monitor);

/* leave.c: the end of the container's first process, and of the shim */
void container_ended(struct monitor *monitor);
void monitor_clean_up(struct monitor *monitor);

#endif
