/* SPDX-License-Identifier: GPL-2.0 */
/* mm-PID.img as untrusted input. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "image/image.h"
#include "mem/hugetlb.h"
#include "mem/mm.h"
#include "proc/auxv.h"

#define PAGE	     4096ull
#define USER_MAX     ((1ull << 56) - PAGE) /* the largest address space of x86-64, with five levels */
#define VSYSCALL     0xffffffffff600000ull
#define MAX_AREAS    (1u << 24)
#define MAX_SPECIAL  (1ull << 20) /* bytes of vDSO or vvar */
#define KNOWN_STATUS ((VMA_AREA_UPROBES << 1) - 1)
#define BACKING	     (VMA_FILE_PRIVATE | VMA_FILE_SHARED | VMA_ANON_SHARED | VMA_ANON_PRIVATE)
#define KNOWN_FLAGS  (MAP_TYPE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_STACK)
#define HUGE_FLAGS   (MAP_HUGETLB | HUGETLB_SIZE_MASK)
#define ADVICE(n)    (1ull << (n))
#define KNOWN_ADVICES                                                                                                  \
	(ADVICE(MADV_RANDOM) | ADVICE(MADV_SEQUENTIAL) | ADVICE(MADV_DONTFORK) | ADVICE(MADV_MERGEABLE) |              \
	 ADVICE(MADV_HUGEPAGE) | ADVICE(MADV_NOHUGEPAGE) | ADVICE(MADV_DONTDUMP) | ADVICE(MADV_WIPEONFORK))

/* Kinds that images may hold and we don't bring back. */
static const struct {
	uint32_t status;
	const char *kind;
} refused[] = {
	{ VMA_AREA_SOCKET, "a socket mapping" },
	{ VMA_AREA_SHSTK, "a shadow stack" },
};

static int bad(struct cr_ctx *ctx, pid_t pid, const VmaEntry *e, const char *why)
{
	return cr_fail(ctx, -EBADMSG, "mm-%d.img: area %lx-%lx: %s", pid, (unsigned long)e->start,
		       (unsigned long)e->end, why);
}

static int refuse(struct cr_ctx *ctx, pid_t pid, const VmaEntry *e, const char *kind)
{
	return cr_fail(ctx, -EOPNOTSUPP, "mm-%d.img: area %lx-%lx: %s isn't supported", pid, (unsigned long)e->start,
		       (unsigned long)e->end, kind);
}

static bool both(uint64_t v, uint64_t mask)
{
	return (v & mask) == mask;
}

/* Protection, flags and advice, each in itself. */
static int check_numbers(struct cr_ctx *ctx, pid_t pid, const VmaEntry *e)
{
	uint32_t type = e->flags & MAP_TYPE;

	if (e->prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
		return bad(ctx, pid, e, "unknown protection");
	if (!hugetlb_flags_valid(e->flags & HUGE_FLAGS, MAP_HUGETLB))
		return bad(ctx, pid, e, "impossible huge pages");
	if (e->flags & ~(KNOWN_FLAGS | HUGE_FLAGS) || (type != MAP_SHARED && type != MAP_PRIVATE))
		return bad(ctx, pid, e, "unknown flags");
	if (e->has_madv && e->madv & ~KNOWN_ADVICES)
		return refuse(ctx, pid, e, "an unknown advice");
	if (e->has_madv && (both(e->madv, ADVICE(MADV_HUGEPAGE) | ADVICE(MADV_NOHUGEPAGE)) ||
			    both(e->madv, ADVICE(MADV_RANDOM) | ADVICE(MADV_SEQUENTIAL))))
		return bad(ctx, pid, e, "contradicting advices");
	if (e->has_fdflags && e->fdflags & ~(uint32_t)(O_ACCMODE | 0100000))
		return bad(ctx, pid, e, "unknown open flags");
	if (e->pgoff % PAGE || e->pgoff > INT64_MAX - (e->end - e->start))
		return bad(ctx, pid, e, "bad offset");
	return 0;
}

/* What the area is, and that its flags agree. */
static int check_kind(struct cr_ctx *ctx, pid_t pid, const VmaEntry *e)
{
	uint32_t backing = e->status & BACKING;
	bool shared = (e->flags & MAP_TYPE) == MAP_SHARED;
	bool special = e->status & (VMA_AREA_VDSO | VMA_AREA_VVAR | VMA_AREA_VSYSCALL | VMA_AREA_UPROBES);

	if (e->status & ~KNOWN_STATUS || e->status & (1u << 4))
		return bad(ctx, pid, e, "unknown status");
	if (e->status & VMA_AREA_AIORING)
		return e->status == VMA_AREA_AIORING && e->flags == (MAP_SHARED | (e->flags & MAP_LOCKED)) &&
				       e->prot == (PROT_READ | PROT_WRITE)
			       ? 0
			       : bad(ctx, pid, e, "no possible AIO ring");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (e->status & refused[i].status)
			return refuse(ctx, pid, e, refused[i].kind);
	if (!(e->status & VMA_AREA_REGULAR) == !(e->status & VMA_AREA_VSYSCALL))
		return bad(ctx, pid, e, "neither a regular area nor the vsyscall page");
	if (!backing || backing & (backing - 1))
		return bad(ctx, pid, e, "has no single backing");
	if (shared != !!(backing & (VMA_FILE_SHARED | VMA_ANON_SHARED)))
		return bad(ctx, pid, e, "status and flags disagree about sharing");
	if (!(e->flags & MAP_ANONYMOUS) != !!(backing & (VMA_FILE_SHARED | VMA_FILE_PRIVATE)))
		return bad(ctx, pid, e, "status and flags disagree about a file");
	if (e->flags & MAP_HUGETLB &&
	    (special || e->flags & MAP_GROWSDOWN || e->status & (VMA_AREA_HEAP | VMA_AREA_STACK)))
		return bad(ctx, pid, e, "can't be of huge pages");
	if ((special || e->flags & MAP_GROWSDOWN || e->status & (VMA_AREA_HEAP | VMA_AREA_STACK)) &&
	    backing != VMA_ANON_PRIVATE)
		return bad(ctx, pid, e, "must be private anonymous memory");
	if (special && e->status & (VMA_AREA_HEAP | VMA_AREA_STACK))
		return bad(ctx, pid, e, "has contradicting status");
	if (e->status & VMA_AREA_MEMFD && !(backing & (VMA_FILE_SHARED | VMA_FILE_PRIVATE)))
		return bad(ctx, pid, e, "a memfd without a file");
	if (backing & (VMA_FILE_SHARED | VMA_FILE_PRIVATE) && (!e->shmid || e->shmid > UINT32_MAX))
		return bad(ctx, pid, e, "bad file id");
	if (e->status & VMA_AREA_SYSVIPC && (backing != VMA_ANON_SHARED || e->shmid > INT32_MAX))
		return bad(ctx, pid, e, "not one of a System V segment");
	if (backing == VMA_ANON_SHARED && !(e->status & VMA_AREA_SYSVIPC) && (!e->shmid || e->shmid > INT64_MAX))
		return bad(ctx, pid, e, "bad segment id");
	return 0;
}

static int check_range(struct cr_ctx *ctx, pid_t pid, const VmaEntry *e, uint64_t after)
{
	if (e->start >= e->end || e->start % PAGE || e->end % PAGE)
		return bad(ctx, pid, e, "bad bounds");
	if (e->start < after)
		return bad(ctx, pid, e, "overlaps another or is out of order");
	if (e->status & VMA_AREA_VSYSCALL)
		return e->start == VSYSCALL && e->end == VSYSCALL + PAGE ? 0 : bad(ctx, pid, e, "bad vsyscall page");
	return e->end <= USER_MAX ? 0 : bad(ctx, pid, e, "beyond the user's address space");
}

/* Guard regions come last, in an order of their own. */
static int check_guards(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm, size_t first)
{
	uint64_t after = 0;

	for (size_t i = first; i < mm->n_vmas; i++) {
		const VmaEntry *e = mm->vmas[i];
		int err = e->status & VMA_AREA_GUARD ? 0 : bad(ctx, pid, e, "an area behind a guard region");

		if (!err && e->status & (VMA_AREA_VDSO | VMA_AREA_VVAR | VMA_AREA_VSYSCALL | VMA_AREA_AIORING))
			err = bad(ctx, pid, e, "has contradicting status");
		if (!err)
			err = check_range(ctx, pid, e, after);
		if (err)
			return err;
		after = e->end;
	}
	return 0;
}

static int check_areas(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm)
{
	uint64_t after = 0, special = 0;
	unsigned int nr_vdso = 0;

	if (!mm->n_vmas || mm->n_vmas > MAX_AREAS)
		return cr_fail(ctx, -EBADMSG, "mm-%d.img: %zu areas", pid, mm->n_vmas);
	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *e = mm->vmas[i];
		int err;

		if (e->status & VMA_AREA_GUARD)
			return check_guards(ctx, pid, mm, i);
		err = check_kind(ctx, pid, e);
		if (!err)
			err = check_range(ctx, pid, e, after);
		if (!err)
			err = check_numbers(ctx, pid, e);
		if (err)
			return err;
		after = e->end;
		nr_vdso += !!(e->status & VMA_AREA_VDSO);
		if (e->status & (VMA_AREA_VDSO | VMA_AREA_VVAR))
			special += e->end - e->start;
		if (nr_vdso > 1 || special > MAX_SPECIAL)
			return bad(ctx, pid, e, "too much vDSO");
	}
	return 0;
}

/* The order that prctl(PR_SET_MM_MAP) asks for. */
static int check_bounds(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm)
{
	const uint64_t marks[] = {
		mm->mm_start_code,  mm->mm_end_code,  mm->mm_start_data, mm->mm_end_data,
		mm->mm_start_stack, mm->mm_start_brk, mm->mm_brk,	 mm->mm_arg_start,
		mm->mm_arg_end,	    mm->mm_env_start, mm->mm_env_end,
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (marks[i] < PAGE || marks[i] > USER_MAX)
			return cr_fail(ctx, -EBADMSG, "mm-%d.img: mark %lx is no user address", pid,
				       (unsigned long)marks[i]);
	if (mm->mm_start_code >= mm->mm_end_code || mm->mm_start_data > mm->mm_end_data ||
	    mm->mm_start_brk > mm->mm_brk || mm->mm_arg_start > mm->mm_arg_end || mm->mm_env_start > mm->mm_env_end)
		return cr_fail(ctx, -EBADMSG, "mm-%d.img: an end lies before its start", pid);
	return 0;
}

/* Its AT_NULL may be missing: prctl(2) puts it behind what it is given. */
static int check_auxv(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm)
{
	size_t n = mm->n_mm_saved_auxv;

	if (n < 2 || n % 2 || n > PROC_AUXV_MAX)
		return cr_fail(ctx, -EBADMSG, "mm-%d.img: auxiliary vector of %zu words", pid, n);
	return 0;
}

/* Each ring has its area, and the other way round. */
static int check_rings(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm)
{
	size_t nr_areas = 0;

	for (size_t i = 0; i < mm->n_vmas; i++) {
		const VmaEntry *e = mm->vmas[i];
		const AioRingEntry *ring;

		if (!(e->status & VMA_AREA_AIORING))
			continue;
		ring = nr_areas < mm->n_aios ? mm->aios[nr_areas++] : NULL;
		if (!ring || ring->id != e->start || ring->ring_len != e->end - e->start || !ring->nr_req ||
		    ring->nr_req > AIO_RING_REQUESTS(ring->ring_len))
			return bad(ctx, pid, e, "no AIO context has this ring");
	}
	return nr_areas == mm->n_aios ? 0 : cr_fail(ctx, -EBADMSG, "mm-%d.img: an AIO context without a ring", pid);
}

int mm_validate(struct cr_ctx *ctx, pid_t pid, const MmEntry *mm)
{
	int err = check_areas(ctx, pid, mm);

	if (!err)
		err = check_bounds(ctx, pid, mm);
	if (!err)
		err = check_auxv(ctx, pid, mm);
	if (err)
		return err;
	if (mm->has_dumpable && (mm->dumpable < 0 || mm->dumpable > 2))
		return cr_fail(ctx, -EBADMSG, "mm-%d.img: dumpable %d", pid, mm->dumpable);
	if (!mm->exe_file_id)
		return cr_fail(ctx, -EBADMSG, "mm-%d.img: no program file", pid);
	return check_rings(ctx, pid, mm);
}

int mm_read(struct cr_ctx *ctx, int images_dirfd, pid_t pid, MmEntry **ret)
{
	_cleanup_image_message_ ProtobufCMessage *msg = NULL;
	int err = image_read_single(images_dirfd, IMG_MM, &msg, (unsigned long)pid);

	if (err)
		return cr_fail_errno(ctx, err, "Can't read mm-%d.img", pid);
	err = mm_validate(ctx, pid, (const MmEntry *)msg);
	if (err)
		return err;
	*ret = (MmEntry *)take_ptr(msg);
	return 0;
}
