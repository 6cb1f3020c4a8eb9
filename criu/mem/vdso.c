/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/vdso.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/str.h"
#include "proc/maps.h"

/* An ELF object in memory; every access goes through at(). */
struct object {
	const unsigned char *base;
	size_t len;
};

struct dynamic {
	uint64_t symtab, strtab, strsz, hash, gnu_hash;
};

/* SIZE bytes at OFFSET, or NULL when they aren't all there. */
static const void *at(const struct object *o, uint64_t offset, uint64_t size)
{
	return offset <= o->len && size <= o->len - offset ? o->base + offset : NULL;
}

static bool read_u32(const struct object *o, uint64_t offset, uint32_t *ret)
{
	const void *p = at(o, offset, sizeof(*ret));

	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p;
}

static int find_dynamic(const struct object *o, uint64_t *ret_offset, uint64_t *ret_size)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	if (!at(o, 0, sizeof(eh)))
		return -EBADMSG;
	memcpy(&eh, o->base, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phentsize != sizeof(ph))
		return -EBADMSG;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		const void *p = at(o, eh.e_phoff + (uint64_t)i * sizeof(ph), sizeof(ph));

		if (!p || eh.e_phoff > o->len)
			return -EBADMSG;
		memcpy(&ph, p, sizeof(ph));
		if (ph.p_type != PT_DYNAMIC)
			continue;
		*ret_offset = ph.p_offset;
		*ret_size = ph.p_filesz;
		return 0;
	}
	return -EBADMSG;
}

static int read_dynamic(const struct object *o, struct dynamic *ret)
{
	uint64_t offset, size;
	Elf64_Dyn dyn;

	*ret = (struct dynamic){ 0 };
	if (find_dynamic(o, &offset, &size) || !at(o, offset, size))
		return -EBADMSG;
	for (; size >= sizeof(dyn); offset += sizeof(dyn), size -= sizeof(dyn)) {
		memcpy(&dyn, o->base + offset, sizeof(dyn));
		if (dyn.d_tag == DT_NULL)
			break;
		else if (dyn.d_tag == DT_SYMTAB)
			ret->symtab = dyn.d_un.d_ptr;
		else if (dyn.d_tag == DT_STRTAB)
			ret->strtab = dyn.d_un.d_ptr;
		else if (dyn.d_tag == DT_STRSZ)
			ret->strsz = dyn.d_un.d_val;
		else if (dyn.d_tag == DT_HASH)
			ret->hash = dyn.d_un.d_ptr;
		else if (dyn.d_tag == DT_GNU_HASH)
			ret->gnu_hash = dyn.d_un.d_ptr;
	}
	if (!ret->symtab || !ret->strtab || !at(o, ret->strtab, ret->strsz) || (!ret->hash && !ret->gnu_hash))
		return -EBADMSG;
	return 0;
}

/* The number of symbols isn't said anywhere but in the hash tables: ELF gABI, and DT_GNU_HASH as binutils makes it. */
static int count_symbols(const struct object *o, const struct dynamic *dyn, uint32_t *ret)
{
	uint32_t nr_buckets, first, bloom_words, bucket, last = 0, chain;
	uint64_t buckets;

	if (dyn->hash)
		return read_u32(o, dyn->hash + 4, ret) ? 0 : -EBADMSG;
	if (!read_u32(o, dyn->gnu_hash, &nr_buckets) || !read_u32(o, dyn->gnu_hash + 4, &first) ||
	    !read_u32(o, dyn->gnu_hash + 8, &bloom_words))
		return -EBADMSG;
	buckets = dyn->gnu_hash + 16 + 8ull * bloom_words;
	if (!at(o, buckets, 4ull * nr_buckets))
		return -EBADMSG;
	for (uint32_t i = 0; i < nr_buckets; i++)
		if (read_u32(o, buckets + 4ull * i, &bucket) && bucket > last)
			last = bucket;
	if (last < first) {
		*ret = first;
		return 0;
	}
	/* The last chain ends with an odd hash. */
	do {
		if (!read_u32(o, buckets + 4ull * nr_buckets + 4ull * (last - first), &chain))
			return -EBADMSG;
		last++;
	} while (!(chain & 1));
	*ret = last;
	return 0;
}

static int add_symbol(const struct object *o, const struct dynamic *dyn, const Elf64_Sym *sym, struct vdso_symbols *ret)
{
	struct vdso_symbol *s = &ret->v[ret->nr];
	const char *name;
	size_t len;

	if (sym->st_name >= dyn->strsz || sym->st_value >= o->len)
		return -EBADMSG;
	name = (const char *)o->base + dyn->strtab + sym->st_name;
	len = strnlen(name, dyn->strsz - sym->st_name);
	if (len == dyn->strsz - sym->st_name)
		return -EBADMSG;
	if (len >= VDSO_NAME_MAX || ret->nr == VDSO_MAX_SYMBOLS)
		return -ENOTSUP;
	memcpy(s->name, name, len + 1);
	s->offset = sym->st_value;
	ret->nr++;
	return 0;
}

int vdso_parse(const void *elf, size_t len, struct vdso_symbols *ret)
{
	const struct object o = { elf, len };
	struct dynamic dyn;
	uint32_t nr;
	int err;

	*ret = (struct vdso_symbols){ 0 };
	if (len > VDSO_MAX_SIZE)
		return -EBADMSG;
	err = read_dynamic(&o, &dyn);
	if (!err)
		err = count_symbols(&o, &dyn, &nr);
	if (!err && !at(&o, dyn.symtab, (uint64_t)nr * sizeof(Elf64_Sym)))
		err = -EBADMSG;
	for (uint32_t i = 0; !err && i < nr; i++) {
		Elf64_Sym sym;

		memcpy(&sym, o.base + dyn.symtab + (uint64_t)i * sizeof(sym), sizeof(sym));
		if (ELF64_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_shndx != SHN_UNDEF)
			err = add_symbol(&o, &dyn, &sym, ret);
	}
	return err;
}

static const struct vdso_symbol *find_symbol(const struct vdso_symbols *in, const char *name)
{
	for (size_t i = 0; i < in->nr; i++)
		if (!strcmp(in->v[i].name, name))
			return &in->v[i];
	return NULL;
}

bool vdso_same(const struct vdso_symbols *a, const struct vdso_symbols *b)
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++) {
		const struct vdso_symbol *s = find_symbol(b, a->v[i].name);

		if (!s || s->offset != a->v[i].offset)
			return false;
	}
	return true;
}

int vdso_find_live(struct cr_ctx *ctx, struct vdso_live *ret)
{
	_cleanup_proc_map_list_ struct proc_map_list maps = { 0 };
	_cleanup_close_ int procfd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err;

	*ret = (struct vdso_live){ 0 };
	if (procfd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open /proc/self");
	err = proc_read_maps(procfd, &maps);
	if (err)
		return cr_fail_errno(ctx, err, "Can't read /proc/self/maps");
	for (size_t i = 0; i < maps.nr; i++) {
		const struct proc_map *m = &maps.v[i];
		bool vdso = !strcmp(m->name, "[vdso]");

		if (!vdso && !str_starts(m->name, "[vvar"))
			continue;
		if (ret->nr_ranges == VDSO_MAX_RANGES ||
		    (ret->nr_ranges &&
		     m->start != ret->ranges[ret->nr_ranges - 1].start + ret->ranges[ret->nr_ranges - 1].len))
			return cr_fail(ctx, -EOPNOTSUPP, "This kernel's vDSO and its data don't lie together");
		ret->ranges[ret->nr_ranges++] = (struct vdso_range){ m->start, m->end - m->start };
		if (vdso)
			ret->vdso = ret->ranges[ret->nr_ranges - 1];
	}
	if (!ret->vdso.len)
		return 0;
	err = vdso_parse((const void *)ret->vdso.start, ret->vdso.len, &ret->symbols);
	return err ? cr_fail_errno(ctx, err, "Can't read this kernel's vDSO") : 0;
}
