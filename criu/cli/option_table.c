/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/option_values.h"

#define NOT_YET "isn't supported yet"
#define D	CMD_DUMP
#define P	CMD_PRE_DUMP
#define R	CMD_RESTORE
#define S	CMD_PAGE_SERVER
#define L	CMD_LAZY_PAGES
#define V	CMD_SERVICE
#define C	CMD_CHECK
/* what changes a pool */
#define FAM_WRITERS (CMD_FAM_INIT | CMD_FAM_GC | CMD_FAM_RM | CMD_FAM_IMPORT)

#define OFFSET(field)	  .offset = offsetof(struct cr_opts, field)
#define FLAG(n, s)	  .name = (n), .short_name = (s), .arg = ARG_NONE
#define ARG(n, s, a)	  .name = (n), .short_name = (s), .arg = ARG_REQUIRED, .arg_name = (a)
#define OPTIONAL(n, s, a) .name = (n), .short_name = (s), .arg = ARG_OPTIONAL, .arg_name = (a)
#define ON(mask)	  .commands = (mask)
#define ONLY(mask)	  .commands = (mask), .refused_on = CMD_ALL & ~(mask)
#define BOOL(field)	  .twin = true, OFFSET(field), .set = option_set_bool
#define STRING(field)	  OFFSET(field), .set = option_set_string
#define STRINGS(field)	  OFFSET(field), .set = option_add_string
#define CHOICE(field)	  OFFSET(field), .set = option_set_choice

/*
 * Rows without a setter are taken and change nothing: what they would permit, steer or leave out is a resource that a
 * dump refuses by its own name, or belongs to an option that is refused itself.
 */
/* clang-format off */
const struct option_row option_table[] = {
	/* where and how */
	{ ARG("tree", 't', "PID"), ON(D | P), .set = option_set_pid, .help = "the root of the process tree to dump" },
	{ ARG("images-dir", 'D', "DIR"), ON(CMD_ALL & ~V), STRING(images_dir),
	  .help = "where the images are (default: .)" },
	{ ARG("work-dir", 'W', "DIR"), ON(CMD_ALL), STRING(work_dir),
	  .help = "where log, statistics and pid files are (default: the images directory)" },
	{ ARG("log-file", 'o', "FILE"), ON(CMD_ALL), STRING(log_file),
	  .help = "the log, relative to the work directory; - is standard output (default: standard error)" },
	{ OPTIONAL("verbosity", 'v', "N"), ON(CMD_ALL), .set = option_set_verbosity,
	  .help = "0 nothing, 1 errors, 2 warnings (default), 3 progress, 4 everything; -vvv is -v3" },
	{ FLAG("log-pid", 0), BOOL(log_pid), ON(R), .help = "one log for each process, LOG-FILE.PID" },
	{ ARG("config", 0, "FILE"), ON(CMD_ALL), .help = "read this configuration file, not the two default ones" },
	{ FLAG("no-default-config", 0), ON(CMD_ALL), .help = "don't read the two default configuration files" },
	{ FLAG("version", 'V'), ON(CMD_ALL), .set = option_set_version, .help = "print the version" },
	{ FLAG("help", 'h'), ON(CMD_ALL), .set = option_set_help, .help = "print this text" },
	{ ARG("pidfile", 0, "FILE"), ON(R | S | V | L), STRING(pidfile),
	  .help = "write the pid of the root task there" },
	{ ARG("action-script", 0, "CMD"), ON(CMD_ALL), STRINGS(action_scripts),
	  .help = "run it at each stage; may be given more than once" },
	{ FLAG("display-stats", 0), BOOL(display_stats), ON(D | R), .help = "print the statistics at the end" },
	{ FLAG("unprivileged", 0), BOOL(unprivileged), ON(CMD_ALL),
	  .help = "accept the limits of a user who isn't root" },
	{ ARG("libdir", 'L', "DIR"), ON(D | P | R), .later = NOT_YET, .help = "where plugins are" },
	{ ARG("close", 0, "FD"), ON(CMD_ALL), .set = option_close_fd, .help = "close an inherited descriptor first" },
	{ FLAG("deprecated", 0), ON(CMD_ALL), .twin = true, .help = "allow what is deprecated; nothing is" },
	{ FLAG("ms", 0), ON(CMD_ALL), .later = "was removed; use check --all", .help = "removed" },

	/* what becomes of the tasks */
	{ FLAG("leave-running", 'R'), ON(D), .set = option_set_leave_running,
	  .help = "let the tasks run on after the dump" },
	{ FLAG("leave-stopped", 's'), ON(D | R), .set = option_set_leave_stopped, .help = "leave the tasks stopped" },
	{ FLAG("restore-detached", 'd'), BOOL(restore_detached), ON(R),
	  .help = "return as soon as the tasks are restored" },
	{ FLAG("daemon", 0), BOOL(restore_detached), ON(S | L | V), .help = "go to the background; -d too" },
	{ FLAG("restore-sibling", 'S'), BOOL(restore_sibling), ON(R),
	  .help = "make the root task our sibling; needs -d" },
	{ FLAG("shell-job", 'j'), BOOL(shell_job), ON(D | R),
	  .help = "allow a session and terminal from outside the tree; restore uses criu's own" },
	{ FLAG("exec-cmd", 0), .twin = true, ON(R), .set = option_set_exec_cmd,
	  .help = "after the restore, execute the command behind -- as the tasks' parent" },
	{ ARG("timeout", 0, "SECONDS"), ON(D | P | FAM_WRITERS), OFFSET(timeout), .set = option_set_seconds,
	  .help = "how long stopping the tasks may take (default: 10)" },

	/* memory */
	{ FLAG("use-pmem", 0), .twin = true, ON(D | R), .set = option_set_use_pmem,
	  .help = "pages are stored through a mapping of the images, once, and durable" },
	{ ARG("capture", 0, "METHOD"), ON(D), CHOICE(capture), .choices = "auto|vmread|inject",
	  .help = "how pages are taken: auto, vmread (process_vm_readv) or inject (by the task itself)" },
	{ ARG("fam-dir", 0, "POOL"), ON(D | R | (CMD_FAM_ALL & ~CMD_FAM_STAT)), STRING(fam_dir),
	  .help = "pages are in this pool of fabric-attached memory; restore: if it isn't where the dump had it" },
	{ ARG("fam-restore", 0, "MODE"), ON(R), CHOICE(fam_restore), .choices = "copy|lazy",
	  .help = "copy: all pages before the tasks run (default); lazy: the tasks run at once, pages follow" },
	{ ARG("fam-threads", 0, "N"), ON(D | R), OFFSET(fam_threads), .set = option_set_threads,
	  .help = "how many threads copy pages to and from a pool (default: what measures best)" },
	{ FLAG("fam-verify", 0), BOOL(fam_verify), ON(D | R | CMD_FAM_IMPORT),
	  .help = "dump: store checksums of the pages in the pool; restore: compare them" },
	{ FLAG("fam-keep", 0), BOOL(fam_keep), ON(D | CMD_FAM_IMPORT),
	  .help = "keep the checkpoint in the pool when its images directory is gone" },
	{ ARG("size", 0, "SIZE"), ONLY(CMD_FAM_INIT), OFFSET(fam_size), .set = option_set_size,
	  .help = "of the new pool, allocated at once (default: it grows)" },
	{ FLAG("force", 0), ONLY(FAM_WRITERS), OFFSET(force), .set = option_set_bool,
	  .help = "init: over what a device holds; rm: kept ones too; take the lease of another, dead host" },
	{ FLAG("orphans", 0), ONLY(CMD_FAM_GC), OFFSET(fam_orphans), .set = option_set_bool,
	  .help = "free checkpoints whose images directory is gone" },
	{ ARG("grace", 0, "SECONDS"), ONLY(CMD_FAM_GC), OFFSET(fam_grace), .set = option_set_seconds,
	  .help = "only those seen to be orphans that long ago (default: 3600)" },
	{ OPTIONAL("trim", 0, "SIZE"), ONLY(CMD_FAM_GC), OFFSET(fam_trim_keep), .set = option_set_trim,
	  .help = "give spare memory back, all but SIZE of it" },
	{ FLAG("dry-run", 0), ONLY(CMD_FAM_GC), OFFSET(dry_run), .set = option_set_bool,
	  .help = "only tell what would be freed" },
	{ ARG("to", 0, "DIR"), ONLY(CMD_FAM_EXPORT | CMD_FAM_IMPORT), STRING(to_dir),
	  .help = "the directory of the new set: empty, or made" },
	{ FLAG("json", 0), ONLY(CMD_FAM_ALL), OFFSET(json), .set = option_set_bool,
	  .help = "print JSON" },
	{ FLAG("readahead", 0), .twin = true, ON(R), OFFSET(readahead), .set = option_set_tristate,
	  .help = "read page images ahead, or never (default: where it helps)" },
	{ FLAG("track-mem", 0), .twin = true, ON(D | P), .later = NOT_YET, .help = "track what the tasks write" },
	{ ARG("prev-images-dir", 0, "DIR"), ON(D | P | S), .later = NOT_YET,
	  .help = "the parent images, relative to -D" },
	{ ARG("pre-dump-mode", 0, "MODE"), ON(P), .choices = "splice|read",
	  .help = "how pre-dump reads: splice or read" },
	{ FLAG("auto-dedup", 0), .twin = true, ON(D | R | S), .later = NOT_YET,
	  .help = "free what is superseded in images" },
	{ FLAG("lazy-pages", 0), .twin = true, ON(D | R | S), .refused_on = P, .later = NOT_YET,
	  .help = "move pages on demand" },
	{ FLAG("page-server", 0), .twin = true, ON(D | P | L), .later = NOT_YET, .help = "move pages over TCP" },
	{ ARG("address", 0, "ADDR"), ON(D | P | S | L | V), .help = "the server's address" },
	{ ARG("port", 0, "N"), ON(D | P | S | L | V), .set = option_check_port, .help = "the server's port" },
	{ ARG("ps-socket", 0, "FD"), ON(D | P | S | L), .later = NOT_YET, .help = "a connected socket to use" },
	{ ARG("status-fd", 0, "FD"), ON(D | S | L | V), .later = NOT_YET, .help = "where to write a NUL when ready" },
	{ FLAG("tls", 0), .twin = true, ON(D | P | S | L), .later = NOT_YET, .help = "use TLS for pages" },
	{ ARG("tls-cacert", 0, "FILE"), ON(D | P | S | L), .help = "the CA's certificates" },
	{ ARG("tls-cacrl", 0, "FILE"), ON(D | P | S | L), .help = "the CA's revocation list" },
	{ ARG("tls-cert", 0, "FILE"), ON(D | P | S | L), .help = "our certificate" },
	{ ARG("tls-key", 0, "FILE"), ON(D | P | S | L), .help = "our key" },
	{ FLAG("tls-no-cn-verify", 0), .twin = true, ON(D | P | S | L),
	  .help = "don't verify the server's common name" },
	{ FLAG("stream", 0), .twin = true, ON(D | R), .later = NOT_YET,
	  .help = "images through criu-image-streamer" },

	/* files */
	{ ARG("ghost-limit", 0, "SIZE"), ON(D), OFFSET(ghost_limit), .set = option_set_size,
	  .help = "the largest deleted file that is stored (default: 1M)" },
	{ FLAG("ghost-fiemap", 0), BOOL(ghost_fiemap), ON(D),
	  .help = "find the holes of deleted files by FIEMAP (default)" },
	{ FLAG("link-remap", 0), BOOL(link_remap), ON(D | R),
	  .help = "may link deleted files back into the file system" },
	{ FLAG("file-locks", 'l'), BOOL(file_locks), ON(D | R), .help = "save and restore file locks" },
	{ FLAG("evasive-devices", 0), BOOL(evasive_devices), ON(D | R),
	  .help = "any path to a device with the same numbers will do" },
	{ FLAG("force-irmap", 0), BOOL(force_irmap), ON(D | P), .help = "find watched inodes by scanning" },
	{ ARG("irmap-scan-path", 0, "PATH"), ON(D | P), .help = "where to scan" },
	{ ARG("file-validation", 0, "METHOD"), ON(D | R), CHOICE(file_validation), .choices = "filesize|buildid",
	  .help = "how files are recognized: filesize or buildid (default)" },
	{ FLAG("skip-file-rwx-check", 0), BOOL(skip_file_rwx_check), ON(R),
	  .help = "don't compare the modes of files" },
	{ ARG("inherit-fd", 0, "fd[N]:KEY"), ON(R), OFFSET(inherit_fd), .refused_on = CMD_ALL & ~R,
	  .set = option_add_inherit_fd, .help = "use criu's descriptor N in KEY's place" },
	{ ARG("external", 0, "RES"), ON(D | R), STRINGS(external), .help = "a resource that is outside of the tree" },

	/* sockets */
	{ FLAG("tcp-established", 0), BOOL(tcp_established), ON(D | R), .help = "keep TCP connections" },
	{ FLAG("tcp-close", 0), BOOL(tcp_close), ON(D | R), .help = "drop TCP connections" },
	{ FLAG("skip-in-flight", 0), BOOL(tcp_skip_in_flight), ON(D),
	  .help = "leave out connections nobody has accepted yet" },
	{ ARG("network-lock", 0, "METHOD"), ON(D), .choices = "iptables|nftables|skip|none",
	  .help = "how traffic is held: iptables, nftables or skip" },
	{ OPTIONAL("ext-unix-sk", 'x', "INODES"), ON(D | R), OFFSET(ext_unix_sk), .set = option_check_numbers,
	  .help = "allow unix sockets with a peer outside of the tree" },

	/* namespaces and mounts */
	{ ARG("root", 'r', "PATH"), ON(D | R), STRING(root), .help = "the root of the restored mount namespace" },
	{ ARG("ext-mount-map", 'M', "KEY:VALUE"), ON(D | R), .help = "an external mount; or auto" },
	{ FLAG("enable-external-sharing", 0), ON(D | R), .help = "accept mounts shared with the outside" },
	{ FLAG("enable-external-masters", 0), ON(D | R), .help = "accept mounts with a master outside" },
	{ ARG("skip-mnt", 0, "PATH"), ON(D), .help = "leave out a mount" },
	{ ARG("enable-fs", 0, "NAMES"), ON(D | R), .help = "file systems to treat as mountable; or all" },
	{ FLAG("mntns-compat-mode", 0), .twin = true, ON(R), .refused_on = D | P,
	  .help = "the older way to restore mounts" },
	{ ARG("join-ns", 'J', "NS:WHICH"), ON(R), .later = NOT_YET, .help = "restore into an existing namespace" },
	{ ARG("empty-ns", 0, "net"), ON(D | R), .choices = "net", .help = "restore this namespace empty" },
	{ ARG("veth-pair", 0, "IN=OUT"), ON(R), .help = "names of a veth pair" },
	{ FLAG("weak-sysctls", 0), BOOL(weak_sysctls), ON(R), .help = "go on where a sysctl doesn't exist" },
	{ ARG("lsm-profile", 0, "TYPE:NAME"), ON(R), .later = NOT_YET,
	  .help = "the security profile of restored tasks" },
	{ ARG("lsm-mount-context", 0, "CONTEXT"), ON(R), .later = NOT_YET, .help = "the security context of mounts" },

	/* cgroups */
	{ ARG("freeze-cgroup", 0, "PATH"), ON(D | P), .later = NOT_YET, .help = "stop the tasks by this cgroup" },
	{ OPTIONAL("manage-cgroups", 0, "MODE"), ON(D | R), .choices = "none|props|soft|full|strict|ignore",
	  .help = "how cgroups are saved and restored: none, props, soft, full, strict or ignore" },
	{ ARG("cgroup-root", 0, "[CTRL:]PATH"), ON(D | R), .help = "where cgroups are rooted" },
	{ ARG("cgroup-props", 0, "YAML"), ON(D), .later = NOT_YET, .help = "which properties of cgroups are saved" },
	{ ARG("cgroup-props-file", 0, "FILE"), ON(D), .later = NOT_YET, .help = "the same, from a file" },
	{ ARG("cgroup-dump-controller", 0, "NAME"), ON(D), .later = NOT_YET, .help = "save this controller only" },
	{ ARG("cgroup-yard", 0, "PATH"), ON(D | R), .later = NOT_YET,
	  .help = "where cgroup hierarchies are mounted" },

	/* the machine */
	{ OPTIONAL("cpu-cap", 0, "CAPS"), ON(D | R | CMD_CPUINFO), .set = option_set_cpu_cap,
	  .help = "what of the CPU is saved and compared: cpu, fpu, ins, all, none, ^NAME" },
	{ FLAG("allow-uprobes", 0), BOOL(allow_uprobes), ON(D | R), .help = "accept the area that uprobes have" },
	{ ARG("feature", 0, "NAME"), ON(C), STRING(check_feature), .help = "check this feature of the kernel" },
	{ FLAG("extra", 0), ON(C), OFFSET(check_extra), .set = option_set_bool,
	  .help = "check what special cases need too" },
	{ FLAG("experimental", 0), ON(C), OFFSET(check_experimental), .set = option_set_bool,
	  .help = "check what experimental cases need too" },
	{ FLAG("all", 0), ON(C), .set = option_set_check_all, .help = "--extra and --experimental" },
};
/* clang-format on */

const size_t option_table_size = sizeof(option_table) / sizeof(option_table[0]);
