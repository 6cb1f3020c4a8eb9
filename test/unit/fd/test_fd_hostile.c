/* SPDX-License-Identifier: GPL-2.0 */
/* Damaged images of open files are refused when they are read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/fd.h"
#include "image/image.h"

#include "eventfd.pb-c.h"
#include "eventpoll.pb-c.h"
#include "fdinfo.pb-c.h"
#include "ghost-file.pb-c.h"
#include "pipe-data.pb-c.h"
#include "pipe.pb-c.h"
#include "regfile.pb-c.h"
#include "remap-file-path.pb-c.h"
#include "sk-packet.pb-c.h"
#include "sk-inet.pb-c.h"
#include "sk-unix.pb-c.h"
#include "timerfd.pb-c.h"
#include "tty.pb-c.h"

#define PIPE   77 /* its id */
#define SLAVE  0x8803
#define GHOST  4
#define CHUNKS 2

/* A file of each kind, its number in fdinfo-1.img is its id; what else belongs to them. */
enum { REG = 1, PIPE_END, EPOLL, EVENT, TIMER, SOCK1, SOCK2, TTY, TTY_PATH, NR_FILES = TTY_PATH };

struct set {
	FileEntry files[NR_FILES];
	FdinfoEntry rows[NR_FILES];
	FownEntry fown;
	RegFileEntry reg, tty_path;
	PipeEntry pipe;
	EventpollFileEntry epoll;
	EventpollTfdEntry watched, *watches[1];
	EventfdFileEntry event;
	TimerfdEntry timer;
	UnixSkEntry sock[2];
	InetSkEntry inet;
	SkOptsEntry opts;
	TtyFileEntry tty;
	TtyInfoEntry tty_info;
	TtyPtyEntry pty;
	TermiosEntry termios;
	uint32_t cc[8];
	PipeDataEntry data;
	size_t payload; /* of it, really */
	SkPacketEntry packet;
	RemapFilePathEntry remap;
	int nr_remaps;
	GhostFileEntry ghost;
	GhostChunkEntry chunks[CHUNKS];
};

static struct set set;
static char place[] = "/tmp/test_fd_hostile.XXXXXX";
static char bytes[1 << 17];
static int dirfd_images;
static struct cr_opts opts = { .shell_job = false };
static struct cr_error error;
static struct log *test_log;

static void init_pipe_and_events(struct set *s)
{
	pipe_entry__init(&s->pipe);
	pipe_data_entry__init(&s->data);
	eventpoll_file_entry__init(&s->epoll);
	eventpoll_tfd_entry__init(&s->watched);
	eventfd_file_entry__init(&s->event);
	timerfd_entry__init(&s->timer);
	s->pipe.pipe_id = s->data.pipe_id = PIPE;
	s->data.bytes = s->payload = 100;
	s->data.has_size = true;
	s->data.size = 4096;
	s->watched.tfd = EVENT;
	s->watches[0] = &s->watched;
	s->epoll.tfd = s->watches;
	s->epoll.n_tfd = 1;
	s->timer.clockid = 1;
	s->files[PIPE_END - 1].pipe = &s->pipe;
	s->files[EPOLL - 1].epfd = &s->epoll;
	s->files[EVENT - 1].efd = &s->event;
	s->files[TIMER - 1].tfd = &s->timer;
	s->pipe.fown = s->epoll.fown = s->event.fown = s->timer.fown = &s->fown;
}

static void init_sockets(struct set *s)
{
	sk_opts_entry__init(&s->opts);
	sk_packet_entry__init(&s->packet);
	for (int i = 0; i < 2; i++) {
		unix_sk_entry__init(&s->sock[i]);
		s->sock[i].id = SOCK1 + i;
		s->sock[i].ino = 11 + i;
		s->sock[i].peer = 12 - i;
		s->sock[i].type = SOCK_STREAM;
		s->sock[i].state = 1; /* TCP_ESTABLISHED */
		s->sock[i].opts = &s->opts;
		s->sock[i].fown = &s->fown;
		s->files[SOCK1 - 1 + i].usk = &s->sock[i];
	}
	s->packet.id_for = SOCK1;
	s->packet.length = 10;
}

static void init_terminal(struct set *s)
{
	tty_file_entry__init(&s->tty);
	tty_info_entry__init(&s->tty_info);
	tty_pty_entry__init(&s->pty);
	termios_entry__init(&s->termios);
	s->tty.id = TTY;
	s->tty.tty_info_id = s->tty_info.id = 1;
	s->tty.fown = &s->fown;
	s->tty.has_regf_id = true;
	s->tty.regf_id = TTY_PATH;
	s->tty_info.type = TTY_TYPE__PTY;
	s->tty_info.rdev = 5 << 8 | 2;
	s->tty_info.pty = &s->pty;
	s->tty_info.termios = &s->termios;
	s->termios.n_c_cc = 8;
	s->termios.c_cc = s->cc;
	s->files[TTY - 1].tty = &s->tty;
	s->tty_path.name = "/dev/ptmx";
}

static void init_ghost(struct set *s)
{
	remap_file_path_entry__init(&s->remap);
	ghost_file_entry__init(&s->ghost);
	s->remap.orig_id = REG;
	s->remap.remap_id = GHOST;
	s->remap.has_remap_type = true;
	s->remap.remap_type = REMAP_TYPE__GHOST;
	s->nr_remaps = 1;
	s->ghost.mode = S_IFREG | 0600;
	s->ghost.has_chunks = s->ghost.chunks = s->ghost.has_size = true;
	s->ghost.size = 1 << 20;
	for (int i = 0; i < CHUNKS; i++) {
		ghost_chunk_entry__init(&s->chunks[i]);
		s->chunks[i].off = i * 8192;
		s->chunks[i].len = 4096;
	}
}

static void set_init(struct set *s)
{
	static const FdTypes types[] = { FD_TYPES__REG,	    FD_TYPES__PIPE,    FD_TYPES__EVENTPOLL,
					 FD_TYPES__EVENTFD, FD_TYPES__TIMERFD, FD_TYPES__UNIXSK,
					 FD_TYPES__UNIXSK,  FD_TYPES__TTY,     FD_TYPES__REG };

	memset(s, 0, sizeof(*s));
	fown_entry__init(&s->fown);
	for (int i = 0; i < NR_FILES; i++) {
		file_entry__init(&s->files[i]);
		fdinfo_entry__init(&s->rows[i]);
		s->files[i].id = s->rows[i].id = s->rows[i].fd = i + 1;
		s->files[i].type = s->rows[i].type = types[i];
	}
	reg_file_entry__init(&s->reg);
	reg_file_entry__init(&s->tty_path);
	s->reg.id = REG;
	s->reg.name = "/gone";
	s->tty_path.id = TTY_PATH;
	s->reg.fown = s->tty_path.fown = &s->fown;
	s->files[REG - 1].reg = &s->reg;
	s->files[TTY_PATH - 1].reg = &s->tty_path;
	init_pipe_and_events(s);
	init_sockets(s);
	init_terminal(s);
	init_ghost(s);
	s->pipe.id = PIPE_END;
	s->epoll.id = EPOLL;
	s->event.id = EVENT;
	s->timer.id = TIMER;
}

#define CREATE(img, kind, ...) assert_int_equal(image_create(dirfd_images, kind, &(img), ##__VA_ARGS__), 0)

static void put(struct image *img, const void *msg, size_t payload)
{
	assert_int_equal(image_write(img, msg), 0);
	assert_int_equal(image_write_payload(img, bytes, payload), 0);
}

static void end(struct image *img)
{
	assert_int_equal(image_close(&img), 0);
}

static void write_set(const struct set *s)
{
	struct image *img;

	CREATE(img, IMG_FILES);
	for (int i = 0; i < NR_FILES; i++)
		put(img, &s->files[i], 0);
	end(img);
	CREATE(img, IMG_FDINFO, 1ul);
	for (int i = 0; i < NR_FILES - 1; i++)
		put(img, &s->rows[i], 0);
	end(img);
	CREATE(img, IMG_PIPES_DATA);
	put(img, &s->data, s->payload);
	end(img);
	CREATE(img, IMG_SK_QUEUES);
	put(img, &s->packet, 10);
	end(img);
	CREATE(img, IMG_TTY_INFO);
	put(img, &s->tty_info, 0);
	end(img);
	CREATE(img, IMG_REMAP_FPATH);
	for (int i = 0; i < s->nr_remaps; i++)
		put(img, &s->remap, 0);
	end(img);
	CREATE(img, IMG_GHOST_FILE, (unsigned long)GHOST);
	put(img, &s->ghost, 0);
	for (int i = 0; i < CHUNKS && s->ghost.chunks; i++)
		put(img, &s->chunks[i], 4096);
	end(img);
}

static void expect(const char *case_name, const char *says)
{
	struct cr_ctx ctx = { test_log, &error };
	struct fd_restore *restore = NULL;
	int r;

	write_set(&set);
	memset(&error, 0, sizeof(error));
	r = fd_restore_read(&ctx, &opts, dirfd_images, NULL, &restore);
	if (!r)
		r = fd_restore_read_table(restore, 1);
	if (!r)
		r = fd_restore_min_service_fd(restore);
	fd_restore_free(&restore);
	if (!says && r < 0)
		fail_msg("%s: refused with \"%s\"", case_name, error.text);
	if (says && r >= 0)
		fail_msg("%s: accepted", case_name);
	if (says && !strstr(error.text, says))
		fail_msg("%s: \"%s\" doesn't say \"%s\"", case_name, error.text, says);
}

/* Changes a valid set and tells what the error has to say; NULL: there is none. */
#define CASE(says, change)                                                                                             \
	do {                                                                                                           \
		set_init(&set);                                                                                        \
		change;                                                                                                \
		expect(#change, says);                                                                                 \
	} while (0)

static void test_pipes(void **state)
{
	CASE(NULL, (void)0);
	CASE("nothing is told of pipe 77", set.data.pipe_id++);
	CASE("there is no pipe 77", set.pipe.pipe_id++);
	CASE("pipes-data.img", set.payload--);
	CASE("pipes-data.img", set.data.bytes = UINT32_MAX);
	CASE("pipes-data.img", set.data.size = UINT32_MAX);
	CASE("has room for", set.data.bytes = set.payload = 4097);
	CASE(NULL, set.data.bytes = set.payload = 4096);
	CASE("access mode", set.pipe.flags = O_ACCMODE);
}

static void test_events(void **state)
{
	CASE("epoll 3 watches descriptor 200", set.watched.tfd = 200);
	CASE("descriptor", set.watched.tfd = UINT32_MAX);
	CASE("isn't there", set.watched.id = 99);
	CASE(NULL, set.watched.id = REG; set.watched.tfd = 200);
	CASE("counter", set.event.counter = UINT64_MAX);
	CASE("impossible time", set.timer.vnsec = 1000000000);
	CASE("impossible time", set.timer.vsec = -1ull);
	CASE("impossible time", set.timer.isec = INT64_MAX);
	CASE("unknown flags", set.timer.settime_flags = 8);
	CASE("unknown clock", set.timer.clockid = 2);
}

static void test_sockets(void **state)
{
	CASE("connected to one outside", set.sock[0].peer = 99);
	CASE("can't be connected to", set.sock[0].peer = 11);
	CASE("impossible peer", set.sock[1].type = SOCK_DGRAM);
	CASE("inode", set.sock[1].ino = 11);
	CASE("unknown type", set.sock[0].type = 3);
	CASE("unknown state", set.sock[0].state = 3);
	CASE("files.img", set.sock[0].has_shutdown = true; set.sock[0].shutdown = 4);
	CASE("impossible buffer", set.opts.so_sndbuf = 1u << 31);
	CASE("no socket 99", set.packet.id_for = 99);
	CASE("no socket 1", set.packet.id_for = REG);
	CASE("sk-queues.img", set.packet.length = 11);
	CASE("sk-queues.img", set.packet.length = UINT32_MAX);
	CASE("isn't connected", set.sock[0].peer = set.sock[1].peer = 0; set.sock[0].state = set.sock[1].state = 7);
}

static void set_name(void *text, size_t len)
{
	set.sock[0].name.data = text;
	set.sock[0].name.len = len;
}

#define NAME(text) set_name(text, sizeof(text) - 1)

static void test_socket_names(void **state)
{
	char mostly[200];

	memset(mostly, 'x', sizeof(mostly));
	CASE("too long a name", set_name(mostly, 110));
	CASE("too long a name", mostly[0] = 0; set_name(mostly, 109));
	CASE("doesn't end", NAME("/no/nul"));
	CASE("doesn't end", NAME("/nul\0inside\0"));
	CASE("no directory", NAME("relative\0"));
	CASE("no directory", NAME("relative\0"); set.sock[0].name_dir = "relative");
	CASE("no name that others", set.sock[0].state = 10);
	CASE("impossible peer", NAME("\0abstract"); set.sock[0].state = 10);
	CASE("impossible backlog", NAME("\0abstract"); set.sock[0].state = 10; set.sock[0].backlog = 1u << 31);
}

static void use_inet(struct set *s)
{
	static uint32_t words[5];

	inet_sk_entry__init(&s->inet);
	s->inet.id = TIMER;
	s->inet.family = AF_INET;
	s->inet.type = SOCK_STREAM;
	s->inet.proto = 6;
	s->inet.state = 7;
	s->inet.n_src_addr = s->inet.n_dst_addr = 1;
	s->inet.src_addr = s->inet.dst_addr = words;
	s->inet.opts = &s->opts;
	s->inet.fown = &s->fown;
	s->files[TIMER - 1].type = FD_TYPES__INETSK;
	s->files[TIMER - 1].tfd = NULL;
	s->files[TIMER - 1].isk = &s->inet;
}

#define INET_CASE(says, ...) CASE(says, use_inet(&set); __VA_ARGS__)

static void test_inet_sockets(void **state)
{
	uint64_t filter[5000] = {};
	IpOptsRawEntry raw = IP_OPTS_RAW_ENTRY__INIT;
	IpOptsEntry ip = IP_OPTS_ENTRY__INIT;

	raw.icmpv_filter = (uint32_t[9]){};
	raw.n_icmpv_filter = 9;
	ip.raw = &raw;
	INET_CASE("unknown family", set.inet.family = AF_UNIX);
	INET_CASE("unknown type", set.inet.type = 5);
	INET_CASE("unknown type", set.inet.proto = 262);
	INET_CASE("a TCP connection", set.inet.state = 1);
	INET_CASE("unknown state", set.inet.state = 99);
	INET_CASE("unknown state", set.inet.type = SOCK_DGRAM; set.inet.proto = 17; set.inet.state = 10);
	INET_CASE("another family", set.inet.family = AF_INET6);
	INET_CASE("another family", set.inet.n_dst_addr = 0);
	INET_CASE("another family", set.inet.n_src_addr = 5);
	INET_CASE("impossible port", set.inet.src_port = 65536);
	INET_CASE("impossible backlog", set.inet.backlog = 1u << 31);
	INET_CASE("impossible device", set.inet.ifname = "a-name-of-more-than-16");
	INET_CASE("impossible filter", set.inet.ip_opts = &ip);
	INET_CASE("impossible IP", set.inet.ip_opts = &ip; ip.has_ttl = true; ip.ttl = 256);
	CASE("impossible device", set.opts.so_bound_dev = "a-name-of-more-than-16");
	CASE("impossible timeout", set.opts.so_rcv_tmo_usec = 1000000);
	CASE("too long a filter", set.opts.so_filter = filter; set.opts.n_so_filter = 4097);
}

static void test_terminals(void **state)
{
	CASE("tty-info.img", set.pty.index = 1u << 31);
	CASE("tty-info.img", set.tty_info.pty = NULL);
	CASE("tty-info.img", set.termios.n_c_cc = 2);
	CASE("tty-info.img", set.termios.c_line = 256);
	CASE("tty-info.img", set.tty_info.rdev = 1 << 8 | 3);
	CASE("no entry in tty-info.img", set.tty.tty_info_id = 2);
	CASE("no path", set.tty.regf_id = 99);
	CASE("no path", set.tty.regf_id = PIPE_END);
	CASE("--shell-job", set.tty_info.rdev = SLAVE);
}

static void test_ghosts(void **state)
{
	CASE("no regular file", set.remap.orig_id = 99);
	CASE("no regular file", set.remap.orig_id = EVENT);
	CASE("there twice", set.nr_remaps = 2);
	CASE("ghost-file-5.img", set.remap.remap_id = 5);
	CASE("no name for", set.remap.remap_type = REMAP_TYPE__LINKED; set.remap.remap_id = 99);
	CASE("no name for", set.remap.remap_type = REMAP_TYPE__LINKED; set.remap.remap_id = EVENT);
	CASE("no name for", set.remap.remap_type = REMAP_TYPE__LINKED; set.remap.remap_id = REG);
	CASE("no file of process", set.remap.remap_type = REMAP_TYPE__PROCFS);
	CASE("ghost-file-4.img", set.chunks[1].off = 4095);
	CASE("ghost-file-4.img", set.chunks[1].off = 0);
	CASE("ghost-file-4.img", set.chunks[1].off = 1 << 20);
	CASE("ghost-file-4.img", set.chunks[1].off = -4096ull);
	CASE("ghost-file-4.img", set.chunks[1].len = -1ull);
	CASE("ghost-file-4.img", set.chunks[1].len = 4097);
	CASE("ghost-file-4.img", set.chunks[1].len = 4095);
	CASE("ghost-file-4.img", set.ghost.size = 1ull << 63);
	CASE("ghost-file-4.img", set.ghost.has_size = false);
	CASE("ghost-file-4.img", set.ghost.mode = 0600);
	CASE("ghost-file-4.img", set.ghost.mode = -1u);
	CASE("ghost-file-4.img", set.ghost.mode = S_IFIFO);
	CASE("ghost-file-4.img", set.ghost.mode = S_IFCHR; set.ghost.chunks = false);
	CASE("ghost-file-4.img", set.ghost.mode = S_IFLNK; set.ghost.chunks = false);
	CASE(NULL, set.ghost.mode = S_IFDIR; set.ghost.chunks = false);
	CASE(NULL, set.ghost.size = INT64_MAX); /* a hole; the file system says if it can */
}

static int setup(void **state)
{
	if (!mkdtemp(place) || log_open("/dev/null", LOG_WARN, &test_log))
		return -1;
	dirfd_images = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_images < 0;
}

static int teardown(void **state)
{
	DIR *d = fdopendir(dirfd_images);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	log_close(&test_log);
	return rmdir(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipes),	     cmocka_unit_test(test_events),
		cmocka_unit_test(test_sockets),	     cmocka_unit_test(test_socket_names),
		cmocka_unit_test(test_inet_sockets), cmocka_unit_test(test_terminals),
		cmocka_unit_test(test_ghosts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
