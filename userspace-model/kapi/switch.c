// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks, and switching between them.
 *
 * On x86-64 a switch saves the six registers that a call preserves and swaps
 * stack pointers; elsewhere ucontext does it, with two system calls.  Stacks
 * are mapped once, with a guard page below, and reused for ever.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "fiber.h"

#ifdef KAPI_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define STACK_SIZE	(256u << 10)
#elif defined(KAPI_RACE)
#define STACK_SIZE	(256u << 10)
#else
#define STACK_SIZE	(64u << 10)
#endif

void kapi_stack_alloc(struct kapi_fiber *fiber)
{
	char *map = mmap(NULL, STACK_SIZE + PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map, PAGE_SIZE, PROT_NONE))
		kapi_fail("no memory for a stack");
	fiber->stack = map + PAGE_SIZE;
	fiber->stack_size = STACK_SIZE;
}

#ifdef __x86_64__

void kapi_switch_stack(void **from_sp, void *to_sp);

/* The x87 and SSE control words are never changed, so not saved. */
__asm__(".text\n"
	".globl kapi_switch_stack\n"
	".type kapi_switch_stack, @function\n"
	"kapi_switch_stack:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size kapi_switch_stack, .-kapi_switch_stack\n");

static void stack_init(struct kapi_fiber *fiber, void (*entry)(void))
{
	void **top = (void **)(fiber->stack + fiber->stack_size);

	/* A function expects its stack 8 short of a multiple of 16. */
	*--top = NULL;
	*--top = (void *)entry;
	top -= 6;
	memset(top, 0, 6 * sizeof(*top));
	fiber->sp = top;
}

static void stack_switch(struct kapi_fiber *from, struct kapi_fiber *to)
{
	kapi_switch_stack(&from->sp, to->sp);
}

#else /* !__x86_64__ */

#include <ucontext.h>

static ucontext_t *context_of(struct kapi_fiber *fiber)
{
	if (!fiber->sp)
		fiber->sp = calloc(1, sizeof(ucontext_t));
	if (!fiber->sp)
		kapi_fail("no memory for a context");
	return fiber->sp;
}

static void stack_init(struct kapi_fiber *fiber, void (*entry)(void))
{
	ucontext_t *context = context_of(fiber);

	getcontext(context);
	context->uc_stack.ss_sp = fiber->stack;
	context->uc_stack.ss_size = fiber->stack_size;
	context->uc_link = NULL;
	makecontext(context, entry, 0);
}

static void stack_switch(struct kapi_fiber *from, struct kapi_fiber *to)
{
	swapcontext(context_of(from), context_of(to));
}

#endif

/* Let the next switch to @fiber call @entry; what it was doing is forgotten. */
void kapi_stack_reset(struct kapi_fiber *fiber, void (*entry)(void))
{
#ifdef KAPI_ASAN
	__asan_unpoison_memory_region(fiber->stack, fiber->stack_size);
	fiber->fake_stack = NULL;
#endif
	kapi_race_reset(fiber);
	stack_init(fiber, entry);
}

#ifdef KAPI_ASAN
/* Who ran before, to learn the bounds of stacks that are not ours. */
static struct kapi_fiber *previous;
#endif

void kapi_switch(struct kapi_fiber *from, struct kapi_fiber *to)
{
#ifdef KAPI_ASAN
	previous = from;
	__sanitizer_start_switch_fiber(&from->fake_stack, to->stack,
				       to->stack_size);
#endif
	kapi_race_switch(from, to);
	stack_switch(from, to);
	kapi_switch_finish(from);
}

/* The first thing to do on a stack just switched to. */
void kapi_switch_finish(struct kapi_fiber *self __maybe_unused)
{
#ifdef KAPI_ASAN
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &size);
	if (!previous->stack) {
		previous->stack = (char *)bottom;
		previous->stack_size = size;
	}
#endif
}
