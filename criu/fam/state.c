/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "image/image.h"

#include "fam.pb-c.h"

/* 1: fam.img in DIRFD names the checkpoint; 0: it doesn't, or there is none; -errno: can't be told. */
static int names_checkpoint(int dirfd, const uint8_t uuid[FAM_UUID_LEN], uint64_t id)
{
	_cleanup_image_message_ ProtobufCMessage *msg = NULL;
	int r = image_read_single(dirfd, IMG_FAM, &msg);
	const FamEntry *fam;

	if (r)
		return r == -ENOENT || r == -EBADMSG ? 0 : r;
	fam = (const FamEntry *)msg;
	return fam->pool_uuid.len == FAM_UUID_LEN && !memcmp(fam->pool_uuid.data, uuid, FAM_UUID_LEN) &&
	       fam->checkpoint == id;
}

static enum fam_state look(const uint8_t uuid[FAM_UUID_LEN], uint64_t id, const char *images_dir)
{
	_cleanup_close_ int dirfd = open(images_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	char name[IMAGE_NAME_MAX];
	int named;

	if (dirfd < 0)
		return errno == ENOENT || errno == ENOTDIR ? FAM_ORPHAN : FAM_COMMITTED;
	named = names_checkpoint(dirfd, uuid, id);
	if (!named)
		return FAM_ORPHAN;
	if (named < 0 || image_name(IMG_INVENTORY, name, sizeof(name)))
		return FAM_COMMITTED;
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) && errno == ENOENT ? FAM_INCOMPLETE : FAM_COMMITTED;
}

enum fam_state fam_images_state(const uint8_t uuid[FAM_UUID_LEN], uint64_t id, const char *images_dir,
				const uint8_t host[FAM_HOST_LEN], const uint8_t own[FAM_HOST_LEN])
{
	enum fam_state state = look(uuid, id, images_dir);

	/* What another host has isn't seen from here; that something else has its name here says nothing. */
	if (state == FAM_ORPHAN && host[0] && memcmp(host, own, FAM_HOST_LEN))
		return FAM_COMMITTED;
	return state;
}
