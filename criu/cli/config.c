/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/config.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/str.h"

#define CONFIG_MAX_BYTES (1u << 20)
#define BLANKS		 " \t\r"

/* Takes the next word off *AT into OUT (room for all of *AT). 1, 0 at the end or a comment, -EINVAL. */
static int next_word(const char **at, char *out, const char **ret_why)
{
	const char *p = *at + strspn(*at, BLANKS);
	bool quoted = *p == '"';

	if (!*p || *p == '#') {
		*at = p;
		return 0;
	}
	p += quoted;
	while (quoted ? *p != '"' : !strchr(BLANKS, *p)) {
		if (!*p) {
			*ret_why = "a closing quote is missing";
			return -EINVAL;
		}
		if (quoted && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		*out++ = *p++;
	}
	p += quoted;
	if (quoted && !strchr(BLANKS, *p)) {
		*ret_why = "there is text right behind a closing quote";
		return -EINVAL;
	}
	*out = '\0';
	*at = p;
	return 1;
}

int config_line(const char *line, char **ret, const char **ret_why)
{
	size_t size = strlen(line) + 1;
	_cleanup_free_ char *name = malloc(size), *value = malloc(size), *more = malloc(size);
	bool has_value;
	int n;

	*ret = NULL;
	*ret_why = "memory is short";
	if (!name || !value || !more)
		return -ENOMEM;
	n = next_word(&line, name, ret_why);
	if (n <= 0)
		return n;
	if (*name == '-') {
		*ret_why = "options stand without dashes here";
		return -EINVAL;
	}
	n = next_word(&line, value, ret_why);
	if (n < 0)
		return n;
	has_value = n;
	n = has_value ? next_word(&line, more, ret_why) : 0;
	if (n < 0)
		return n;
	if (n || (has_value && strchr(name, '='))) {
		*ret_why = "there is more than one value; a value with blanks needs quotes";
		return -EINVAL;
	}
	*ret = has_value ? str_printf("--%s=%s", name, value) : str_printf("--%s", name);
	return *ret ? 0 : -ENOMEM;
}

static int apply_line(struct option_parser *parser, const char *path, unsigned int number, const char *line)
{
	_cleanup_free_ char *word = NULL;
	char program[] = "criu";
	char *argv[] = { program, NULL, NULL };
	const char *why;
	int rest, err;

	parser->source = path;
	parser->line = number;
	err = config_line(line, &word, &why);
	if (err)
		return option_fail(parser, err, "%s", why);
	if (!word)
		return 0;
	if (str_starts(word, "--config=") || !strcmp(word, "--no-default-config") || !strcmp(word, "--help") ||
	    !strcmp(word, "--version"))
		return option_fail(parser, -EINVAL, "%s can't stand in a file", word);
	argv[1] = word;
	return options_parse(parser, 2, argv, &rest);
}

int config_load(struct option_parser *parser, const char *path, bool optional)
{
	_cleanup_free_ char *text = NULL;
	unsigned int number = 0;
	char *rest, *line;
	size_t len;
	int err;

	err = read_file_at(AT_FDCWD, path, CONFIG_MAX_BYTES, &text, &len);
	if (optional && (err == -ENOENT || err == -ENOTDIR))
		return 0;
	if (err)
		return cr_fail_errno(parser->ctx, err, "Can't read the configuration file %s", path);
	if (strlen(text) != len)
		return cr_fail(parser->ctx, -EINVAL, "The configuration file %s isn't text", path);
	rest = text;
	while (!err && (line = strsep(&rest, "\n")))
		err = apply_line(parser, path, ++number, line);
	parser->source = NULL;
	return err;
}
