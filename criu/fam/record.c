/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/record.h"

#include <string.h>

#include "base/cleanup.h"
#include "fam/crc32c.h"

void fam_super_make(struct fam_super *super, const uint8_t uuid[FAM_UUID_LEN], uint64_t size, uint64_t created)
{
	*super = (struct fam_super){
		.magic = FAM_SUPER_MAGIC, .version = FAM_VERSION, .size = size, .created = created
	};
	memcpy(super->uuid, uuid, FAM_UUID_LEN);
	super->crc = fam_crc32c(0, super, offsetof(struct fam_super, crc));
}

int fam_super_check(const void *buf, size_t len)
{
	struct fam_super super;

	if (len < sizeof(super))
		return -EPROTO;
	memcpy(&super, buf, sizeof(super));
	if (memcmp(super.magic, FAM_SUPER_MAGIC, sizeof(super.magic)))
		return -EPROTO;
	if (super.version != FAM_VERSION)
		return -EPROTONOSUPPORT;
	if (len != sizeof(super) || super.flags || super.size % FAM_ALIGN || super.size > INT64_MAX ||
	    super.crc != fam_crc32c(0, &super, offsetof(struct fam_super, crc)))
		return -EPROTO;
	return 0;
}

static uint32_t record_crc(const struct fam_record *record, const char *path)
{
	uint32_t crc = fam_crc32c(0, record, offsetof(struct fam_record, crc));

	return fam_crc32c(crc, path, record->path_len);
}

int fam_record_make(const uint8_t uuid[FAM_UUID_LEN], const uint8_t host[FAM_HOST_LEN], const struct fam_info *info,
		    void **ret, size_t *ret_len)
{
	size_t path_len = strlen(info->images_dir);
	struct fam_record *record;

	if (path_len > FAM_PATH_MAX)
		return -ENAMETOOLONG;
	record = malloc(sizeof(*record) + path_len);
	if (!record)
		return -ENOMEM;
	*record = (struct fam_record){
		.magic = FAM_RECORD_MAGIC,
		.version = FAM_VERSION,
		.flags = info->flags,
		.id = info->id,
		.size = info->size,
		.created = info->created,
		.path_len = path_len,
	};
	memcpy(record->pool_uuid, uuid, FAM_UUID_LEN);
	memcpy(record->host, host, FAM_HOST_LEN);
	memcpy(record + 1, info->images_dir, path_len);
	record->crc = record_crc(record, info->images_dir);
	*ret = record;
	*ret_len = sizeof(*record) + path_len;
	return 0;
}

int fam_record_parse(const void *buf, size_t len, const uint8_t uuid[FAM_UUID_LEN], uint64_t id, struct fam_info *ret,
		     uint8_t ret_host[FAM_HOST_LEN])
{
	const char *path = (const char *)buf + sizeof(struct fam_record);
	struct fam_record record;

	if (len < sizeof(record))
		return -EPROTO;
	memcpy(&record, buf, sizeof(record));
	if (memcmp(record.magic, FAM_RECORD_MAGIC, sizeof(record.magic)))
		return -EPROTO;
	if (record.version != FAM_VERSION)
		return -EPROTONOSUPPORT;
	if (record.path_len > FAM_PATH_MAX || len != sizeof(record) + record.path_len ||
	    record.crc != record_crc(&record, path))
		return -EPROTO;
	if (memcmp(record.pool_uuid, uuid, FAM_UUID_LEN) || record.id != id || record.flags & ~FAM_KEEP ||
	    record.size % FAM_ALIGN || record.size > INT64_MAX || !record.path_len || path[0] != '/' ||
	    memchr(path, '\0', record.path_len))
		return -EPROTO;
	*ret = (struct fam_info){
		.id = id,
		.flags = record.flags,
		.size = record.size,
		.created = record.created,
		.images_dir = strndup(path, record.path_len),
	};
	memcpy(ret_host, record.host, FAM_HOST_LEN);
	return ret->images_dir ? 0 : -ENOMEM;
}
