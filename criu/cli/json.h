/* SPDX-License-Identifier: GPL-2.0 */
/* JSON (RFC 8259) as it is printed: each value under its key in an object, without one (NULL) in an array or alone. */
#ifndef CRIU_CLI_JSON_H
#define CRIU_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned depth;
	bool begun; /* the object or array that is open has an element */
};

void json_object_begin(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array_begin(struct json *json, const char *key);
void json_array_end(struct json *json);
/* What isn't UTF-8 in VALUE becomes U+FFFD, byte by byte. */
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);

#endif
