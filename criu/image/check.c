/* SPDX-License-Identifier: GPL-2.0 */
/* Protocol Buffers, "Encoding": records of a tag (field number, wire type) and a value. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "image/check.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_64BIT = 1,
	WIRE_LENGTH = 2,
	WIRE_32BIT = 5,
};

struct bytes {
	const uint8_t *p, *end;
};

static int check_message(const ProtobufCMessageDescriptor *desc, struct bytes in, int depth);

static int take_varint(struct bytes *in, uint64_t *ret)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		if (in->p == in->end)
			return -EBADMSG;
		v |= (uint64_t)(*in->p & 0x7f) << shift;
		if (!(*in->p++ & 0x80)) {
			*ret = v;
			return 0;
		}
	}
	return -EBADMSG;
}

static int take_bytes(struct bytes *in, uint64_t len, struct bytes *ret)
{
	if (len > (uint64_t)(in->end - in->p))
		return -EBADMSG;
	ret->p = in->p;
	ret->end = in->p += len;
	return 0;
}

static bool enum_has(const ProtobufCEnumDescriptor *desc, uint64_t value)
{
	/* A negative value is sign-extended to 64 bits; both cut to the same 32. */
	return protobuf_c_enum_descriptor_get_value(desc, (int)(uint32_t)value);
}

static int check_packed_enum(const ProtobufCEnumDescriptor *desc, struct bytes in)
{
	uint64_t value;
	int r;

	while (in.p != in.end) {
		r = take_varint(&in, &value);
		if (r < 0)
			return r;
		if (!enum_has(desc, value))
			return -EBADMSG;
	}
	return 0;
}

static int check_length_field(const ProtobufCFieldDescriptor *field, struct bytes value, int depth)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return memchr(value.p, 0, value.end - value.p) ? -EBADMSG : 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		return check_message(field->descriptor, value, depth + 1);
	case PROTOBUF_C_TYPE_ENUM:
		return check_packed_enum(field->descriptor, value);
	default:
		return 0;
	}
}

static int check_message(const ProtobufCMessageDescriptor *desc, struct bytes in, int depth)
{
	const ProtobufCFieldDescriptor *field;
	struct bytes value;
	uint64_t tag, v;
	int r;

	if (depth > IMAGE_NESTING_MAX)
		return -EBADMSG;
	while (in.p != in.end) {
		r = take_varint(&in, &tag);
		if (r < 0)
			return r;
		if (!(tag >> 3) || tag > UINT32_MAX)
			return -EBADMSG;
		field = protobuf_c_message_descriptor_get_field(desc, tag >> 3);
		switch (tag & 7) {
		case WIRE_VARINT:
			r = take_varint(&in, &v);
			if (!r && field && field->type == PROTOBUF_C_TYPE_ENUM && !enum_has(field->descriptor, v))
				r = -EBADMSG;
			break;
		case WIRE_64BIT:
			r = take_bytes(&in, 8, &value);
			break;
		case WIRE_32BIT:
			r = take_bytes(&in, 4, &value);
			break;
		case WIRE_LENGTH:
			r = take_varint(&in, &v);
			if (!r)
				r = take_bytes(&in, v, &value);
			if (!r && field)
				r = check_length_field(field, value, depth);
			break;
		default:
			r = -EBADMSG;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int image_check_message(const ProtobufCMessageDescriptor *desc, const uint8_t *data, size_t len)
{
	return check_message(desc, (struct bytes){ data, data + len }, 0);
}
