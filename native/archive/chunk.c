#include "chunk.h"

#include <errno.h>
#include <stdlib.h>

#include "memory.h"
#include "report.h"

struct chunk *chunk_new(void)
{
	struct chunk *chunk = allocate(sizeof *chunk);
	atomic_init(&chunk->users, 1);
	chunk->length = 0;
	return chunk;
}

void chunk_release(struct chunk *chunk)
{
	if (atomic_fetch_sub(&chunk->users, 1) == 1)
		free(chunk);
}

void queue_init(struct queue *queue)
{
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	queue->first = queue->count = 0;
}

void queue_push(struct queue *queue, struct chunk *chunk)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->count == QUEUE_DEPTH)
		pthread_cond_wait(&queue->changed, &queue->lock);
	queue->chunks[(queue->first + queue->count++) % QUEUE_DEPTH] = chunk;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

struct chunk *queue_pop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->count == 0)
		pthread_cond_wait(&queue->changed, &queue->lock);
	struct chunk *chunk = queue->chunks[queue->first];
	queue->first = (queue->first + 1) % QUEUE_DEPTH;
	queue->count--;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	return chunk;
}

static void *sink_main(void *argument)
{
	struct sink *sink = argument;
	for (struct chunk *chunk; (chunk = queue_pop(&sink->queue));) {
		sink->take(sink->state, chunk->bytes, chunk->length);
		chunk_release(chunk);
	}
	return NULL;
}

void sink_start(struct sink *sink, void (*take)(void *, const unsigned char *, size_t), void *state)
{
	queue_init(&sink->queue);
	sink->take = take;
	sink->state = state;
	int error = pthread_create(&sink->thread, NULL, sink_main, sink);
	if (error)
		fail("start-thread", "", error);
}

void sink_finish(struct sink *sink)
{
	int error = pthread_join(sink->thread, NULL);
	if (error)
		fail("join-thread", "", error);
}

void fan_add(struct fan *fan, struct queue *queue)
{
	if (fan->width == FAN_WIDTH)
		fail("start-thread", "", ENOSPC);
	fan->queues[fan->width++] = queue;
}

void fan_push(struct fan *fan, struct chunk *chunk)
{
	if (chunk) {
		/* Before the first push: a quick reader must not free it under the others. */
		atomic_fetch_add(&chunk->users, (int)fan->width - 1);
	}
	for (unsigned int i = 0; i < fan->width; i++)
		queue_push(fan->queues[i], chunk);
}
