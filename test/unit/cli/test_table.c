/* SPDX-License-Identifier: GPL-2.0 */
/* The option table agrees with itself and with the manual page. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/commands.h"

#define MAN_PAGE "Documentation/man/criu.txt"

static const struct option_row *find_row(const char *name)
{
	for (size_t i = 0; i < option_table_size; i++)
		if (!strcmp(option_table[i].name, name))
			return &option_table[i];
	return NULL;
}

static void names_are_unique(void **state)
{
	assert_true(option_table_size <= OPTIONS_MAX);
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *a = &option_table[i];

		assert_true(strlen(a->name) < 36);
		for (size_t j = i + 1; j < option_table_size; j++) {
			const struct option_row *b = &option_table[j];

			if (!strcmp(a->name, b->name))
				fail_msg("--%s is there twice", a->name);
			if (a->short_name && a->short_name == b->short_name)
				fail_msg("-%c is --%s and --%s", a->short_name, a->name, b->name);
		}
		for (size_t j = 0; j < option_table_size; j++)
			if (option_table[j].twin && str_starts(a->name, "no-") &&
			    !strcmp(a->name + 3, option_table[j].name))
				fail_msg("--%s is also the twin of --%s", a->name, a->name + 3);
	}
}

static void rows_are_whole(void **state)
{
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];

		if (!row->help || !row->commands)
			fail_msg("--%s lacks its text or its commands", row->name);
		if ((row->arg != ARG_NONE) != !!row->arg_name)
			fail_msg("--%s: a name for its value, or none", row->name);
		if (row->twin && row->arg != ARG_NONE)
			fail_msg("--%s has a twin and a value", row->name);
		if (row->choices && row->arg == ARG_NONE)
			fail_msg("--%s has choices and no value", row->name);
		if (row->commands & row->refused_on)
			fail_msg("--%s is for a command that refuses it", row->name);
	}
}

/* The label lines of the page are those that end in "::". */
static void the_manual_page_has_each_option_once(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t times[OPTIONS_MAX] = { 0 };
	char *rest, *line;

	assert_int_equal(read_file_at(AT_FDCWD, MAN_PAGE, 1 << 20, &text, NULL), 0);
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		const struct option_row *row;
		char name[64], *at, letter;
		bool twin;

		at = strstr(line, "*--");
		if (!str_ends(line, "::") || !at)
			continue;
		at += 3;
		twin = str_starts(at, "[no-]");
		at += twin ? 5 : 0;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "*"), at);
		row = find_row(name);
		if (!row)
			fail_msg(MAN_PAGE ": --%s isn't in the table", name);
		times[row - option_table]++;
		letter = line[0] == '*' && line[1] == '-' && line[2] != '-' ? line[2] : 0;
		if (letter != row->short_name)
			fail_msg(MAN_PAGE ": the letter of --%s", name);
		if (twin != row->twin)
			fail_msg(MAN_PAGE ": --[no-]%s", name);
		if (!!strchr(at, '\'') != (row->arg != ARG_NONE))
			fail_msg(MAN_PAGE ": the value of --%s", name);
		/* The next lines say so if it isn't supported yet. */
		if (rest && row->later && strncmp(rest, "    Not supported yet", 21) &&
		    strncmp(rest, "    Removed", 11))
			fail_msg(MAN_PAGE ": --%s isn't supported yet", name);
		if (rest && !row->later && !strncmp(rest, "    Not supported yet", 21))
			fail_msg(MAN_PAGE ": --%s is supported", name);
	}
	for (size_t i = 0; i < option_table_size; i++)
		if (times[i] != 1)
			fail_msg(MAN_PAGE ": --%s is there %zu times", option_table[i].name, times[i]);
}

static void help_names_each_option(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cli_help(out);
	fclose(out);
	for (size_t i = 0; i < option_table_size; i++)
		assert_non_null(strstr(text, option_table[i].name));
}

/* Looks for the label lines "*NAME*...::" of TABLE's commands, PREFIX being what stands before each name. */
static void find_commands(const char *page, const char *help, const char *prefix, const struct command *table)
{
	for (; table->name; table++) {
		_cleanup_free_ char *name = str_printf("%s%s", prefix, table->name), *label = str_printf("\n*%s", name);
		_cleanup_free_ char *sub = str_printf("%s ", name), *usage = str_printf("criu %s", name);
		const char *at = page;

		if (table->sub) {
			find_commands(page, help, sub, table->sub);
			continue;
		}
		if (!table->help != !table->run && !str_starts(name, "fam"))
			fail_msg("%s: a text for --help, or nothing to run", name);
		if (!table->help)
			continue;
		assert_non_null(strstr(help, usage));
		do {
			at = strstr(at, label);
			if (!at)
				fail_msg(MAN_PAGE ": the command %s is missing", name);
			at += strlen(label);
		} while (!strchr("* ", *at) || strncmp(strchr(at, '\n') - 2, "::", 2));
		if (!table->run && strncmp(strchr(at, '\n'), "\n    Not supported yet", 22))
			fail_msg(MAN_PAGE ": the command %s isn't supported yet", name);
	}
}

static void help_and_the_manual_page_have_each_command(void **state)
{
	_cleanup_free_ char *page = NULL, *help = NULL;
	size_t size;
	FILE *out = open_memstream(&help, &size);

	cli_help(out);
	fclose(out);
	assert_int_equal(read_file_at(AT_FDCWD, MAN_PAGE, 1 << 20, &page, NULL), 0);
	find_commands(page, help, "", commands);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(the_manual_page_has_each_option_once),
		cmocka_unit_test(help_names_each_option),
		cmocka_unit_test(help_and_the_manual_page_have_each_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
