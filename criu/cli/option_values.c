/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/option_values.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "pages/threads.h"

static void *field(struct option_parser *parser, const struct option_row *row)
{
	return (char *)parser->opts + row->offset;
}

static int bad_value(struct option_parser *parser, const struct option_row *row, const char *value, const char *want)
{
	return option_fail(parser, -EINVAL, "--%s: '%s' isn't %s", row->name, value, want);
}

static int out_of_memory(struct option_parser *parser)
{
	return cr_fail_errno(parser->ctx, -ENOMEM, "Can't keep the options");
}

int option_choice_index(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (int i = 0;; i++) {
		size_t n = strcspn(choices, "|");

		if (n == len && !strncmp(choices, value, n))
			return i;
		if (!choices[n])
			return -1;
		choices += n + 1;
	}
}

int option_set_bool(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	*(bool *)field(parser, row) = on;
	return 0;
}

int option_set_tristate(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	*(enum tristate *)field(parser, row) = on ? TRI_YES : TRI_NO;
	return 0;
}

int option_set_string(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	char **at = field(parser, row), *copy;

	if (!*value)
		return option_fail(parser, -EINVAL, "--%s needs a value", row->name);
	copy = strdup(value);
	if (!copy)
		return out_of_memory(parser);
	free(*at);
	*at = copy;
	return 0;
}

int option_add_string(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	struct str_array *array = field(parser, row);
	_cleanup_free_ char *copy = strdup(value);
	char **grown = reallocarray(array->v, array->nr + 1, sizeof(*grown));

	if (grown)
		array->v = grown;
	if (!copy || !grown)
		return out_of_memory(parser);
	array->v[array->nr++] = take_ptr(copy);
	return 0;
}

int option_set_choice(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	*(int *)field(parser, row) = option_choice_index(row->choices, value);
	return 0;
}

int option_set_size(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	if (parse_size(value, field(parser, row)))
		return bad_value(parser, row, value, "a size (a number, with K, M, G or T behind it)");
	return 0;
}

int option_set_trim(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	parser->opts->fam_trim = true;
	parser->opts->fam_trim_keep = 0;
	return value ? option_set_size(parser, row, value, on) : 0;
}

int option_set_pid(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	int32_t pid;

	if (parse_i32(value, 10, &pid) || pid <= 0)
		return bad_value(parser, row, value, "a process id");
	parser->opts->tree_pid = pid;
	return 0;
}

int option_set_seconds(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	uint32_t seconds;

	if (parse_u32(value, 10, &seconds) || seconds > INT_MAX / 1000)
		return bad_value(parser, row, value, "a number of seconds");
	*(unsigned *)field(parser, row) = seconds;
	return 0;
}

int option_set_threads(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	uint32_t nr;

	if (parse_u32(value, 10, &nr) || !nr || nr > PAGES_THREADS_MAX)
		return bad_value(parser, row, value, "a number of threads from 1 to 64");
	*(unsigned *)field(parser, row) = nr;
	return 0;
}

/* -v, -vv and so on count from nothing, whatever an earlier source said; -v3 and --verbosity=3 set. */
int option_set_verbosity(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	uint32_t level;

	if (!value || *value == 'v') {
		size_t more = value ? strlen(value) : 0;

		if (value && strspn(value, "v") != more)
			return bad_value(parser, row, value, "a level");
		level = 1 + more + (parser->counting ? parser->opts->log_level : 0);
		parser->counting = true;
	} else {
		if (parse_u32(value, 10, &level))
			return bad_value(parser, row, value, "a level");
		parser->counting = false;
	}
	parser->opts->log_level = level < LOG_DEBUG ? level : LOG_DEBUG;
	return 0;
}

int option_set_leave_running(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	parser->opts->final_state = FINAL_RUN;
	return 0;
}

int option_set_leave_stopped(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	parser->opts->final_state = FINAL_STOP;
	return 0;
}

int option_set_use_pmem(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	parser->opts->page_mode = on ? PAGES_PMEM : PAGES_FILE;
	return 0;
}

static int cpu_cap_bits(const char *name, size_t len)
{
	static const struct {
		const char *name;
		unsigned bits;
	} caps[] = {
		{ "cpu", CPU_CAP_CPU }, { "fpu", CPU_CAP_FPU },	  { "ins", CPU_CAP_INS },
		{ "all", CPU_CAP_ALL }, { "none", CPU_CAP_NONE },
	};

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (strlen(caps[i].name) == len && !strncmp(caps[i].name, name, len))
			return (int)caps[i].bits;
	return -1;
}

/* "fpu,ins", "all,^cpu": from left to right; giving the option at all asks for cpuinfo.img. */
int option_set_cpu_cap(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	unsigned caps = CPU_CAP_NONE;

	if (!value)
		value = "all";
	for (const char *at = value;; at++) {
		bool without = *at == '^';
		size_t len = strcspn(at += without, ",");
		int bits = cpu_cap_bits(at, len);

		if (bits < 0 || (without && !bits))
			return bad_value(parser, row, value,
					 "a list of cpu, fpu, ins, all, none, each with or without ^");
		caps = without ? caps & ~bits : bits ? caps | bits : CPU_CAP_NONE;
		at += len;
		if (!*at)
			break;
	}
	parser->opts->cpu_cap = caps ? caps | CPU_CAP_IMAGE : CPU_CAP_NONE;
	return 0;
}

int option_set_check_all(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	parser->opts->check_extra = parser->opts->check_experimental = on;
	return 0;
}

int option_set_exec_cmd(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	parser->exec_cmd = on;
	return 0;
}

int option_set_help(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	parser->help = true;
	return 0;
}

int option_set_version(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	parser->version = true;
	return 0;
}

/* "fd[N]:KEY", N open in this program. */
int option_add_inherit_fd(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	const char *end = strstr(value, "]:");
	uint32_t fd;

	if (str_starts(value, "fd[") && end && end[2]) {
		_cleanup_free_ char *number = strndup(value + 3, end - value - 3);

		if (!number)
			return out_of_memory(parser);
		if (!parse_u32(number, 10, &fd) && fd <= INT_MAX) {
			if (fcntl((int)fd, F_GETFD) < 0)
				return option_fail(parser, -errno, "--%s: %s: %s", row->name, value,
						   strerrordesc_np(errno));
			return option_add_string(parser, row, value, on);
		}
	}
	return bad_value(parser, row, value, "of the form fd[N]:KEY");
}

int option_check_port(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	uint32_t port;

	if (parse_u32(value, 10, &port) || port > 65535)
		return bad_value(parser, row, value, "a port");
	return 0;
}

/* Numbers, separated by commas, or nothing at all. */
int option_check_numbers(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	_cleanup_free_ char *copy = strdup(value ?: "");
	uint64_t number;
	char *rest = copy, *word;

	if (!copy)
		return out_of_memory(parser);
	if (row->offset)
		*(bool *)field(parser, row) = true;
	while (*copy && (word = strsep(&rest, ",")))
		if (parse_u64(word, 10, &number))
			return bad_value(parser, row, value, "a list of inode numbers");
	return 0;
}

int option_close_fd(struct option_parser *parser, const struct option_row *row, const char *value, bool on)
{
	int32_t fd;

	if (parse_i32(value, 10, &fd) || fd < 0)
		return bad_value(parser, row, value, "a descriptor");
	if (close(fd) < 0)
		return option_fail(parser, -errno, "--%s: can't close %d: %s", row->name, fd, strerrordesc_np(errno));
	return 0;
}
