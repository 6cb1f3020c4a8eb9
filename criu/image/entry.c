/* SPDX-License-Identifier: GPL-2.0 */
/* Entries (a 32-bit size and a packed message) and payloads. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "image/buffer.h"
#include "image/check.h"

/* Repeated empty messages unpack to a hundred times their size: memory has a bound of its own. */
struct budget {
	size_t left;
	int error;
};

static void *budget_alloc(void *data, size_t size)
{
	struct budget *b = data;
	void *p;

	if (size > b->left) {
		b->error = -EBADMSG;
		return NULL;
	}
	p = malloc(size);
	if (!p)
		b->error = -ENOMEM;
	else
		b->left -= size;
	return p;
}

static void budget_free(void *data __unused_arg, void *p)
{
	free(p);
}

int image_write(struct image *img, const ProtobufCMessage *msg)
{
	const struct image_kind_info *info = img->info;
	uint32_t word;
	uint8_t *data;
	size_t len;
	int r;

	if (!img->writing || info->framing == IMAGE_RAW ||
	    (msg->descriptor != info->message && msg->descriptor != info->head && msg->descriptor != info->inner))
		return -EINVAL;
	len = protobuf_c_message_get_packed_size(msg);
	if (len > IMAGE_ENTRY_MAX)
		return -EMSGSIZE;
	data = image_scratch(img, len ? len : 1);
	if (!data)
		return -ENOMEM;
	protobuf_c_message_pack(msg, data);
	word = htole32(len);
	r = image_put(img, &word, sizeof(word));
	return r < 0 ? r : image_put(img, data, len);
}

int image_read(struct image *img, ProtobufCMessage **ret)
{
	return image_read_as(img, img->info->message, ret);
}

int image_read_as(struct image *img, const ProtobufCMessageDescriptor *desc, ProtobufCMessage **ret)
{
	struct budget budget = { .left = IMAGE_UNPACKED_MAX };
	ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };
	ProtobufCMessage *msg;
	uint32_t word;
	uint8_t *data;
	ssize_t n;
	size_t len;
	int r;

	if (img->writing || !desc)
		return -EINVAL;
	n = image_get(img, &word, sizeof(word));
	if (n <= 0)
		return n;
	if (n < (ssize_t)sizeof(word))
		return -EBADMSG;
	len = le32toh(word);
	if (len > IMAGE_ENTRY_MAX || len > image_remaining(img))
		return -EBADMSG;
	data = image_scratch(img, len ? len : 1);
	if (!data)
		return -ENOMEM;
	r = image_read_payload(img, data, len);
	if (r < 0)
		return r;
	r = image_check_message(desc, data, len);
	if (r < 0)
		return r;
	msg = protobuf_c_message_unpack(desc, &allocator, len, data);
	if (!msg)
		return budget.error ? budget.error : -EBADMSG;
	*ret = msg;
	return 1;
}

int image_write_payload(struct image *img, const void *data, size_t len)
{
	return img->writing ? image_put(img, data, len) : -EINVAL;
}

int image_read_payload(struct image *img, void *data, size_t len)
{
	ssize_t n;

	if (img->writing)
		return -EINVAL;
	n = image_get(img, data, len);
	if (n < 0)
		return n;
	return (size_t)n == len ? 0 : -EBADMSG;
}

int image_read_single_ids(int dirfd, enum image_kind kind, ProtobufCMessage **ret, struct image_ids ids)
{
	_cleanup_image_message_ ProtobufCMessage *msg = NULL;
	_cleanup_image_ struct image *img = NULL;
	int r;

	r = image_open_ids(dirfd, kind, &img, ids);
	if (r < 0)
		return r;
	r = image_read(img, &msg);
	if (r < 0)
		return r;
	if (r == 0 || image_remaining(img))
		return -EBADMSG;
	*ret = msg;
	msg = NULL;
	return 0;
}

int image_write_single_ids(int dirfd, enum image_kind kind, const ProtobufCMessage *msg, struct image_ids ids)
{
	_cleanup_image_ struct image *img = NULL;
	int r;

	r = image_create_ids(dirfd, kind, &img, ids);
	if (r < 0)
		return r;
	r = image_write(img, msg);
	if (r < 0)
		return r;
	return image_close(&img);
}
