/*
 * A process of the container, seen from the monitor: its channel while it is set up, its streams while it runs, who is
 * attached to it, how it ended.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "channel.h"
#include "monitor.h"

struct client;

enum stage {
    STAGE_ASKED,     /* the keeper is to clone it; no pid yet */
    STAGE_PREPARING, /* its steps run */
    STAGE_READY,     /* only exec is left */
    STAGE_RUNNING,
    STAGE_ENDED,
};

struct pump {
    struct source source;
    struct process *process;
    int stream; /* 1 stdout (and a terminal), 2 stderr */
};

struct process {
    struct process *next;
    struct monitor *monitor;
    char *id; /* "init" or the engine's */
    pid_t pid;
    int pidfd;
    enum stage stage;
    struct source channel;
    struct pump output[2];
    struct source input; /* the writing end of stdin; on a terminal a copy of the master */
    bool terminal;
    bool stdin_once;
    bool close_input;   /* as soon as what clients have sent is through */
    bool started;       /* the order to start went out */
    struct client *clients;

    struct connection *asker; /* waits for the answer to CREATE, START or EXEC; NULL: nobody (any more) */
    uint32_t request;
    uint32_t attach_flags;    /* EXEC: what of it goes back through the asker's connection; 0: nothing */
    struct message notes;     /* records that go into the answer: warnings, ports */
    struct report failure;
    bool failed;

    struct keeper own_keeper; /* EXEC without a keeper in the cgroups: one for this clone alone */
    struct source own_keeper_source;
};

/* A process at STAGE_ASKED, in the monitor's list. NULL with errno. */
struct process *process_new(struct monitor *monitor, const char *id);

/* It has a pid now; its channel goes into the loop. reaped: the pid is nobody's any more. 0, or -1 with errno. */
int process_born(struct process *process, pid_t pid, int channel, bool reaped);

struct process *process_find(struct monitor *monitor, const char *id);
struct process *process_by_pid(struct monitor *monitor, pid_t pid);

/*
 * Makes the streams that TAG_STDIN, TAG_WINDOW and TAG_OUTPUT ask for. theirs: the ends for the process, in the order
 * setup.c takes them, to be sent and closed by the caller. Returns their number, or -1 with errno.
 */
int process_make_streams(struct process *process, struct records spec, int theirs[3]);

/* waitpid has told: reads out what is left, tells everyone, and forgets an exec. */
void process_ended(struct process *process, int status);

/* Reading from the process stops while a client is behind, and goes on when none is. */
void process_balance(struct process *process);

/* Closes stdin once everything sent before is through. A terminal's stays. */
void process_close_stdin(struct process *process);

/* Takes bytes for stdin. Returns how many; the rest is the caller's to keep until process_input_ready. */
size_t process_input(struct process *process, const uint8_t *bytes, size_t length);

/* Out of the list, everything closed, memory freed. Clients stay until they have their bytes. */
void process_forget(struct process *process);

#endif
