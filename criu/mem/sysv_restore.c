/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/watcher.h"
#include "image/image.h"
#include "mem/hugetlb.h"
#include "mem/segment.h"
#include "mem/sysv.h"
#include "mem/vma.h"

#include "ipc-shm.pb-c.h"

#define NEXT_ID	   "/proc/sys/kernel/shm_next_id"
#define MODE_RIGHT 0777
#define MODE_KNOWN (MODE_RIGHT | SHM_DEST | SHM_LOCKED)
/* Another process may be given the id that we have just asked for. */
#define MAX_TRIES 16

struct segment {
	int id;
	IpcShmEntry *entry;
	uint64_t whole;	 /* its size in bytes of whole pages */
	uint64_t mapped; /* bytes: where the last area ends */
	struct segment_pages pages;
	char *memory; /* where we have it attached; NULL: we haven't */
	bool ours;    /* nobody else had it: content and attributes are to be what they were */
	bool made;    /* it wasn't there: the watcher reads it */
};

struct sysv_restore {
	struct cr_ctx *ctx;
	struct segment *v; /* by ascending id */
	size_t nr;
	const uint32_t *committed;
	bool kept;
	struct watcher *watcher;
};

static uint32_t hugetlb_of(const IpcShmEntry *e)
{
	return e->has_hugetlb_flag ? e->hugetlb_flag : 0;
}

static int compare(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct segment *find(const struct sysv_restore *sysv, uint64_t id)
{
	struct segment key = { .id = id };

	return sysv->nr && id <= INT32_MAX ? bsearch(&key, sysv->v, sysv->nr, sizeof(key), compare) : NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

static int bad(struct sysv_restore *sysv, int id, const char *what)
{
	return cr_fail(sysv->ctx, -EBADMSG, "System V shared memory segment %d in the images has %s", id, what);
}

/* One segment for all areas of its id. */
static int collect(struct sysv_restore *sysv, MmEntry *const *mms, size_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++)
		for (size_t j = 0; j < mms[i]->n_vmas; j++)
			n += !!(mms[i]->vmas[j]->status & VMA_AREA_SYSVIPC);
	if (!n)
		return 0;
	sysv->v = calloc(n, sizeof(*sysv->v));
	if (!sysv->v)
		return cr_fail_errno(sysv->ctx, -ENOMEM, "%zu areas of System V shared memory", n);
	for (size_t i = 0; i < nr; i++) {
		for (size_t j = 0; j < mms[i]->n_vmas; j++) {
			const VmaEntry *e = mms[i]->vmas[j];

			if (e->status & VMA_AREA_SYSVIPC) /* mm_validate() saw that the numbers fit */
				sysv->v[sysv->nr++] =
					(struct segment){ .id = e->shmid, .mapped = e->pgoff + (e->end - e->start) };
		}
	}
	qsort(sysv->v, sysv->nr, sizeof(*sysv->v), compare);
	n = 0;
	for (size_t i = 1; i < sysv->nr; i++) {
		if (sysv->v[i].id != sysv->v[n].id)
			sysv->v[++n] = sysv->v[i];
		else if (sysv->v[i].mapped > sysv->v[n].mapped)
			sysv->v[n].mapped = sysv->v[i].mapped;
	}
	sysv->nr = n + 1;
	return 0;
}

static int check_entry(struct sysv_restore *sysv, struct segment *s)
{
	const IpcShmEntry *e = s->entry;
	uint64_t page_size = RUN_PAGE_SIZE;

	if (!hugetlb_flags_valid(hugetlb_of(e), SHM_HUGETLB))
		return bad(sysv, s->id, "an impossible size of huge pages");
	if (hugetlb_of(e))
		page_size = hugetlb_page_size(hugetlb_of(e));
	if (!page_size)
		return cr_fail(sysv->ctx, -EOPNOTSUPP, "This kernel has no huge pages (hugetlb)");
	if (!e->size || e->size > INT64_MAX - page_size)
		return bad(sysv, s->id, "an impossible size");
	s->whole = (e->size + page_size - 1) & ~(page_size - 1);
	if (s->mapped > s->whole)
		return bad(sysv, s->id, "an area behind its end");
	if (e->desc->mode & ~MODE_KNOWN)
		return bad(sysv, s->id, "unknown mode bits");
	if (!e->has_in_pagemaps || !e->in_pagemaps)
		return cr_fail(sysv->ctx, -EOPNOTSUPP, "System V segment %d: content outside of pages isn't supported",
			       s->id);
	return 0;
}

static int read_entries(struct sysv_restore *sysv, int images_dirfd, uint32_t ns_id)
{
	_cleanup_image_ struct image *img = NULL;
	int err = image_open(images_dirfd, IMG_IPCNS_SHM, &img, (unsigned long)ns_id), got = 0;

	while (!err) {
		_cleanup_image_message_ ProtobufCMessage *msg = NULL;
		struct segment *s;

		got = image_read(img, &msg);
		if (got <= 0)
			break;
		s = find(sysv, ((IpcShmEntry *)msg)->desc->id);
		if (s && s->entry)
			return bad(sysv, s->id, "two entries");
		if (s)
			s->entry = (IpcShmEntry *)take_ptr(msg);
		else if (!((IpcShmEntry *)msg)->in_pagemaps)
			return cr_fail(sysv->ctx, -EOPNOTSUPP, "ipcns-shm-%u.img: content there isn't supported",
				       ns_id);
		if (s)
			err = check_entry(sysv, s);
	}
	if (err || got < 0)
		return cr_fail_errno(sysv->ctx, err ?: got, "Can't read ipcns-shm-%u.img", ns_id);
	for (size_t i = 0; i < sysv->nr; i++)
		if (!sysv->v[i].entry)
			return bad(sysv, sysv->v[i].id, "no entry in ipcns-shm-N.img");
	return 0;
}

int sysv_restore_read(struct cr_ctx *ctx, int images_dirfd, struct fam_set *fam, uint32_t ns_id, MmEntry *const *mms,
		      size_t nr, struct sysv_restore **ret)
{
	__cleanup(sysv_restore_free) struct sysv_restore *sysv = calloc(1, sizeof(*sysv));
	int err;

	if (!sysv)
		return cr_fail_errno(ctx, -ENOMEM, "System V shared memory");
	sysv->ctx = ctx;
	err = collect(sysv, mms, nr);
	if (!err && sysv->nr)
		err = read_entries(sysv, images_dirfd, ns_id);
	for (size_t i = 0; i < sysv->nr && !err; i++) {
		struct segment *s = &sysv->v[i];

		err = segment_pages_read(ctx, images_dirfd, fam, s->id, &s->pages);
		if (!err && segment_pages_end(&s->pages) > s->whole)
			err = bad(sysv, s->id, "pages behind its end");
	}
	if (err)
		return err;
	*ret = take_ptr(sysv);
	return 0;
}

/* ---- making -------------------------------------------------------------------------------------------------- */

/* System calls alone: our memory is that of a process that was killed. */
static void remove_made(void *arg)
{
	const struct sysv_restore *sysv = arg;

	if (sysv->committed && __atomic_load_n(sysv->committed, __ATOMIC_ACQUIRE))
		return;
	for (size_t i = 0; i < sysv->nr; i++)
		if (__atomic_load_n(&sysv->v[i].made, __ATOMIC_ACQUIRE))
			syscall(SYS_shmctl, sysv->v[i].id, IPC_RMID, NULL);
}

static int get_new(const IpcShmEntry *e)
{
	int flags = IPC_CREAT | IPC_EXCL | (int)(e->desc->mode & MODE_RIGHT) | (int)hugetlb_of(e);
	int id = shmget((key_t)e->desc->key, e->size, flags);

	/* Somebody may have the key that this one has lost. */
	if (id < 0 && errno == EEXIST && e->desc->mode & SHM_DEST)
		id = shmget(IPC_PRIVATE, e->size, flags);
	return id < 0 ? -errno : id;
}

/* Who makes a segment is its creator for ever. */
static int get_new_as(struct cr_ctx *ctx, const IpcShmEntry *e)
{
	int got = -ECHILD, pipes[2];
	pid_t pid;

	if (e->desc->cuid == geteuid() && e->desc->cgid == getegid())
		return get_new(e);
	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (syscall(SYS_setresgid, -1, e->desc->cgid, -1) || syscall(SYS_setresuid, -1, e->desc->cuid, -1))
			got = -errno;
		else
			got = get_new(e);
		write_full(pipes[1], &got, sizeof(got));
		_exit(0);
	}
	close(pipes[1]);
	if (pid < 0 || read_full(pipes[0], &got, sizeof(got)))
		got = cr_fail_errno(ctx, -EAGAIN, "Can't make a segment for user %u", e->desc->cuid);
	close(pipes[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return got;
}

static bool exists(int id)
{
	struct shmid_ds ds;

	return !shmctl(id, IPC_STAT, &ds) || (errno != EINVAL && errno != EIDRM);
}

/* An id that was asked for and not used waits for the next segment of anybody: it takes one to use it up. */
static void forget_next_id(void)
{
	int id = shmget(IPC_PRIVATE, 1, 0600);

	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
}

static int create(struct sysv_restore *sysv, struct segment *s)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", s->id);

	for (int tries = 0; tries < MAX_TRIES; tries++) {
		int err = write_file_at(AT_FDCWD, NEXT_ID, text, len), got;

		if (err)
			return cr_fail_errno(sysv->ctx, err, "Can't write " NEXT_ID);
		got = get_new_as(sysv->ctx, s->entry);
		if (got == s->id) {
			__atomic_store_n(&s->made, true, __ATOMIC_RELEASE);
			return 0;
		}
		if (got < 0) {
			forget_next_id();
			return cr_fail_errno(sysv->ctx, got,
					     "Can't make System V shared memory segment %d (key %#x, %lu bytes)", s->id,
					     s->entry->desc->key, (unsigned long)s->entry->size);
		}
		shmctl(got, IPC_RMID, NULL);
		if (exists(s->id))
			break;
	}
	return cr_fail(sysv->ctx, -EBUSY, "The id %d of a System V shared memory segment is taken", s->id);
}

/* IDs are seldom used again, and only for other keys or sizes by chance. */
static bool is_same(const IpcShmEntry *e, const struct shmid_ds *ds)
{
	bool same_key = (uint32_t)ds->shm_perm.__key == e->desc->key || ds->shm_perm.mode & SHM_DEST;

	return same_key && ds->shm_segsz == e->size && ds->shm_perm.cuid == e->desc->cuid &&
	       ds->shm_perm.cgid == e->desc->cgid;
}

static int attach(struct sysv_restore *sysv, struct segment *s)
{
	struct shmid_ds ds;
	void *memory;

	s->ours = true;
	if (shmctl(s->id, IPC_STAT, &ds)) {
		int err = create(sysv, s);

		if (err)
			return err;
	} else if (!is_same(s->entry, &ds)) {
		return cr_fail(sysv->ctx, -EEXIST, "There is another System V shared memory segment with the id %d",
			       s->id);
	} else {
		s->ours = !ds.shm_nattch;
		log_info(sysv->ctx->log, "System V segment %d is there still%s", s->id,
			 s->ours ? "" : ", and attached by others: it stays as it is");
	}
	memory = shmat(s->id, NULL, 0);
	if (memory == (void *)-1)
		return cr_fail_errno(sysv->ctx, -errno, "Can't attach System V shared memory segment %d", s->id);
	s->memory = memory;
	return 0;
}

void sysv_restore_no_readahead(struct sysv_restore *sysv)
{
	for (size_t i = 0; i < sysv->nr; i++)
		sysv->v[i].pages.no_readahead = true;
}

int sysv_restore_make(struct sysv_restore *sysv, const uint32_t *committed)
{
	int err;

	if (!sysv->nr)
		return 0;
	sysv->committed = committed;
	err = watcher_start(sysv->ctx, remove_made, sysv, &sysv->watcher);
	for (size_t i = 0; i < sysv->nr && !err; i++)
		err = attach(sysv, &sysv->v[i]);
	return err;
}

int sysv_restore_get(const struct sysv_restore *sysv, uint64_t id, int32_t *ret_id, uint64_t *ret_size)
{
	const struct segment *s = find(sysv, id);

	if (!s)
		return -ENOENT;
	*ret_id = s->id;
	*ret_size = s->whole;
	return 0;
}

/* ---- at the end ---------------------------------------------------------------------------------------------- */

static int set_attributes(struct sysv_restore *sysv, const struct segment *s)
{
	const IpcDescEntry *desc = s->entry->desc;
	struct shmid_ds ds;

	if (shmctl(s->id, IPC_STAT, &ds))
		return -errno;
	if (ds.shm_perm.uid != desc->uid || ds.shm_perm.gid != desc->gid ||
	    (ds.shm_perm.mode & MODE_RIGHT) != (desc->mode & MODE_RIGHT)) {
		ds.shm_perm.uid = desc->uid;
		ds.shm_perm.gid = desc->gid;
		ds.shm_perm.mode = desc->mode & MODE_RIGHT;
		if (shmctl(s->id, IPC_SET, &ds))
			return -errno;
	}
	if ((ds.shm_perm.mode ^ desc->mode) & SHM_LOCKED &&
	    shmctl(s->id, desc->mode & SHM_LOCKED ? SHM_LOCK : SHM_UNLOCK, NULL))
		return -errno;
	if (desc->mode & SHM_DEST && !(ds.shm_perm.mode & SHM_DEST) && shmctl(s->id, IPC_RMID, NULL))
		return -errno;
	return 0;
}

static int settle(struct sysv_restore *sysv, struct segment *s)
{
	int err = 0;

	if (s->ours) {
		if (!s->made && madvise(s->memory, s->whole, MADV_REMOVE))
			err = cr_fail_errno(sysv->ctx, -errno, "Can't empty System V segment %d", s->id);
		if (!err)
			err = segment_pages_fill(sysv->ctx, &s->pages, s->memory);
		if (!err)
			err = set_attributes(sysv, s);
	}
	if (!err && shmdt(s->memory))
		err = -errno;
	s->memory = NULL;
	return err ? cr_fail_errno(sysv->ctx, err, "Can't restore System V segment %d", s->id) : 0;
}

int sysv_restore_settle(struct sysv_restore *sysv)
{
	int err = 0;

	for (size_t i = 0; i < sysv->nr && !err; i++)
		err = settle(sysv, &sysv->v[i]);
	return err;
}

void sysv_restore_keep(struct sysv_restore *sysv)
{
	sysv->kept = true;
	watcher_end(&sysv->watcher);
}

void sysv_restore_free(struct sysv_restore **psysv)
{
	struct sysv_restore *sysv = *psysv;

	if (!sysv)
		return;
	watcher_end(&sysv->watcher);
	if (!sysv->kept)
		remove_made(sysv);
	for (size_t i = 0; i < sysv->nr; i++) {
		struct segment *s = &sysv->v[i];

		if (s->memory)
			shmdt(s->memory);
		segment_pages_free(&s->pages);
		if (s->entry)
			ipc_shm_entry__free_unpacked(s->entry, NULL);
	}
	free(sysv->v);
	free(sysv);
	*psysv = NULL;
}
