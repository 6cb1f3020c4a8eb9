/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "base/str.h"
#include "base/version.h"
#include "cli/commands.h"
#include "dump/dump.h"
#include "restore/restore.h"
#include "restore/stage.h"

#define EXIT_REMOVED 255 /* for commands that exist no more */

/* What is opened must not become somebody's standard input or output. */
static void fill_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
			_exit(EXIT_FAILURE);
}

/* A relative path is one from where we were started, not from the work directory. */
static int resolve_pool(struct cr_ctx *ctx, struct cr_opts *opts)
{
	_cleanup_free_ char *here = NULL;
	char *absolute;

	if (!opts->fam_dir || opts->fam_dir[0] == '/')
		return 0;
	here = getcwd(NULL, 0);
	if (!here)
		return cr_fail_errno(ctx, -errno, "Can't tell the current directory");
	absolute = str_printf("%s/%s", here, opts->fam_dir);
	if (!absolute)
		return -ENOMEM;
	free(opts->fam_dir);
	opts->fam_dir = absolute;
	return 0;
}

static int open_images(struct cr_ctx *ctx, struct cr_opts *opts)
{
	const char *dir = opts->images_dir ?: ".";
	char *absolute;
	int err = resolve_pool(ctx, opts);

	if (err)
		return err;

	opts->images_dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (opts->images_dirfd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open the images directory %s", dir);
	absolute = realpath(dir, NULL);
	if (!absolute)
		return cr_fail_errno(ctx, -errno, "Can't resolve the images directory %s", dir);
	free(opts->images_dir);
	opts->images_dir = absolute;
	if (chdir(opts->work_dir ?: absolute) < 0)
		return cr_fail_errno(ctx, -errno, "Can't change to the work directory %s", opts->work_dir ?: absolute);
	return 0;
}

static int open_log(struct cr_ctx *ctx, const struct cr_opts *opts)
{
	struct utsname uts;
	struct log *log;
	int err = log_open(opts->log_file, opts->log_level, &log);

	if (err)
		return cr_fail_errno(ctx, err, "Can't open the log file %s", opts->log_file);
	log_close(&ctx->log);
	ctx->log = log;
	log_info(log, "Version: %s (gitid 0)", CRIU_VERSION);
	if (!uname(&uts))
		log_info(log, "Running on %s %s %s %s %s", uts.nodename, uts.sysname, uts.release, uts.version,
			 uts.machine);
	return 0;
}

/* CRIU_FAULT_PHASE=list prints what else may be given there. */
static bool listed_phases(void)
{
	const char *fault = getenv("CRIU_FAULT_PHASE");

	if (!fault || strcmp(fault, "list"))
		return false;
	for (size_t i = 0; i < dump_nr_phases; i++)
		printf("dump %s\n", dump_phases[i].name);
	for (size_t i = 0; i < restore_nr_phases; i++)
		printf("restore %s\n", restore_phases[i].name);
	for (enum restore_stage stage = STAGE_BORN; stage <= STAGE_PARKED; stage++)
		printf("stage %s\n", stage_name(stage));
	return true;
}

/* The first of WORDS names a command of TABLE. */
static int take_command(struct cr_ctx *ctx, const struct command *table, char ***words, const struct command **ret)
{
	char *name = **words;

	if (!name)
		return cr_fail(ctx, -EINVAL, "No command was given; see criu --help");
	*ret = command_find(table, name);
	if (!*ret)
		return cr_fail(ctx, -EINVAL, "Unknown command %s; see criu --help", name);
	++*words;
	return (*ret)->sub ? take_command(ctx, (*ret)->sub, words, ret) : 0;
}

/* The words that are no options: the command, what it works on, the command line to execute. */
static int take_words(struct option_parser *parser, char **words, const struct command **ret, char ***ret_words)
{
	struct cr_ctx *ctx = parser->ctx;
	const struct command *command;
	size_t nr = 0;
	int err;

	err = take_command(ctx, commands, &words, ret);
	if (err)
		return err;
	command = *ret;
	*ret_words = words;
	if (command->removed)
		return 0;
	if (parser->exec_cmd && command->bit == CMD_RESTORE) {
		if (!*words)
			return cr_fail(ctx, -EINVAL, "--exec-cmd needs a command behind --");
		parser->opts->exec_cmd = words;
		return 0;
	}
	while (words[nr])
		nr++;
	if (nr > command->max_words)
		return cr_fail(ctx, -EINVAL, "%s is more than the command %s takes", words[command->max_words],
			       command->name);
	return 0;
}

/* Until the log is open, errors go to standard error. The exit status. */
static int run(struct cr_ctx *ctx, struct cr_opts *opts, int argc, char **argv)
{
	struct option_parser parser = { .ctx = ctx, .opts = opts };
	const struct command *command = NULL;
	char **words = NULL;
	int err, rest;

	err = options_load(&parser, NULL, argc, argv, &rest);
	if (!err && parser.help) {
		cli_help(stdout);
		return EXIT_SUCCESS;
	}
	if (!err && parser.version) {
		printf("Version: %s\n", CRIU_VERSION);
		return EXIT_SUCCESS;
	}
	err = err ?: take_words(&parser, argv + rest, &command, &words);
	if (!err && command->removed) {
		fprintf(stderr, "The command %s was removed: %s\n", command->name, command->removed);
		return EXIT_REMOVED;
	}
	err = err ?: options_check(&parser, command->bit);
	if (!err && !command->run)
		err = cr_fail(ctx, -EOPNOTSUPP, "The command %s isn't supported yet", command->name);
	if (!err && (command->bit & (CMD_DUMP | CMD_RESTORE)) && listed_phases())
		return EXIT_SUCCESS;
	if (!err && command->bit == CMD_RESTORE && opts->final_state == FINAL_KILL)
		opts->final_state = FINAL_RUN;
	if (!err && !command->no_images)
		err = open_images(ctx, opts);
	err = err ?: open_log(ctx, opts);
	if (err) {
		cr_error_log(ctx, err);
		return EXIT_FAILURE;
	}
	return command->run(ctx, opts, words);
}

int cli_main(int argc, char **argv)
{
	struct cr_ctx ctx = { 0 };
	struct cr_opts opts;
	int status = EXIT_FAILURE;

	fill_standard_fds();
	/* A log that nobody reads any more must not end a dump half-way. */
	signal(SIGPIPE, SIG_IGN);
	options_init(&opts);
	/* Every process of a dump or restore may be the one that explains its failure. */
	ctx.error = mmap(NULL, sizeof(*ctx.error), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ctx.error == MAP_FAILED || log_open(NULL, LOG_WARN, &ctx.log)) {
		fprintf(stderr, "Error (%s:%d): memory is short\n", __FILE__, __LINE__);
		return EXIT_FAILURE;
	}
	status = run(&ctx, &opts, argc, argv);
	if (fflush(stdout) && status == EXIT_SUCCESS)
		status = EXIT_FAILURE;
	options_free(&opts);
	log_close(&ctx.log);
	munmap(ctx.error, sizeof(*ctx.error));
	return status;
}
