/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/json.h"

#include <inttypes.h>

/* The bytes of the UTF-8 character that S begins with (RFC 3629: shortest form, no surrogates), or 0. */
static unsigned utf8_len(const unsigned char *s)
{
	unsigned len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (unsigned i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void print_string(FILE *out, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	putc('"', out);
	while (*s) {
		unsigned len = utf8_len(s);

		if (!len)
			fputs("\\ufffd", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else
			fwrite(s, 1, len, out);
		s += len ?: 1;
	}
	putc('"', out);
}

/* Everything in front of a value. */
static void begin(struct json *json, const char *key)
{
	if (json->begun)
		putc(',', json->out);
	if (json->depth)
		fprintf(json->out, "\n%*s", 2 * (int)json->depth, "");
	json->begun = true;
	if (key) {
		print_string(json->out, key);
		fputs(": ", json->out);
	}
}

static void open_with(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	putc(bracket, json->out);
	json->depth++;
	json->begun = false;
}

static void close_with(struct json *json, char bracket)
{
	json->depth--;
	if (json->begun)
		fprintf(json->out, "\n%*s", 2 * (int)json->depth, "");
	putc(bracket, json->out);
	json->begun = true;
	if (!json->depth)
		putc('\n', json->out);
}

void json_object_begin(struct json *json, const char *key)
{
	open_with(json, key, '{');
}

void json_object_end(struct json *json)
{
	close_with(json, '}');
}

void json_array_begin(struct json *json, const char *key)
{
	open_with(json, key, '[');
}

void json_array_end(struct json *json)
{
	close_with(json, ']');
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin(json, key);
	print_string(json->out, value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}
