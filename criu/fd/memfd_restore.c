/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memfd_create(2) at restore. The engine makes every memfd that is referred to, with its content, before any process
 * exists, and holds it until every task has its memory: then come the seals that would be in the way before. The root
 * task opens the descriptors, and tasks map what they inherit.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fd/memfd.h"
#include "fd/registry.h"
#include "fd/restore.h"
#include "mem/hugetlb.h"
#include "mem/memfd.h"
#include "mem/segment.h"
#include "mem/shmem_memfd.h"

#include "memfd.pb-c.h"

/* What makes or changes files must not be done again. */
#define OPEN_ONLY (~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_ASYNC | (O_TMPFILE & ~O_DIRECTORY)))

struct inode {
	MemfdInodeEntry *entry;
	bool anonymous; /* shared memory without a name: mem/shmem_restore.c makes it */
	bool used;	/* a file refers to it */
	bool writable;	/* a mapping has to be able to write */
	struct segment_pages pages;
	int ro_fd, rw_fd; /* in the engine and its children */
};

struct memfd_state {
	struct inode *v; /* by ascending inode_id */
	size_t nr;
};

static int compare(const void *a, const void *b)
{
	const struct inode *x = a, *y = b;

	return (x->entry->inode_id > y->entry->inode_id) - (x->entry->inode_id < y->entry->inode_id);
}

static struct memfd_state *state_of(struct fd_restore *restore)
{
	return restore->state[fd_ops_index(&memfd_ops)];
}

static struct inode *inode_of(struct fd_restore *restore, const struct fd_file *file)
{
	struct memfd_state *s = state_of(restore);
	MemfdInodeEntry wanted = { .inode_id = file->entry->memfd->inode_id };
	struct inode key = { .entry = &wanted };

	return s && s->nr ? bsearch(&key, s->v, s->nr, sizeof(key), compare) : NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

int memfd_check(struct fd_restore *restore, struct fd_file *file)
{
	return file->entry->memfd->pos > INT64_MAX ? fd_bad(restore, file, "an impossible offset") : 0;
}

static int bad_inode(struct fd_restore *restore, const MemfdInodeEntry *e, const char *what)
{
	return cr_fail(restore->ctx, -EBADMSG, "memfd.img: inode %" PRIu64 " has %s", e->inode_id, what);
}

static uint32_t hugetlb_of(const MemfdInodeEntry *e)
{
	return e->has_hugetlb_flag ? e->hugetlb_flag : 0;
}

static int check_inode(struct fd_restore *restore, const MemfdInodeEntry *e)
{
	if (strlen(e->name) > MEMFD_NAME_MAX)
		return bad_inode(restore, e, "a name that is too long");
	if (e->size > INT64_MAX)
		return bad_inode(restore, e, "an impossible size");
	if (e->seals & ~MEMFD_SEALS)
		return bad_inode(restore, e, "unknown seals");
	if (e->has_mode && (!S_ISREG(e->mode) || e->mode & ~(S_IFMT | 07777)))
		return bad_inode(restore, e, "an impossible mode");
	if (!hugetlb_flags_valid(hugetlb_of(e), MFD_HUGETLB))
		return bad_inode(restore, e, "an impossible size of huge pages");
	return 0;
}

static int read_inodes(struct fd_restore *restore, struct memfd_state *s)
{
	_cleanup_image_ struct image *img = NULL;
	ProtobufCMessage *msg;
	int r = image_open(restore->dirfd, IMG_MEMFD_INODE, &img);

	while (!r && (r = image_read(img, &msg)) > 0) {
		struct inode *grown = s->v;

		if (!(s->nr & (s->nr - 1))) /* a power of two: full */
			grown = reallocarray(s->v, s->nr ? 2 * s->nr : 1, sizeof(*grown));
		if (!grown) {
			protobuf_c_message_free_unpacked(msg, NULL);
			return -ENOMEM;
		}
		s->v = grown;
		s->v[s->nr++] = (struct inode){ .entry = (MemfdInodeEntry *)msg, .ro_fd = -1, .rw_fd = -1 };
		r = check_inode(restore, s->v[s->nr - 1].entry);
	}
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't read memfd.img");
	if (s->nr)
		qsort(s->v, s->nr, sizeof(*s->v), compare);
	for (size_t i = 1; i < s->nr; i++)
		if (!compare(&s->v[i - 1], &s->v[i]))
			return bad_inode(restore, s->v[i].entry, "the id of another");
	for (size_t i = 0; i < s->nr; i++)
		s->v[i].anonymous = shmem_is_memfd_name(s->v[i].entry->name);
	return 0;
}

static int read_pages(struct fd_restore *restore, struct inode *inode)
{
	const MemfdInodeEntry *e = inode->entry;
	int r;

	if (!e->size)
		return 0;
	r = segment_pages_read(restore->ctx, restore->dirfd, restore->fam, e->shmid, &inode->pages);
	inode->pages.no_readahead = restore->opts->readahead == TRI_NO;
	if (r < 0)
		return r;
	return segment_pages_end(&inode->pages) > ((e->size - 1) | (RUN_PAGE_SIZE - 1)) + 1
		       ? bad_inode(restore, e, "pages behind its end")
		       : 0;
}

int memfd_read(struct fd_restore *restore)
{
	struct memfd_state *s = NULL;
	int r = 0;

	for (size_t i = 0; i < restore->nr_files && !r; i++) {
		struct fd_file *file = &restore->files[i];
		struct inode *inode;

		if (file->ops != &memfd_ops)
			continue;
		if (!s) {
			s = fd_restore_state(restore, &memfd_ops, sizeof(*s));
			r = s ? read_inodes(restore, s) : -ENOMEM;
		}
		if (r < 0)
			return r;
		inode = inode_of(restore, file);
		if (!inode)
			return fd_bad(restore, file, "an inode that isn't in memfd.img");
		file->path_only = inode->anonymous;
		if (inode->anonymous || inode->used)
			continue;
		inode->used = true;
		r = read_pages(restore, inode);
	}
	return r;
}

int memfd_check_table(struct fd_restore *restore, struct fd_file *file)
{
	const struct inode *inode = inode_of(restore, file);

	if (inode && !inode->anonymous)
		return 0;
	return cr_fail(restore->ctx, -EOPNOTSUPP,
		       "fdinfo-%u.img: descriptors of shared anonymous memory aren't supported", file->table->files_id);
}

/* ---- making -------------------------------------------------------------------------------------------------- */

static int create(struct fd_restore *restore, const MemfdInodeEntry *e, int *ret)
{
	uint32_t mode = e->has_mode ? e->mode : S_IFREG | 0777;
	int fd = memfd_create(e->name, memfd_create_flags(mode, e->seals, hugetlb_of(e), true));

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(e->name, memfd_create_flags(mode, e->seals, hugetlb_of(e), false));
	if (fd < 0 || ftruncate(fd, e->size)) {
		int r = cr_fail_errno(restore->ctx, -errno, "Can't make the memfd %s of %" PRIu64 " bytes", e->name,
				      e->size);

		close_fdp(&fd);
		return r;
	}
	*ret = fd;
	return 0;
}

/* F_ADD_SEALS of what isn't there yet. */
static int add_seals(struct fd_restore *restore, const struct inode *inode, uint32_t seals)
{
	int now = fcntl(inode->rw_fd, F_GET_SEALS);

	if (now < 0 || (seals & ~now && fcntl(inode->rw_fd, F_ADD_SEALS, seals & ~now)))
		return cr_fail_errno(restore->ctx, -errno, "Can't seal the memfd %s", inode->entry->name);
	return 0;
}

/* Owner and mode come last: the engine must be able to open it, as whoever it is. */
static int set_owner(struct fd_restore *restore, const struct inode *inode)
{
	const MemfdInodeEntry *e = inode->entry;
	struct stat st;

	if (fstat(inode->rw_fd, &st))
		return -errno;
	if ((st.st_uid != e->uid || st.st_gid != e->gid) && fchown(inode->rw_fd, e->uid, e->gid))
		return cr_fail_errno(restore->ctx, -errno, "Can't give the memfd %s its owner", e->name);
	if (e->has_mode && fchmod(inode->rw_fd, e->mode & 07777))
		return cr_fail_errno(restore->ctx, -errno, "Can't give the memfd %s its mode", e->name);
	return 0;
}

static int make_inode(struct fd_restore *restore, struct inode *inode, int first_fd)
{
	const MemfdInodeEntry *e = inode->entry;
	char path[32];
	int fd = -1, r;

	r = create(restore, e, &fd);
	if (r < 0)
		return r;
	inode->rw_fd = fd_move_high(fd, first_fd);
	if (inode->rw_fd < 0)
		close(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", inode->rw_fd);
	fd = inode->rw_fd < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	inode->ro_fd = fd < 0 ? -1 : fd_move_high(fd, first_fd);
	if (fd >= 0 && inode->ro_fd < 0)
		close(fd);
	if (inode->ro_fd < 0)
		return cr_fail(restore->ctx, -EMFILE, "Can't keep the memfd %s open", e->name);
	r = segment_pages_fill_file(restore->ctx, &inode->pages, inode->rw_fd);
	segment_pages_free(&inode->pages);
	if (!r)
		r = set_owner(restore, inode);
	if (!r)
		r = add_seals(restore, inode, memfd_early_seals(e->seals));
	/* Nobody may have a program open for writing. */
	if (!r && !inode->writable && memfd_early_seals(e->seals) == e->seals)
		close_fdp(&inode->rw_fd);
	return r;
}

int fd_restore_make_memfds(struct fd_restore *restore, int first_fd)
{
	struct memfd_state *s = state_of(restore);
	int r = 0;

	for (size_t i = 0; s && i < s->nr && !r; i++)
		if (s->v[i].used)
			r = make_inode(restore, &s->v[i], first_fd);
	return r;
}

int fd_restore_seal_memfds(struct fd_restore *restore)
{
	struct memfd_state *s = state_of(restore);
	int r = 0;

	for (size_t i = 0; s && i < s->nr && !r; i++) {
		struct inode *inode = &s->v[i];
		int seals;

		if (!inode->used)
			continue;
		if (inode->rw_fd >= 0)
			r = add_seals(restore, inode, inode->entry->seals);
		seals = fcntl(inode->ro_fd, F_GET_SEALS);
		if (!r && (uint32_t)seals != inode->entry->seals)
			r = cr_fail(restore->ctx, -EINVAL, "The memfd %s has the seals %#x instead of %#x",
				    inode->entry->name, seals, inode->entry->seals);
		close_fdp(&inode->rw_fd);
		close_fdp(&inode->ro_fd);
	}
	return r;
}

/* ---- using --------------------------------------------------------------------------------------------------- */

static struct inode *find_mapped(struct fd_restore *restore, uint32_t file_id)
{
	const struct fd_file *file = fd_file_find(restore, file_id);
	struct inode *inode = file && file->ops == &memfd_ops ? inode_of(restore, file) : NULL;

	return inode && !inode->anonymous ? inode : NULL;
}

int fd_restore_plan_memfd(struct fd_restore *restore, uint32_t file_id, bool writable)
{
	struct inode *inode = find_mapped(restore, file_id);

	if (!inode)
		return -ENOENT;
	/* A shared mapping of a sealed one that was opened for writing is read-only for good as well. */
	inode->writable |= writable && !(inode->entry->seals & F_SEAL_WRITE);
	return 0;
}

int fd_restore_get_memfd(struct fd_restore *restore, uint32_t file_id, bool writable, int *ret_fd)
{
	const struct inode *inode = find_mapped(restore, file_id);

	if (!inode || inode->ro_fd < 0)
		return -ENOENT;
	*ret_fd = writable && inode->writable ? inode->rw_fd : inode->ro_fd;
	return 0;
}

int memfd_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const MemfdFileEntry *e = file->entry->memfd;
	const struct inode *inode = inode_of(restore, file);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", inode->ro_fd);
	*ret = open(path, (e->flags & OPEN_ONLY) | O_CLOEXEC);
	if (*ret < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't open the memfd %s", inode->entry->name);
	if (e->pos && !(e->flags & O_PATH) && lseek(*ret, e->pos, SEEK_SET) < 0) {
		int r = cr_fail_errno(restore->ctx, -errno, "Can't set the offset of the memfd %s", inode->entry->name);

		close_fdp(ret);
		return r;
	}
	return 0;
}

void memfd_free(struct fd_restore *restore)
{
	struct memfd_state *s = state_of(restore);

	for (size_t i = 0; s && i < s->nr; i++) {
		struct inode *inode = &s->v[i];

		memfd_inode_entry__free_unpacked(inode->entry, NULL);
		segment_pages_free(&inode->pages);
		close_fdp(&inode->ro_fd);
		close_fdp(&inode->rw_fd);
	}
	if (s)
		free(s->v);
}
