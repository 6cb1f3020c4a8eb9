/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/cli.h"

#include <fcntl.h>
#include <inttypes.h>

#include "image/image.h"
#include "stats.pb-c.h"

/* Each number of the message under its name in the schema; times are microseconds. */
static void print_numbers(const char *of, const ProtobufCMessage *message)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		const char *at = (const char *)message + field->offset;

		if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
		    !*(const protobuf_c_boolean *)((const char *)message + field->quantifier_offset))
			continue;
		if (field->type == PROTOBUF_C_TYPE_UINT32)
			printf("%s.%s: %" PRIu32 "\n", of, field->name, *(const uint32_t *)at);
		else if (field->type == PROTOBUF_C_TYPE_UINT64)
			printf("%s.%s: %" PRIu64 "\n", of, field->name, *(const uint64_t *)at);
	}
}

int cli_print_stats(struct cr_ctx *ctx, unsigned command)
{
	_cleanup_close_ int dirfd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_image_message_ ProtobufCMessage *message = NULL;
	const StatsEntry *entry;
	int err;

	if (dirfd < 0)
		return -errno;
	err = image_read_single(dirfd, command == CMD_DUMP ? IMG_STATS_DUMP : IMG_STATS_RESTORE, &message);
	if (err)
		return err;
	entry = (const StatsEntry *)message;
	if (command == CMD_DUMP && entry->dump)
		print_numbers("dump", &entry->dump->base);
	else if (command == CMD_RESTORE && entry->restore)
		print_numbers("restore", &entry->restore->base);
	else
		return -EBADMSG;
	return 0;
}
