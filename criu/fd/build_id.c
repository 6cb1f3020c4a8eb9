/* SPDX-License-Identifier: GPL-2.0 */
/* The build id that linkers put into ELF files: a note named GNU. elf(5), ld(1) --build-id. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fd/dump.h"

/* Real ones are 8 to 20 bytes, their segments a few hundred; more is no build id. */
#define NOTE_MAX     (64u << 10)
#define BUILD_ID_MAX 64u
#define PHDRS_MAX    256u

struct segment {
	uint32_t type;
	uint64_t offset, size, align;
};

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* 1 and *RET if the notes of LEN bytes hold one, 0 if not. */
static int find_note(const char *notes, size_t len, size_t align, uint32_t **ret, size_t *nr)
{
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h; /* 32-bit files have the same */
		size_t name = at + sizeof(h), desc;

		memcpy(&h, notes + at, sizeof(h));
		if (h.n_namesz > len - name)
			return 0;
		desc = round_up(name + h.n_namesz, align);
		if (desc > len || h.n_descsz > len - desc)
			return 0;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(notes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) && h.n_descsz &&
		    h.n_descsz <= BUILD_ID_MAX) {
			*nr = round_up(h.n_descsz, sizeof(uint32_t)) / sizeof(uint32_t);
			*ret = calloc(*nr, sizeof(uint32_t));
			if (!*ret)
				return -ENOMEM;
			memcpy(*ret, notes + desc, h.n_descsz);
			return 1;
		}
		at = round_up(desc + h.n_descsz, align);
		if (at > len)
			return 0;
	}
	return 0;
}

static int read_segment(int fd, const struct segment *seg, uint32_t **ret, size_t *nr)
{
	_cleanup_free_ char *notes = NULL;
	int r;

	if (seg->type != PT_NOTE || !seg->size || seg->size > NOTE_MAX || seg->offset > INT64_MAX)
		return 0;
	notes = malloc(seg->size);
	if (!notes)
		return -ENOMEM;
	r = pread_full(fd, notes, seg->size, seg->offset);
	if (r < 0)
		return r == -EIO ? 0 : r;
	return find_note(notes, seg->size, seg->align == 8 ? 8 : 4, ret, nr);
}

static struct segment segment_of(const char *phdr, bool is64)
{
	if (is64) {
		Elf64_Phdr p;

		memcpy(&p, phdr, sizeof(p));
		return (struct segment){ p.p_type, p.p_offset, p.p_filesz, p.p_align };
	} else {
		Elf32_Phdr p;

		memcpy(&p, phdr, sizeof(p));
		return (struct segment){ p.p_type, p.p_offset, p.p_filesz, p.p_align };
	}
}

int build_id_read(int fd, uint32_t **ret, size_t *nr)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf64_Ehdr h64;
		Elf32_Ehdr h32;
	} head = {};
	_cleanup_free_ char *phdrs = NULL;
	ssize_t got = pread(fd, &head, sizeof(head), 0);
	uint64_t offset;
	size_t count, size;
	bool is64;

	*ret = NULL;
	*nr = 0;
	if (got < 0)
		return -errno;
	if (got < (ssize_t)sizeof(head.h32) || memcmp(head.ident, ELFMAG, SELFMAG) ||
	    head.ident[EI_DATA] != ELFDATA2LSB)
		return 0;
	is64 = head.ident[EI_CLASS] == ELFCLASS64;
	if (!is64 && head.ident[EI_CLASS] != ELFCLASS32)
		return 0;
	offset = is64 ? head.h64.e_phoff : head.h32.e_phoff;
	count = is64 ? head.h64.e_phnum : head.h32.e_phnum;
	size = is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if ((is64 ? head.h64.e_phentsize : head.h32.e_phentsize) != size || !count || count > PHDRS_MAX ||
	    offset > INT64_MAX)
		return 0;
	phdrs = malloc(count * size);
	if (!phdrs)
		return -ENOMEM;
	if (pread_full(fd, phdrs, count * size, offset) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		struct segment seg = segment_of(phdrs + i * size, is64);
		int r = read_segment(fd, &seg, ret, nr);

		if (r)
			return r < 0 ? r : 0;
	}
	return 0;
}
