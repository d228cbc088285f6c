/* Streams, stages and ends of the container's processes; see process.h. */
#include "process.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "client.h"
#include "connection.h"
#include "log.h"
#include "sys.h"

/* As much as a pipe holds. One for all: it is used up before the loop goes on. */
static uint8_t read_buffer[64 * 1024];

struct process *process_new(struct monitor *monitor, const char *id)
{
    struct process *process = calloc(1, sizeof *process);
    if (!process || !(process->id = strdup(id))) {
        free(process);
        return NULL;
    }
    process->monitor = monitor;
    process->pidfd = -1;
    process->channel.fd = process->input.fd = process->own_keeper_source.fd = -1;
    for (int i = 0; i < 2; i++)
        process->output[i] = (struct pump){.source.fd = -1, .process = process, .stream = i + 1};
    process->next = monitor->processes;
    monitor->processes = process;
    return process;
}

struct process *process_find(struct monitor *monitor, const char *id)
{
    for (struct process *process = monitor->processes; process; process = process->next)
        if (strcmp(process->id, id) == 0)
            return process;
    return NULL;
}

struct process *process_by_pid(struct monitor *monitor, pid_t pid)
{
    for (struct process *process = monitor->processes; process; process = process->next)
        if (process->pid == pid && process->stage != STAGE_ASKED && process->stage != STAGE_ENDED)
            return process;
    return NULL;
}

static void emit(struct process *process, int stream, const uint8_t *bytes, size_t length)
{
    for (struct client *client = process->clients, *next; client; client = next) {
        next = client->next; /* a dead one drops itself */
        client_write(client, stream, bytes, length);
    }
    if (process->monitor->log && process == process->monitor->init)
        log_write(process->monitor->log, stream, bytes, length);
}

/* One read. False when there is nothing (more). */
static bool pump_once(struct pump *pump)
{
    if (pump->source.fd < 0)
        return false;
    ssize_t got = RETRY(read(pump->source.fd, read_buffer, sizeof read_buffer));
    if (got > 0) {
        emit(pump->process, pump->stream, read_buffer, (size_t)got);
        return true;
    }
    if (got < 0 && errno == EAGAIN)
        return false;
    loop_close(pump->process->monitor->loop, &pump->source); /* EOF; a terminal's last slave closing is EIO */
    return false;
}

static void output_ready(struct source *source, uint32_t events)
{
    (void)events;
    struct pump *pump = OWNER(source, struct pump, source);
    if (pump_once(pump))
        process_balance(pump->process);
}

static void input_ready(struct source *source, uint32_t events)
{
    struct process *process = OWNER(source, struct process, input);
    loop_watch(process->monitor->loop, source, 0);
    if (events & EPOLLERR) { /* nobody reads stdin any more */
        loop_close(process->monitor->loop, source);
    }
    for (struct client *client = process->clients, *next; client; client = next) {
        next = client->next;
        client_input_ready(client);
    }
    if (process->close_input)
        process_close_stdin(process);
}

/* Into the loop only now: a short program may have written and ended before those who wait for its start are attached. */
static void begin_reading(struct process *process)
{
    for (int i = 0; i < 2; i++) {
        struct pump *pump = &process->output[i];
        pump->source.ready = output_ready;
        if (pump->source.fd >= 0 && loop_add(process->monitor->loop, &pump->source, pump->source.fd, EPOLLIN) < 0)
            loop_close(process->monitor->loop, &pump->source); /* out of memory: its writer gets SIGPIPE */
    }
}

void process_balance(struct process *process)
{
    if (process->stage != STAGE_RUNNING)
        return;
    bool behind = false;
    for (struct client *client = process->clients; client; client = client->next)
        behind |= client->queue_length > 0;
    /* A hung-up pipe reports itself even when nothing is waited for; then it is read, and soon at its end. */
    for (int i = 0; i < 2; i++)
        loop_watch(process->monitor->loop, &process->output[i].source, behind ? 0 : EPOLLIN);
}

size_t process_input(struct process *process, const uint8_t *bytes, size_t length)
{
    size_t done = 0;
    while (done < length && process->input.fd >= 0) {
        ssize_t written = RETRY(write(process->input.fd, bytes + done, length - done));
        if (written > 0) {
            done += (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            loop_watch(process->monitor->loop, &process->input, EPOLLOUT);
            return done;
        } else {
            loop_close(process->monitor->loop, &process->input); /* EPIPE: nobody reads */
        }
    }
    return length; /* without a reader bytes vanish, as they would in a closed pipe */
}

void process_close_stdin(struct process *process)
{
    if (process->terminal)
        return;
    process->close_input = true;
    for (struct client *client = process->clients; client; client = client->next)
        if (client->stdin_length > 0)
            return;
    loop_close(process->monitor->loop, &process->input);
}

static void set_nonblocking(int fd)
{
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int process_make_streams(struct process *process, struct records spec, int theirs[3])
{
    int count = 0;
    uint32_t stdin_kind = records_u32(spec, TAG_STDIN, STDIN_NULL);
    process->terminal = records_text(spec, TAG_WINDOW) != NULL;
    process->stdin_once = stdin_kind == STDIN_ONCE;
    if (process->terminal)
        return 0;
    int pair[2];
    if (stdin_kind != STDIN_NULL) {
        if (pipe2(pair, O_CLOEXEC) < 0)
            return -1;
        theirs[count++] = pair[0];
        set_nonblocking(pair[1]);
        process->input.ready = input_ready;
        if (loop_add(process->monitor->loop, &process->input, pair[1], 0) < 0)
            goto failed;
    }
    if (records_u32(spec, TAG_OUTPUT, 1)) {
        for (int i = 0; i < 2; i++) {
            if (pipe2(pair, O_CLOEXEC) < 0)
                goto failed;
            theirs[count++] = pair[1];
            set_nonblocking(pair[0]);
            process->output[i].source.fd = pair[0];
        }
    }
    return count;
failed:;
    int saved = errno;
    while (count > 0)
        (void)close(theirs[--count]);
    errno = saved;
    return -1;
}

static void take_terminal(struct process *process, int master)
{
    struct monitor *monitor = process->monitor;
    int copy = fcntl(master, F_DUPFD_CLOEXEC, 3);
    set_nonblocking(master);
    process->output[0].source.fd = master;
    process->input.ready = input_ready;
    if (copy < 0 || loop_add(monitor->loop, &process->input, copy, 0) < 0) {
        process->failed = true;
        process->failure = (struct report){.error = errno, .step = "terminal"};
    }
}

static void answer_failure(struct process *process)
{
    if (!process->asker)
        return;
    connection_fail(process->asker, process->request, process->failure.step, process->failure.error,
                    process->failure.detail);
    process->asker = NULL;
}

static void answer_created(struct process *process)
{
    struct monitor *monitor = process->monitor;
    if (process == monitor->init)
        monitor->status = STATUS_CREATED;
    if (!process->asker || process != monitor->init)
        return;
    struct message answer;
    message_begin(&answer, WIRE_OK, process->request);
    message_u32(&answer, TAG_PID, (uint32_t)process->pid);
    message_text(&answer, TAG_CGROUP_PATH, monitor->cgroups.path);
    if (monitor->keeper.pid)
        message_u32(&answer, TAG_KEEPER_PID, (uint32_t)monitor->keeper.pid);
    message_records(&answer, &process->notes);
    struct connection *asker = process->asker;
    process->asker = NULL;
    connection_send(asker, &answer);
}

/* The program runs: says so, hands the connection over to the streams, begins to read them. */
static void answer_running(struct process *process)
{
    struct monitor *monitor = process->monitor;
    process->stage = STAGE_RUNNING;
    if (process == monitor->init) {
        monitor->status = STATUS_RUNNING;
        (void)timestamp_now(monitor->started_at);
    }
    struct connection *asker = process->asker;
    process->asker = NULL;
    if (asker) {
        struct message answer;
        message_begin(&answer, WIRE_OK, process->request);
        message_u32(&answer, TAG_PID, (uint32_t)process->pid);
        if (process == monitor->init)
            message_text(&answer, TAG_STARTED_AT, monitor->started_at);
        message_records(&answer, &process->notes);
        if (process->attach_flags) {
            /* Sent by hand: connection_send may close the connection, and then there is no socket to take. */
            bool whole = message_end(&answer) &&
                         send(asker->source.fd, answer.bytes, answer.length, MSG_NOSIGNAL | MSG_DONTWAIT) ==
                             (ssize_t)answer.length;
            message_free(&answer);
            int socket = connection_take_socket(asker);
            if (whole && socket >= 0)
                (void)client_attach(process, socket, process->attach_flags);
            else if (socket >= 0)
                (void)close(socket);
        } else {
            connection_send(asker, &answer);
        }
    }
    begin_reading(process);
    process_balance(process);
}

/* Reads all reports that are there. At the channel's end the process has become its program, or is no more. */
static void read_reports(struct process *process)
{
    while (process->channel.fd >= 0) {
        struct report report;
        int fd;
        int got = report_receive(process->channel.fd, &report, &fd);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            loop_close(process->monitor->loop, &process->channel);
            if (process->failed)
                answer_failure(process);
            else if (process->stage == STAGE_READY && process->started)
                answer_running(process);
            return;
        }
        switch (report.kind) {
        case REPORT_READY:
            process->stage = STAGE_READY;
            answer_created(process);
            break;
        case REPORT_FAILED:
            process->failed = true;
            process->failure = report;
            break;
        case REPORT_WARNING: {
            char text[600];
            (void)snprintf(text, sizeof text, "%s %s: %s", report.step, report.detail, strerror(report.error));
            if (!process->notes.bytes)
                message_begin(&process->notes, WIRE_OK, 0);
            message_text(&process->notes, TAG_WARNING, text);
            break;
        }
        case REPORT_TERMINAL:
            if (fd >= 0)
                take_terminal(process, take_fd(&fd));
            break;
        default:
            break;
        }
        close_at_end(&fd);
    }
}

static void channel_ready(struct source *source, uint32_t events)
{
    (void)events;
    read_reports(OWNER(source, struct process, channel));
}

int process_born(struct process *process, pid_t pid, int channel, bool reaped)
{
    process->pid = pid;
    process->stage = STAGE_PREPARING;
    process->channel.ready = channel_ready;
    if (!reaped && (process->pidfd = sys_pidfd_open(pid)) < 0)
        return -1;
    return loop_add(process->monitor->loop, &process->channel, channel, EPOLLIN);
}

static int exit_code_of(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void announce_exit(struct process *process, int exit_code)
{
    char now[TIMESTAMP_BYTES];
    (void)timestamp_now(now);
    struct message event;
    message_begin(&event, WIRE_EXIT, 0);
    message_text(&event, TAG_PROCESS, process->id);
    message_u32(&event, TAG_EXIT_CODE, (uint32_t)exit_code);
    message_text(&event, TAG_FINISHED_AT, process == process->monitor->init ? process->monitor->finished_at : now);
    message_u32(&event, TAG_OOM_KILLED, process == process->monitor->init && process->monitor->oom_killed);
    connections_broadcast(process->monitor, &event);
}

void process_ended(struct process *process, int status)
{
    struct monitor *monitor = process->monitor;
    read_reports(process); /* what it said last, before how it ended */
    bool ran = process->stage == STAGE_RUNNING;
    bool was_ready = process->stage == STAGE_READY;
    loop_close(monitor->loop, &process->channel);
    if (!ran && !process->failed) {
        process->failed = true;
        process->failure = (struct report){.error = ECHILD, .step = "set-up"};
        (void)snprintf(process->failure.detail, sizeof process->failure.detail, "ended with status %d", exit_code_of(status));
    }
    if (!ran)
        answer_failure(process);
    /* What is in the pipes now is at most what pipes hold, so it is queued without regard to who is behind. A background
     * process that still has an end of an exec's pipe is not waited for. */
    for (int i = 0; i < 2; i++) {
        while (ran && pump_once(&process->output[i]))
            ;
        loop_close(monitor->loop, &process->output[i].source);
    }
    loop_close(monitor->loop, &process->input);
    process->stage = STAGE_ENDED;
    int exit_code = exit_code_of(status);
    if (process == monitor->init) {
        monitor->exit_code = exit_code;
        (void)timestamp_now(monitor->finished_at);
        if (ran || was_ready)
            container_ended(monitor);
        else
            monitor->leaving = true; /* it never was a container: nothing is recorded */
    }
    if (ran || (process == monitor->init && was_ready))
        announce_exit(process, exit_code);
    if (process != monitor->init)
        process_forget(process);
    else
        while (process->clients)
            client_finish(process->clients);
}

void process_forget(struct process *process)
{
    struct monitor *monitor = process->monitor;
    while (process->clients)
        client_finish(process->clients);
    for (struct process **at = &monitor->processes; *at; at = &(*at)->next) {
        if (*at == process) {
            *at = process->next;
            break;
        }
    }
    loop_close(monitor->loop, &process->channel);
    loop_close(monitor->loop, &process->input);
    for (int i = 0; i < 2; i++)
        loop_close(monitor->loop, &process->output[i].source);
    close_at_end(&process->pidfd);
    message_free(&process->notes);
    free(process->id);
    free(process);
}
