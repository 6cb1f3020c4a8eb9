/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "base/version.h"
#include "dump/dump.h"
#include "restore/restore.h"
#include "restore/stage.h"

#define EXIT_REMOVED 255 /* for commands that exist no more */

struct command {
	const char *name;
	unsigned bit;
	const char *removed; /* a hint; the command is gone */
	bool has_action;     /* a further word follows */
	/* The exit status. NULL: not supported yet. ACTION: that word, or NULL. */
	int (*run)(struct cr_ctx *ctx, const struct cr_opts *opts, const char *action);
};

/* The exit status of a dump or restore that returned RESULT. */
static int conclude(struct cr_ctx *ctx, const struct cr_opts *opts, unsigned command, int result, const char *done,
		    const char *failed)
{
	if (result) {
		cr_error_log(ctx, result);
		log_line(ctx->log, LOG_ERROR, __FILE__, __LINE__, "%s", failed);
		return result > 0 ? result : EXIT_FAILURE;
	}
	log_info(ctx->log, "%s", done);
	if (opts->display_stats && cli_print_stats(ctx, command))
		log_warn(ctx->log, "Can't read the statistics back");
	return EXIT_SUCCESS;
}

static int run_dump(struct cr_ctx *ctx, const struct cr_opts *opts, const char *action)
{
	int result = opts->tree_pid ? 0 : cr_fail(ctx, -EINVAL, "No process to dump was given (-t PID)");

	return conclude(ctx, opts, CMD_DUMP, result ?: cr_dump(ctx, opts), "Dumping finished successfully",
			"Dumping FAILED.");
}

static int run_restore(struct cr_ctx *ctx, const struct cr_opts *opts, const char *action)
{
	return conclude(ctx, opts, CMD_RESTORE, cr_restore(ctx, opts), "Restore finished successfully. Tasks resumed.",
			"Restoring FAILED.");
}

static int run_check(struct cr_ctx *ctx, const struct cr_opts *opts, const char *action)
{
	return cli_check(ctx, opts);
}

static const struct command commands[] = {
	{ "dump", CMD_DUMP, .run = run_dump },
	{ "restore", CMD_RESTORE, .run = run_restore },
	{ "check", CMD_CHECK, .run = run_check },
	{ "cpuinfo", CMD_CPUINFO, .run = cli_cpuinfo, .has_action = true },
	{ "pre-dump", CMD_PRE_DUMP },
	{ "lazy-pages", CMD_LAZY_PAGES },
	{ "page-server", CMD_PAGE_SERVER },
	{ "service", CMD_SERVICE },
	{ "swrk", CMD_SWRK, .has_action = true },
	{ "dedup", CMD_DEDUP },
	{ "exec", .removed = "use the compel program to run code inside of a task" },
	{ "show", .removed = "use crit show to look into images" },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* What is opened must not become somebody's standard input or output. */
static void fill_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
			_exit(EXIT_FAILURE);
}

static int open_images(struct cr_ctx *ctx, struct cr_opts *opts)
{
	const char *dir = opts->images_dir ?: ".";
	char *absolute;

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

/* The words that are no options: the command, its action, the command line to execute. */
static int take_words(struct option_parser *parser, char **words, const struct command **ret, const char **ret_action)
{
	struct cr_ctx *ctx = parser->ctx;
	const struct command *command;

	if (!*words)
		return cr_fail(ctx, -EINVAL, "No command was given; see criu --help");
	command = find_command(*words);
	if (!command)
		return cr_fail(ctx, -EINVAL, "Unknown command %s; see criu --help", *words);
	words++;
	*ret = command;
	*ret_action = NULL;
	if (command->removed)
		return 0;
	if (command->has_action && *words)
		*ret_action = *words++;
	if (parser->exec_cmd && command->bit == CMD_RESTORE) {
		if (!*words)
			return cr_fail(ctx, -EINVAL, "--exec-cmd needs a command behind --");
		parser->opts->exec_cmd = words;
		return 0;
	}
	if (*words)
		return cr_fail(ctx, -EINVAL, "%s is more than the command %s takes", *words, command->name);
	return 0;
}

/* Until the log is open, errors go to standard error. The exit status. */
static int run(struct cr_ctx *ctx, struct cr_opts *opts, int argc, char **argv)
{
	struct option_parser parser = { .ctx = ctx, .opts = opts };
	const struct command *command = NULL;
	const char *action = NULL;
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
	err = err ?: take_words(&parser, argv + rest, &command, &action);
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
	err = err ?: open_images(ctx, opts);
	err = err ?: open_log(ctx, opts);
	if (err) {
		cr_error_log(ctx, err);
		return EXIT_FAILURE;
	}
	return command->run(ctx, opts, action);
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
