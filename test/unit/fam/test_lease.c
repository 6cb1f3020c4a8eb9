/* SPDX-License-Identifier: GPL-2.0 */
/* The lease among hosts: processes that share nothing but the memory stand for them. */
#include "fam/fixture.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "fam/crc32c.h"
#include "fam/lease.h"

struct shared {
	struct fam_lease_place places[FAM_LEASE_PLACES];
	uint64_t value; /* of what the lease protects */
	int inside;	/* how many think that they have it */
	int wrong;
};

static struct shared *shared;

static int begin(void **state)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : fixture_begin(state);
}

static int end(void **state)
{
	munmap(shared, sizeof(*shared));
	return fixture_end(state);
}

static struct fam_lease lease_of(struct fixture *f, unsigned host)
{
	struct fam_lease lease = { .ctx = &f->ctx, .path = f->pool, .places = shared->places };

	lease.how = (struct fam_flush){ .name = "none", .by = FLUSH_BY_NOTHING };
	snprintf((char *)lease.host.name, sizeof(lease.host.name), "host-%u", host);
	lease.host.boot = host;
	return lease;
}

static void one_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct fam_lease a = lease_of(f, 1), b = lease_of(f, 2);

	assert_int_equal(fam_lease_take(&a, 0, false), 0);
	assert_int_equal(fam_lease_check(&a), 0);
	assert_int_equal(fam_lease_take(&b, 0, false), -EBUSY);
	assert_non_null(strstr(f->error.text, "host host-1"));
	forget_error(f);
	fam_lease_give(&a);
	assert_int_equal(fam_lease_take(&b, 0, false), 0);
	assert_true(b.epoch > a.epoch);
	fam_lease_give(&b);
	assert_int_not_equal(a.mine, b.mine);
}

static void own_dead_writer(void **state)
{
	struct fixture *f = *state;
	struct fam_lease killed = lease_of(f, 1), next = lease_of(f, 1);

	assert_int_equal(fam_lease_take(&killed, 0, false), 0);
	assert_int_equal(fam_lease_take(&next, 0, false), 0);
	assert_int_equal(killed.mine, next.mine);
	fam_lease_give(&next);
	/* A power cut came between two words of the line. */
	shared->places[next.mine].line.epoch += 5;
	assert_int_equal(fam_lease_take(&next, 0, false), 0);
	assert_int_equal(killed.mine, next.mine);
}

static void force_takes_it_away(void **state)
{
	struct fixture *f = *state;
	struct fam_lease dead = lease_of(f, 1), heir = lease_of(f, 2), third = lease_of(f, 3);

	assert_int_equal(fam_lease_take(&dead, 0, false), 0);
	assert_int_equal(fam_lease_take(&heir, 0, true), 0);
	/* It wasn't dead: it is told, and doesn't disturb. */
	assert_int_equal(fam_lease_check(&dead), -EBUSY);
	forget_error(f);
	fam_lease_give(&dead);
	assert_int_equal(fam_lease_check(&heir), 0);
	assert_int_equal(fam_lease_take(&third, 0, false), -EBUSY);
	assert_non_null(strstr(f->error.text, "host host-2"));
}

static void line_set(unsigned place, uint32_t state, uint64_t epoch)
{
	struct fam_lease_line *line = &shared->places[place].line;

	line->state = state;
	line->epoch = epoch;
	line->crc = fam_crc32c(0, line, offsetof(struct fam_lease_line, crc));
}

/* Another host says what it wants while we write that we do: it hasn't seen us maybe. */
static void want_behind(void *arg, const void *addr, size_t len)
{
	const struct fam_lease_line *line = addr;

	if (len == sizeof(*line) && line->state == FAM_LEASE_WANT)
		line_set(*(unsigned *)arg, FAM_LEASE_WANT, line->epoch + 1);
}

static void ignore(void *arg)
{
}

static void who_wants_it_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct fam_lease a = lease_of(f, 1), b = lease_of(f, 2);
	struct fam_flush_observer observer = { want_behind, ignore, &b.mine };

	assert_int_equal(fam_lease_take(&b, 0, false), 0);
	fam_lease_give(&b);
	line_set(b.mine, FAM_LEASE_WANT, 1);
	assert_int_equal(fam_lease_take(&a, 0, false), -EBUSY);
	assert_non_null(strstr(f->error.text, "host host-2"));
	forget_error(f);
	line_set(b.mine, FAM_LEASE_FREE, 1);
	a.how.observer = &observer;
	assert_int_equal(fam_lease_take(&a, 0, false), -EBUSY);
	assert_non_null(strstr(f->error.text, "host host-2"));
	forget_error(f);
	a.how.observer = NULL;
	line_set(b.mine, FAM_LEASE_FREE, 1);
	assert_int_equal(fam_lease_take(&a, 0, false), 0);
}

static void damaged_lines(void **state)
{
	struct fixture *f = *state;
	struct fam_lease a = lease_of(f, 1), b = lease_of(f, 2);

	memset(&shared->places[7].line, 0xff, sizeof(shared->places[7].line));
	assert_int_equal(fam_lease_take(&a, 0, false), -EBUSY);
	assert_non_null(strstr(f->error.text, "damaged"));
	assert_int_equal(fam_lease_take(&a, 0, true), 0);
	fam_lease_give(&a);
	/* A number that can't be counted up. */
	shared->places[9].line = (struct fam_lease_line){ .host = "evil", .epoch = UINT64_MAX };
	shared->places[9].line.crc = fam_crc32c(0, &shared->places[9].line, offsetof(struct fam_lease_line, crc));
	assert_int_equal(fam_lease_take(&b, 0, false), -EBUSY);
}

static void no_places_left(void **state)
{
	struct fixture *f = *state;
	struct fam_lease lease;

	for (unsigned i = 0; i < FAM_LEASE_PLACES; i++) {
		lease = lease_of(f, i);
		assert_int_equal(fam_lease_take(&lease, 0, false), 0);
		fam_lease_give(&lease);
	}
	lease = lease_of(f, 5);
	assert_int_equal(fam_lease_take(&lease, 0, false), 0);
	fam_lease_give(&lease);
	lease = lease_of(f, FAM_LEASE_PLACES);
	assert_int_equal(fam_lease_take(&lease, 0, false), -ENOSPC);
}

/* Somebody else comes between any two steps. */
static void let_others(void *arg)
{
	nanosleep(&(struct timespec){ .tv_nsec = rand_r(arg) % 100000 }, NULL);
}

/*
 * A host's caches: a copy of the memory that nobody else sees. A flush writes lines back, a refresh drops them. What
 * isn't flushed doesn't arrive, what isn't refreshed stays old.
 */
struct host {
	struct fam_lease_place caches[FAM_LEASE_PLACES];
	unsigned seed;
};

#define LINE 64ul

static void line_copy(struct host *host, const void *addr, size_t len, bool write_back)
{
	uintptr_t start = (uintptr_t)addr & ~(LINE - 1), end = ((uintptr_t)addr + len + LINE - 1) & ~(LINE - 1);
	char *memory = (char *)shared->places + (start - (uintptr_t)host->caches);

	if (write_back)
		memcpy(memory, (void *)start, end - start);
	else
		memcpy((void *)start, memory, end - start);
}

static void write_back(void *arg, const void *addr, size_t len)
{
	struct host *host = arg;

	let_others(&host->seed);
	line_copy(host, addr, len, true);
}

static void drop(void *arg, const void *addr, size_t len)
{
	line_copy(arg, addr, len, false);
}

static void fence(void *arg)
{
	let_others(&((struct host *)arg)->seed);
}

#define HOSTS  6
#define ROUNDS 50

/* Takes and gives the lease; what it protects is changed in a way that shows two at once. */
static int contend(struct fixture *f, unsigned number)
{
	struct host *host = aligned_alloc(LINE, (sizeof(*host) + LINE - 1) / LINE * LINE);
	struct fam_flush_observer observer = { write_back, fence, host, drop };
	struct fam_lease lease = lease_of(f, number);

	memcpy(host->caches, shared->places, sizeof(host->caches));
	host->seed = number;
	lease.places = host->caches;
	lease.how.observer = &observer;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t before;

		if (fam_lease_take(&lease, 60, false))
			return 1;
		before = shared->value;
		if (__atomic_add_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST) != 1)
			shared->wrong++;
		sched_yield();
		shared->value = before + 1;
		__atomic_sub_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST);
		if (fam_lease_check(&lease))
			return 2;
		fam_lease_give(&lease);
	}
	return 0;
}

static void many_contend(void **state)
{
	struct fixture *f = *state;
	pid_t pids[HOSTS];
	int status, bad = 0;

	for (unsigned i = 0; i < HOSTS; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(contend(f, i));
	}
	for (unsigned i = 0; i < HOSTS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		bad |= status;
	}
	assert_int_equal(bad, 0);
	assert_int_equal(shared->wrong, 0);
	assert_int_equal(shared->value, HOSTS * ROUNDS);
}

static void names(void **state)
{
	struct fixture *f = *state;
	struct fam_host host;

	setenv(FAM_HOST_ENV, "node-7.example", 1);
	assert_int_equal(fam_host_read(&f->ctx, &host), 0);
	assert_string_equal((char *)host.name, "node-7.example");
	assert_true(host.boot);
	setenv(FAM_HOST_ENV, "", 1);
	assert_int_equal(fam_host_read(&f->ctx, &host), -EINVAL);
	setenv(FAM_HOST_ENV, "a b", 1);
	assert_int_equal(fam_host_read(&f->ctx, &host), -EINVAL);
	setenv(FAM_HOST_ENV, "123456789012345678901234567890123", 1);
	assert_int_equal(fam_host_read(&f->ctx, &host), -EINVAL);
	unsetenv(FAM_HOST_ENV);
}

/* The pool itself: another host's writer died. */
static void pool_of_two_hosts(void **state)
{
	struct fixture *f = *state;
	struct fam_open_args args = { .ctx = &f->ctx, .path = f->pool, .access = FAM_WRITE, .create = true };
	struct fam_pool *pool;
	char saved[FAM_LEASE_SIZE], path[128];
	int fd;

	setenv(FAM_HOST_ENV, "first", 1);
	assert_int_equal(fam_pool_open(&args, &pool), 0);
	snprintf(path, sizeof(path), "%s/lease", f->pool);
	fd = open(path, O_RDWR);
	assert_int_equal(pread_full(fd, saved, sizeof(saved), 0), 0);
	fam_pool_close(&pool);
	assert_int_equal(pwrite_full(fd, saved, sizeof(saved), 0), 0);
	close(fd);
	setenv(FAM_HOST_ENV, "second", 1);
	assert_int_equal(fam_pool_open(&args, &pool), -EBUSY);
	assert_non_null(strstr(f->error.text, "host first"));
	forget_error(f);
	args.force = true;
	assert_int_equal(fam_pool_open(&args, &pool), 0);
	fam_pool_close(&pool);
	args.force = false;
	setenv(FAM_HOST_ENV, "first", 1);
	assert_int_equal(fam_pool_open(&args, &pool), 0);
	fam_pool_close(&pool);
	unsetenv(FAM_HOST_ENV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_at_a_time, begin, end),
		cmocka_unit_test_setup_teardown(own_dead_writer, begin, end),
		cmocka_unit_test_setup_teardown(force_takes_it_away, begin, end),
		cmocka_unit_test_setup_teardown(who_wants_it_is_waited_for, begin, end),
		cmocka_unit_test_setup_teardown(damaged_lines, begin, end),
		cmocka_unit_test_setup_teardown(no_places_left, begin, end),
		cmocka_unit_test_setup_teardown(many_contend, begin, end),
		cmocka_unit_test_setup_teardown(names, begin, end),
		cmocka_unit_test_setup_teardown(pool_of_two_hosts, begin, end),
	};

	if (!is_root()) {
		print_message("skipped: pools are root's, and there are no user namespaces\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
