/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The values of the options: plain data that the option table (cli/option_table.c) fills from the command
 * line, configuration files and, later, RPC. The engine gets a pointer to const; nothing is global.
 */
#ifndef CRIU_BASE_OPTS_H
#define CRIU_BASE_OPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum page_mode { PAGES_FILE, PAGES_PMEM };
enum fam_restore { FAM_RESTORE_COPY, FAM_RESTORE_LAZY };
enum capture_method { CAPTURE_AUTO, CAPTURE_VMREAD, CAPTURE_INJECT };
enum file_validation { VALIDATE_FILESIZE, VALIDATE_BUILDID };
enum final_state { FINAL_KILL, FINAL_RUN, FINAL_STOP };
enum tristate { TRI_AUTO = -1, TRI_NO = 0, TRI_YES = 1 };

#define CPU_CAP_NONE  0u
#define CPU_CAP_CPU   1u
#define CPU_CAP_FPU   2u
#define CPU_CAP_INS   4u
#define CPU_CAP_IMAGE 8u
#define CPU_CAP_ALL   (CPU_CAP_CPU | CPU_CAP_FPU | CPU_CAP_INS)

/* An array of strings, each owned. */
struct str_array {
	char **v;
	size_t nr;
};

struct cr_opts {
	pid_t tree_pid;	  /* -t, 0 when not given */
	char *images_dir; /* -D; absolute once it is open */
	int images_dirfd; /* the same, open (O_RDONLY | O_DIRECTORY, close-on-exec); what the engine uses */
	char *work_dir;	  /* -W */
	char *log_file;	  /* -o */
	int log_level;	  /* -v */
	bool log_pid;
	char *pidfile;
	enum final_state final_state; /* dump: KILL by default; restore: RUN */
	bool restore_detached;	      /* -d */
	bool restore_sibling;	      /* -S */
	bool shell_job;		      /* -j */
	char **exec_cmd;	      /* NULL-ended; --exec-cmd -- CMD... */
	unsigned timeout;	      /* seconds; 0: the default of 10 */
	uint64_t ghost_limit;	      /* bytes; default 1 MiB */
	bool ghost_fiemap;
	enum file_validation file_validation;
	bool skip_file_rwx_check;
	bool evasive_devices;
	bool link_remap;
	bool file_locks;
	bool force_irmap;
	bool weak_sysctls;
	bool tcp_established, tcp_close, tcp_skip_in_flight;
	bool ext_unix_sk;
	unsigned cpu_cap; /* CPU_CAP_* */
	bool display_stats;
	enum page_mode page_mode;	 /* --use-pmem */
	enum capture_method capture;	 /* --capture auto|vmread|inject */
	enum tristate readahead;	 /* --[no-]readahead */
	char *fam_dir;			 /* --fam-dir: a pool; NULL: none, or the one that fam.img names */
	enum fam_restore fam_restore;	 /* --fam-restore copy|lazy */
	unsigned fam_threads;		 /* --fam-threads; 0: as many as measures best */
	bool fam_verify;		 /* --fam-verify: dump stores checksums, restore compares them */
	bool fam_keep;			 /* --fam-keep: never an orphan */
	bool json;			 /* --json: for programs */
	bool force;			 /* --force: see the command */
	uint64_t fam_size;		 /* --size: of a new pool, bytes; 0: grows */
	bool fam_orphans;		 /* --orphans */
	unsigned fam_grace;		 /* --grace: seconds that an orphan is left alone; default an hour */
	bool fam_trim;			 /* --trim[=SIZE] */
	uint64_t fam_trim_keep;		 /* its SIZE, bytes */
	bool dry_run;			 /* --dry-run */
	char *to_dir;			 /* --to: where a set of images is made */
	char *root;			 /* -r */
	struct str_array action_scripts; /* run by base/script.c */
	struct str_array external;	 /* --external, as given */
	struct str_array inherit_fd;	 /* --inherit-fd, as given */
	bool unprivileged;
	bool allow_uprobes;
	bool check_extra, check_experimental;
	char *check_feature;
};

#endif
