/* SPDX-License-Identifier: GPL-2.0 */
/* JSON as it is printed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/json.h"

static void objects_and_arrays_nest(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	struct json json = { .out = open_memstream(&text, &size) };

	json_object_begin(&json, NULL);
	json_array_begin(&json, "empty");
	json_array_end(&json);
	json_array_begin(&json, "some");
	json_number(&json, NULL, UINT64_MAX);
	json_object_begin(&json, NULL);
	json_bool(&json, "yes", true);
	json_bool(&json, "no", false);
	json_object_end(&json);
	json_array_end(&json);
	json_string(&json, "last", "x");
	json_object_end(&json);
	fclose(json.out);
	assert_string_equal(text, "{\n"
				  "  \"empty\": [],\n"
				  "  \"some\": [\n"
				  "    18446744073709551615,\n"
				  "    {\n"
				  "      \"yes\": true,\n"
				  "      \"no\": false\n"
				  "    }\n"
				  "  ],\n"
				  "  \"last\": \"x\"\n"
				  "}\n");
}

static void strings_are_escaped(void **state)
{
	static const struct {
		const char *value, *printed;
	} cases[] = {
		{ "", "\"\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\n\t\x1b\x7f", "\"\\u000a\\u0009\\u001b\\u007f\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff-\xc3", "\"\\ufffd-\\ufffd\"" },			    /* no UTF-8; cut off */
		{ "\xc0\x80", "\"\\ufffd\\ufffd\"" },			    /* too long a form */
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },	    /* a surrogate */
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" }, /* above the last one */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		struct json json = { .out = open_memstream(&text, &size) };

		json_string(&json, NULL, cases[i].value);
		fclose(json.out);
		assert_string_equal(text, cases[i].printed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_and_arrays_nest),
		cmocka_unit_test(strings_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
