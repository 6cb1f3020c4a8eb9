/* SPDX-License-Identifier: GPL-2.0 */
/* Jumps from an old vDSO's entries to the live one. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "mem/vdso.h"

/* movabs $target, %rax; jmp *%rax: %rax is the return value, nothing is passed in it. */
#define JUMP_LEN 12
/* mov $nr, %eax; syscall; ret */
#define CALL_LEN 8

/* The functions of x86 vDSOs that can be done by a plain system call with the same arguments. */
static const struct {
	const char *name;
	uint32_t nr;
} plain_calls[] = {
	{ "clock_gettime", SYS_clock_gettime },
	{ "gettimeofday", SYS_gettimeofday },
	{ "time", SYS_time },
	{ "getcpu", SYS_getcpu },
	{ "clock_getres", SYS_clock_getres },
	{ "getrandom", SYS_getrandom },
};

static void put_jump(unsigned char *at, uint64_t target)
{
	at[0] = 0x48;
	at[1] = 0xb8;
	memcpy(at + 2, &target, sizeof(target));
	at[10] = 0xff;
	at[11] = 0xe0;
}

static void put_call(unsigned char *at, uint32_t nr)
{
	static const unsigned char syscall_ret[] = { 0x0f, 0x05, 0xc3 };

	at[0] = 0xb8;
	memcpy(at + 1, &nr, sizeof(nr));
	memcpy(at + 5, syscall_ret, sizeof(syscall_ret));
}

/* Bytes from symbol I to the next function, or to the end of the object. */
static size_t room_of(const struct vdso_symbols *syms, size_t i, size_t len)
{
	size_t end = len;

	for (size_t k = 0; k < syms->nr; k++)
		if (syms->v[k].offset > syms->v[i].offset && syms->v[k].offset < end)
			end = syms->v[k].offset;
	return end - syms->v[i].offset;
}

/* "__vdso_time" and its weak alias "time" are one. */
static const char *plain_name(const char *name)
{
	static const char prefix[] = "__vdso_";

	return strncmp(name, prefix, sizeof(prefix) - 1) ? name : name + sizeof(prefix) - 1;
}

static const struct vdso_symbol *find_plain(const struct vdso_symbols *in, const char *name)
{
	for (size_t i = 0; i < in->nr; i++)
		if (!strcmp(plain_name(in->v[i].name), plain_name(name)))
			return &in->v[i];
	return NULL;
}

static int redirect(unsigned char *at, size_t room, const char *name, uint64_t live_base,
		    const struct vdso_symbols *live)
{
	const struct vdso_symbol *target = find_plain(live, name);

	if (target && room >= JUMP_LEN) {
		put_jump(at, live_base + target->offset);
		return 0;
	}
	for (size_t i = 0; i < sizeof(plain_calls) / sizeof(plain_calls[0]); i++)
		if (!strcmp(plain_calls[i].name, plain_name(name)) && room >= CALL_LEN) {
			put_call(at, plain_calls[i].nr);
			return 0;
		}
	return -ENOTSUP;
}

int vdso_make_proxy(void *code, size_t len, const struct vdso_symbols *old, uint64_t live_base,
		    const struct vdso_symbols *live, const char **ret_name)
{
	for (size_t i = 0; i < old->nr; i++) {
		if (old->v[i].offset >= len)
			return -EBADMSG;
		if (redirect((unsigned char *)code + old->v[i].offset, room_of(old, i, len), old->v[i].name, live_base,
			     live)) {
			*ret_name = old->v[i].name;
			return -ENOTSUP;
		}
	}
	return 0;
}
