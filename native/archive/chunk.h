/*
 * How bytes travel between threads: large reference-counted chunks through short queues. Each chunk is filled by one
 * thread, then only read, by any number of others.
 */
#ifndef CHUNK_H
#define CHUNK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define CHUNK_BYTES (512 * 1024)

struct chunk {
	atomic_int users;
	size_t length;
	unsigned char bytes[CHUNK_BYTES];
};

/* A chunk with one user: whoever made it. */
struct chunk *chunk_new(void);
void chunk_release(struct chunk *chunk);

/* More would only be memory: the slowest thread sets the pace. */
#define QUEUE_DEPTH 8

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct chunk *chunks[QUEUE_DEPTH];
	unsigned int first, count;
};

void queue_init(struct queue *queue);
/* Waits for room. NULL says that nothing more comes. Takes over the caller's use of the chunk. */
void queue_push(struct queue *queue, struct chunk *chunk);
/* Waits for a chunk; the caller releases it. */
struct chunk *queue_pop(struct queue *queue);

/* A thread that takes in all chunks of one stream. */
struct sink {
	struct queue queue;
	pthread_t thread;
	void (*take)(void *state, const unsigned char *bytes, size_t length);
	void *state;
};

void sink_start(struct sink *sink, void (*take)(void *, const unsigned char *, size_t), void *state);
/* After the stream's NULL went through its queue: waits until all has been taken in. */
void sink_finish(struct sink *sink);

/* One stream to several queues. */
#define FAN_WIDTH 4
struct fan {
	struct queue *queues[FAN_WIDTH];
	unsigned int width;
};

void fan_add(struct fan *fan, struct queue *queue);
/* To all of them; takes over the caller's use. NULL ends them all. */
void fan_push(struct fan *fan, struct chunk *chunk);

#endif
