/* SPDX-License-Identifier: GPL-2.0 */
/* Image files: opening, the header, and buffered bytes. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "image/buffer.h"

#define MAGIC_COMMON  0x54564319u
#define MAGIC_SERVICE 0x55105940u

uint8_t *image_scratch(struct image *img, size_t len)
{
	uint8_t *p;

	if (len <= img->scratch_size)
		return img->scratch;
	p = realloc(img->scratch, len);
	if (!p)
		return NULL;
	img->scratch = p;
	img->scratch_size = len;
	return p;
}

int image_flush(struct image *img)
{
	int r;

	if (!img->error && img->fill) {
		r = write_full(img->fd, img->buf, img->fill);
		if (r < 0)
			img->error = r;
	}
	img->fill = 0;
	return img->error;
}

int image_put(struct image *img, const void *data, size_t len)
{
	int r;

	if (img->error)
		return img->error;
	if (len > sizeof(img->buf) - img->fill) {
		r = image_flush(img);
		if (r < 0)
			return r;
	}
	if (len > sizeof(img->buf)) {
		img->error = write_full(img->fd, data, len);
		return img->error;
	}
	memcpy(img->buf + img->fill, data, len);
	img->fill += len;
	return 0;
}

static ssize_t read_some(int fd, void *data, size_t len)
{
	ssize_t n;

	do {
		n = read(fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The descriptor was lent: find out where it is now. */
static int take_back(struct image *img)
{
	off_t pos;

	if (!img->lent)
		return 0;
	pos = lseek(img->fd, 0, SEEK_CUR);
	if (pos < 0)
		return -errno;
	img->pos = pos;
	img->lent = false;
	return 0;
}

ssize_t image_get(struct image *img, void *data, size_t len)
{
	size_t done = 0, n;
	ssize_t got;
	int r;

	r = take_back(img);
	if (r < 0)
		return r;
	while (done < len) {
		if (img->start == img->fill && len - done >= sizeof(img->buf)) {
			got = read_some(img->fd, (uint8_t *)data + done, len - done);
			if (got <= 0)
				return got < 0 ? got : (ssize_t)done;
			n = got;
		} else {
			if (img->start == img->fill) {
				got = read_some(img->fd, img->buf, sizeof(img->buf));
				if (got <= 0)
					return got < 0 ? got : (ssize_t)done;
				img->start = 0;
				img->fill = got;
			}
			n = img->fill - img->start;
			if (n > len - done)
				n = len - done;
			memcpy((uint8_t *)data + done, img->buf + img->start, n);
			img->start += n;
		}
		done += n;
		img->pos += n;
	}
	return done;
}

uint64_t image_remaining(struct image *img)
{
	if (img->writing || take_back(img) < 0 || img->pos >= img->size)
		return 0;
	return img->size - img->pos;
}

int image_fd(struct image *img)
{
	int r;

	if (img->writing) {
		r = image_flush(img);
		return r < 0 ? r : img->fd;
	}
	if (img->start < img->fill && lseek(img->fd, -(off_t)(img->fill - img->start), SEEK_CUR) < 0)
		return -errno;
	img->start = img->fill = 0;
	img->lent = true;
	return img->fd;
}

static int put_word(struct image *img, uint32_t word)
{
	word = htole32(word);
	return image_put(img, &word, sizeof(word));
}

static int write_header(struct image *img)
{
	int r = 0;

	switch (img->info->framing) {
	case IMAGE_RAW:
		return 0;
	case IMAGE_COMMON:
		r = put_word(img, MAGIC_COMMON);
		break;
	case IMAGE_SERVICE:
		r = put_word(img, MAGIC_SERVICE);
		break;
	case IMAGE_PLAIN:
		break;
	}
	return r < 0 ? r : put_word(img, img->info->magic);
}

static int check_header(struct image *img)
{
	uint32_t word, frame;
	int r;

	if (img->info->framing == IMAGE_RAW)
		return 0;
	r = image_read_payload(img, &word, sizeof(word));
	if (r < 0)
		return r;
	/* The first generation of images had no word before the kind's. */
	if (le32toh(word) == img->info->magic)
		return 0;
	if (img->info->framing == IMAGE_PLAIN)
		return -EBADMSG;
	frame = img->info->framing == IMAGE_SERVICE ? MAGIC_SERVICE : MAGIC_COMMON;
	if (le32toh(word) != frame)
		return -EBADMSG;
	r = image_read_payload(img, &word, sizeof(word));
	if (r < 0)
		return r;
	return le32toh(word) == img->info->magic ? 0 : -EBADMSG;
}

static int open_file(int dirfd, enum image_kind kind, int flags, const char *name, struct image **ret)
{
	struct image *img;
	int r;

	/* The buffer needs no clearing. */
	img = malloc(sizeof(*img));
	if (!img)
		return -ENOMEM;
	memset(img, 0, offsetof(struct image, buf));
	img->info = image_kind_info(kind);
	img->fd = openat(dirfd, name, flags | O_CLOEXEC, 0644);
	if (img->fd < 0) {
		r = -errno;
		free(img);
		return r;
	}
	*ret = img;
	return 0;
}

int image_open_ids(int dirfd, enum image_kind kind, struct image **ret, struct image_ids ids)
{
	_cleanup_image_ struct image *img = NULL;
	char name[IMAGE_NAME_MAX];
	struct stat st;
	int r;

	r = image_name_ids(kind, name, sizeof(name), ids);
	/* O_NONBLOCK: a FIFO in the file's place must not hold us up. */
	if (!r)
		r = open_file(dirfd, kind, O_RDONLY | O_NONBLOCK, name, &img);
	if (r < 0)
		return r;
	if (fstat(img->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	img->size = st.st_size;
	r = check_header(img);
	if (r < 0)
		return r;
	*ret = img;
	img = NULL;
	return 0;
}

int image_create_ids(int dirfd, enum image_kind kind, struct image **ret, struct image_ids ids)
{
	char name[IMAGE_NAME_MAX];
	int r = image_name_ids(kind, name, sizeof(name), ids);

	return r < 0 ? r : image_create_as(dirfd, kind, name, ret);
}

int image_create_as(int dirfd, enum image_kind kind, const char *name, struct image **ret)
{
	_cleanup_image_ struct image *img = NULL;
	int r;

	r = open_file(dirfd, kind, O_RDWR | O_CREAT | O_TRUNC, name, &img);
	if (r < 0)
		return r;
	img->writing = true;
	r = write_header(img);
	if (r < 0)
		return r;
	*ret = img;
	img = NULL;
	return 0;
}

int image_fsync(struct image *img)
{
	int r = image_flush(img);

	if (r < 0)
		return r;
	return fsync(img->fd) < 0 ? -errno : 0;
}

int image_close(struct image **imgp)
{
	struct image *img = *imgp;
	int r = 0;

	if (!img)
		return 0;
	*imgp = NULL;
	if (img->writing)
		r = image_flush(img);
	if (close(img->fd) < 0 && img->writing && !r)
		r = -errno;
	free(img->scratch);
	free(img);
	return r;
}
