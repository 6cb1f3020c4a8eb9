/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The XSAVE area and its image. One table says which component is which field: reading and writing walk it.
 */
#include "task/arch/x86/fpu_entry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "task/arch/x86/xsave_layout.h"
#include "task/core_regs.h"

/* A component of the extended area and the repeated field of user_x86_xsave_entry that holds it. */
struct component_field {
	unsigned component;
	size_t bytes; /* in the image */
	size_t width; /* of one element: 4 or 8 bytes */
	size_t count_offset, array_offset;
};

#define FIELD(comp, size, width_, name)                                                                                \
	{                                                                                                              \
		.component = (comp), .bytes = (size), .width = (width_),                                               \
		.count_offset = offsetof(UserX86XsaveEntry, n_##name),                                                 \
		.array_offset = offsetof(UserX86XsaveEntry, name)                                                      \
	}

static const struct component_field fields[] = {
	FIELD(XSAVE_AVX, 256, 4, ymmh_space),
	FIELD(XSAVE_BNDREGS, 64, 8, bndreg_state),
	FIELD(XSAVE_BNDCSR, 64, 8, bndcsr_state),
	FIELD(XSAVE_OPMASK, 64, 8, opmask_reg),
	FIELD(XSAVE_ZMM_HI256, 512, 8, zmm_upper),
	FIELD(XSAVE_HI16_ZMM, 1024, 8, hi16_zmm),
	FIELD(XSAVE_PKRU, 8, 4, pkru),
};

#define NR_FIELDS (sizeof(fields) / sizeof(fields[0]))
#define BIT(n)	  (1ull << (n))

static size_t *field_count(UserX86XsaveEntry *e, const struct component_field *f)
{
	return (size_t *)((char *)e + f->count_offset);
}

static void **field_array(UserX86XsaveEntry *e, const struct component_field *f)
{
	return (void **)((char *)e + f->array_offset);
}

/* The components that images can carry. */
static uint64_t known_components(void)
{
	uint64_t known = BIT(XSAVE_X87) | BIT(XSAVE_SSE);

	for (size_t i = 0; i < NR_FIELDS; i++)
		known |= BIT(fields[i].component);
	return known;
}

static bool place_in_area(const struct component_field *f, size_t size, struct xsave_place *place)
{
	xsave_place_of(f->component, place);
	return place->size && (size_t)place->offset + f->bytes <= size && f->bytes <= place->size;
}

static int copy_array(const void *from, size_t bytes, size_t width, size_t *count, void **array)
{
	*array = malloc(bytes);
	if (!*array)
		return -ENOMEM;
	memcpy(*array, from, bytes);
	*count = bytes / width;
	return 0;
}

static int make_xsave(const char *area, size_t size, const struct xsave_header *header, UserX86XsaveEntry **ret)
{
	UserX86XsaveEntry *e = calloc(1, sizeof(*e));
	struct xsave_place place;
	int r;

	if (!e)
		return -ENOMEM;
	user_x86_xsave_entry__init(e);
	*ret = e;
	e->xstate_bv = header->xstate_bv;
	for (size_t i = 0; i < NR_FIELDS; i++) {
		const struct component_field *f = &fields[i];

		if (!place_in_area(f, size, &place))
			continue;
		r = copy_array(area + place.offset, f->bytes, f->width, field_count(e, f), field_array(e, f));
		if (r < 0)
			return r;
	}
	return 0;
}

int fpu_entry_make(const void *xsave, size_t size, UserX86FpregsEntry **ret)
{
	const struct fxsave_area *fx = xsave;
	struct xsave_header header;
	UserX86FpregsEntry *e;
	int r;

	if (size < XSAVE_MIN_SIZE)
		return -EINVAL;
	memcpy(&header, (const char *)xsave + XSAVE_HEADER_OFFSET, sizeof(header));
	if (header.xstate_bv & ~known_components())
		return -ENOTSUP;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	user_x86_fpregs_entry__init(e);
	e->cwd = fx->cwd;
	e->swd = fx->swd;
	e->twd = fx->twd;
	e->fop = fx->fop;
	e->rip = fx->rip;
	e->rdp = fx->rdp;
	e->mxcsr = fx->mxcsr;
	e->mxcsr_mask = fx->mxcsr_mask;
	r = copy_array(fx->st_space, sizeof(fx->st_space), 4, &e->n_st_space, (void **)&e->st_space);
	if (!r)
		r = copy_array(fx->xmm_space, sizeof(fx->xmm_space), 4, &e->n_xmm_space, (void **)&e->xmm_space);
	if (!r)
		r = make_xsave(xsave, size, &header, &e->xsave);
	if (r < 0) {
		fpu_entry_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void fpu_entry_free(UserX86FpregsEntry *e)
{
	if (!e)
		return;
	free(e->st_space);
	free(e->xmm_space);
	if (e->xsave) {
		for (size_t i = 0; i < NR_FIELDS; i++)
			free(*field_array(e->xsave, &fields[i]));
		free(e->xsave);
	}
	free(e);
}

/* Whether any byte of a component's data is set: an unused one that this CPU lacks is no loss. */
static bool all_zero(const void *data, size_t bytes)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < bytes; i++)
		if (p[i])
			return false;
	return true;
}

static int load_component(UserX86XsaveEntry *e, const struct component_field *f, char *area, size_t size)
{
	size_t count = *field_count(e, f);
	const void *data = *field_array(e, f);
	bool in_use = e->xstate_bv & BIT(f->component);
	struct xsave_place place;

	if (!count)
		return in_use ? -EINVAL : 0;
	if (count * f->width != f->bytes)
		return -EINVAL;
	if (!place_in_area(f, size, &place))
		return in_use && !all_zero(data, f->bytes) ? -ENOTSUP : 0;
	memcpy(area + place.offset, data, f->bytes);
	return 0;
}

int core_fpu_from_entry(const UserX86FpregsEntry *e, void *xsave, size_t size)
{
	struct fxsave_area *fx = xsave;
	struct xsave_header header = { 0 };
	uint64_t enabled;
	int r;

	if (size < XSAVE_MIN_SIZE || e->n_st_space != 32 || e->n_xmm_space != 64)
		return -EINVAL;
	if (e->cwd > UINT16_MAX || e->swd > UINT16_MAX || e->twd > UINT16_MAX || e->fop > UINT16_MAX)
		return -EINVAL;
	/* What PTRACE_GETREGSET gave for this thread says which bits of MXCSR and which components this CPU has. */
	enabled = fx->sw_reserved[0];
	if (!enabled)
		enabled = known_components();
	if (fx->mxcsr_mask && (e->mxcsr & ~fx->mxcsr_mask))
		return -EINVAL;
	fx->cwd = e->cwd;
	fx->swd = e->swd;
	fx->twd = e->twd;
	fx->fop = e->fop;
	fx->rip = e->rip;
	fx->rdp = e->rdp;
	fx->mxcsr = e->mxcsr;
	memcpy(fx->st_space, e->st_space, sizeof(fx->st_space));
	memcpy(fx->xmm_space, e->xmm_space, sizeof(fx->xmm_space));
	header.xstate_bv = BIT(XSAVE_X87) | BIT(XSAVE_SSE);
	if (e->xsave) {
		if (e->xsave->xstate_bv & ~known_components())
			return -ENOTSUP;
		for (size_t i = 0; i < NR_FIELDS; i++) {
			r = load_component(e->xsave, &fields[i], xsave, size);
			if (r < 0)
				return r;
		}
		header.xstate_bv = e->xsave->xstate_bv & enabled;
	}
	memcpy((char *)xsave + XSAVE_HEADER_OFFSET, &header, sizeof(header));
	return 0;
}
