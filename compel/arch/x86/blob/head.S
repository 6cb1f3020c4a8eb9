/* SPDX-License-Identifier: GPL-2.0 */
/* Where an injected blob starts and ends; the tracer knows these labels by name. */
	.section .head.text, "ax", @progbits

	/* edi: command, rsi: arguments. The result is left in ebx. */
	.weak parasite_entry
	.globl compel_head_call_trap, compel_head_call_trap_end
compel_head_call_trap:
	call	parasite_entry
	movl	%eax, %ebx
	int3
compel_head_call_trap_end:
	ud2

	/* The same for tasks in which a breakpoint would leave a trace. The call, getpid, does nothing. */
	.globl compel_head_call_sys, compel_head_call_sys_end
compel_head_call_sys:
	call	parasite_entry
	movl	%eax, %ebx
	movl	$39, %eax
	syscall
compel_head_call_sys_end:
	ud2

	/* One system call, for the tracer. */
	.globl compel_head_syscall, compel_head_syscall_end
compel_head_syscall:
	syscall
	int3
compel_head_syscall_end:
	ud2

	.section .note.GNU-stack, "", @progbits
