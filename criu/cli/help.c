/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/cli.h"

#include <string.h>

#define NAME_COLUMN 36

static const char head[] = "Usage: criu COMMAND [OPTION]...\n"
			   "\n"
			   "  criu dump -t PID -D DIR      save a process tree\n"
			   "  criu restore -D DIR          bring it back\n"
			   "  criu check [--feature NAME]  tell what this kernel can do\n"
			   "  criu cpuinfo dump|check      save or compare what the CPU can do\n"
			   "\n"
			   "Options may also stand in configuration files, and may be shortened:\n"
			   "\n";

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

void cli_help(FILE *out)
{
	fputs(head, out);
	for (size_t i = 0; i < option_table_size; i++)
		print_row(out, &option_table[i]);
}
