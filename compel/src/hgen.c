/* SPDX-License-Identifier: GPL-2.0 */
/* From a linked, position independent ELF file to a flat image with relocations and symbols. */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arch-ops.h"
#include "hgen.h"

#define PAGE	 4096UL
#define MAX_BLOB (16UL << 20)

struct elf {
	const uint8_t *file;
	size_t size;
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;
	const Elf64_Shdr *sh;
	struct hgen_error *error;
};

static int refuse(struct elf *elf, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct elf *elf, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(elf->error->text, sizeof(elf->error->text), fmt, ap);
	va_end(ap);
	return err;
}

/* @nr items of @each bytes at @offset, aligned for the ELF structures, or NULL. */
static const void *at(const struct elf *elf, uint64_t offset, uint64_t nr, size_t each)
{
	if (offset > elf->size || nr > (elf->size - offset) / each || (uintptr_t)(elf->file + offset) & 7)
		return NULL;
	return elf->file + offset;
}

static int check_header(struct elf *elf)
{
	const Elf64_Ehdr *eh = at(elf, 0, 1, sizeof(*eh));

	if (!eh || memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return refuse(elf, -EINVAL, "not an ELF file");
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(elf, -ENOTSUP, "not a 64-bit little-endian ELF file");
	if (eh->e_machine != arch_elf_machine)
		return refuse(elf, -ENOTSUP, "made for machine %u, not %u", eh->e_machine, arch_elf_machine);
	if (eh->e_type == ET_REL)
		return refuse(elf, -ENOTSUP, "a relocatable object: link it with the flags of `compel ldflags` first");
	if (eh->e_type != ET_DYN)
		return refuse(elf, -ENOTSUP, "not position independent (type %u)", eh->e_type);
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_shentsize != sizeof(Elf64_Shdr))
		return refuse(elf, -EINVAL, "headers of unknown size");
	elf->eh = eh;
	elf->ph = at(elf, eh->e_phoff, eh->e_phnum, sizeof(Elf64_Phdr));
	elf->sh = at(elf, eh->e_shoff, eh->e_shnum, sizeof(Elf64_Shdr));
	if (!elf->ph || !elf->sh || !eh->e_shnum)
		return refuse(elf, -EINVAL, "header tables lie outside of the file");
	return 0;
}

static int load_segments(struct elf *elf, struct hgen_blob *blob)
{
	uint64_t end = 0;

	for (unsigned int i = 0; i < elf->eh->e_phnum; i++) {
		const Elf64_Phdr *ph = &elf->ph[i];

		if (ph->p_type == PT_INTERP || ph->p_type == PT_TLS)
			return refuse(elf, -ENOTSUP, "it has %s",
				      ph->p_type == PT_TLS ? "thread-local storage" : "an interpreter");
		if (ph->p_type != PT_LOAD)
			continue;
		if (ph->p_vaddr < end || ph->p_vaddr > MAX_BLOB || ph->p_memsz > MAX_BLOB ||
		    ph->p_filesz > ph->p_memsz || ph->p_offset > elf->size || ph->p_filesz > elf->size - ph->p_offset)
			return refuse(elf, -EINVAL, "segment %u is out of range", i);
		if (ph->p_flags & PF_W && ph->p_flags & PF_X)
			return refuse(elf, -ENOTSUP, "segment %u is writable and executable", i);
		if (ph->p_flags & PF_W && !blob->text_size && end)
			blob->text_size = ph->p_vaddr;
		else if (!(ph->p_flags & PF_W) && (blob->text_size || (!end && ph->p_vaddr)))
			return refuse(elf, -ENOTSUP, "segment %u: code must stand first, at 0", i);
		if (ph->p_filesz) {
			memcpy(blob->image + ph->p_vaddr, elf->file + ph->p_offset, ph->p_filesz);
			blob->image_size = ph->p_vaddr + ph->p_filesz;
		}
		end = ph->p_vaddr + ph->p_memsz;
	}
	blob->mem_size = end;
	if (!blob->text_size)
		blob->text_size = (end + PAGE - 1) & ~(PAGE - 1);
	if (!end || blob->text_size & (PAGE - 1))
		return refuse(elf, -ENOTSUP, "written data doesn't start on a page of its own");
	return 0;
}

/* Symbols and their names that belong to section @index. */
struct symtab {
	const Elf64_Sym *sym;
	size_t nr;
	const char *names;
	size_t names_size;
};

static int open_symtab(struct elf *elf, unsigned int index, struct symtab *ret)
{
	const Elf64_Shdr *sh, *str;

	if (index >= elf->eh->e_shnum)
		return refuse(elf, -EINVAL, "no symbol table %u", index);
	sh = &elf->sh[index];
	if ((sh->sh_type != SHT_SYMTAB && sh->sh_type != SHT_DYNSYM) || sh->sh_link >= elf->eh->e_shnum)
		return refuse(elf, -EINVAL, "section %u isn't a symbol table", index);
	str = &elf->sh[sh->sh_link];
	ret->nr = sh->sh_size / sizeof(Elf64_Sym);
	ret->sym = at(elf, sh->sh_offset, ret->nr, sizeof(Elf64_Sym));
	ret->names_size = str->sh_size;
	if (str->sh_offset > elf->size || str->sh_size > elf->size - str->sh_offset)
		ret->sym = NULL;
	else
		ret->names = (const char *)elf->file + str->sh_offset;
	if (!ret->sym || !ret->names_size || ret->names[ret->names_size - 1])
		return refuse(elf, -EINVAL, "symbol table %u is broken", index);
	return 0;
}

static int symbol_name(struct elf *elf, const struct symtab *tab, size_t index, const char **ret)
{
	if (index >= tab->nr || tab->sym[index].st_name >= tab->names_size)
		return refuse(elf, -EINVAL, "symbol %zu is out of range", index);
	*ret = tab->names + tab->sym[index].st_name;
	return 0;
}

static int add_reloc(struct elf *elf, struct hgen_blob *blob, const struct symtab *tab, const Elf64_Rela *rela)
{
	uint32_t type = ELF64_R_TYPE(rela->r_info), index = ELF64_R_SYM(rela->r_info);
	enum arch_reloc kind = arch_reloc_kind(type);
	uint64_t addend = kind == ARCH_RELOC_SLOT ? 0 : rela->r_addend;
	const char *name = "";
	int err;

	if (kind == ARCH_RELOC_NONE)
		return 0;
	if (kind == ARCH_RELOC_UNKNOWN)
		return refuse(elf, -ENOTSUP, "relocation type %u at 0x%lx isn't supported", type,
			      (unsigned long)rela->r_offset);
	if (rela->r_offset > MAX_BLOB || rela->r_offset + sizeof(uint64_t) > blob->mem_size)
		return refuse(elf, -EINVAL, "relocation at 0x%lx is out of range", (unsigned long)rela->r_offset);
	if (rela->r_offset < blob->text_size)
		return refuse(elf, -ENOTSUP, "relocation at 0x%lx in read-only memory", (unsigned long)rela->r_offset);
	if (kind != ARCH_RELOC_RELATIVE) {
		err = symbol_name(elf, tab, index, &name);
		if (err)
			return err;
		if (tab->sym[index].st_shndx == SHN_UNDEF || tab->sym[index].st_shndx >= elf->eh->e_shnum)
			return refuse(elf, -ENOTSUP, "symbol %s isn't defined", name);
		addend += tab->sym[index].st_value;
	}
	if (addend > blob->mem_size)
		return refuse(elf, -EINVAL, "relocation at 0x%lx points outside", (unsigned long)rela->r_offset);
	blob->relocs[blob->nr_relocs++] = (struct compel_reloc){ .offset = rela->r_offset, .addend = addend };
	return 0;
}

static int collect_relocs(struct elf *elf, struct hgen_blob *blob)
{
	for (unsigned int i = 0; i < elf->eh->e_shnum; i++) {
		const Elf64_Shdr *sh = &elf->sh[i];
		size_t nr = sh->sh_size / sizeof(Elf64_Rela);
		const Elf64_Rela *rela;
		struct symtab tab = { 0 };
		void *grown;
		int err;

		if (sh->sh_type == SHT_REL && sh->sh_size)
			return refuse(elf, -ENOTSUP, "section %u has relocations without addend", i);
		/* What isn't loaded relocates debug information only. */
		if (sh->sh_type != SHT_RELA || !(sh->sh_flags & SHF_ALLOC) || !nr)
			continue;
		rela = at(elf, sh->sh_offset, nr, sizeof(*rela));
		if (!rela)
			return refuse(elf, -EINVAL, "relocations of section %u lie outside of the file", i);
		err = sh->sh_link ? open_symtab(elf, sh->sh_link, &tab) : 0;
		if (err)
			return err;
		grown = realloc(blob->relocs, (blob->nr_relocs + nr) * sizeof(*blob->relocs));
		if (!grown)
			return refuse(elf, -ENOMEM, "no memory for %zu relocations", nr);
		blob->relocs = grown;
		for (size_t j = 0; j < nr; j++) {
			err = add_reloc(elf, blob, &tab, &rela[j]);
			if (err)
				return err;
		}
	}
	return 0;
}

static bool is_identifier(const char *name)
{
	if (!name[0] || (name[0] >= '0' && name[0] <= '9'))
		return false;
	return !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")];
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct compel_symbol *)a)->name, ((const struct compel_symbol *)b)->name);
}

/* All that is defined and not static. */
static int collect_symbols(struct elf *elf, struct hgen_blob *blob)
{
	struct symtab tab = { 0 };
	int err = -ENOENT;

	for (unsigned int i = 0; i < elf->eh->e_shnum && err == -ENOENT; i++)
		if (elf->sh[i].sh_type == SHT_SYMTAB)
			err = open_symtab(elf, i, &tab);
	if (err)
		return err == -ENOENT ? refuse(elf, -EINVAL, "it has no symbol table (stripped?)") : err;
	blob->symbols = calloc(tab.nr + 1, sizeof(*blob->symbols));
	if (!blob->symbols)
		return refuse(elf, -ENOMEM, "no memory for %zu symbols", tab.nr);
	for (size_t i = 1; i < tab.nr; i++) {
		const Elf64_Sym *sym = &tab.sym[i];
		unsigned int type = ELF64_ST_TYPE(sym->st_info), bind = ELF64_ST_BIND(sym->st_info);
		const char *name = "";

		if (type == STT_SECTION || type == STT_FILE)
			continue;
		err = symbol_name(elf, &tab, i, &name);
		if (err)
			return err;
		if (sym->st_shndx == SHN_UNDEF && bind == STB_GLOBAL)
			return refuse(elf, -ENOTSUP, "symbol %s isn't defined", name);
		if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= elf->eh->e_shnum || name[0] == '_' ||
		    (bind != STB_GLOBAL && bind != STB_WEAK))
			continue;
		if (!is_identifier(name))
			return refuse(elf, -ENOTSUP, "the name of symbol %zu isn't a C identifier", i);
		if (sym->st_value > blob->mem_size)
			return refuse(elf, -EINVAL, "symbol %s lies outside", name);
		blob->symbols[blob->nr_symbols++] =
			(struct compel_symbol){ .name = name, .offset = (uint32_t)sym->st_value };
	}
	qsort(blob->symbols, blob->nr_symbols, sizeof(*blob->symbols), by_name);
	for (size_t i = 1; i < blob->nr_symbols; i++)
		if (!strcmp(blob->symbols[i - 1].name, blob->symbols[i].name))
			return refuse(elf, -EINVAL, "symbol %s is defined twice", blob->symbols[i].name);
	return 0;
}

void hgen_free(struct hgen_blob *blob)
{
	free(blob->image);
	free(blob->relocs);
	free(blob->symbols);
	memset(blob, 0, sizeof(*blob));
}

int hgen_parse(const uint8_t *file, size_t size, struct hgen_blob *ret, struct hgen_error *error)
{
	struct elf elf = { .file = file, .size = size, .error = error };
	int err;

	memset(ret, 0, sizeof(*ret));
	err = check_header(&elf);
	if (err)
		return err;
	ret->image = calloc(1, 2 * MAX_BLOB);
	if (!ret->image)
		return refuse(&elf, -ENOMEM, "no memory for the image");
	err = load_segments(&elf, ret);
	if (!err)
		err = collect_relocs(&elf, ret);
	if (!err)
		err = collect_symbols(&elf, ret);
	if (err)
		hgen_free(ret);
	return err;
}

int hgen_write(const struct hgen_blob *blob, const char *prefix, FILE *out)
{
	if (!is_identifier(prefix))
		return -EINVAL;
	fprintf(out, "/* Made by compel hgen; don't edit. */\n#pragma once\n\n#include <compel/blob.h>\n\n");
	for (size_t i = 0; i < blob->nr_symbols; i++)
		fprintf(out, "#define %s_sym_%s 0x%xUL\n", prefix, blob->symbols[i].name, blob->symbols[i].offset);
	fprintf(out, "\nstatic const uint8_t %s_image[] = {", prefix);
	for (size_t i = 0; i < blob->image_size; i++)
		fprintf(out, "%s0x%02x,", i % 20 ? " " : "\n\t", blob->image[i]);
	fprintf(out, "\n};\n\n");
	/* One more than there are: C has no empty arrays. */
	fprintf(out, "static const struct compel_reloc %s_relocs[] = {\n", prefix);
	for (size_t i = 0; i < blob->nr_relocs; i++)
		fprintf(out, "\t{ 0x%x, 0x%lx },\n", blob->relocs[i].offset, (unsigned long)blob->relocs[i].addend);
	fprintf(out, "\t{ 0, 0 },\n};\n\nstatic const struct compel_symbol %s_symbols[] = {\n", prefix);
	for (size_t i = 0; i < blob->nr_symbols; i++)
		fprintf(out, "\t{ \"%s\", 0x%x },\n", blob->symbols[i].name, blob->symbols[i].offset);
	fprintf(out, "\t{ 0, 0 },\n};\n\n__attribute__((unused)) static const struct compel_blob %s_blob = {\n",
		prefix);
	fprintf(out, "\t.image = %s_image,\n\t.image_size = %zu,\n\t.mem_size = %zu,\n\t.text_size = %zu,\n", prefix,
		blob->image_size, blob->mem_size, blob->text_size);
	fprintf(out, "\t.relocs = %s_relocs,\n\t.nr_relocs = %zu,\n", prefix, blob->nr_relocs);
	fprintf(out, "\t.symbols = %s_symbols,\n\t.nr_symbols = %zu,\n};\n", prefix, blob->nr_symbols);
	return ferror(out) ? -EIO : 0;
}
