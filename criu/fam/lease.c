/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/lease.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/crc32c.h"

#define EPOCH_MAX (1ull << 62)
/* A line that is being written looks damaged for less than that. */
#define TORN_US 20000
/* Hosts that come to a place for the first time at once come to the next one at different times. */
#define PLACE_PAUSE_US 20000

/* FNV-1a, of G. Fowler, L. Noll and K.-P. Vo. */
static uint64_t hash(const void *data, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < len; i++)
		h = (h ^ ((const uint8_t *)data)[i]) * 0x100000001b3ull;
	return h;
}

int fam_host_read(struct cr_ctx *ctx, struct fam_host *ret)
{
	const char *name = getenv(FAM_HOST_ENV), *from = FAM_HOST_ENV;
	_cleanup_free_ char *id = NULL, *boot = NULL;
	size_t len;
	int r;

	if (!name) {
		r = read_file_at(AT_FDCWD, "/etc/machine-id", 4096, &id, &len);
		if (r)
			return cr_fail_errno(ctx, r,
					     "Can't read /etc/machine-id for the pool's lease: set " FAM_HOST_ENV);
		if (len && id[len - 1] == '\n')
			id[len - 1] = '\0';
		name = id;
		from = "/etc/machine-id";
	}
	len = strlen(name);
	if (!len || len > sizeof(ret->name))
		return cr_fail(ctx, -EINVAL, "%s isn't a host's name of 1 to %zu characters", from, sizeof(ret->name));
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return cr_fail(ctx, -EINVAL, "%s isn't a host's name: letters, digits, '-', '_', '.'", from);
	*ret = (struct fam_host){ 0 };
	memcpy(ret->name, name, len);
	r = read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 4096, &boot, &len);
	if (r)
		return cr_fail_errno(ctx, r, "Can't read /proc/sys/kernel/random/boot_id");
	ret->boot = hash(boot, len);
	return 0;
}

static void pause_us(uint64_t us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static uint32_t line_crc(const struct fam_lease_line *line)
{
	return fam_crc32c(0, line, offsetof(struct fam_lease_line, crc));
}

static bool line_is_good(const struct fam_lease_line *line)
{
	static const struct fam_lease_line free_line;

	if (!memcmp(line, &free_line, sizeof(*line)))
		return true;
	return line->crc == line_crc(line) && line->host[0] && line->state <= FAM_LEASE_HELD && line->epoch < EPOCH_MAX;
}

/* false: what is there is damaged, not just being written. */
static bool line_read(const struct fam_lease *l, unsigned place, struct fam_lease_line *ret)
{
	volatile const uint64_t *words = (volatile const uint64_t *)&l->places[place].line;
	uint64_t start = 0;

	for (;;) {
		fam_refresh(&l->how, &l->places[place].line, sizeof(*ret));
		for (size_t i = 0; i < sizeof(*ret) / 8; i++)
			memcpy((char *)ret + i * 8, &(uint64_t){ words[i] }, 8);
		if (line_is_good(ret))
			return true;
		if (!start)
			start = now_us();
		else if (now_us() - start > TORN_US)
			return false;
		pause_us(100);
	}
}

static int line_write(const struct fam_lease *l, unsigned place, const struct fam_lease_line *line)
{
	volatile uint64_t *words = (volatile uint64_t *)&l->places[place].line;

	for (size_t i = 0; i < sizeof(*line) / 8; i++) {
		uint64_t word;

		memcpy(&word, (const char *)line + i * 8, 8);
		words[i] = word;
	}
	return fam_persist(&l->how, &l->places[place].line, sizeof(*line));
}

static int my_line_write(struct fam_lease *l, uint32_t state)
{
	struct fam_lease_line line = { .epoch = l->epoch, .boot = l->host.boot, .state = state, .pid = getpid() };

	memcpy(line.host, l->host.name, sizeof(line.host));
	line.crc = line_crc(&line);
	return line_write(l, l->mine, &line);
}

static bool is_mine(const struct fam_lease *l, const struct fam_lease_line *line)
{
	return !memcmp(line->host, l->host.name, sizeof(line->host));
}

static void word_write(const struct fam_lease *l, uint64_t *word, uint64_t value)
{
	*(volatile uint64_t *)word = value;
	fam_persist(&l->how, word, sizeof(*word));
}

static uint64_t word_read(const struct fam_lease *l, const uint64_t *word)
{
	fam_refresh(&l->how, word, sizeof(*word));
	return *(volatile const uint64_t *)word;
}

/*
 * Of all who come to a place that nobody has, at most one stays (the splitter of M. Moir and J. Anderson, "Wait-Free
 * Algorithms for Fast, Long-Lived Renaming", 1995). Who comes alone does; where several come at once maybe nobody: they
 * go on to the next one after pauses of different length.
 */
static bool stay(const struct fam_lease *l, struct fam_lease_place *place, unsigned *seed)
{
	uint64_t me = hash(l->host.name, sizeof(l->host.name)) | 1;

	if (word_read(l, &place->taken))
		return false;
	word_write(l, &place->last, me);
	if (!word_read(l, &place->taken)) {
		word_write(l, &place->taken, 1);
		if (word_read(l, &place->last) == me)
			return true;
	}
	pause_us(rand_r(seed) % PLACE_PAUSE_US);
	return false;
}

/* This host's place, from its first lease on. */
static int find_place(struct fam_lease *l)
{
	unsigned seed = hash(&l->host, sizeof(l->host));
	struct fam_lease_line line;

	for (unsigned i = 0; i < FAM_LEASE_PLACES; i++)
		/* Also where a power cut came between two words of it: no other process of this host is here. */
		if ((line_read(l, i, &line) || line.host[0]) && is_mine(l, &line)) {
			l->mine = i;
			l->epoch = line_is_good(&line) ? line.epoch : 0;
			return 0;
		}
	for (unsigned i = 0; i < FAM_LEASE_PLACES; i++)
		if (stay(l, &l->places[i], &seed)) {
			l->mine = i;
			l->epoch = 0;
			return my_line_write(l, FAM_LEASE_FREE);
		}
	return cr_fail(l->ctx, -ENOSPC, "The pool %s has had writers on %u hosts: there is no place for another one",
		       l->path, FAM_LEASE_PLACES);
}

enum verdict {
	VERDICT_MINE,	/* nobody else wants or has it */
	VERDICT_WAIT,	/* somebody behind us hasn't seen us yet */
	VERDICT_YIELD,	/* somebody before us wants it */
	VERDICT_HELD,	/* somebody has it */
	VERDICT_BROKEN, /* a damaged line may say anything */
};

/* How our wish stands beside the lines of others; *RET_WHO: whose line that is, *RET_EPOCH: the highest one. */
static enum verdict compare(const struct fam_lease *l, unsigned *ret_who, uint64_t *ret_epoch)
{
	enum verdict verdict = VERDICT_MINE, one;
	struct fam_lease_line line;

	*ret_epoch = l->epoch;
	for (unsigned i = 0; i < FAM_LEASE_PLACES; i++) {
		if (i == l->mine)
			continue;
		if (!line_read(l, i, &line)) {
			one = VERDICT_BROKEN;
		} else {
			if (line.epoch > *ret_epoch)
				*ret_epoch = line.epoch;
			if (line.state == FAM_LEASE_HELD)
				one = VERDICT_HELD;
			else if (line.state == FAM_LEASE_WANT)
				one = line.epoch < l->epoch || (line.epoch == l->epoch && i < l->mine) ? VERDICT_YIELD
												       : VERDICT_WAIT;
			else
				one = VERDICT_MINE;
		}
		if (one > verdict) {
			verdict = one;
			*ret_who = i;
		}
	}
	return verdict;
}

/* Takes it away from all others: FORCE was given, who knows that they are dead. */
static int clear_others(struct fam_lease *l)
{
	static const struct fam_lease_line nobody;
	struct fam_lease_line line;
	int r = 0;

	for (unsigned i = 0; !r && i < FAM_LEASE_PLACES; i++) {
		if (i == l->mine)
			continue;
		if (!line_read(l, i, &line)) {
			log_warn(l->ctx->log, "%s: a damaged line of the lease is cleared", l->path);
			r = line_write(l, i, &nobody);
		} else if (line.state != FAM_LEASE_FREE) {
			log_warn(l->ctx->log, "%s: the lease of host %.32s, process %u, is taken away", l->path,
				 (const char *)line.host, line.pid);
			line.state = FAM_LEASE_FREE;
			line.epoch++;
			line.crc = line_crc(&line);
			r = line_write(l, i, &line);
		}
	}
	return r;
}

static int busy(const struct fam_lease *l, unsigned who)
{
	struct fam_lease_line line;

	if (!line_read(l, who, &line))
		return cr_fail(l->ctx, -EBUSY,
			       "The lease of the pool %s is damaged: if nobody writes to it, use --force", l->path);
	return cr_fail(l->ctx, -EBUSY, "The pool %s is in use by host %.32s, process %u: if that is dead, use --force",
		       l->path, (const char *)line.host, line.pid);
}

/* One round: 0 we have it; -EAGAIN; -errno. */
static int try_once(struct fam_lease *l, unsigned *who, uint64_t end)
{
	uint64_t highest, ignored;
	enum verdict verdict = compare(l, who, &highest);
	int r;

	if (verdict >= VERDICT_HELD)
		return -EAGAIN;
	l->epoch = highest + 1;
	r = my_line_write(l, FAM_LEASE_WANT);
	if (r)
		return r;
	while ((verdict = compare(l, who, &ignored)) == VERDICT_WAIT && now_us() < end)
		pause_us(200);
	if (verdict == VERDICT_MINE)
		return my_line_write(l, FAM_LEASE_HELD);
	r = my_line_write(l, FAM_LEASE_FREE);
	return r ? r : -EAGAIN;
}

int fam_lease_take(struct fam_lease *l, unsigned wait_seconds, bool force)
{
	/* However short the wait: who only wants it, too, gets the time to see us. */
	uint64_t end = now_us() + wait_seconds * 1000000ull + 100000;
	unsigned who = 0, seed;
	int r = find_place(l);

	if (!r && force)
		r = clear_others(l);
	seed = l->mine * 7919 + (unsigned)l->host.boot;
	while (!r) {
		r = try_once(l, &who, end);
		if (r != -EAGAIN)
			break;
		if (now_us() >= end)
			return busy(l, who);
		pause_us(1000 + rand_r(&seed) % 9000);
		r = 0;
	}
	if (r)
		return cr_fail_errno(l->ctx, r, "Can't take the lease of the pool %s", l->path);
	return 0;
}

static bool still_held(const struct fam_lease *l)
{
	struct fam_lease_line line;

	return line_read(l, l->mine, &line) && is_mine(l, &line) && line.state == FAM_LEASE_HELD &&
	       line.epoch == l->epoch;
}

int fam_lease_check(const struct fam_lease *l)
{
	if (still_held(l))
		return 0;
	return cr_fail(l->ctx, -EBUSY, "The lease of the pool %s was taken away from us by another host", l->path);
}

void fam_lease_give(struct fam_lease *l)
{
	if (still_held(l))
		my_line_write(l, FAM_LEASE_FREE);
}
