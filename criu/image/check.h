/* SPDX-License-Identifier: GPL-2.0 */
/* What protobuf-c lets pass and an image must not hold. */
#ifndef CRIU_IMAGE_CHECK_H
#define CRIU_IMAGE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/*
 * Walks the LEN bytes of a packed message before they are unpacked: 0, or -EBADMSG for a string with a NUL inside
 * (unpacking would cut it there), an enum value that the schema lacks, messages nested deeper than
 * IMAGE_NESTING_MAX (unpacking recurses), or malformed bytes.
 */
int image_check_message(const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len);
#define IMAGE_NESTING_MAX 64

#endif
