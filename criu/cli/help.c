/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/cli.h"

#include <string.h>

#include "cli/commands.h"

#define NAME_COLUMN 36

#define WORDS_COLUMN 41

static void print_row(FILE *out, const struct option_row *row)
{
	char name[128];
	int len = snprintf(name, sizeof(name), "  %c%c%c --%s%s%s%s%s", row->short_name ? '-' : ' ',
			   row->short_name ?: ' ', row->short_name ? ',' : ' ', row->twin ? "[no-]" : "", row->name,
			   row->arg == ARG_REQUIRED   ? " "
			   : row->arg == ARG_OPTIONAL ? "[="
						      : "",
			   row->arg_name ?: "", row->arg == ARG_OPTIONAL ? "]" : "");

	if (len >= NAME_COLUMN)
		fprintf(out, "%s\n%*s", name, NAME_COLUMN, "");
	else
		fprintf(out, "%-*s", NAME_COLUMN, name);
	fprintf(out, "%s%s%s\n", row->help, row->later ? "; " : "", row->later ?: "");
}

static void print_commands(FILE *out, const char *prefix, const struct command *table)
{
	for (; table->name; table++) {
		char line[128];

		snprintf(line, sizeof(line), "%s %s", prefix, table->name);
		if (table->sub)
			print_commands(out, line, table->sub);
		else if (table->help)
			fprintf(out, "%s %-*s %s\n", line, WORDS_COLUMN - (int)strlen(line), table->words ?: "",
				table->help);
	}
}

void cli_help(FILE *out)
{
	fputs("Usage: criu COMMAND [OPTION]...\n\n", out);
	print_commands(out, "  criu", commands);
	fputs("\nOptions may also stand in configuration files, and may be shortened:\n\n", out);
	for (size_t i = 0; i < option_table_size; i++)
		print_row(out, &option_table[i]);
}
