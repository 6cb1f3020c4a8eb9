/* SPDX-License-Identifier: GPL-2.0 */
/* An open image file and the buffer over it: for the files of image/ only. */
#ifndef CRIU_IMAGE_BUFFER_H
#define CRIU_IMAGE_BUFFER_H

#include "image/image.h"

#define IMAGE_BUFFER 16384

struct image {
	const struct image_kind_info *info;
	int fd;
	bool writing;
	bool lent;     /* image_fd() gave the descriptor away: its offset may have moved since */
	int error;     /* the first write error */
	uint64_t size; /* reading: of the file, when it was opened */
	uint64_t pos;  /* reading: how much of it is behind us */
	uint8_t *scratch;
	size_t scratch_size; /* a packed entry that the buffer is too small for */
	size_t start, fill;  /* writing: buf[0, fill) is to be written; reading: buf[start, fill) is ahead */
	uint8_t buf[IMAGE_BUFFER];
};

/* Up to LEN bytes, fewer only at the end of the file: the number, or -errno. */
ssize_t image_get(struct image *img, void *data, size_t len);
/* All LEN bytes: 0 or -errno. */
int image_put(struct image *img, const void *data, size_t len);
/* Writes what is buffered: 0 or -errno. */
int image_flush(struct image *img);
/* At least LEN bytes that live until the next call, or NULL. */
uint8_t *image_scratch(struct image *img, size_t len);

#endif
