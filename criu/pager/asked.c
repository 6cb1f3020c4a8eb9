/* SPDX-License-Identifier: GPL-2.0 */
/* The pager's half of pager/ask.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "pager/ask.h"
#include "pager/state.h"

static bool dir_is_ours(void)
{
	struct stat st;

	if (mkdir(PAGER_DIR, 0700) && errno != EEXIST)
		return false;
	return !lstat(PAGER_DIR, &st) && S_ISDIR(st.st_mode) && !st.st_uid && !(st.st_mode & 022);
}

void asked_listen(struct pager *p)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = EVENT_LISTEN };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (sock < 0 || !dir_is_ours())
		return;
	/* The pid is of our own pid namespace, the directory perhaps of several. */
	snprintf(p->socket_path, sizeof(p->socket_path), "%s/%d.%llx", PAGER_DIR, getpid(),
		 (unsigned long long)now_us());
	strcpy(addr.sun_path, p->socket_path);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return;
	if (chmod(addr.sun_path, 0600) || listen(sock, PAGER_CLIENTS) ||
	    epoll_ctl(p->epoll, EPOLL_CTL_ADD, sock, &event)) {
		unlink(p->socket_path);
		return;
	}
	p->listen = take_fd(sock);
}

void asked_accept(struct pager *p)
{
	_cleanup_close_ int sock = accept4(p->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN };

	if (sock < 0 || switch_raise(&p->kill_switch, sock))
		return;
	for (unsigned i = 0; i < PAGER_CLIENTS; i++) {
		event.data.u64 = EVENT_CLIENT + i;
		if (p->clients[i] < 0 && !epoll_ctl(p->epoll, EPOLL_CTL_ADD, sock, &event)) {
			p->waits[i] = false;
			p->clients[i] = take_fd(sock);
			return;
		}
	}
}

/* ---- answers ------------------------------------------------------------------------------------------------- */

struct text {
	char *at;
	size_t left;
};

static void add(struct text *t, const char *fmt, ...);
static void add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->at, t->left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->left)
		n = t->left ? t->left - 1 : 0;
	t->at += n;
	t->left -= n;
}

struct figure {
	const char *json, *text;
	uint64_t value;
};

#define NR_FIGURES 12
static void count(const struct pager *p, struct figure v[NR_FIGURES])
{
	const struct pager_stats *s = &p->stats;
	uint64_t memories = 0, missing = 0;

	for (const struct pager_memory *m = p->memories; m; m = m->next) {
		memories += !m->gone;
		missing += m->gone ? 0 : m->nr_missing;
	}
	memcpy(v,
	       (struct figure[NR_FIGURES]){
		       { "pager", "pager", p->pid },
		       { "guardian", "guardian", p->guardian },
		       { "memories", "memories with missing pages", memories },
		       { "missing", "pages missing", missing },
		       { "served", "pages brought by faults", s->served },
		       { "filled", "pages filled in the background", s->filled },
		       { "dropped", "missing pages that were dropped", s->dropped },
		       { "faults", "faults", s->faults },
		       { "zeroed", "of these on no page of the set", s->zeroed },
		       { "forks", "forks", s->forks },
		       { "takeovers", "times a guardian took over", s->takeovers },
		       { "milliseconds", "milliseconds since the restore", (now_us() - s->started_us) / 1000 },
	       },
	       sizeof(struct figure) * NR_FIGURES);
}

/* Without process groups. FIRST, REST: formats of one. */
static void add_pids(const struct pager *p, struct text *t, const char *first, const char *rest)
{
	const char *fmt = first;

	for (size_t i = 0; i < p->kill_switch.nr; i++) {
		if (p->kill_switch.pids[i].pid < 0)
			continue;
		add(t, fmt, p->kill_switch.pids[i].pid);
		fmt = rest;
	}
}

static void add_figures(const struct pager *p, struct text *t, bool json)
{
	struct figure v[NR_FIGURES];

	count(p, v);
	for (int i = 0; i < NR_FIGURES; i++)
		add(t, json ? "%s\"%s\":%llu" : "%s%s: %llu", json ? (i ? "," : "{") : (i ? "\n" : ""),
		    json ? v[i].json : v[i].text, (unsigned long long)v[i].value);
	add(t, json ? ",\"pids\":[" : "\nprocesses:");
	add_pids(p, t, json ? "%d" : " %d", json ? ",%d" : " %d");
	add(t, json ? "]}\n" : "\n");
}

static void forget_client(struct pager *p, unsigned nr)
{
	close_fdp(&p->clients[nr]);
	p->waits[nr] = false;
}

void asked_client(struct pager *p, unsigned nr)
{
	struct text t = { p->scratch, PAGER_SCRATCH };
	char word[16] = "";
	ssize_t n = p->clients[nr] < 0 ? 0 : recv(p->clients[nr], word, sizeof(word) - 1, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0 && !strcmp(word, ASK_FINISH)) {
		p->waits[nr] = p->hurried = true;
		return;
	}
	if (n > 0 && !strcmp(word, ASK_PIDS))
		add_pids(p, &t, "%d\n", "%d\n");
	else if (n > 0 && (!strcmp(word, ASK_JSON) || !strcmp(word, ASK_TEXT)))
		add_figures(p, &t, !strcmp(word, ASK_JSON));
	else
		n = 0;
	if (n <= 0 || send(p->clients[nr], p->scratch, t.at - p->scratch, MSG_NOSIGNAL) < 0)
		forget_client(p, nr);
}

void asked_end(struct pager *p)
{
	if (p->listen >= 0)
		unlink(p->socket_path);
	close_fdp(&p->listen);
	for (unsigned i = 0; i < PAGER_CLIENTS; i++)
		forget_client(p, i);
}
