/* SPDX-License-Identifier: GPL-2.0 */
/* What pipes and FIFOs share: the buffer behind them. */
#ifndef CRIU_FD_PIPE_H
#define CRIU_FD_PIPE_H

#include "fd/dump.h"
#include "fd/restore.h"

/* Data that one read gives: all of it, or a packet of a pipe in packet mode (O_DIRECT, pipe(2)). */
struct pipe_part {
	char *data;
	uint32_t len;
};

/* A pipe as the images describe it. */
struct pipe_buffer {
	uint32_t pipe_id;
	size_t order;  /* in which it was read */
	uint32_t size; /* capacity in bytes, 0: not told */
	bool packets;  /* a writer is in packet mode */
	bool has_file; /* files.img has an end of it */
	bool has_data; /* the data image has an entry, which may be of no bytes */
	struct pipe_part *parts;
	size_t nr_parts;
	int read_fd, write_fd; /* while files are opened, else -1 */
	bool read_used, write_used;
};

struct pipe_buffers {
	struct pipe_buffer *v; /* ascending by id once sorted */
	size_t nr;
};

/*
 * Appends the content and the capacity of OBJ's pipe to the image KIND (IMG_PIPES_DATA, IMG_FIFO_DATA) under
 * PIPE_ID: one entry, or one per packet.
 */
int pipe_data_dump(struct fd_dump *dump, const struct fd_object *obj, enum image_kind kind, uint32_t pipe_id);

/* Takes in an entry of the data image and the payload behind it. */
int pipe_data_add(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg, struct pipe_buffers *buffers);
/* Adds an empty one, for a file; several of the same id become one by sorting, their data in the order of adding. */
int pipe_buffer_add(struct pipe_buffers *buffers, uint32_t pipe_id);
/* -EBADMSG, explained, if the data image KIND and files.img don't tell of the same pipes. */
int pipe_buffers_sort(struct fd_restore *restore, enum image_kind kind, struct pipe_buffers *buffers);
/* Among sorted ones. NULL if there is none. */
struct pipe_buffer *pipe_buffer_find(struct pipe_buffers *buffers, uint32_t pipe_id);
/* Sets the capacity of the empty pipe that WRITE_FD leads to and puts the data in. Leaves O_NONBLOCK set. */
int pipe_data_fill(struct fd_restore *restore, const struct pipe_buffer *buffer, int write_fd);
void pipe_buffers_close(struct pipe_buffers *buffers);
void pipe_buffers_free(struct pipe_buffers *buffers);

#endif
