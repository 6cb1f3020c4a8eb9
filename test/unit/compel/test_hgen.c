/* SPDX-License-Identifier: GPL-2.0 */
/* `compel hgen`: what it makes of a good file, and that it refuses broken ones. */
#include "harness.h"

#include <elf.h>
#include <sys/stat.h>

#include "../../../compel/src/hgen.c"

static uint8_t *good;
static size_t good_size;

/* The linked test blob stands at a known place beside this program. */
static int load_good(void **state)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
	struct stat st;
	int fd;

	if (len < 0)
		return -1;
	path[len] = '\0';
	for (int i = 0; i < 4; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/pie/compel-test.elf");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -1;
	good_size = st.st_size;
	good = malloc(good_size);
	if (!good || read(fd, good, good_size) != (ssize_t)good_size)
		return -1;
	return close(fd);
}

static int free_good(void **state)
{
	free(good);
	return 0;
}

static int parse(const uint8_t *file, size_t size, struct hgen_error *error)
{
	struct hgen_blob blob;
	int err = hgen_parse(file, size, &blob, error);

	if (!err)
		hgen_free(&blob);
	return err;
}

static void test_good(void **state)
{
	struct hgen_error error = { "" };
	struct hgen_blob blob;
	char *text;
	size_t size;
	FILE *out;

	assert_int_equal(hgen_parse(good, good_size, &blob, &error), 0);
	assert_int_equal(blob.image_size, test_blob_blob.image_size);
	assert_int_equal(blob.mem_size, test_blob_blob.mem_size);
	assert_int_equal(blob.text_size, test_blob_blob.text_size);
	assert_memory_equal(blob.image, test_blob_blob.image, blob.image_size);
	assert_int_equal(blob.nr_relocs, test_blob_blob.nr_relocs);
	assert_true(blob.nr_relocs >= 9);
	for (size_t i = 0; i < blob.nr_relocs; i++) {
		assert_int_equal(blob.relocs[i].offset, test_blob_blob.relocs[i].offset);
		assert_int_equal(blob.relocs[i].addend, test_blob_blob.relocs[i].addend);
	}
	out = open_memstream(&text, &size);
	assert_int_equal(hgen_write(&blob, "9bad", out), -EINVAL);
	assert_int_equal(hgen_write(&blob, "a b", out), -EINVAL);
	assert_int_equal(hgen_write(&blob, "fine", out), 0);
	fclose(out);
	assert_non_null(strstr(text, "struct compel_blob fine_blob"));
	assert_non_null(strstr(text, "#define fine_sym_parasite_entry 0x"));
	free(text);
	hgen_free(&blob);
}

static void test_load(void **state)
{
	const unsigned long runtime = 0x7f1234567000;
	struct compel_blob blob = test_blob_blob;
	unsigned char *dst = malloc(blob.mem_size + 1);
	unsigned long offset;

	memset(dst, 0xcc, blob.mem_size + 1);
	assert_int_equal(compel_blob_load(&blob, dst, runtime + 1), -EINVAL);
	assert_int_equal(compel_blob_load(&blob, dst, runtime), 0);
	assert_int_equal(dst[blob.mem_size], 0xcc);
	for (size_t i = blob.image_size; i < blob.mem_size; i++)
		assert_int_equal(dst[i], 0);
	for (size_t i = 0; i < blob.nr_relocs; i++) {
		uint64_t word;

		memcpy(&word, dst + blob.relocs[i].offset, sizeof(word));
		assert_int_equal(word, runtime + blob.relocs[i].addend);
	}
	assert_memory_equal(dst, blob.image, blob.text_size);
	for (size_t i = 0; i < blob.nr_symbols; i++) {
		assert_int_equal(compel_blob_symbol(&blob, blob.symbols[i].name, &offset), 0);
		assert_int_equal(offset, blob.symbols[i].offset);
	}
	assert_int_equal(compel_blob_symbol(&blob, "nothing", &offset), -ENOENT);
	free(dst);
}

static void refused(size_t at, const void *bytes, size_t len, int err, const char *text)
{
	struct hgen_error error = { "" };
	uint8_t *file = malloc(good_size);

	memcpy(file, good, good_size);
	memcpy(file + at, bytes, len);
	assert_int_equal(parse(file, good_size, &error), err);
	if (!strstr(error.text, text))
		fail_msg("\"%s\" lacks \"%s\"", error.text, text);
	free(file);
}

static void test_refused(void **state)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)good;
	const Elf64_Shdr *sh = (const Elf64_Shdr *)(good + eh->e_shoff);
	Elf64_Half rel = ET_REL, exec = ET_EXEC, arm = EM_AARCH64;
	uint64_t huge = -8ULL;

	refused(0, "x", 1, -EINVAL, "not an ELF file");
	refused(EI_CLASS, "\1", 1, -ENOTSUP, "64-bit");
	refused(offsetof(Elf64_Ehdr, e_type), &rel, 2, -ENOTSUP, "relocatable object");
	refused(offsetof(Elf64_Ehdr, e_type), &exec, 2, -ENOTSUP, "position independent");
	refused(offsetof(Elf64_Ehdr, e_machine), &arm, 2, -ENOTSUP, "machine");
	refused(offsetof(Elf64_Ehdr, e_phoff), &huge, 8, -EINVAL, "outside of the file");
	refused(offsetof(Elf64_Ehdr, e_shoff), &huge, 8, -EINVAL, "outside of the file");
	for (int i = 0; i < eh->e_shnum; i++) {
		size_t at = sh[i].sh_offset;
		uint64_t copy = R_X86_64_COPY, abs = ELF64_R_INFO(5UL, R_X86_64_64);

		if (sh[i].sh_type == SHT_RELA && sh[i].sh_flags & SHF_ALLOC) {
			refused(at + offsetof(Elf64_Rela, r_info), &copy, 8, -ENOTSUP, "relocation type 5");
			refused(at + offsetof(Elf64_Rela, r_info), &abs, 8, -EINVAL, "symbol 5 is out of range");
			refused(at + offsetof(Elf64_Rela, r_offset), &huge, 8, -EINVAL, "out of range");
			refused(at + offsetof(Elf64_Rela, r_offset), "\0\0\0\0\0\0\0\0", 8, -ENOTSUP, "read-only");
			refused(at + offsetof(Elf64_Rela, r_addend), &huge, 8, -EINVAL, "points outside");
		}
		if (sh[i].sh_type == SHT_SYMTAB) {
			uint16_t undefined = SHN_UNDEF;
			size_t last = at + sh[i].sh_size - sizeof(Elf64_Sym);
			size_t type = eh->e_shoff + i * sizeof(*sh) + offsetof(Elf64_Shdr, sh_type);

			refused(last + offsetof(Elf64_Sym, st_shndx), &undefined, 2, -ENOTSUP, "isn't defined");
			refused(last + offsetof(Elf64_Sym, st_value), &huge, 8, -EINVAL, "lies outside");
			refused(type, "\0\0\0\0", 4, -EINVAL, "no symbol table");
		}
	}
}

/* Cut off anywhere, or with random bytes changed: an error or not, but no crash. The seed is printed on failure. */
static void test_broken(void **state)
{
	struct hgen_error error;
	unsigned int seed = 12345;

	for (size_t size = 0; size < good_size; size += size < 600 || size + 3000 > good_size ? 1 : 97) {
		uint8_t *file = malloc(size + 1);

		memcpy(file, good, size);
		parse(file, size, &error);
		free(file);
	}
	for (int n = 0; n < 3000; n++) {
		uint8_t *file = malloc(good_size);

		memcpy(file, good, good_size);
		for (int i = 0; i < 1 + n % 4; i++) {
			/* Where the headers and tables are: the start, and the end. */
			size_t at = rand_r(&seed) % 1200;

			if (rand_r(&seed) & 1)
				at = good_size - 1 - rand_r(&seed) % 4000;
			file[at % good_size] = (uint8_t)rand_r(&seed);
		}
		parse(file, good_size, &error);
		free(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, load_good, free_good);
}
