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
	bool is_ending;
	int named;

	if (dirfd < 0)
		return errno == ENOENT || errno == ENOTDIR ? FAM_ORPHAN : FAM_COMMITTED;
	named = names_checkpoint(dirfd, uuid, id);
	if (!named)
		return FAM_ORPHAN;
	if (named < 0 || image_name(IMG_INVENTORY, name, sizeof(name)))
		return FAM_COMMITTED;
	/* Before the other name: a dump may end just now. */
	is_ending = !faccessat(dirfd, FAM_INVENTORY_NEW, F_OK, AT_SYMLINK_NOFOLLOW);
	if (!is_ending && errno != ENOENT)
		return FAM_COMMITTED;
	if (!faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) || errno != ENOENT)
		return FAM_COMMITTED;
	/* Without either no dump was killed at its end: somebody copies the set there, dumps over it, or removes it. */
	return is_ending ? FAM_INCOMPLETE : FAM_ORPHAN;
}

enum fam_state fam_images_state(const uint8_t uuid[FAM_UUID_LEN], uint64_t id, const char *images_dir,
				const uint8_t host[FAM_HOST_LEN], const uint8_t own[FAM_HOST_LEN])
{
	/* What has that name here isn't what the record means: maybe a copy, half made. */
	if (host[0] && memcmp(host, own, FAM_HOST_LEN))
		return FAM_COMMITTED;
	return look(uuid, id, images_dir);
}
